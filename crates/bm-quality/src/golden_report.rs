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
                    report.max_rate_difference = report.max_rate_difference.max(difference);
                }
                (None, None) => {}
                (found, expected) => {
                    return Err(refused(format!(
                        "expected errors {found:?}, should be {expected:?}"
                    )));
                }
            }
            let threshold = model.threshold().get();
            report.max_difference = report.max_difference.max((found - golden.probability).abs());
            report.flips += usize::from((found >= threshold) != (golden.probability >= threshold));
        }
        Ok(report)
    }
}
