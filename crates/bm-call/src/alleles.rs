//! The alleles of a site, each with the fragments that are for it and against it.

use crate::column::IndelCount;
use crate::context::Context;
use crate::indel::run_behind;
use crate::pileup::Site;
use crate::rates::ErrorRates;
use crate::test::{Fragments, Kind};

/// Probability that a fragment with a gap does not show it, though it spans the place.
const MISSED_GAP: f64 = 0.05;

/// Returns the fragments for and against the substitution of the base of the reference by `alt`.
pub(crate) fn substitution(
    site: &Site,
    context: Context,
    alt: usize,
    rates: &ErrorRates,
) -> Fragments {
    let kinds = site.column.entries().filter_map(|entry| {
        let code = entry.observation.code()?;
        if code != alt && code != context.base {
            return None;
        }
        Some(Kind {
            count: f64::from(entry.count),
            is_alt: code == alt,
            strand: entry.strand,
            error: rates.substitution(entry.observation, context, entry.strand, alt),
            missed: rates.wrong(entry.observation),
        })
    });
    Fragments { kinds: kinds.collect() }
}

/// Returns the fragments for and against a gap behind the site.
pub(crate) fn gap(
    site: &Site,
    found: &IndelCount,
    sequence: &[u8],
    rates: &ErrorRates,
) -> Fragments {
    let error = rates.gap(&found.indel, run_behind(sequence, site.place));
    let against = site.column.spanning();
    let kind = |strand, is_alt, count: u32| Kind {
        count: f64::from(count),
        is_alt,
        strand,
        error,
        missed: MISSED_GAP,
    };
    let kinds = [0, 1].into_iter().flat_map(|strand| {
        [kind(strand, true, found.strands[strand]), kind(strand, false, against[strand])]
    });
    Fragments { kinds: kinds.filter(|kind| kind.count > 0.0).collect() }
}
