//! Learns the error rates of a run, and calls the alleles that they do not explain.

use std::collections::VecDeque;

use bm_truth::Reference;

use crate::alleles;
use crate::context::Context;
use crate::indel::{Indel, run_behind};
use crate::learn::Sample;
use crate::multipliers::Multipliers;
use crate::observed::ObservedRead;
use crate::pileup::{Pileup, Site};
use crate::region::Regions;
use crate::test::Fragments;
use crate::variant::{Filter, Variant};
use crate::{CallError, ErrorRates, Settings, fisher, genotype};

/// A mapped record of a sorted alignment.
#[derive(Clone, Debug)]
pub struct Record {
    /// Index of the reference sequence.
    pub sequence: usize,
    /// 0-based start.
    pub start: usize,
    /// What the read says; `None` if the record does not count.
    pub observed: Option<ObservedRead>,
}

/// The first pass: what the run shows of its errors.
#[derive(Debug, Default)]
pub struct Learner {
    pileup: Pileup,
    sample: Sample,
}

impl Learner {
    /// Takes the next record.
    ///
    /// # Errors
    ///
    /// [`CallError::Unsorted`].
    pub fn add(&mut self, record: &Record) -> Result<(), CallError> {
        let sample = &mut self.sample;
        self.pileup.advance(record.sequence, record.start, &mut |site| sample.add(site))?;
        record.observed.iter().for_each(|read| self.pileup.add(read));
        Ok(())
    }

    /// Returns the error rates of the run.
    pub fn finish(mut self, reference: &Reference) -> ErrorRates {
        let sample = &mut self.sample;
        self.pileup.finish(&mut |site| sample.add(site));
        self.sample.learn(reference)
    }
}

/// Bases around a gap in which a difference may be its shadow.
const SHADOW: usize = 10;

/// How many times as many fragments a gap has, of which another gap close to it is a shadow.
const OF_OTHER_GAP: u32 = 4;

/// Limits of the filters: -10 log10 of a probability, and a fraction of the fragments with the allele.
const BIASED: f64 = 40.0;
const ONE_STRAND: f64 = 0.9;
const NEAR_END: f64 = 0.7;

/// The second pass: calls.
#[derive(Debug)]
pub struct Caller<'a> {
    reference: &'a Reference,
    settings: &'a Settings,
    regions: &'a Regions,
    rates: ErrorRates,
    pileup: Pileup,
    calls: Calls,
}

/// What was called, and of how many sites.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallTotals {
    /// Positions with enough fragments.
    pub sites: u64,
    /// Fragments at these positions together.
    pub fragments: u64,
    /// Calls without a filter.
    pub passed: u64,
    /// Calls with each filter, in the order of [`Filter::ALL`].
    pub filtered: [u64; Filter::ALL.len()],
}

/// Calls on their way out.
#[derive(Debug, Default)]
struct Calls {
    /// Calls that a gap behind them may still doubt.
    waiting: VecDeque<Variant>,
    /// Sequence, first and last base and fragments of the last gaps.
    gaps: VecDeque<(usize, usize, usize, u32)>,
    totals: CallTotals,
}

impl<'a> Caller<'a> {
    /// Returns a caller of the alleles in the regions.
    pub fn new(
        reference: &'a Reference,
        settings: &'a Settings,
        regions: &'a Regions,
        rates: ErrorRates,
    ) -> Self {
        let (pileup, calls) = (Pileup::default(), Calls::default());
        Self { reference, settings, regions, rates, pileup, calls }
    }

    /// Takes the next record, and gives the calls that are complete to `done`, in their order.
    ///
    /// # Errors
    ///
    /// [`CallError::Unsorted`].
    pub fn add(&mut self, record: &Record, done: &mut dyn FnMut(Variant)) -> Result<(), CallError> {
        let Self { reference, settings, regions, rates, pileup, calls } = self;
        pileup.advance(record.sequence, record.start, &mut |site| {
            calls.site(&site, reference, settings, regions, rates, done);
        })?;
        record.observed.iter().for_each(|read| pileup.add(read));
        Ok(())
    }

