//! The weights of base support in a run, fitted without labels.

use crate::experience::{Frequencies, range};
use crate::{BaseSupport, Experience};

/// Log-odds of prior probabilities are counted in bins of this width, from [`LOWEST`] on.
const WIDTH: f64 = 0.25;
const LOWEST: f64 = -14.0;
const BINS: usize = 64;

/// Added to the frequencies among wrong and right bases: support that was never observed gets a
/// moderate weight.
const NEVER_WRONG: f64 = 1e-5;
const NEVER_RIGHT: f64 = 1e-6;

/// Earlier runs count as half of the data, plus this many wrong and right bases.
const FEW_WRONG: f64 = 50.0;
const FEW_RIGHT: f64 = 5000.0;

/// Weight of an unsupported k-mer before any data, and the number of k-mers that it counts as.
const INITIAL_FACTOR: f64 = 1000.0;

/// Rounds of expectation maximisation.
const ROUNDS: usize = 20;

/// The weights of base support: factors on the odds that a base is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Lowest depth of each depth range.
    pub(crate) depths: Vec<f64>,
    /// Factor on the odds that a base is wrong, of shape `[depth ranges, kinds of support]`.
    pub(crate) factors: Vec<f32>,
    /// Factor of an unsupported k-mer on the odds that one of its candidate bases is wrong, where
    /// only a sample of the k-mers was counted.
    pub(crate) unsupported_kmer: f32,
}

impl Weights {
    /// Returns the factors in a read of this depth, of shape `[kinds of support]`.
    #[inline(always)]
    pub(crate) fn at(&self, depth: u32) -> &[f32] {
        &self.factors[range(&self.depths, depth) * BaseSupport::COUNT..][..BaseSupport::COUNT]
    }
}

/// Counts of the bases of a run, by their support and their prior probability of an error.
///
/// How often wrong and right bases have each kind of support depends on the run: on how even its
/// coverage is, on repeats, on recurring errors. [`Fit::weights`] fits a mixture of wrong and right
/// bases by expectation maximisation (Dempster, Laird and Rubin 1977). The prior probability of
/// each base is its mixing fraction, so no labels are needed. Earlier runs ([`Experience`]) count
/// as half of the data. Support that bases of high and low quality have equally often gets a weight
/// near 1; support found mostly at bases with a high prior gets a high one.
#[derive(Clone, Debug)]
pub struct Fit {
    depths: Vec<f64>,
    /// Of shape `[depth ranges × kinds of support][bins]`.
    bases: Vec<[u32; BINS]>,
    seen: u64,
    /// Number of k-mers that other reads have.
    supported_kmers: u64,
    /// Unsupported k-mers by the probability that one of their candidates is wrong, in the same
    /// bins.
    unsupported_kmers: [u32; BINS],
}

impl Fit {
    /// Returns a fit without bases, for the depth ranges of `experience`.
    pub fn new(experience: &Experience) -> Self {
        let depths = experience.depths.clone();
        Self {
            bases: vec![[0; BINS]; depths.len() * BaseSupport::COUNT],
            depths,
            seen: 0,
            supported_kmers: 0,
            unsupported_kmers: [0; BINS],
        }
    }

    /// Adds a base with its support, the depth of its read ([`crate::ReadSupport::depth`]) and the
    /// log-odds of its prior probability of an error.
    pub fn add(&mut self, support: BaseSupport, depth: u32, logit: f32) {
        let row = range(&self.depths, depth) * BaseSupport::COUNT + usize::from(support.number());
        self.bases[row][bin(f64::from(logit))] += 1;
        self.seen += 1;
    }

    /// Adds k-mers of a read: the number that other reads have
    /// ([`crate::ReadSupport::supported_kmers`]), and for each other one the probability that one
    /// of its candidates is wrong ([`crate::ReadSupport::unsupported_kmers`]).
    pub fn add_kmers(&mut self, supported: u64, unsupported: impl Iterator<Item = f64>) {
        self.supported_kmers += supported;
        unsupported
            .for_each(|wrong| self.unsupported_kmers[bin((wrong / (1.0 - wrong)).ln())] += 1);
    }

    /// Adds the counts of another fit made with the same experience.
    pub fn merge(&mut self, other: &Self) {
        self.bases
            .as_flattened_mut()
            .iter_mut()
            .zip(other.bases.as_flattened())
            .for_each(|(count, more)| *count += more);
        self.unsupported_kmers
            .iter_mut()
            .zip(other.unsupported_kmers)
            .for_each(|(count, more)| *count += more);
        self.seen += other.seen;
        self.supported_kmers += other.supported_kmers;
    }

