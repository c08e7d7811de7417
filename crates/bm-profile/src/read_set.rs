//! What a set of reads is like: sums over its reads, by cycle and by read.

use std::collections::BTreeMap;

use bm_reads::Phred;

use crate::cycles::{at, least};
use crate::exact_sum::ExactSum;

/// Letters of the columns of [`ReadSet::bases`]; `N` stands for every letter that is no base.
pub const BASES: [char; 5] = ['A', 'C', 'G', 'T', 'N'];

/// Scores that a quality byte can have: 0 to 93.
pub(crate) const SCORES: usize = Phred::MAX.get() as usize + 1;

/// Sums over a set of reads: those of single reads or first mates, or those of second mates.
///
/// All sums are exact. Those of parts, merged in any order, are those of the whole. A *cycle* is a
/// position in the read as it is written, in bins ([`crate::bin`]).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadSet {
    /// Reads.
    pub reads: u64,
    /// Bases by letter ([`BASES`]). **Shape:** `[cycles]`.
    pub bases: Vec<[u64; 5]>,
    /// Bases by reported quality. **Shape:** for each score that occurs, at most `[cycles]`.
    pub qualities: BTreeMap<u8, Vec<u64>>,
    /// Errors that a model expects. **Shape:** at most `[cycles]`.
    pub expected_errors: Vec<ExactSum>,
    /// Bases without an error probability by the model. **Shape:** at most `[cycles]`.
    pub unscored: Vec<u64>,
    /// Bases whose error probability by the model is at most 1 %, and at most 0.1 %: those of Q20 and
    /// of Q30 as the model sees them.
    pub at_least: [u64; 2],
    /// Reads by GC, the fraction of G and C among the known bases. **Units:** whole percent, 0 to 100.
    pub gc: Vec<u64>,
    /// Reads by the mean of their reported scores, rounded down. **Units:** Phred.
    pub mean_qualities: Vec<u64>,
    /// Reads by length, in bins.
    pub lengths: Vec<u64>,
}

/// Adds `theirs` to `ours`, bin by bin.
fn add(ours: &mut Vec<u64>, theirs: &[u64]) {
    for (bin, count) in theirs.iter().enumerate() {
        let sum = at(ours, bin);
        *sum = sum.saturating_add(*count);
    }
}

impl ReadSet {
    /// Adds the sums over other reads.
    pub fn merge(&mut self, other: &Self) {
        self.reads = self.reads.saturating_add(other.reads);
        for (cycle, counts) in other.bases.iter().enumerate() {
            for (ours, theirs) in at(&mut self.bases, cycle).iter_mut().zip(counts) {
                *ours = ours.saturating_add(*theirs);
            }
        }
        for (score, counts) in &other.qualities {
            add(self.qualities.entry(*score).or_default(), counts);
        }
        for (cycle, sum) in other.expected_errors.iter().enumerate() {
            at(&mut self.expected_errors, cycle).merge(sum);
        }
        for (ours, theirs) in self.at_least.iter_mut().zip(other.at_least) {
            *ours = ours.saturating_add(theirs);
        }
        add(&mut self.unscored, &other.unscored);
        add(&mut self.gc, &other.gc);
        add(&mut self.mean_qualities, &other.mean_qualities);
        add(&mut self.lengths, &other.lengths);
    }

    /// Returns whether there are no reads.
    pub fn is_empty(&self) -> bool {
        self.reads == 0
    }

    /// Returns the number of cycles, in bins.
    pub fn cycles(&self) -> usize {
        self.bases.len()
    }

    /// Returns the number of bases of a cycle, in its bin.
    pub fn bases_at(&self, cycle: usize) -> u64 {
        self.bases.get(cycle).map_or(0, |counts| sum(counts.iter().copied()))
    }

    /// Returns the number of bases.
    pub fn total_bases(&self) -> u64 {
        sum((0..self.cycles()).map(|cycle| self.bases_at(cycle)))
    }

    /// Returns the bases of each reported score in a cycle, from the lowest score on.
    fn scores_at(&self, cycle: usize) -> impl Iterator<Item = (u8, u64)> {
        self.qualities.iter().filter_map(move |(score, counts)| Some((*score, *counts.get(cycle)?)))
    }

    /// Returns the mean reported score of a cycle, Phred; `None` without bases.
    pub fn mean_quality(&self, cycle: usize) -> Option<f64> {
        let (bases, total) =
            self.scores_at(cycle).fold((0.0, 0.0), |(bases, total), (score, n)| {
                (bases + n as f64, total + f64::from(score) * n as f64)
            });
        (bases > 0.0).then(|| total / bases)
    }

    /// Returns a quantile of the reported scores of a cycle: the lowest score that at least this
    /// `fraction` of the bases do not exceed; `None` without bases.
    pub fn quality_quantile(&self, cycle: usize, fraction: f64) -> Option<u8> {
        let bases = sum(self.scores_at(cycle).map(|(_, count)| count));
        let mut below = 0_u64;
        self.scores_at(cycle).filter(|(_, count)| *count > 0).find_map(|(score, count)| {
            below = below.saturating_add(count);
            (below as f64 >= fraction * bases as f64).then_some(score)
        })
    }

