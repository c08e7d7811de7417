//! What the statements are worth in a run.

use crate::experience::{Frequencies, range};
use crate::{BaseSupport, Experience};

/// Log-odds of prior probabilities are gathered in bins of this width, from [`LOWEST`] on.
const WIDTH: f64 = 0.25;
const LOWEST: f64 = -14.0;
const BINS: usize = 64;

/// Added to frequencies, of wrong and right bases: a statement that was never made says little.
const NEVER_WRONG: f64 = 1e-5;
const NEVER_RIGHT: f64 = 1e-6;

/// What earlier runs taught counts as half of the data, and as so many wrong and right bases more.
const FEW_WRONG: f64 = 50.0;
const FEW_RIGHT: f64 = 5000.0;

/// What a k-mer that nobody else has is worth where a run says nothing of it, and as if so many had
/// been seen.
const FIRST_BLAME: f64 = 1000.0;

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 20;

/// What the statements are worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Where each range of depths of reads begins.
    pub(crate) depths: Vec<f64>,
    /// By how much each statement multiplies the odds that a base is wrong, in reads of each range:
    /// `[ranges, statements]`.
    pub(crate) factors: Vec<f32>,
    /// By how much a k-mer that nobody else has multiplies the odds that one of its bases is wrong,
    /// where only some are looked at.
    pub(crate) blame: f32,
}

impl Weights {
    /// Returns the factors in a read of that depth, by the number of the statement.
    #[inline(always)]
    pub(crate) fn at(&self, depth: u32) -> &[f32] {
        &self.factors[range(&self.depths, depth) * BaseSupport::COUNT..][..BaseSupport::COUNT]
    }
}

/// Bases of a run: what is said of them, and how likely they were thought wrong before.
///
/// How often right and wrong bases get each statement depends on the run: on how even it is, on
/// repeats, on how errors recur. It is fitted as a mixture of the two whose shares are known for
/// each base, the prior probability of an error (Dempster, Laird and Rubin 1977), with what earlier
/// runs taught as half of the data. So it needs no labels: a statement that is made of bases of
/// high and of low quality alike does not tell them apart, and one that is made of those alone that
/// the prior suspects does.
#[derive(Clone, Debug)]
pub struct Fit {
    depths: Vec<f64>,
    /// `[ranges of depths, statements]`
    bases: Vec<[u32; BINS]>,
    seen: u64,
    /// K-mers that others have.
    shared: u64,
    /// How likely one of the bases of a k-mer that nobody else has is wrong, by bins as the bases.
    blamed: [u32; BINS],
}

impl Fit {
    /// Returns one without bases.
    pub fn new(experience: &Experience) -> Self {
        let depths = experience.depths.clone();
        Self {
            bases: vec![[0; BINS]; depths.len() * BaseSupport::COUNT],
            depths,
            seen: 0,
            shared: 0,
            blamed: [0; BINS],
        }
    }

    /// Adds a base of a read of that depth ([`crate::ReadSupport::depth`]), with the log-odds of an
    /// error before.
    pub fn add(&mut self, statement: BaseSupport, depth: u32, logit: f32) {
        let row = range(&self.depths, depth) * BaseSupport::COUNT + usize::from(statement.number());
        self.bases[row][bin(f64::from(logit))] += 1;
        self.seen += 1;
    }

    /// Adds k-mers: how many others have, and how likely one of the bases of each other one is
    /// wrong ([`crate::ReadSupport::blamed`]).
    pub fn add_kmers(&mut self, shared: u64, blamed: impl Iterator<Item = f64>) {
        self.shared += shared;
        blamed.for_each(|wrong| self.blamed[bin((wrong / (1.0 - wrong)).ln())] += 1);
    }

    /// Adds the bases of another one, that was made with the same experience.
    pub fn merge(&mut self, other: &Self) {
        self.bases
            .as_flattened_mut()
            .iter_mut()
            .zip(other.bases.as_flattened())
            .for_each(|(count, more)| *count += more);
        self.blamed.iter_mut().zip(other.blamed).for_each(|(count, more)| *count += more);
        self.seen += other.seen;
        self.shared += other.shared;
    }

    /// Returns the number of bases.
    pub fn bases(&self) -> u64 {
        self.seen
    }

