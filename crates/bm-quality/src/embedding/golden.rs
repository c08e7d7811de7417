//! Golden vectors: reads with known vectors, as a package has them.

use bm_reads::ReadRef;
use serde::Deserialize;

/// The content of `golden.json` of a model that returns vectors.
#[derive(Clone, Debug, Deserialize)]
pub struct GoldenVectors {
    /// Version of the file's own format.
    pub format: u32,
    /// Largest allowed difference of a value, for an engine of full precision.
    pub tolerance: f32,
    /// The reads.
    pub reads: Vec<GoldenVector>,
}

/// A read and its known vector.
#[derive(Clone, Debug, Deserialize)]
pub struct GoldenVector {
    /// The read's name.
    pub name: String,
    /// Its bases.
    pub sequence: String,
    /// Its vector, from ONNX Runtime at full precision and the features of the training program.
    pub vector: Vec<f32>,
}

impl GoldenVector {
    /// Returns the read.
    pub fn as_read(&self) -> ReadRef<'_> {
        let (name, sequence) = (self.name.as_bytes(), self.sequence.as_bytes());
        ReadRef { name, sequence, quality_scores: b"" }
    }
}
