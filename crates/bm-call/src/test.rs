//! The test of an allele: errors alone against a variant at a fraction of the fragments.
//!
//! For a substitution, fragment i has the base of the reference or the alternative. With the probability p
//! that it is wrong, and e that it is wrong and reads as the alternative, a variant at fraction f gives the
//! alternative with (1 - f) e + f (1 - p), and the base of the reference with (1 - f)(1 - p) + f p / 3.
//! Errors alone give f = 0, with a factor for the place and the strand
//! ([`crate::multipliers`]). The ratio of the two probabilities, with f averaged over a grid and the factors
//! over what the run shows of them, is a Bayes factor B. Where errors alone made the bases, B exceeds x with
//! a probability of at most 1/x (Markov's inequality), so 10 log10 B is a quality that means what it says:
//! at most one in 10^(Q/10) alleles that are errors reaches Q.

use crate::multipliers::{Cell, Multipliers};

/// Fragments of a kind: how many, and their error probabilities.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) count: f64,
    /// Whether they have the alternative.
    pub(crate) is_alt: bool,
    /// 0 forward, 1 reverse.
    pub(crate) strand: usize,
    /// Probability of the alternative by an error.
    pub(crate) error: f64,
    /// Probability that a fragment with the variant does not show it.
    pub(crate) missed: f64,
}

/// Number of fractions on the grid.
const FRACTIONS: usize = 32;

/// Smallest fraction on the grid.
const LOWEST: f64 = 0.003;

/// The fragments of one allele.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fragments {
    pub(crate) kinds: Vec<Kind>,
}

impl Fragments {
    /// Returns the cells of the two strands.
    pub(crate) fn cells(&self) -> [Cell; 2] {
        let expected = self.by_strand(|kind| kind.count * kind.error);
        let found = self.by_strand(|kind| if kind.is_alt { kind.count } else { 0.0 });
        [0, 1].map(|strand| Cell { found: found[strand], expected: expected[strand] })
    }

    /// Returns the fragments with the alternative.
    pub(crate) fn found(&self) -> f64 {
        self.kinds.iter().filter(|kind| kind.is_alt).map(|kind| kind.count).sum()
    }

    /// Returns the same, by strand.
    pub(crate) fn found_by_strand(&self) -> [u32; 2] {
        self.cells().map(|cell| cell.found as u32)
    }

    fn by_strand(&self, count: impl Fn(&Kind) -> f64) -> [f64; 2] {
        let mut sums = [0.0; 2];
        self.kinds.iter().for_each(|kind| sums[kind.strand.min(1)] += count(kind));
        sums
    }

    /// Returns the fragments with and without the alternative.
    pub(crate) fn depth(&self) -> f64 {
        self.kinds.iter().map(|kind| kind.count).sum()
    }

    /// Returns ln P(fragments | variant at `fraction`) - ln P(fragments | errors alone, factor 1).
    pub(crate) fn log_ratio_at(&self, fraction: f64) -> f64 {
        let term = |kind: &Kind| {
            let (error, missed) = (kind.error, kind.missed.min(0.99));
            let ratio = if kind.is_alt {
                (1.0 - fraction) + fraction * (1.0 - missed) / error
            } else {
                (1.0 - fraction) + fraction * (missed / 3.0) / (1.0 - missed)
            };
            kind.count * ratio.max(1e-300).ln()
        };
        self.kinds.iter().map(term).sum()
    }

    /// Returns the same, averaged over the fractions of the grid, which are equally likely on a logarithmic
    /// scale.
    pub(crate) fn log_ratio(&self) -> f64 {
        let terms: [f64; FRACTIONS] = std::array::from_fn(|at| {
            let power = at as f64 / (FRACTIONS - 1) as f64;
            self.log_ratio_at(LOWEST * (0.999 / LOWEST).powf(power))
        });
        let highest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = terms.iter().map(|term| (term - highest).exp()).sum();
        highest + (sum / FRACTIONS as f64).ln()
    }

