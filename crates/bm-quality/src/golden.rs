//! Reads whose probabilities are known: whether an engine gives what the model's makers got.

use bm_encode::ReadRef;
use serde::{Deserialize, Serialize};

use crate::{Prediction, QualityError, QualityModel};

/// The content of `golden.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct GoldenReads {
    /// Version of the file's own format.
    pub format: u32,
    /// How far an engine of full precision may be off.
    pub tolerance: f32,
    /// The reads.
    pub reads: Vec<GoldenRead>,
}

/// A read and its probability.
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
}

/// How an engine did on the golden reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GoldenReport {
    /// Reads compared.
    pub reads: usize,
    /// Largest difference of a probability.
    pub max_difference: f32,
    /// Verdicts at the model's threshold that differ.
    pub flips: usize,
}

impl GoldenReads {
    /// Compares a model's predictions with the golden ones.
    ///
    /// # Errors
    ///
    /// If the engine fails or gives a golden read no probability.
    pub fn compare(&self, model: &mut QualityModel) -> Result<GoldenReport, QualityError> {
        let reads: Vec<_> = self.reads.iter().map(GoldenRead::as_read).collect();
        let predictions = model.predict(&reads)?;
        let mut report = GoldenReport { reads: reads.len(), max_difference: 0.0, flips: 0 };
        for (golden, prediction) in self.reads.iter().zip(predictions) {
            let found = match prediction {
                Prediction::Scored(probability) => probability.get(),
                Prediction::Unscored(reason) => {
                    let package = model.package().name().to_owned();
                    return Err(QualityError::Manifest { package, reason: format!("golden read {}: {reason}", golden.name) });
                }
            };
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
        ReadRef { name: self.name.as_bytes(), sequence: self.sequence.as_bytes(), quality_scores: self.quality.as_bytes() }
    }
}