    /// Gives the last calls to `done`, and returns the totals.
    pub fn finish(mut self, done: &mut dyn FnMut(Variant)) -> CallTotals {
        let Self { reference, settings, regions, rates, pileup, calls } = &mut self;
        pileup.finish(&mut |site| calls.site(&site, reference, settings, regions, rates, done));
        calls.release(usize::MAX, usize::MAX, done);
        self.calls.totals
    }
}

impl Calls {
    /// Calls the alleles of a site.
    fn site(
        &mut self,
        site: &Site,
        reference: &Reference,
        settings: &Settings,
        regions: &Regions,
        rates: &ErrorRates,
        done: &mut dyn FnMut(Variant),
    ) {
        self.release(site.sequence, site.place, done);
        let sequence = reference.sequence(site.sequence);
        let Some(context) = Context::at(sequence, site.place) else { return };
        let depth = site.column.depth();
        let is_wanted = regions.contain(site.sequence, site.place);
        if is_wanted && depth >= settings.min_depth {
            self.totals.sites += 1;
            self.totals.fragments += u64::from(depth);
        }
        let case = Case { site, sequence, context, depth, settings, rates };
        let variants = case.substitutions().chain(case.gaps()).collect::<Vec<_>>();
        for variant in variants {
            if variant.is_gap() && variant.quality >= settings.min_quality {
                let last = variant.place + variant.reference.len();
                self.gaps.push_back((variant.sequence, variant.place, last, variant.found()));
            }
            if is_wanted {
                self.waiting.push_back(variant);
            }
        }
    }

    /// Gives the calls that no later gap can doubt to `done`.
    fn release(&mut self, sequence: usize, place: usize, done: &mut dyn FnMut(Variant)) {
        let is_over =
            |other: usize, last: usize| other != sequence || last.saturating_add(SHADOW) < place;
        while self.waiting.front().is_some_and(|it| is_over(it.sequence, it.place)) {
            let Some(mut variant) = self.waiting.pop_front() else { break };
            let least = if variant.is_gap() { OF_OTHER_GAP } else { 1 };
            let is_shadow = |gap: &(usize, usize, usize, u32)| {
                gap.0 == variant.sequence
                    && variant.place + SHADOW >= gap.1
                    && variant.place <= gap.2 + SHADOW
                    && gap.3 >= variant.found().saturating_mul(least)
            };
            if self.gaps.iter().any(is_shadow) {
                variant.filters.push(Filter::NearGap);
            }
            for (filter, count) in Filter::ALL.iter().zip(&mut self.totals.filtered) {
                *count += u64::from(variant.filters.contains(filter));
            }
            self.totals.passed += u64::from(variant.filters.is_empty());
            done(variant);
        }
        // A call that waits may need a gap before it.
        let first = self.waiting.front().map_or(place, |it| it.place.min(place));
        self.gaps.retain(|gap| {
            gap.0 == sequence && gap.2.saturating_add(SHADOW) >= first.saturating_sub(SHADOW)
        });
    }
}

/// A site whose alleles are tested.
struct Case<'a> {
    site: &'a Site,
    sequence: &'a [u8],
    context: Context,
    depth: u32,
    settings: &'a Settings,
    rates: &'a ErrorRates,
}

