//! The base of a molecule by the calls of both mates.

use bm_reads::base::{UNKNOWN, code};

/// The letter of a base, and the probability that it is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) letter: u8,
    pub(crate) error: f32,
}

/// The lowest error probability of a base that both mates have: Phred 41. Two mates are copies of one
/// molecule, so they share the errors that were made before it was sequenced.
const LEAST: f64 = 7.943_282_347_242_815e-5;

/// Error probabilities outside of these say that a call is certain, or worse than none.
const CERTAIN: f64 = 1e-6;
const NOTHING: f64 = 0.75;

impl Call {
    /// Returns the most probable base and the posterior probability that it is wrong, by the calls of both
    /// mates, on the same strand (Edgar & Flyvbjerg 2015, Bioinformatics 31:3476, equations 8 and 9).
    /// Of two different bases with the same probability, the first one.
    pub(crate) fn consensus(self, other: Self) -> Self {
        let is_unknown = |call: Self| code(call.letter) >= UNKNOWN;
        match (is_unknown(self), is_unknown(other)) {
            (false, true) => return self,
            (true, false) => return other,
            (true, true) => return if other.error < self.error { other } else { self },
            (false, false) => {}
        }
        let [ours, theirs] =
            [self, other].map(|call| f64::from(call.error).clamp(CERTAIN, NOTHING));
        let both = ours * theirs / 3.0;
        if code(self.letter) == code(other.letter) {
            let error = both / (1.0 - ours - theirs + 4.0 * both);
            return Self { letter: self.letter, error: error.max(LEAST) as f32 };
        }
        let (best, low, high) =
            if theirs < ours { (other, theirs, ours) } else { (self, ours, theirs) };
        let error = low * (1.0 - high / 3.0) / (low + high - 4.0 * both);
        Self { letter: best.letter, error: error.max(LEAST) as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: the probabilities of all four bases, each as likely as the others before.
    fn by_definition(calls: [(usize, f64); 2]) -> (usize, f64) {
        let of = |base: usize| -> f64 {
            calls
                .iter()
                .map(|(called, error)| if *called == base { 1.0 - error } else { error / 3.0 })
                .product()
        };
        let all: f64 = (0..4).map(of).sum();
        let best = (0..4).rev().max_by(|one, other| of(*one).total_cmp(&of(*other)));
        let best = best.unwrap_or(0);
        (best, 1.0 - of(best) / all)
    }

    #[test]
    fn the_posterior_is_that_of_the_definition() {
        for ours in [0.001, 0.02, 0.3, 0.6] {
            for theirs in [0.001, 0.02, 0.31, 0.6] {
                for (one, other) in [(0, 0), (0, 2), (3, 1)] {
                    let call = |base: usize, error: f64| Call {
                        letter: b"ACGT"[base],
                        error: error as f32,
                    };
                    let found = call(one, ours).consensus(call(other, theirs));
                    let (base, error) = by_definition([(one, ours), (other, theirs)]);
                    if one == other || ours != theirs {
                        assert_eq!(found.letter, b"ACGT"[base]);
                    }
                    let expected = error.max(LEAST);
                    assert!(
                        (f64::from(found.error) - expected).abs() < 1e-6,
                        "{found:?} for {ours} and {theirs}, expected {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_unknown_base_says_nothing() {
        let (known, unknown) =
            (Call { letter: b'c', error: 0.3 }, Call { letter: b'N', error: 0.01 });
        assert_eq!(known.consensus(unknown), known);
        assert_eq!(unknown.consensus(known), known);
        assert_eq!(unknown.consensus(Call { error: 0.5, ..unknown }), unknown);
    }

    #[test]
    fn errors_before_sequencing_remain() {
        let call = Call { letter: b'A', error: 1e-6 };
        assert_eq!(call.consensus(call).error, LEAST as f32);
    }
}
