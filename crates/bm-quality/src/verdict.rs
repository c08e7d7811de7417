//! Criteria, and the decision about a read.

use std::fmt;

use crate::{Prediction, QualityError, Score};

/// The lowest probability of a passing read.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Threshold(f32);

impl Threshold {
    /// Returns the threshold.
    ///
    /// # Errors
    ///
    /// [`QualityError::InvalidThreshold`] if `value` is not from 0 to 1.
    pub fn new(value: f32) -> Result<Self, QualityError> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(QualityError::InvalidThreshold { value: f64::from(value) })
        }
    }

    /// Returns the value, 0 to 1.
    pub const fn get(self) -> f32 {
        self.0
    }
}

/// What a read must meet to pass: every criterion that is given.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Criteria {
    /// The lowest probability.
    pub threshold: Option<Threshold>,
    /// The highest number of expected errors.
    pub max_expected_errors: Option<f64>,
    /// The highest number of expected errors per base.
    pub max_expected_error_rate: Option<f64>,
    /// The lowest quality of the expected errors per base, −10·log10, Phred: another way to give the
    /// highest number of them.
    pub min_mean_quality: Option<f64>,
    /// The lowest weight of a long read by length and errors ([`Criteria::weight`]).
    pub min_weight: Option<f64>,
}

/// Length of a read that is worth half as much as one without end, in bases: that of filtlong.
const HALF_LENGTH: f64 = 5000.0;

/// Bases of the k-mers of which the errors cost a read.
const KMER: f64 = 17.0;

impl Criteria {
    /// Returns the weight of a long read, 0 to 1, by which one is better than another: the geometric mean
    /// of length / (length + 5000), which is the length score of filtlong, and of the fraction of its
    /// 17-mers without an error, (1 − errors / bases)^17, which is what assemblers and aligners find
    /// reads by.
    pub fn weight(expected_errors: f64, bases: usize) -> f64 {
        let bases = bases as f64;
        let rate = (expected_errors / bases.max(1.0)).clamp(0.0, 1.0);
        (bases / (bases + HALF_LENGTH) * (1.0 - rate).powf(KMER)).sqrt()
    }

    /// Returns the highest number of expected errors per base, however it was given.
    pub fn max_rate(&self) -> Option<f64> {
        let of_quality = self.min_mean_quality.map(|quality| 10f64.powf(-quality / 10.0));
        match (self.max_expected_error_rate, of_quality) {
            (Some(rate), Some(of_quality)) => Some(rate.min(of_quality)),
            (rate, of_quality) => rate.or(of_quality),
        }
    }

    /// Returns whether the criteria need a model that counts errors.
    pub fn need_expected_errors(&self) -> bool {
        self.max_expected_errors.is_some() || self.max_rate().is_some() || self.min_weight.is_some()
    }

    /// Returns the criteria that a read of `bases` does not meet; a value equal to a limit meets
    /// it.
    ///
    /// A read without expected errors fails a limit on them: check
    /// [`Facts::counts_errors`](crate::Facts::counts_errors) first.
    pub fn shortfalls(
        &self,
        score: &Score,
        bases: usize,
    ) -> impl Iterator<Item = Shortfall> + use<> {
        let errors = score.expected_errors.map_or(f64::INFINITY, f64::from);
        // Expected errors are rounded to a float: those of reads of Q10 alone must meet 0.1 per base.
        // NaN is neither below nor above a limit: it must not meet one.
        let meets = |most: f64| errors <= most * (1.0 + f64::from(f32::EPSILON));
        let has_weight = |least: f64| Self::weight(errors, bases) >= least;
        let exceeds = |limit: Option<f64>| limit.is_some_and(|most| !meets(most));
        [
            (
                Shortfall::Probability,
                self.threshold.is_some_and(|threshold| score.probability.get() < threshold.get()),
            ),
            (Shortfall::ExpectedErrors, exceeds(self.max_expected_errors)),
            (
                Shortfall::ExpectedErrorRate,
                exceeds(self.max_rate().map(|most| most * bases as f64)),
            ),
            (Shortfall::Weight, self.min_weight.is_some_and(|least| !has_weight(least))),
        ]
        .into_iter()
        .filter_map(|(shortfall, fails)| fails.then_some(shortfall))
    }

    /// Returns the decision about a read of `bases`: the read passes if it has no
    /// [`Criteria::shortfalls`].
    pub fn verdict(&self, prediction: &Prediction, bases: usize) -> Verdict {
        match prediction {
            Prediction::Unscored(_) => Verdict::Unscored,
            Prediction::Scored(score) if self.shortfalls(score, bases).next().is_none() => {
                Verdict::Pass
            }
            Prediction::Scored(_) => Verdict::Fail,
        }
    }
}

/// A criterion that a read does not meet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Shortfall {
    /// The probability is below the threshold.
    Probability,
    /// The expected errors exceed their limit.
    ExpectedErrors,
    /// The expected errors per base exceed their limit.
    ExpectedErrorRate,
    /// The weight is below its limit.
    Weight,
}

impl From<Threshold> for Criteria {
    fn from(threshold: Threshold) -> Self {
        Self { threshold: Some(threshold), ..Self::default() }
    }
}

/// The decision about a read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verdict {
    /// The read meets all criteria.
    Pass,
    /// The read fails a criterion.
    Fail,
    /// The read has no probability.
    Unscored,
}

