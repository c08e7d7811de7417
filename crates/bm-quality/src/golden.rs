//! Golden reads: reads with known predictions, as a package has them.

use bm_reads::ReadRef;
use serde::{Deserialize, Serialize};

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

impl GoldenReads {
    /// Returns the golden reads in a JSON text.
    ///
    /// # Errors
    ///
    /// In words, if it is not the JSON of golden reads, has no reads, or a number is out of range.
    pub(crate) fn from_json(text: &str) -> Result<Self, String> {
        let golden: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if golden.reads.is_empty() {
            return Err("it has no reads, so it shows nothing about an engine".to_owned());
        }
        let tolerance = golden.tolerance;
        if !(0.0..=1.0).contains(&tolerance) {
            return Err(format!("a tolerance of {tolerance}, expected a number from 0 to 1"));
        }
        for GoldenRead { name, probability, expected_errors, .. } in &golden.reads {
            if !(0.0..=1.0).contains(probability) {
                return Err(format!("read {name}: expected a probability, found {probability}"));
            }
            if let Some(errors) = expected_errors
                && !(0.0..f32::INFINITY).contains(errors)
            {
                return Err(format!("read {name}: expected a number of errors, found {errors}"));
            }
        }
        Ok(golden)
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
