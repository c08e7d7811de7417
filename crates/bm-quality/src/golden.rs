//! Golden reads: reads with known predictions, to check an engine against.

use bm_reads::ReadRef;
use serde::{Deserialize, Serialize};

use crate::{Prediction, QualityError, QualityModel};

/// The content of `golden.json`: reads with known predictions.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct GoldenReads {
    /// Version of the file's own format.
    pub format: u32,
    /// Largest allowed difference of an engine of full precision.
    pub tolerance: f32,
    /// The reads.
    pub reads: Vec<GoldenRead>,
}

/// A read and its known prediction.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct GoldenRead {
    /// The read's name.
    pub name: String,
    /// Its bases.
    pub sequence: String,
    /// Its quality scores, Phred + 33.
    pub quality: String,
    /// The probability from ONNX Runtime at full precision.
    pub probability: f32,
    /// The expected errors, from a model that counts errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_errors: Option<f32>,
}

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

impl GoldenRead {
    /// Returns the read.
    pub fn as_read(&self) -> ReadRef<'_> {
        ReadRef {
            name: self.name.as_bytes(),
            sequence: self.sequence.as_bytes(),
            quality_scores: self.quality.as_bytes(),
        }
    }
}
