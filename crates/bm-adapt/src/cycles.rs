//! Cycles of the instrument that failed in a run.
//!
//! A failed cycle is seen by its labels, which are wrong, or unknown because reads disagree, more
//! often than those beside it. Where all reads of a place have it at the same cycle, as those of an
//! amplicon do, the wrong base may be the most frequent one. So suspected cycles are left out of the
//! comparison, and judged by what the other bases of the same places say.

use bm_quality::{FailedCycle, FailedCycles};

use crate::labels::Label;
use crate::sample::{Cycle, RunSample};

/// Cycles that are looked at, from the start of a read.
const CYCLES: usize = 1000;

/// Fewest labelled bases of a cycle, and fewest wrong ones to call it failed.
const FEWEST_LABELLED: u64 = 200;
const FEWEST_WRONG: u64 = 10;

/// Cycles to either side that a cycle is compared with. Several in a row may fail, as when a bubble
/// passes; errors also become frequent towards the end of reads, but gradually.
const BESIDE: usize = 12;

/// A cycle is suspected if more than this fraction of its labels is wrong, or has failed if it is this
/// one once the cycle is left out, and more than [`TIMES`] the median of those beside it.
const SUSPECTED: f64 = 0.01;
const FAILED: f64 = 0.03;
const TIMES: f64 = 3.0;

/// It is also suspected if the fraction of unlabelled bases exceeds the median beside it by this much,
/// or that of a base does: a cycle may give the same base in most reads.
const UNLABELLED: f64 = 0.1;
const ONE_BASE: f64 = 0.3;

/// Most suspects of a mate, those first that stand out most: where all reads have the same sequence, any
/// cycle has one base.
const MOST_SUSPECTS: usize = 16;

/// The rate of a cycle counts as this many bases of each quality.
const PRIOR: f64 = 20.0;

/// The mates of pairs have cycles of their own.
const MATES: [u8; 2] = [1, 2];

/// Phred scores.
const SCORES: usize = 94;

/// Bases of a cycle by their labels.
#[derive(Clone, Copy, Default)]
struct Counts {
    bases: u64,
    labelled: u64,
    wrong: u64,
    of_base: [u64; 4],
}

impl Counts {
    /// Returns the fraction of the labels that is wrong, if there are enough.
    fn wrong(self) -> Option<f64> {
        let is_enough = self.labelled >= FEWEST_LABELLED;
        is_enough.then(|| self.wrong as f64 / self.labelled as f64)
    }

    /// Returns the fraction of the bases without a label, if there are enough.
    fn unlabelled(self) -> Option<f64> {
        let is_enough = self.bases >= FEWEST_LABELLED;
        is_enough.then(|| 1.0 - self.labelled as f64 / self.bases as f64)
    }

    /// Returns the fraction of the bases that are this one, if there are enough.
    fn of_base(self, base: usize) -> Option<f64> {
        let is_enough = self.bases >= FEWEST_LABELLED;
        is_enough.then(|| self.of_base[base] as f64 / self.bases as f64)
    }
}

/// The labels of a sample by cycle.
pub(crate) struct LabelsByCycle<'a> {
    sample: &'a RunSample,
    labels: &'a [Label],
    counts: [Vec<Counts>; MATES.len()],
}

impl<'a> LabelsByCycle<'a> {
    /// Counts the labels of a sample's bases.
    pub(crate) fn of(sample: &'a RunSample, labels: &'a [Label]) -> Self {
        let mut counts: [Vec<Counts>; MATES.len()] = Default::default();
        for read in &sample.reads {
            let counts = &mut counts[place(read.mate)];
            let first = read.outside[0] as usize;
            let cycles = CYCLES.min(first + read.length);
            if counts.len() < cycles {
                counts.resize(cycles, Counts::default());
            }
            let labels = &labels[read.start..read.start + read.length];
            let codes = sample.codes(read.start..read.start + read.length);
            for ((count, label), code) in counts.iter_mut().skip(first).zip(labels).zip(codes) {
                count.bases += 1;
                count.of_base.get_mut(usize::from(code)).into_iter().for_each(|of| *of += 1);
                count.labelled += u64::from(*label != Label::Unknown);
                count.wrong += u64::from(*label == Label::Wrong);
            }
        }
        Self { sample, labels, counts }
    }