    /// Returns the number of bases.
    pub fn bases(&self) -> u64 {
        self.seen
    }

    /// Returns the expected errors by the prior probabilities, to the precision of the bins.
    pub fn prior(&self) -> f64 {
        self.bases.iter().map(|bins| expected(bins, 1.0)).sum()
    }

    /// Returns the expected errors by the posterior probabilities with these weights, to the
    /// precision of the bins.
    pub fn posterior(&self, weights: &Weights) -> f64 {
        self.bases
            .iter()
            .zip(&weights.factors)
            .map(|(bins, weight)| expected(bins, f64::from(*weight)))
            .sum()
    }

    /// Returns the weights fitted to the run; `all`: whether all its k-mers were counted.
    pub fn weights(&self, experience: &Experience, all: bool) -> Weights {
        let ranges = self.bases.chunks(BaseSupport::COUNT).enumerate();
        let factors = ranges.flat_map(|(range, bases)| factors(bases, &experience.at(range, all)));
        Weights {
            factors: factors.map(|factor| factor as f32).collect(),
            unsupported_kmer: self.unsupported_factor() as f32,
            depths: self.depths.clone(),
        }
    }

    /// Returns the factor of an unsupported k-mer by expectation maximisation: the k-mers without an
    /// error over the unsupported ones among them, which is 1 / P(unsupported | no error) where few
    /// are unsupported.
    fn unsupported_factor(&self) -> f64 {
        let all: f64 = self.unsupported_kmers.iter().map(|count| f64::from(*count)).sum();
        (0..ROUNDS).fold(INITIAL_FACTOR, |factor, _| {
            let right = all - expected(&self.unsupported_kmers, factor);
            (self.supported_kmers as f64 + INITIAL_FACTOR) / (right + 1.0)
        })
    }
}

/// Returns the factors in reads of one depth range, by the number of the support.
fn factors(bases: &[[u32; BINS]], earlier: &Frequencies) -> Vec<f64> {
    let first =
        |i: usize| factor(i, earlier.wrong[i] + NEVER_WRONG, earlier.right[i] + NEVER_RIGHT);
    let mut factors: Vec<f64> = (0..bases.len()).map(first).collect();
    if bases.as_flattened().iter().any(|count| *count > 0) {
        for _ in 0..ROUNDS {
            factors = round(bases, earlier, &factors);
        }
    }
    factors
}

/// Returns the factors after one round: how many bases of each kind are wrong is expected by the
/// factors so far, then frequencies are estimated again.
fn round(bases: &[[u32; BINS]], earlier: &Frequencies, factors: &[f64]) -> Vec<f64> {
    let count = |bins: &[u32; BINS]| bins.iter().map(|count| f64::from(*count)).sum::<f64>();
    let wrong: Vec<f64> =
        bases.iter().zip(factors).map(|(bins, factor)| expected(bins, *factor)).collect();
    let all_wrong = wrong.iter().sum::<f64>();
    let all_right = (bases.iter().map(count).sum::<f64>() - all_wrong).max(0.0);
    let factor = |i: usize| {
        let right = count(&bases[i]) - wrong[i];
        let of_wrong = (wrong[i] + (all_wrong + FEW_WRONG) * (earlier.wrong[i] + NEVER_WRONG))
            / (2.0 * all_wrong + FEW_WRONG);
        let of_right = (right + (all_right + FEW_RIGHT) * (earlier.right[i] + NEVER_RIGHT))
            / (2.0 * all_right + FEW_RIGHT);
        factor(i, of_wrong, of_right)
    };
    (0..bases.len()).map(factor).collect()
}

fn bin(logit: f64) -> usize {
    (((logit - LOWEST) / WIDTH) as usize).min(BINS - 1)
}

/// Returns the factor of a kind of support, by its frequencies among wrong and right bases. Only
/// contradicted bases may have a factor above 1.
fn factor(number: usize, wrong: f64, right: f64) -> f64 {
    let factor = wrong / right;
    match BaseSupport::new(number as u16) {
        Some(BaseSupport::NONE) | None => 1.0,
        Some(support) if support.is_contradicted() => factor,
        Some(_) => factor.min(1.0),
    }
}

/// Returns the expected number of wrong bases in bins of prior log-odds, if their odds are
/// multiplied by `factor`.
fn expected(bins: &[u32; BINS], factor: f64) -> f64 {
    let wrong = |(bin, count): (usize, &u32)| {
        let odds = (LOWEST + (bin as f64 + 0.5) * WIDTH).exp() * factor;
        f64::from(*count) * odds / (1.0 + odds)
    };
    bins.iter().enumerate().filter(|(_, count)| **count > 0).map(wrong).sum()
}
