//! The alleles of a site, each with the fragments that are for it and against it.

use crate::column::IndelCount;
use crate::context::Context;
use crate::indel::run_behind;
use crate::pileup::Site;
use crate::rates::ErrorRates;
use crate::test::{Fragments, Kind};

/// Probability that a fragment with a gap does not show it, though it spans the place.
const MISSED_GAP: f64 = 0.05;

/// Probability that a base of an insertion is wrong: it is beside a gap, where aligners err.
const WRONG_INSERTED: f64 = 0.01;

/// Returns the fragments for and against the base `alt`. Fragments with a third base are against it, and an
/// error may have made the alternative of that base as well.
pub(crate) fn substitution(
    site: &Site,
    context: Context,
    alt: usize,
    rates: &ErrorRates,
) -> Fragments {
    let others = others(site, context, alt);
    let kinds = site.column.entries().filter_map(|entry| {
        let code = entry.observation.code()?;
        let by_error =
            |base| rates.substitution(entry.observation, context.of_base(base), entry.strand, alt);
        let error = if code == alt {
            (0..4).filter(|base| *base != alt).map(|base| others[base] * by_error(base)).sum()
        } else {
            by_error(code)
        };
        Some(Kind {
            count: f64::from(entry.count),
            is_alt: code == alt,
            strand: entry.strand,
            error,
            missed: rates.wrong(entry.observation),
        })
    });
    Fragments { kinds: kinds.collect() }
}

/// Returns the fraction of the bases other than `alt` that each base is; that of the reference is all of
/// them where there are none.
fn others(site: &Site, context: Context, alt: usize) -> [f64; 4] {
    let mut counts = [0.0; 4];
    for entry in site.column.entries() {
        if let Some(code) = entry.observation.code().filter(|code| *code != alt) {
            counts[code] += f64::from(entry.count);
        }
    }
    let sum: f64 = counts.iter().sum();
    if sum == 0.0 {
        counts[context.base] = 1.0;
        return counts;
    }
    counts.map(|count| count / sum)
}

/// Returns the fragments for and against a gap behind the site. Those with another gap there are against it,
/// and so are those whose base is deleted here. An insertion with a wrong base may be taken for another one.
pub(crate) fn gap(
    site: &Site,
    found: &IndelCount,
    sequence: &[u8],
    rates: &ErrorRates,
) -> Fragments {
    let by_gap = rates.gap(&found.indel, run_behind(sequence, site.place));
    let kind =
        |strand, is_alt, count, error| Kind { count, is_alt, strand, error, missed: MISSED_GAP };
    let mut kinds = Vec::new();
    for (strand, against) in site.column.against_gaps().into_iter().map(f64::from).enumerate() {
        kinds.push(kind(strand, false, against, by_gap));
        let (mut all, mut mixed) = (against, against * by_gap);
        for other in site.column.indels().iter().filter(|it| it.indel != found.indel) {
            let count = f64::from(other.strands[strand]);
            let error = found.indel.misread_from(&other.indel, WRONG_INSERTED).max(by_gap);
            kinds.push(kind(strand, false, count, error));
            all += count;
            mixed += count * error;
        }
        let error = if all > 0.0 { mixed / all } else { by_gap };
        kinds.push(kind(strand, true, f64::from(found.strands[strand]), error));
    }
    Fragments { kinds: kinds.into_iter().filter(|kind| kind.count > 0.0).collect() }
}
