//! Two mates scored as one read.

use crate::probability::mean_logit;
use crate::{KmerSupport, Prediction, ReadRule, Score};

/// How the predictions for two mates become one.
///
/// A pair is scored as the one read that its mates would be in one piece. If the model counts
/// errors, the expected errors of both mates are added, and the [`ErrorRule`](crate::ErrorRule)
/// gives the probability that the pair has few errors for its length. If the model scores windows,
/// the mates' logits are averaged, weighted by bases
/// ([`Combination::BaseWeightedMeanLogit`](crate::Combination::BaseWeightedMeanLogit)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairRule(ReadRule);

impl PairRule {
    /// Returns the rule for pairs that belongs to a rule for reads.
    pub fn of(rule: ReadRule) -> Self {
        Self(rule)
    }

    /// Returns the prediction for a read in which mates were merged, of this many `bases` with this many
    /// expected errors in all; `None` if the model counts no errors, or there are no bases.
    pub fn merged(&self, expected_errors: f64, bases: usize) -> Option<Prediction> {
        let probability = self.0.pair_probability(Some(expected_errors), bases)?;
        let expected_errors = Some(expected_errors as f32);
        Some(Prediction::Scored(Score { probability, expected_errors, support: None }))
    }

    /// Returns the prediction for a pair of mates with these numbers of `bases`. A pair with an
    /// unscored mate is unscored.
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
        let probability = self.0.pair_probability(sum, total);
        let by_logits = || {
            mean_logit(
                [(first.probability, bases[0] as f64), (second.probability, bases[1] as f64)]
                    .into_iter(),
                total,
            )
        };
        // The mean of two probabilities always is a probability; if it were not, the lower one
        // would be safe.
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
    use crate::{Combination, ErrorRule, Probability, WindowRule};

    fn scored(probability: f32, expected_errors: Option<f32>) -> Prediction {
        let probability = Probability::new(probability).expect("a probability");
        Prediction::Scored(Score { probability, expected_errors, support: None })
    }

    fn errors() -> PairRule {
        PairRule::of(ReadRule::Errors(ErrorRule::new(1.1, 0.5, 0.01).expect("numbers in range")))
    }

    #[test]
    fn a_pair_is_scored_as_one_read_with_the_errors_of_both_mates() {
        let rule = ErrorRule::new(1.1, 0.5, 0.01).expect("numbers in range");
        let pair = errors().joint([&scored(0.9, Some(0.25)), &scored(0.2, Some(2.5))], [150, 101]);
        assert_eq!(pair.expected_errors(), Some(2.75));
        assert_eq!(pair.probability(), rule.probability(2.75, 251));
    }

    #[test]
    fn a_merged_read_is_scored_by_its_errors() {
        let rule = ErrorRule::new(1.1, 0.5, 0.01).expect("numbers in range");
        let merged = errors().merged(0.75, 210).expect("a prediction");
        assert_eq!(merged.expected_errors(), Some(0.75));
        assert_eq!(merged.probability(), rule.probability(0.75, 210));
    }

    #[test]
    fn without_expected_errors_logits_are_averaged_by_bases() {
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
    fn a_pair_with_an_unscored_mate_is_unscored() {
        let (read, unscored) = (scored(0.9, Some(0.1)), Prediction::Unscored(ReadError::EmptyRead));
        assert_eq!(errors().joint([&read, &unscored], [100, 0]), unscored);
        assert_eq!(errors().joint([&unscored, &read], [0, 100]), unscored);
    }
}
