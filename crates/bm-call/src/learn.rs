//! Learns the error rates of a run from the differences at places without variants.

use std::collections::BinaryHeap;

use bm_truth::Reference;

use crate::alleles;
use crate::context::{BEFORE, Context};
use crate::indel::{LENGTHS, LONGEST_RUN, run_behind};
use crate::multipliers::{Cell, Multipliers};
use crate::observation::{BINS, Class, probability};
use crate::pileup::Site;
use crate::rates::{ErrorRates, GROUPS, group};

/// Sites that are kept to learn from.
const SITES: usize = 50_000;

/// Rounds: rates, and with them which sites have variants.
const ROUNDS: usize = 3;

/// Fraction of another allele that makes a site a variant before anything is learned.
const EVIDENT: f64 = 0.1;

/// Quality at which a site is not learned from in the next round.
const LIKELY: f64 = 40.0;

/// Weights of what is known before: bases for the rate of a bin, errors for a share, reads for gaps.
const BASES_BEFORE: f64 = 50.0;
const ERRORS_BEFORE: f64 = 10.0;
const READS_BEFORE: f64 = 2000.0;

/// Rate of gaps before anything is learned.
const GAPS: f64 = 2e-5;

/// A sample of the sites of a run: those with the lowest hashes, so that it does not depend on the order of
/// the sequences.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    sites: BinaryHeap<Hashed>,
}

#[derive(Debug)]
struct Hashed {
    hash: u64,
    site: Site,
}

impl PartialEq for Hashed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Hashed {}

impl PartialOrd for Hashed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Hashed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |it: &Self| (it.hash, it.site.sequence, it.site.place);
        key(self).cmp(&key(other))
    }
}

/// Mixes the bits of a number (the finaliser of SplitMix64, Steele et al. 2014).
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl Sample {
    /// Adds a site.
    pub(crate) fn add(&mut self, site: Site) {
        let hash = mix((site.sequence as u64) << 40 ^ site.place as u64 ^ 0x9e37_79b9_7f4a_7c15);
        if self.sites.len() == SITES && self.sites.peek().is_some_and(|last| last.hash < hash) {
            return;
        }
        self.sites.push(Hashed { hash, site });
        if self.sites.len() > SITES {
            self.sites.pop();
        }
    }

    /// Returns the sites in their order.
    fn into_sites(self) -> Vec<Site> {
        let mut sites: Vec<_> = self.sites.into_iter().map(|it| it.site).collect();
        sites.sort_by_key(|site| (site.sequence, site.place));
        sites
    }

    /// Learns the rates.
    pub(crate) fn learn(self, reference: &Reference) -> ErrorRates {
        let mut lessons: Vec<Lesson<'_>> = self
            .into_sites()
            .into_iter()
            .filter_map(|site| {
                let sequence = reference.sequence(site.sequence);
                let context = Context::at(sequence, site.place)?;
                let is_variant = is_evident(&site, context);
                Some(Lesson { site, context, sequence, is_variant })
            })
            .collect();
        let mut rates = ErrorRates::default();
        for _ in 0..ROUNDS {
            learn_bases(&lessons, &mut rates);
            learn_shares(&lessons, &mut rates);
            learn_gaps(&lessons, &mut rates);
            learn_factors(&lessons, &mut rates);
            for lesson in &mut lessons {
                lesson.is_variant = lesson.is_likely(&rates);
            }
        }
        rates
    }
}

/// A site to learn from.
struct Lesson<'a> {
    site: Site,
    context: Context,
    sequence: &'a [u8],
    is_variant: bool,
}

/// Returns whether a site differs so often that it is a variant whatever the rates are.
fn is_evident(site: &Site, context: Context) -> bool {
    let mut others = [0u32; 4];
    for entry in site.column.entries() {
        if let Some(code) = entry.observation.code().filter(|code| *code != context.base) {
            others[code] += entry.count;
        }
    }
    let indels = site.column.indels().iter().map(|it| it.strands.iter().sum());
    let highest = others.into_iter().chain(indels).max().unwrap_or_default();
    f64::from(highest) >= (EVIDENT * f64::from(site.column.depth())).max(3.0)
}

impl Lesson<'_> {
    /// Returns whether an allele of the site is likely a variant.
    fn is_likely(&self, rates: &ErrorRates) -> bool {
        let substitution = |alt| {
            let fragments = alleles::substitution(&self.site, self.context, alt, rates);
            fragments.found() >= 2.0 && fragments.quality(&rates.substitution_factors) >= LIKELY
        };
        (0..4).any(|alt| alt != self.context.base && substitution(alt))
            || self.site.column.indels().iter().any(|indel| {
                let fragments = alleles::gap(&self.site, indel, self.sequence, rates);
                fragments.found() >= 2.0 && fragments.quality(&rates.gap_factors) >= LIKELY
            })
    }
}

fn without_variants<'a>(lessons: &'a [Lesson<'_>]) -> impl Iterator<Item = &'a Lesson<'a>> {
    lessons.iter().filter(|lesson| !lesson.is_variant)
}

