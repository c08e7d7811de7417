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
