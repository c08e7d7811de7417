//! The check of an engine against golden reads.

use crate::golden::{GoldenRead, GoldenReads};
use crate::{Prediction, QualityError, QualityModel};

/// The differences of an engine from the golden reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GoldenReport {
    /// Reads compared.
    pub reads: usize,
    /// Largest difference of a probability.
    pub max_difference: f32,
    /// Largest difference of expected errors per base; 0 for a model that does not count errors.
    pub max_rate_difference: f32,
    /// Number of verdicts at the model's threshold that differ.
    pub flips: usize,
}

impl GoldenReads {
    /// Compares the predictions of a model's network, without the k-mers of a run, with the golden
    /// predictions.
    ///
    /// # Errors
    ///
    /// If the engine fails, or if a golden read has no probability, or no expected errors where the
    /// file has them.
    pub fn compare(&self, model: &mut QualityModel) -> Result<GoldenReport, QualityError> {
        let reads: Vec<_> = self.reads.iter().map(GoldenRead::as_read).collect();
        let predictions = model.predict_alone(&reads)?;
        let mut report = GoldenReport {
            reads: reads.len(),
            max_difference: 0.0,
            max_rate_difference: 0.0,
            flips: 0,
        };
        for (golden, prediction) in self.reads.iter().zip(predictions) {
            let refused = |reason: String| {
                let package = model.package().name().to_owned();
                QualityError::Manifest {
                    package,
                    reason: format!("golden read {}: {reason}", golden.name),
                }
            };
            let score = match prediction {
                Prediction::Scored(score) => score,
                Prediction::Unscored(reason) => return Err(refused(reason.to_string())),
            };
            let found = score.probability.get();
            match (score.expected_errors, golden.expected_errors) {
                (Some(found), Some(expected)) => {
                    let difference = (found - expected).abs() / golden.sequence.len() as f32;
                    report.max_rate_difference = larger(report.max_rate_difference, difference);
                }
                (None, None) => {}
                (found, expected) => {
                    return Err(refused(format!(
                        "expected errors {found:?}, should be {expected:?}"
                    )));
                }
            }
            let threshold = model.threshold().get();
            let difference = (found - golden.probability).abs();
            report.max_difference = larger(report.max_difference, difference);
            report.flips += usize::from((found >= threshold) != (golden.probability >= threshold));
        }
        Ok(report)
    }
}

/// Returns the larger difference; NaN, which `f32::max` would drop, is larger than any.
fn larger(most: f32, difference: f32) -> f32 {
    if difference.is_nan() { f32::INFINITY } else { most.max(difference) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_that_is_no_number_is_the_largest() {
        assert_eq!([larger(0.5, 0.25), larger(0.5, 0.75)], [0.5, 0.75]);
        assert_eq!(larger(larger(0.5, f32::NAN), 0.75), f32::INFINITY);
    }
}