/// Learns how often bases of each class and bin are wrong.
fn learn_bases(lessons: &[Lesson<'_>], rates: &mut ErrorRates) {
    let mut counts = [[[0u64; 2]; BINS]; Class::COUNT];
    for lesson in without_variants(lessons) {
        for entry in lesson.site.column.entries() {
            let Some(code) = entry.observation.code() else { continue };
            let is_wrong = usize::from(code != lesson.context.base);
            counts[entry.observation.class()][entry.observation.bin()][is_wrong] +=
                u64::from(entry.count);
        }
    }
    for (rates, counts) in rates.bases.iter_mut().zip(counts) {
        for (at, (rate, [right, wrong])) in rates.iter_mut().zip(counts).enumerate() {
            let before = probability(at) * BASES_BEFORE;
            *rate = (wrong as f64 + before) / ((right + wrong) as f64 + BASES_BEFORE);
        }
    }
}

/// Learns which bases errors are, in each context.
fn learn_shares(lessons: &[Lesson<'_>], rates: &mut ErrorRates) {
    let mut found = [[[[0.0; 4]; 4]; BEFORE]; GROUPS];
    let mut expected = [[[0.0; 4]; BEFORE]; GROUPS];
    for lesson in without_variants(lessons) {
        for entry in lesson.site.column.entries() {
            let Some(code) = entry.observation.code() else { continue };
            let [before, base, alt] = lesson.context.of_strand(entry.strand, code);
            let group = group(entry.observation.bin());
            expected[group][before][base] +=
                f64::from(entry.count) * rates.wrong(entry.observation);
            if code != lesson.context.base {
                found[group][before][base][alt] += f64::from(entry.count);
            }
        }
    }
    for group in 0..GROUPS {
        for base in 0..4 {
            for alt in 0..4 {
                let (mut all_found, mut all_expected) = (0.0, 0.0);
                for before in 0..BEFORE {
                    all_found += found[group][before][base][alt];
                    all_expected += expected[group][before][base];
                }
                let of_base = (all_found + ERRORS_BEFORE / 3.0) / (all_expected + ERRORS_BEFORE);
                for before in 0..BEFORE {
                    let found = found[group][before][base][alt] + ERRORS_BEFORE * of_base;
                    rates.shares[group][before][base][alt] =
                        found / (expected[group][before][base] + ERRORS_BEFORE);
                }
            }
        }
    }
}

/// Learns how often reads have gaps by errors, before runs of equal bases.
fn learn_gaps(lessons: &[Lesson<'_>], rates: &mut ErrorRates) {
    let mut found = [[[0.0; LONGEST_RUN + 1]; LENGTHS]; 2];
    let mut reads = [0.0; LONGEST_RUN + 1];
    for lesson in without_variants(lessons) {
        let run = run_behind(lesson.sequence, lesson.site.place);
        reads[run] += lesson.site.column.spanning().iter().map(|it| f64::from(*it)).sum::<f64>();
        for indel in lesson.site.column.indels() {
            let count: u32 = indel.strands.iter().sum();
            found[indel.indel.kind()][indel.indel.length_class()][run] += f64::from(count);
        }
    }
    for (rates, found) in rates.gaps.iter_mut().flatten().zip(found.iter().flatten()) {
        // A long run has at least the rate of a shorter one, where it shows too little of its own.
        let mut shorter = GAPS;
        for (rate, (found, reads)) in rates.iter_mut().zip(found.iter().zip(reads)) {
            *rate = (found + shorter * READS_BEFORE) / (reads + READS_BEFORE);
            shorter = *rate;
        }
    }
}

/// Learns how much places differ.
fn learn_factors(lessons: &[Lesson<'_>], rates: &mut ErrorRates) {
    let (mut substitutions, mut gaps) = (Vec::new(), Vec::new());
    for lesson in lessons {
        for alt in (0..4).filter(|alt| *alt != lesson.context.base) {
            let fragments = alleles::substitution(&lesson.site, lesson.context, alt, rates);
            let of_variant =
                if fragments.found() >= 2.0 { fragments.log_ratio() } else { f64::NEG_INFINITY };
            substitutions.push((fragments.cells(), of_variant));
        }
        gap_cells(lesson, rates, &mut gaps);
    }
    rates.substitution_factors = Multipliers::learn(&substitutions);
    rates.gap_factors = Multipliers::learn(&gaps);
}

/// Appends the cells of the gaps of a site, by kind and class of lengths: also of those that no read has.
fn gap_cells(lesson: &Lesson<'_>, rates: &ErrorRates, cells: &mut Vec<([Cell; 2], f64)>) {
    let run = run_behind(lesson.sequence, lesson.site.place);
    let spanning = lesson.site.column.spanning();
    for kind in 0..2 {
        for length in 0..LENGTHS {
            let of_class = lesson
                .site
                .column
                .indels()
                .iter()
                .filter(|it| it.indel.kind() == kind && it.indel.length_class() == length);
            let highest = of_class.max_by_key(|it| it.strands.iter().sum::<u32>());
            let rate = rates.gaps[kind][length][run];
            let found = highest.map_or([0; 2], |it| it.strands);
            let cell = |strand: usize| Cell {
                found: f64::from(found[strand]),
                expected: rate * f64::from(spanning[strand] + found[strand]),
            };
            let of_variant = match highest {
                Some(it) if found.iter().sum::<u32>() >= 2 => {
                    alleles::gap(&lesson.site, it, lesson.sequence, rates).log_ratio()
                }
                _ => f64::NEG_INFINITY,
            };
            cells.push(([cell(0), cell(1)], of_variant));
        }
    }
}