    /// Returns how many bases were thought wrong before, to the precision of its bins.
    pub fn prior(&self) -> f64 {
        self.bases.iter().map(|bins| expected(bins, 1.0)).sum()
    }

    /// Returns how many are, when the statements are worth that.
    pub fn posterior(&self, weights: &Weights) -> f64 {
        self.bases
            .iter()
            .zip(&weights.factors)
            .map(|(bins, weight)| expected(bins, f64::from(*weight)))
            .sum()
    }

    /// Returns what the statements are worth in the run; `all`: as all k-mers were looked at.
    pub fn weights(&self, experience: &Experience, all: bool) -> Weights {
        let ranges = self.bases.chunks(BaseSupport::COUNT).enumerate();
        let factors = ranges.flat_map(|(range, bases)| factors(bases, &experience.at(range, all)));
        Weights {
            factors: factors.map(|factor| factor as f32).collect(),
            blame: self.blame() as f32,
            depths: self.depths.clone(),
        }
    }

    /// Expects how often a k-mer without an error is seen in no other read, and returns the
    /// inverse.
    fn blame(&self) -> f64 {
        let all: f64 = self.blamed.iter().map(|count| f64::from(*count)).sum();
        (0..ROUNDS).fold(FIRST_BLAME, |blame, _| {
            let right = all - expected(&self.blamed, blame);
            (self.shared as f64 + FIRST_BLAME) / (right + 1.0)
        })
    }
}

/// Returns what the statements are worth in reads of one range of depths.
fn factors(bases: &[[u32; BINS]], known: &Frequencies) -> Vec<f64> {
    let first = |i: usize| factor(i, known.wrong[i] + NEVER_WRONG, known.right[i] + NEVER_RIGHT);
    let mut factors: Vec<f64> = (0..bases.len()).map(first).collect();
    if bases.as_flattened().iter().any(|count| *count > 0) {
        for _ in 0..ROUNDS {
            factors = round(bases, known, &factors);
        }
    }
    factors
}

/// Expects which bases are wrong, and counts again.
fn round(bases: &[[u32; BINS]], known: &Frequencies, factors: &[f64]) -> Vec<f64> {
    let count = |bins: &[u32; BINS]| bins.iter().map(|count| f64::from(*count)).sum::<f64>();
    let wrong: Vec<f64> =
        bases.iter().zip(factors).map(|(bins, factor)| expected(bins, *factor)).collect();
    let all_wrong = wrong.iter().sum::<f64>();
    let all_right = (bases.iter().map(count).sum::<f64>() - all_wrong).max(0.0);
    let factor = |i: usize| {
        let right = count(&bases[i]) - wrong[i];
        let of_wrong = (wrong[i] + (all_wrong + FEW_WRONG) * (known.wrong[i] + NEVER_WRONG))
            / (2.0 * all_wrong + FEW_WRONG);
        let of_right = (right + (all_right + FEW_RIGHT) * (known.right[i] + NEVER_RIGHT))
            / (2.0 * all_right + FEW_RIGHT);
        factor(i, of_wrong, of_right)
    };
    (0..bases.len()).map(factor).collect()
}

fn bin(logit: f64) -> usize {
    (((logit - LOWEST) / WIDTH) as usize).min(BINS - 1)
}

/// Returns what a statement is worth by its frequency among wrong and among right bases.
fn factor(number: usize, wrong: f64, right: f64) -> f64 {
    let factor = wrong / right;
    match BaseSupport::new(number as u16) {
        Some(BaseSupport::NONE) | None => 1.0,
        Some(statement) if statement.contradicts() => factor,
        Some(_) => factor.min(1.0),
    }
}

/// Returns how many bases of the bins are wrong, if something is said of them that multiplies the
/// odds so.
fn expected(bins: &[u32; BINS], factor: f64) -> f64 {
    let wrong = |(bin, count): (usize, &u32)| {
        let odds = (LOWEST + (bin as f64 + 0.5) * WIDTH).exp() * factor;
        f64::from(*count) * odds / (1.0 + odds)
    };
    bins.iter().enumerate().filter(|(_, count)| **count > 0).map(wrong).sum()
}