    /// Returns the cycles whose labels or bases are not like those beside them, in order.
    pub(crate) fn suspects(&self) -> Vec<Cycle> {
        let mut all = Vec::new();
        for mate in MATES {
            let counts = &self.counts[place(mate)];
            let cycles = (0..counts.len()).map(|number| (oddness(counts, number), number));
            let mut found: Vec<_> = cycles.filter(|(oddness, _)| *oddness > 1.0).collect();
            found.sort_by(|one, other| other.0.total_cmp(&one.0));
            found.truncate(MOST_SUSPECTS);
            all.extend(found.into_iter().map(|(_, number)| Cycle { mate, number }));
        }
        all.sort_unstable();
        all
    }

    /// Returns which of these cycles, which were left out of the comparison, failed.
    pub(crate) fn failed(&self, left_out: &[Cycle]) -> Vec<Cycle> {
        let has_failed = |cycle: &&Cycle| {
            let counts = &self.counts[place(cycle.mate)];
            let of_mate: Vec<usize> =
                left_out.iter().filter(|it| it.mate == cycle.mate).map(|it| it.number).collect();
            counts.get(cycle.number).is_some_and(|found| {
                let beside = beside(counts, cycle.number, &of_mate, Counts::wrong);
                found.wrong >= FEWEST_WRONG
                    && found.wrong().is_some_and(|rate| rate > FAILED.max(TIMES * beside))
            })
        };
        left_out.iter().filter(has_failed).copied().collect()
    }

    /// Returns how often the bases of these cycles are wrong.
    pub(crate) fn measure(&self, cycles: &[Cycle]) -> FailedCycles {
        let measured = cycles.iter().map(|cycle| self.measure_one(*cycle)).collect();
        // They are in order, with numbers in range.
        FailedCycles::new(measured).unwrap_or_default()
    }

    /// Returns the numbers of the first or the second mates' reads in the sample.
    fn reads_of(&self, mate: u8) -> impl Iterator<Item = usize> {
        (0..self.sample.reads.len()).filter(move |read| self.sample.reads[*read].mate == mate)
    }

    fn measure_one(&self, cycle: Cycle) -> FailedCycle {
        let (mut labelled, mut wrong) = ([0.0; SCORES], [0.0; SCORES]);
        for index in self.reads_of(cycle.mate) {
            let Some(at) = self.sample.base_of_cycle(index, cycle.number) else { continue };
            let score = usize::from(self.sample.scores[at]).min(SCORES - 1);
            labelled[score] += f64::from(u8::from(self.labels[at] != Label::Unknown));
            wrong[score] += f64::from(u8::from(self.labels[at] == Label::Wrong));
        }
        let rate = wrong.iter().sum::<f64>() / labelled.iter().sum::<f64>().max(1.0);
        let of_score = |score: usize| {
            let rate = (wrong[score] + PRIOR * rate) / (labelled[score] + PRIOR);
            (labelled[score] > 0.0).then_some((score as u8, rate as f32))
        };
        FailedCycle {
            mate: cycle.mate,
            cycle: cycle.number + 1,
            wrong: rate as f32,
            by_score: (0..SCORES).filter_map(of_score).collect(),
        }
    }
}

/// Returns how many times as far a cycle is from those beside it as one that is suspected.
fn oddness(counts: &[Counts], number: usize) -> f64 {
    let cycle = counts[number];
    let beside = |of: &dyn Fn(Counts) -> Option<f64>| beside(counts, number, &[], of);
    let wrong = cycle.wrong().map(|rate| rate / SUSPECTED.max(TIMES * beside(&Counts::wrong)));
    let over = |of: &dyn Fn(Counts) -> Option<f64>, least: f64| {
        of(cycle).map(|fraction| (fraction - beside(of)) / least)
    };
    let unlabelled = over(&Counts::unlabelled, UNLABELLED);
    let bases = (0..4).filter_map(|base| over(&|counts| counts.of_base(base), ONE_BASE));
    wrong.into_iter().chain(unlabelled).chain(bases).fold(0.0, f64::max)
}

/// Returns the index of a mate among both.
fn place(mate: u8) -> usize {
    usize::from(mate > 1)
}

/// Returns the median of what `of` says of the cycles beside one, but those `without`; 0 if nothing is
/// said of any.
fn beside(
    counts: &[Counts],
    number: usize,
    without: &[usize],
    of: impl Fn(Counts) -> Option<f64>,
) -> f64 {
    let range = number.saturating_sub(BESIDE)..counts.len().min(number + BESIDE + 1);
    let others = range.filter(|other| *other != number && !without.contains(other));
    let mut found: Vec<f64> = others.filter_map(|other| of(counts[other])).collect();
    let middle = found.len() / 2;
    if found.is_empty() { 0.0 } else { *found.select_nth_unstable_by(middle, f64::total_cmp).1 }
}
