//! The error rates of a run: of bases, of substitutions in their context, and of gaps.

use crate::context::{BEFORE, Context};
use crate::indel::{Indel, LENGTHS, LONGEST_RUN};
use crate::multipliers::Multipliers;
use crate::observation::{BINS, Class, Observation, probability};

/// Highest probability of one wrong base instead of another: a base that says less says nothing.
const HIGHEST: f64 = 0.3;

/// Groups of bins whose errors are alike: of the bases that the instrument doubts, of good ones, and of those
/// that are wrong before they are read.
pub(crate) const GROUPS: usize = 3;

/// Returns the group of a bin: below Q20, below Q30, above.
pub(crate) fn group(bin: usize) -> usize {
    match bin {
        0..10 => 0,
        10..15 => 1,
        _ => 2,
    }
}

/// Share of the errors of a base in a context that are each other base.
pub(crate) type Shares = [[[[f64; 4]; 4]; BEFORE]; GROUPS];

/// What the run shows of its errors.
#[derive(Clone, Debug)]
pub struct ErrorRates {
    /// Error rate of the bases of each class and bin.
    pub(crate) bases: [[f64; BINS]; Class::COUNT],
    /// By group, base before, base and alternative, in the direction of the reads.
    pub(crate) shares: Shares,
    /// By kind, class of lengths and length of the run of equal bases behind.
    pub(crate) gaps: [[[f64; LONGEST_RUN + 1]; LENGTHS]; 2],
    /// How much places differ in their substitutions, and in their gaps.
    pub(crate) substitution_factors: Multipliers,
    pub(crate) gap_factors: Multipliers,
}

impl Default for ErrorRates {
    /// Returns the rates of bases as they are stated, with nothing learned.
    fn default() -> Self {
        Self {
            bases: [std::array::from_fn(probability); Class::COUNT],
            shares: [[[[1.0 / 3.0; 4]; 4]; BEFORE]; GROUPS],
            gaps: [[[1e-4; LONGEST_RUN + 1]; LENGTHS]; 2],
            substitution_factors: Multipliers::default(),
            gap_factors: Multipliers::default(),
        }
    }
}

impl ErrorRates {
    /// Returns the probability that a base is wrong.
    pub(crate) fn wrong(&self, observation: Observation) -> f64 {
        let of_class = self.bases.get(observation.class());
        of_class.and_then(|bins| bins.get(observation.bin())).map_or(0.75, |rate| rate.min(0.75))
    }

    /// Returns the probability that a base of the reference is read as `alt` by an error.
    pub(crate) fn substitution(
        &self,
        observation: Observation,
        context: Context,
        strand: usize,
        alt: usize,
    ) -> f64 {
        let [before, base, alt] = context.of_strand(strand, alt);
        let share = self.shares[group(observation.bin())][before][base][alt];
        (self.wrong(observation) * share).clamp(1e-9, HIGHEST)
    }

    /// Returns the probability that a read has such a gap by an error, before a run of `run` equal bases.
    pub(crate) fn gap(&self, indel: &Indel, run: usize) -> f64 {
        self.gaps[indel.kind()][indel.length_class()][run.min(LONGEST_RUN)].clamp(1e-9, HIGHEST)
    }
}