impl Case<'_> {
    fn substitutions(&self) -> impl Iterator<Item = Variant> + '_ {
        (0..4).filter(|alt| *alt != self.context.base).filter_map(|alt| {
            let fragments = alleles::substitution(self.site, self.context, alt, self.rates);
            let near_end = self.near_end(|code| code == alt);
            self.test(&fragments, &self.rates.substitution_factors, near_end, || {
                (vec![LETTERS[self.context.base]], vec![LETTERS[alt]])
            })
        })
    }

    fn gaps(&self) -> impl Iterator<Item = Variant> + '_ {
        self.site.column.indels().iter().filter_map(|found| {
            let fragments = alleles::gap(self.site, found, self.sequence, self.rates);
            self.test(&fragments, &self.rates.gap_factors, found.near_end, || {
                let anchor = self.site.place;
                let before = self.sequence.get(anchor..=anchor).unwrap_or_default();
                match &found.indel {
                    Indel::Deletion(length) => {
                        let all = self.sequence.get(anchor..=anchor + length);
                        (all.unwrap_or_default().to_vec(), before.to_vec())
                    }
                    Indel::Insertion(bases) => (before.to_vec(), [before, bases].concat()),
                }
            })
        })
    }

    /// Returns the fragments with the base of the reference, by strand; for a gap, those that span the place
    /// without one.
    fn with_reference(&self, is_gap: bool) -> [u32; 2] {
        if is_gap {
            return self.site.column.spanning();
        }
        let mut counts = [0; 2];
        for entry in self.site.column.entries() {
            if entry.observation.code() == Some(self.context.base) {
                counts[entry.strand] += entry.count;
            }
        }
        counts
    }

    /// Returns the fragments with a base, near ends of alignments.
    fn near_end(&self, is_base: impl Fn(usize) -> bool) -> u32 {
        let is_near = |entry: &crate::column::Entry| {
            entry.observation.is_near_end() && entry.observation.code().is_some_and(&is_base)
        };
        self.site.column.entries().filter(is_near).map(|entry| entry.count).sum()
    }

    /// Returns the call of an allele, if it is one.
    fn test(
        &self,
        fragments: &Fragments,
        factors: &Multipliers,
        near_end: u32,
        alleles: impl FnOnce() -> (Vec<u8>, Vec<u8>),
    ) -> Option<Variant> {
        let Self { settings, depth, .. } = *self;
        let found = fragments.found();
        if found < 2.0 || found < settings.min_fraction / 2.0 * f64::from(depth) {
            return None;
        }
        let quality = fragments.quality(factors);
        let fraction = fragments.best_fraction();
        if quality < settings.written_quality || fraction < settings.min_fraction {
            return None;
        }
        let with_alternative = fragments.found_by_strand();
        let (reference, alternative) = alleles();
        let is_gap = reference.len() != alternative.len();
        let with_reference = self.with_reference(is_gap);
        let reference_near_end = self.near_end(|code| code == self.context.base);
        let beside = |all: [u32; 2], near: u32| {
            let near = near.min(all[0] + all[1]);
            [all[0] + all[1] - near, near]
        };
        let mut variant = Variant {
            sequence: self.site.sequence,
            place: self.site.place,
            reference,
            alternative,
            quality,
            fraction,
            depth,
            with_reference,
            with_alternative,
            expected: fragments.cells().iter().map(|cell| cell.expected).sum(),
            strand_bias: fisher::phred([with_reference, with_alternative]),
            place_bias: fisher::phred([
                beside(with_reference, reference_near_end),
                beside(with_alternative, near_end),
            ]),
            near_end,
            run: run_behind(self.sequence, self.site.place),
            genotype: settings.ploidy.map(|it| genotype::genotype(fragments, factors, it)),
            filters: Vec::new(),
        };
        variant.filters = filters(&variant, settings);
        Some(variant)
    }
}

const LETTERS: [u8; 4] = *b"ACGT";

/// Returns why a call is doubted, by itself.
fn filters(variant: &Variant, settings: &Settings) -> Vec<Filter> {
    let found = f64::from(variant.found()).max(1.0);
    let [forward, reverse] = variant.with_alternative.map(f64::from);
    let is_one_sided = forward.max(reverse) >= ONE_STRAND * found;
    let is_near_ends = f64::from(variant.near_end) >= NEAR_END * found;
    let doubts = [
        (Filter::LowQuality, variant.quality < settings.min_quality),
        (Filter::LowDepth, variant.depth < settings.min_depth),
        (Filter::StrandBias, variant.strand_bias >= BIASED && is_one_sided),
        (Filter::PlaceBias, variant.place_bias >= BIASED && is_near_ends),
    ];
    doubts.into_iter().filter(|it| it.1).map(|it| it.0).collect()
}