    /// Returns the error rate that the reported scores of a cycle mean, 10^(−Q/10) on average (Ewing &
    /// Green 1998); `None` without bases.
    pub fn reported_error_rate(&self, cycle: usize) -> Option<f64> {
        let bases = self.scores_at(cycle).map(|(_, count)| count as f64).sum::<f64>();
        let errors = self.scores_at(cycle).map(|(score, n)| n as f64 * error_probability(score));
        (bases > 0.0).then(|| errors.sum::<f64>() / bases)
    }

    /// Returns the error rate that the model expects at a cycle; `None` if it has no probabilities.
    pub fn expected_error_rate(&self, cycle: usize) -> Option<f64> {
        let unscored = self.unscored.get(cycle).copied().unwrap_or_default();
        let bases = self.bases_at(cycle).saturating_sub(unscored);
        let errors = self.expected_errors.get(cycle).map_or(0.0, |sum| sum.get());
        (bases > 0).then(|| errors / bases as f64)
    }

    /// Returns the number of bases with an error probability by the model, and the errors expected in
    /// them.
    pub fn expected(&self) -> (u64, ExactSum) {
        let mut errors = ExactSum::default();
        self.expected_errors.iter().for_each(|cycle| errors.merge(cycle));
        (self.total_bases().saturating_sub(sum(self.unscored.iter().copied())), errors)
    }

    /// Returns the errors that the reported scores mean.
    pub fn reported_errors(&self) -> f64 {
        let of_score = |(score, counts): (&u8, &Vec<u64>)| {
            sum(counts.iter().copied()) as f64 * error_probability(*score)
        };
        self.qualities.iter().map(of_score).sum()
    }

    /// Returns the number of bases whose reported score is at least this one.
    pub fn bases_from(&self, score: u8) -> u64 {
        sum(self.qualities.range(score..).map(|(_, counts)| sum(counts.iter().copied())))
    }

    /// Returns the number of bases of each letter ([`BASES`]).
    pub fn letters(&self) -> [u64; 5] {
        let mut all = [0_u64; 5];
        for counts in &self.bases {
            for (ours, theirs) in all.iter_mut().zip(counts) {
                *ours = ours.saturating_add(*theirs);
            }
        }
        all
    }

    /// Returns the fraction of G and C among the known bases; `None` without any.
    pub fn gc_fraction(&self) -> Option<f64> {
        let [a, c, g, t, _] = self.letters().map(|count| count as f64);
        let known = a + c + g + t;
        (known > 0.0).then(|| (g + c) / known)
    }

    /// Returns the mean length; `None` without reads.
    pub fn mean_length(&self) -> Option<f64> {
        (self.reads > 0).then(|| self.total_bases() as f64 / self.reads as f64)
    }

    /// Returns the length of which reads as long or longer have half of the bases (N50); `None` without
    /// bases. Beyond 511 bases it is the middle of a bin of lengths, at most 2.2 % off.
    pub fn n50(&self) -> Option<f64> {
        let middle = |bin: usize| least(bin).ceil() + (Self::width(bin) - 1.0) / 2.0;
        let bases = |bin: usize| self.lengths[bin] as f64 * middle(bin);
        let all: f64 = (0..self.lengths.len()).map(bases).sum();
        let mut longer = 0.0;
        let half = (0..self.lengths.len()).rev().find(|bin| {
            longer += bases(*bin);
            2.0 * longer >= all
        });
        half.filter(|_| all > 0.0).map(middle)
    }

    /// Returns the number of bases for a cycle of a bin of this index: more than one read has in wide
    /// bins. **Units:** positions.
    pub fn width(bin: usize) -> f64 {
        (least(bin + 1).ceil() - least(bin).ceil()).max(1.0)
    }
}

/// Returns the error probability of a score.
fn error_probability(score: u8) -> f64 {
    Phred::new(score).map_or(1.0, Phred::error_probability)
}

/// Returns a sum that stays at its most.
pub(crate) fn sum(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cycles::{at, bin};

    fn of_lengths(lengths: &[usize]) -> ReadSet {
        let mut set = ReadSet::default();
        lengths.iter().for_each(|length| *at(&mut set.lengths, bin(*length)) += 1);
        set
    }

    #[test]
    fn n50_is_the_length_of_which_longer_reads_have_half_of_the_bases() {
        for (lengths, n50) in [
            (&[][..], None),
            (&[0, 0], None),
            (&[7], Some(7.0)),
            (&[100, 200, 300], Some(300.0)),
            (&[100, 200, 299], Some(200.0)),
            (&[2, 2, 2, 3, 3, 4, 8, 8], Some(8.0)),
        ] {
            assert_eq!(of_lengths(lengths).n50(), n50, "{lengths:?}");
        }
        let found = of_lengths(&[500, 20_000, 9_000, 9_000]).n50().unwrap_or_default();
        assert!((found / 20_000.0 - 1.0).abs() < 0.022, "{found}");
    }
}