impl Verdict {
    /// Returns the word for tables.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Unscored => "unscored",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Prediction {
    /// Returns the decision at a threshold: a probability equal to it passes.
    pub fn verdict(&self, threshold: Threshold) -> Verdict {
        match self {
            Prediction::Scored(score) if score.probability.get() >= threshold.get() => {
                Verdict::Pass
            }
            Prediction::Scored(_) => Verdict::Fail,
            Prediction::Unscored(_) => Verdict::Unscored,
        }
    }
}

#[cfg(test)]
mod tests {
    use bm_reads::ReadError;

    use super::*;
    use crate::Probability;

    fn scored(probability: f32, expected_errors: Option<f32>) -> Prediction {
        let probability = Probability::new(probability).expect("a probability");
        Prediction::Scored(Score { probability, expected_errors, support: None })
    }

    #[test]
    fn a_probability_equal_to_the_threshold_passes() {
        let at = |p: f32, t: f32| Some(scored(p, None).verdict(Threshold::new(t).ok()?));
        assert_eq!(at(0.5, 0.5), Some(Verdict::Pass));
        assert_eq!(at(0.499_999_97, 0.5), Some(Verdict::Fail));
        assert_eq!(at(0.0, 0.0), Some(Verdict::Pass));
        let all = Threshold::new(0.0)
            .map(|threshold| Prediction::Unscored(ReadError::EmptyRead).verdict(threshold));
        assert!(matches!(all, Ok(Verdict::Unscored)));
    }

    #[test]
    fn every_given_criterion_counts() {
        let read = scored(0.6, Some(1.5));
        let criteria = |threshold: Option<f32>, errors, rate| Criteria {
            threshold: threshold.and_then(|t| Threshold::new(t).ok()),
            max_expected_errors: errors,
            max_expected_error_rate: rate,
            ..Criteria::default()
        };
        for (threshold, errors, rate, expected) in [
            (None, None, None, Verdict::Pass),
            (Some(0.6), Some(1.5), Some(0.01), Verdict::Pass),
            (Some(0.7), Some(1.5), Some(0.01), Verdict::Fail),
            (None, Some(1.4), None, Verdict::Fail),
            (None, None, Some(0.0099), Verdict::Fail),
            (None, Some(2.0), None, Verdict::Pass),
        ] {
            assert_eq!(
                criteria(threshold, errors, rate).verdict(&read, 150),
                expected,
                "{threshold:?} {errors:?} {rate:?}"
            );
        }
        let limited = criteria(None, Some(1e9), None);
        assert_eq!(limited.verdict(&scored(1.0, None), 150), Verdict::Fail);
        assert_eq!(
            limited.verdict(&Prediction::Unscored(ReadError::EmptyRead), 0),
            Verdict::Unscored
        );
    }

    #[test]
    fn a_mean_quality_is_a_limit_on_the_error_rate() {
        let of = |rate, quality| Criteria {
            max_expected_error_rate: rate,
            min_mean_quality: quality,
            ..Criteria::default()
        };
        let read = scored(0.6, Some(1.5));
        for (quality, expected) in [(20.0, Verdict::Pass), (20.1, Verdict::Fail)] {
            assert_eq!(of(None, Some(quality)).verdict(&read, 150), expected);
            // The stricter one of two counts.
            assert_eq!(of(Some(0.5), Some(quality)).verdict(&read, 150), expected);
            assert_eq!(of(Some(0.009), Some(quality)).verdict(&read, 150), Verdict::Fail);
        }
        assert!(of(None, Some(20.0)).need_expected_errors());
        assert_eq!(of(None, None).max_rate(), None);
    }

    #[test]
    fn a_long_read_weighs_more_the_longer_it_is_and_the_fewer_errors_it_has() {
        assert_eq!([Criteria::weight(0.0, 0), Criteria::weight(9.0, 9)], [0.0, 0.0]);
        // Half of the longest, without errors: the root of a half.
        assert!((Criteria::weight(0.0, 5000) - 0.5f64.sqrt()).abs() < 1e-12);
        // One error in a hundred: 84.3 % of the 17-mers are right.
        let rate: f64 = Criteria::weight(50.0, 5000) / Criteria::weight(0.0, 5000);
        assert!((rate.powi(2) - 0.8429).abs() < 1e-4);
        let least = Criteria { min_weight: Some(0.5), ..Criteria::default() };
        assert_eq!(least.verdict(&scored(0.1, Some(50.0)), 5000), Verdict::Pass);
        assert_eq!(least.verdict(&scored(1.0, Some(500.0)), 5000), Verdict::Fail);
        assert_eq!(least.verdict(&scored(1.0, Some(0.0)), 500), Verdict::Fail);
        assert!(least.need_expected_errors());
    }

    #[test]
    fn a_missing_number_meets_no_limit() {
        let limits = [
            Criteria { max_expected_errors: Some(1e9), ..Criteria::default() },
            Criteria { max_expected_error_rate: Some(1.0), ..Criteria::default() },
            Criteria { min_mean_quality: Some(0.0), ..Criteria::default() },
            Criteria { min_weight: Some(1e-9), ..Criteria::default() },
        ];
        for criteria in limits {
            assert_eq!(criteria.verdict(&scored(1.0, Some(f32::NAN)), 150), Verdict::Fail);
        }
        let limit = Criteria { max_expected_errors: Some(f64::NAN), ..Criteria::default() };
        assert_eq!(limit.verdict(&scored(1.0, Some(0.0)), 150), Verdict::Fail);
    }

    #[test]
    fn thresholds_are_probabilities() {
        for value in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            assert!(Threshold::new(value).is_err(), "{value}");
        }
    }
}
