//! Two mates judged as one read.

use crate::window::mean_logit;
use crate::{ErrorRule, KmerSupport, Prediction, ReadRule, Score};

/// How what a model says of two mates becomes one.
///
/// A pair is judged as the one read that it would be if its mates were sequenced in one piece.
/// Where the model counts errors, those of both are added, and the [`ErrorRule`] tells the
/// probability that the pair has few for its bases. Where it judges windows, the mates' logits are
/// averaged, with as many votes as bases
/// ([`Combination::BaseWeightedMeanLogit`](crate::Combination::BaseWeightedMeanLogit)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairRule(Kind);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Errors(ErrorRule),
    Logits,
}

impl PairRule {
    /// Returns the rule that goes with a rule for reads.
    pub fn of(rule: ReadRule) -> Self {
        Self(match rule {
            ReadRule::Errors(rule) => Kind::Errors(rule),
            ReadRule::Windows(_) => Kind::Logits,
        })
    }

    /// Returns what is said of a pair whose mates have so many `bases`. A pair of which one mate
    /// cannot be judged cannot be judged.
    pub fn joint(&self, mates: [&Prediction; 2], bases: [usize; 2]) -> Prediction {
        let [first, second] = match mates {
            [Prediction::Scored(first), Prediction::Scored(second)] => [first, second],
            [unscored @ Prediction::Unscored(_), _] | [_, unscored @ Prediction::Unscored(_)] => {
                return unscored.clone();
            }
        };
        let total = bases[0] + bases[1];
        let sum = first
            .expected_errors
            .zip(second.expected_errors)
            .map(|(one, other)| f64::from(one) + f64::from(other));
        let probability = match self.0 {
            Kind::Errors(rule) => sum.and_then(|errors| rule.probability(errors, total)),
            Kind::Logits => None,
        };
        let by_logits = || {
            mean_logit(
                [(first.probability, bases[0] as f64), (second.probability, bases[1] as f64)]
                    .into_iter(),
                total,
            )
        };
        // The mean of two probabilities always is one; were it not, the lower one would be safe.
        let lower = if first.probability < second.probability {
            first.probability
        } else {
            second.probability
        };
        let probability = probability.or_else(by_logits).unwrap_or(lower);
        let support = first.support.zip(second.support).map(|(one, other)| KmerSupport {
            expected_errors_prior: one.expected_errors_prior + other.expected_errors_prior,
            evaluable: (one.evaluable * bases[0] as f32 + other.evaluable * bases[1] as f32)
                / total as f32,
        });
        Prediction::Scored(Score {
            probability,
            expected_errors: sum.map(|errors| errors as f32),
            support,
        })
    }
}

#[cfg(test)]
mod tests {
    use bm_reads::ReadError;

    use super::*;
    use crate::{Combination, Probability, WindowRule};

    fn scored(probability: f32, expected_errors: Option<f32>) -> Prediction {
        let probability = Probability::new(probability).expect("a probability");
        Prediction::Scored(Score { probability, expected_errors, support: None })
    }

    fn errors() -> PairRule {
        PairRule::of(ReadRule::Errors(ErrorRule::new(1.1, 0.5, 0.01).expect("numbers in range")))
    }

    #[test]
    fn a_pair_is_judged_as_one_read_with_the_errors_of_both() {
        let rule = ErrorRule::new(1.1, 0.5, 0.01).expect("numbers in range");
        let pair = errors().joint([&scored(0.9, Some(0.25)), &scored(0.2, Some(2.5))], [150, 101]);
        assert_eq!(pair.expected_errors(), Some(2.75));
        assert_eq!(pair.probability(), rule.probability(2.75, 251));
    }

    #[test]
    fn what_is_no_count_of_errors_is_averaged_by_bases() {
        let rule = PairRule::of(ReadRule::Windows(WindowRule {
            length: 150,
            combination: Combination::BaseWeightedMeanLogit,
        }));
        let p = |one, other, bases| {
            rule.joint([&scored(one, None), &scored(other, None)], bases)
                .probability()
                .map(Probability::get)
        };
        assert!(p(0.9, 0.1, [100, 100]).is_some_and(|p| (p - 0.5).abs() < 1e-6));
        // (3 logit(0.9) + logit(0.1)) / 4 = logit(0.9) / 2 = ln 3.
        assert!(p(0.9, 0.1, [300, 100]).is_some_and(|p| (p - 0.75).abs() < 1e-6));
        assert_eq!(p(0.5, 0.5, [10, 0]), Some(0.5));
    }

    #[test]
    fn a_pair_with_a_mate_that_cannot_be_judged_cannot_be_judged() {
        let (read, unscored) = (scored(0.9, Some(0.1)), Prediction::Unscored(ReadError::EmptyRead));
        assert_eq!(errors().joint([&read, &unscored], [100, 0]), unscored);
        assert_eq!(errors().joint([&unscored, &read], [0, 100]), unscored);
    }
}
