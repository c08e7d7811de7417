//! A read among the k-mers of its run.

use bm_kmers::Index;

use crate::counts::{Counts, fraction};
use crate::depth::Depths;
use crate::explain::explain;
use crate::tested::Tested;
use crate::{Scale, Support};

/// Errors per error that is needed to explain k-mers: they are explained by few, and a deletion of
/// five bases by one. Measured on six runs (`research/long-reads`).
const BEYOND: f64 = 1.25;

/// Odds, per base, that k-mers with it are without support by chance: at any depth, and per
/// probability that at most one of the others there has a k-mer.
const CHANCE: f64 = 1e-4;
const BY_FEW: f64 = 0.1;

/// Least and largest prior probability of an error at a base.
const LEAST: f32 = 1e-6;
const MOST: f32 = 0.7;

/// Least mean error probability of a read: below what any quality reports.
const LEAST_REPORTED: f64 = 1e-10;

/// A read among the k-mers of its run, with buffers to reuse for the next read: 8 bytes per base of
/// the longest one so far.
#[derive(Clone, Debug, Default)]
pub struct LongRead {
    counts: Counts,
    depths: Depths,
    tested: Tested,
    odds: Vec<f32>,
}

impl LongRead {
    /// Returns how the k-mers of a run support a read.
    ///
    /// `sequence` are letters: the bases of the sample, without adapters. `probabilities` are the
    /// error probabilities of these bases, as reported or by a model. If one is longer, its rest is
    /// left alone.
    ///
    /// **Shapes** `[bases]`, both.
    pub fn look_up(&mut self, index: &Index, sequence: &[u8], probabilities: &[f32]) -> Support {
        let bases = sequence.len().min(probabilities.len());
        let (sequence, probabilities) = (&sequence[..bases], &probabilities[..bases]);
        let counts = self.counts.look_up(index, sequence);
        self.depths.fill(counts);
        let numbers = self.tested.fill(counts, &self.depths);
        let sum = sum(probabilities);
        Support {
            bases,
            reported: (sum / bases.max(1) as f64).max(LEAST_REPORTED),
            k: index.k(),
            fraction: fraction(index),
            tested: numbers.tested,
            supported: numbers.supported,
            depth: numbers.depth as f64 / numbers.tested.max(1) as f64,
        }
    }

    /// Returns the error rate of the read that was looked up last, given its support and the scale
    /// of the run.
    ///
    /// The probabilities, the same as in [`LongRead::look_up`], are scaled to the rate of
    /// [`Scale::error_rate`] and are the prior; the posterior is the expected number of errors
    /// given which k-mers other reads have. Without support it is the rate of
    /// [`Scale::error_rate`].
    ///
    /// **Units** errors per base; deleted bases count as errors, so it can exceed 1.
    pub fn error_rate(&mut self, scale: &Scale, support: &Support, probabilities: &[f32]) -> f64 {
        let joined = scale.error_rate(support);
        if scale.share <= 0.0 || !support.is_enough() {
            return joined;
        }
        let factor = (joined / support.reported) as f32;
        let probabilities = &probabilities[..support.bases.min(probabilities.len())];
        self.odds.clear();
        self.odds.extend(probabilities.iter().map(|p| {
            let p = limited(p * factor, LEAST, MOST);
            p / (1.0 - p)
        }));
        let chance = chance(support.depth);
        let expected = explain(self.tested.kmers(), &self.odds, support.k, chance);
        (BEYOND * expected.tested + expected.others) / support.bases.max(1) as f64
    }

    /// Forgets the read, and keeps memory for one of at most this many bases.
    pub fn shrink_to(&mut self, bases: usize) {
        self.counts.shrink_to(bases);
        self.depths.shrink_to(bases);
        self.tested.shrink_to(bases);
        self.odds.clear();
        self.odds.shrink_to(bases);
    }
}

/// Returns the odds, per base, that k-mers with it are without support by chance.
fn chance(depth: f64) -> f64 {
    // The others have it a Poisson number of times.
    let others = (depth - 1.0).max(0.0);
    CHANCE + BY_FEW * (1.0 + others) * (-others).exp()
}

/// Returns the sum of probabilities. A number that is none counts as the nearest one.
fn sum(probabilities: &[f32]) -> f64 {
    // Independent sums: additions need not wait for each other.
    let mut sums = [0.0; 8];
    let (whole, rest) = probabilities.as_chunks::<8>();
    for some in whole.iter().map(<[f32; 8]>::as_slice).chain([rest]) {
        for (sum, p) in sums.iter_mut().zip(some) {
            *sum += f64::from(limited(*p, 0.0, 1.0));
        }
    }
    sums.iter().sum()
}

/// Returns the nearest number within the limits; the lower one for NaN.
#[inline(always)]
fn limited(p: f32, least: f32, most: f32) -> f32 {
    if p >= least { p.min(most) } else { least }
}
