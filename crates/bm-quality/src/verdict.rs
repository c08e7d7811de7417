//! Our decision about a read.

use std::fmt;

use crate::{Prediction, QualityError};

/// The probability from which on a read passes.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Threshold(f32);

impl Threshold {
    /// Returns the threshold.
    ///
    /// # Errors
    ///
    /// [`QualityError::InvalidThreshold`] if `value` is not from 0 to 1.
    pub fn new(value: f32) -> Result<Self, QualityError> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(QualityError::InvalidThreshold { value: f64::from(value) }) }
    }

    /// Returns the value, 0 to 1.
    pub const fn get(self) -> f32 {
        self.0
    }
}

/// Our decision about a read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verdict {
    /// The probability reaches the threshold.
    Pass,
    /// It does not.
    Fail,
    /// There is no probability.
    Unscored,
}

impl Verdict {
    /// Returns the word that tables use.
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
            Prediction::Scored(probability) if probability.get() >= threshold.get() => Verdict::Pass,
            Prediction::Scored(_) => Verdict::Fail,
            Prediction::Unscored(_) => Verdict::Unscored,
        }
    }
}

#[cfg(test)]
mod tests {
    use bm_encode::EncodeError;

    use super::*;
    use crate::Probability;

    #[test]
    fn a_probability_equal_to_the_threshold_passes() {
        let at = |p: f32, t: f32| Some(Prediction::Scored(Probability::new(p)?).verdict(Threshold::new(t).ok()?));
        assert_eq!(at(0.5, 0.5), Some(Verdict::Pass));
        assert_eq!(at(0.499_999_97, 0.5), Some(Verdict::Fail));
        assert_eq!(at(0.0, 0.0), Some(Verdict::Pass));
        let all = Threshold::new(0.0).map(|threshold| Prediction::Unscored(EncodeError::EmptyRead).verdict(threshold));
        assert!(matches!(all, Ok(Verdict::Unscored)));
    }

    #[test]
    fn thresholds_are_probabilities() {
        for value in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            assert!(Threshold::new(value).is_err(), "{value}");
        }
    }
}
