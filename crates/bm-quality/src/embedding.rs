//! Models that return a vector per read, of unit length: alike reads have alike vectors.

mod golden;
mod package;

use std::sync::Arc;

use bm_encode::{Encoder, FeatureBatch};
use bm_infer::{Backend, Session, TensorRef};
use bm_reads::ReadRef;

pub use self::golden::{GoldenVector, GoldenVectors};
pub use self::package::{EmbeddingManifest, EmbeddingPackage};
use crate::QualityError;

/// Reads in one call of an engine that takes any number.
const ROWS: usize = 96;

/// A model that returns vectors, opened on an engine, with the memory of one worker.
///
/// ```
/// use bm_quality::backend::Embedded;
/// use bm_quality::{Embedder, EmbeddingPackage, ReadRef};
///
/// let package = EmbeddingPackage::shipped()?;
/// let mut embedder = Embedder::new(&package, &Embedded::new())?;
/// let read = |sequence| ReadRef { name: b"r", sequence, quality_scores: b"" };
/// let reads = [read(b"ACGTTGCAAGTACCATGACC"), read(b"GGTCATGGTACTTGCAACGT"), read(b"")];
/// let mut vectors = Vec::new();
/// let without = embedder.embed_into(reads.into_iter(), &mut vectors)?;
///
/// let vectors: Vec<_> = vectors.chunks(embedder.dimensions()).collect();
/// assert_eq!(vectors[0], vectors[1], "both strands are alike");
/// assert_eq!((without, vectors[2][0]), (1, 0.0), "a read without bases has zeros");
/// # Ok::<(), bm_quality::QualityError>(())
/// ```
pub struct Embedder {
    session: Box<dyn Session>,
    encoder: Arc<dyn Encoder>,
    features: FeatureBatch,
    /// Whether each row of `features` has a word.
    known: Vec<bool>,
    output: Vec<f32>,
}

impl Embedder {
    /// Prepares an open package for one worker.
    ///
    /// # Errors
    ///
    /// Those of [`EmbeddingPackage::model_file`] and [`Backend::load`].
    pub fn new(package: &EmbeddingPackage, backend: &dyn Backend) -> Result<Self, QualityError> {
        let session = backend.load(&package.model_file(backend.variant())?)?;
        let encoder = Arc::clone(package.encoder());
        let features = FeatureBatch::new(encoder.encoding());
        Ok(Self { session, encoder, features, known: Vec::new(), output: Vec::new() })
    }

    /// Returns the number of values of a vector.
    pub fn dimensions(&self) -> usize {
        self.session.signature().outputs
    }

    /// Appends the vector of every read to `vectors`; returns the number of reads without one.
    ///
    /// **Shape:** `[reads, dimensions]`, C order. A vector has the length 1, so the product of two
    /// vectors is their cosine; it does not depend on the other reads. A read of any length has one
    /// vector. That of a read that is too short, or has too many unknown bases, is zeros.
    ///
    /// # Errors
    ///
    /// If the engine fails, or the encoder refuses a read.
    pub fn embed_into<'a>(
        &mut self,
        reads: impl Iterator<Item = ReadRef<'a>>,
        vectors: &mut Vec<f32>,
    ) -> Result<usize, QualityError> {
        let rows = self.session.signature().batch.unwrap_or(ROWS);
        let mut without = 0;
        for read in reads {
            self.features.push(self.encoder.as_ref(), read)?;
            let row = self.features.as_slice().rchunks(self.features.shape()[1]).next();
            let is_known = row.is_some_and(|row| row.iter().any(|value| *value != 0.0));
            self.known.push(is_known);
            without += usize::from(!is_known);
            if self.features.rows() >= rows {
                self.run(vectors)?;
            }
        }
        self.run(vectors)?;
        Ok(without)
    }

    /// Returns the largest difference of a value between the vectors of golden reads and those of this
    /// engine; infinity for a vector of another width.
    ///
    /// # Errors
    ///
    /// As [`Embedder::embed_into`].
    pub fn difference(&mut self, golden: &GoldenVectors) -> Result<f32, QualityError> {
        let mut vectors = Vec::new();
        self.embed_into(golden.reads.iter().map(GoldenVector::as_read), &mut vectors)?;
        let mut largest = 0.0_f32;
        for (read, vector) in golden.reads.iter().zip(vectors.chunks(self.dimensions())) {
            if read.vector.len() != vector.len() {
                return Ok(f32::INFINITY);
            }
            let values = read.vector.iter().zip(vector);
            largest = values.map(|(known, found)| (known - found).abs()).fold(largest, f32::max);
        }
        Ok(largest)
    }

    /// Appends the vectors of the waiting rows.
    fn run(&mut self, vectors: &mut Vec<f32>) -> Result<(), QualityError> {
        let Self { session, features, known, output, .. } = self;
        let width = session.signature().outputs;
        let rows = TensorRef::new(features.shape(), features.as_slice())?;
        let outcome = session.run(rows, output);
        features.clear();
        if let Err(error) = outcome {
            known.clear();
            return Err(error.into());
        }
        for (vector, is_known) in output.chunks_exact(width).zip(known.drain(..)) {
            let squares: f64 = vector.iter().map(|value| f64::from(*value).powi(2)).sum();
            let factor = if is_known && squares > 0.0 { squares.sqrt().recip() } else { 0.0 };
            vectors.extend(vector.iter().map(|value| (f64::from(*value) * factor) as f32));
        }
        Ok(())
    }
}