    /// Returns 10 log10 of the Bayes factor of a variant over errors alone.
    pub(crate) fn quality(&self, factors: &Multipliers) -> f64 {
        let errors: f64 = self.cells().iter().map(|cell| factors.log_ratio(*cell)).sum();
        (self.log_ratio() - errors) * 10.0 / std::f64::consts::LN_10
    }

    /// Returns the fraction at which the fragments are most likely, by expectation and maximisation.
    pub(crate) fn best_fraction(&self) -> f64 {
        let depth = self.depth();
        if depth <= 0.0 {
            return 0.0;
        }
        let mut fraction = (self.found() / depth).clamp(1e-4, 1.0 - 1e-4);
        for _ in 0..30 {
            let carriers: f64 =
                self.kinds.iter().map(|kind| kind.count * carries(kind, fraction)).sum();
            fraction = (carriers / depth).clamp(0.0, 1.0);
        }
        fraction
    }
}

/// Returns the probability that a fragment carries a variant of this fraction.
fn carries(kind: &Kind, fraction: f64) -> f64 {
    let (with, without) = if kind.is_alt {
        (fraction * (1.0 - kind.missed), (1.0 - fraction) * kind.error)
    } else {
        (fraction * kind.missed / 3.0, (1.0 - fraction) * (1.0 - kind.missed))
    };
    let sum = with + without;
    if sum > 0.0 { with / sum } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragments(alt: [f64; 2], depth: f64, error: f64) -> Fragments {
        let kind =
            |strand, is_alt, count| Kind { count, is_alt, strand, error, missed: 3.0 * error };
        let kinds = [0, 1].into_iter().flat_map(|strand| {
            let found: f64 = alt[strand];
            [kind(strand, true, found), kind(strand, false, depth / 2.0 - found)]
        });
        Fragments { kinds: kinds.filter(|kind| kind.count > 0.0).collect() }
    }

    #[test]
    fn quality_rises_with_fragments_and_falls_with_errors() {
        let factors = Multipliers::default();
        let quality = |alt, error| fragments(alt, 200.0, error).quality(&factors);
        assert!(quality([2.0, 2.0], 1e-4) > 20.0);
        assert!(quality([10.0, 10.0], 1e-3) > quality([2.0, 2.0], 1e-3));
        assert!(quality([2.0, 2.0], 1e-2) < 5.0);
        // What is on one strand alone is more likely an error of the place.
        assert!(quality([4.0, 4.0], 1e-3) > quality([8.0, 0.0], 1e-3) + 10.0);
        assert!(quality([0.0, 0.0], 1e-3) < 0.0);
    }

    #[test]
    fn the_fraction_is_that_of_the_fragments_without_errors() {
        let fraction = |alt, error| fragments(alt, 200.0, error).best_fraction();
        assert!((fraction([10.0, 10.0], 1e-5) - 0.1).abs() < 0.002);
        assert!((fraction([100.0, 100.0], 1e-5) - 1.0).abs() < 0.002);
        assert!(fraction([1.0, 1.0], 2e-2) < 1e-3);
    }

    #[test]
    fn few_errors_reach_a_quality_by_chance() {
        // Errors of a rate of 1 in 100 at depth 200: a Poisson count of 1 on each strand.
        let factors = Multipliers::default();
        let chance = |count: i32| (0..count).fold((-1f64).exp(), |it, at| it / f64::from(at + 1));
        let mut at_least = [0.0; 3];
        for one in 0..15 {
            for other in 0..15 {
                let found = [f64::from(one), f64::from(other)];
                let quality = fragments(found, 200.0, 1e-2).quality(&factors);
                for (sum, limit) in at_least.iter_mut().zip([10.0, 20.0, 30.0]) {
                    *sum += if quality >= limit { chance(one) * chance(other) } else { 0.0 };
                }
            }
        }
        assert!(at_least[0] < 0.1 && at_least[1] < 0.01 && at_least[2] < 0.001, "{at_least:?}");
    }
}
