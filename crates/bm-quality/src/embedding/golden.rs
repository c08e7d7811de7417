//! Golden vectors: reads with known vectors, as a package has them.

use bm_infer::Backend;
use bm_reads::ReadRef;
use serde::Deserialize;

use super::{Embedder, EmbeddingPackage};
use crate::QualityError;

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

impl GoldenVectors {
    /// Returns the largest difference of a value, between the vectors of an engine and the known ones; infinity for a
    /// vector of another width.
    ///
    /// # Errors
    ///
    /// As [`Embedder::new`] and [`Embedder::embed_into`].
    pub fn difference(
        &self,
        package: &EmbeddingPackage,
        backend: &dyn Backend,
    ) -> Result<f32, QualityError> {
        let mut embedder = Embedder::new(package, backend)?;
        let mut vectors = Vec::new();
        let reads = self.reads.iter().map(|read| ReadRef {
            name: read.name.as_bytes(),
            sequence: read.sequence.as_bytes(),
            quality_scores: b"",
        });
        embedder.embed_into(reads, &mut vectors)?;
        let mut largest = 0.0_f32;
        for (read, vector) in self.reads.iter().zip(vectors.chunks(embedder.dimensions())) {
            if read.vector.len() != vector.len() {
                return Ok(f32::INFINITY);
            }
            for (known, found) in read.vector.iter().zip(vector) {
                largest = largest.max((known - found).abs());
            }
        }
        Ok(largest)
    }
}
