//! What a base of a read that matches a reference says, or one that does not.

/// Fraction of the bases in which a read's genome and a reference of its class are assumed to
/// differ. It makes one mismatch cost about what one and a half matches say.
const DIVERGENCE: f32 = 0.1;

/// A base of which this is the probability of an error says nothing.
const RANDOM: f32 = 0.75;

/// Log-likelihood ratios of a read's bases, in nats: of the class over a random sequence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Odds {
    /// Where a base is that of the reference: ln(4 (1 - e)), with the probability e that the two differ.
    pub(crate) matching: Vec<f32>,
    /// Where it is another: ln(4 e / 3).
    pub(crate) differing: Vec<f32>,
    /// Sum of `matching` over the known bases: what a read says that matches everywhere.
    pub(crate) most: f32,
}

impl Odds {
    /// Replaces the ratios by those of a read of base codes and the error probabilities of its bases;
    /// bases beyond the end of `errors` have the probability 0. Unknown bases say nothing.
    pub(crate) fn fill(&mut self, codes: &[u8], errors: &[f32]) {
        self.matching.clear();
        self.differing.clear();
        self.most = 0.0;
        let (mut last, mut ratios) = (f32::NAN, (0.0, 0.0));
        for (at, code) in codes.iter().enumerate() {
            let error = errors.get(at).copied().unwrap_or(0.0);
            if *code > 3 {
                self.matching.push(0.0);
                self.differing.push(0.0);
                continue;
            }
            // Qualities repeat, and a logarithm is slow. NaN says nothing, as the worst error does.
            if error != last {
                last = error;
                ratios = ratios_of(error);
            }
            self.matching.push(ratios.0);
            self.differing.push(ratios.1);
            self.most += ratios.0;
        }
    }
}

fn ratios_of(error: f32) -> (f32, f32) {
    let error = if error.is_nan() { RANDOM } else { error.clamp(0.0, RANDOM) };
    let differ = (error + DIVERGENCE).min(RANDOM);
    ((4.0 * (1.0 - differ)).ln(), (4.0 * differ / 3.0).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_likely_error_says_nothing() {
        let mut odds = Odds::default();
        odds.fill(&[0, 1, 2, 4, 3], &[0.0, 0.75, 1.0, 0.0, f32::NAN]);
        assert!(
            (odds.matching[0] - 1.2809).abs() < 1e-3 && (odds.differing[0] + 2.0149).abs() < 1e-3
        );
        assert_eq!((&odds.matching[1..], &odds.differing[1..]), (&[0.0; 4][..], &[0.0; 4][..]));
        assert_eq!(odds.most, odds.matching[0]);
    }
}
