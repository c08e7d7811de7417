//! Sequencing reads to features.
//!
//! An [`Encoder`] turns a read into one row of `f32`, under an [`Encoding`]: a rule with an id, a version and a shape. A value
//! that changes is a new version, because a trained network depends on every one of them. The row belongs to the caller and
//! nothing is allocated a read.
//!
//! # Example
//!
//! ```
//! use bm_encode::{Encoder, FeatureBatch, ReadRef, Scalar150};
//!
//! let encoder = Scalar150;
//! let mut batch = FeatureBatch::new(encoder.encoding());
//! batch.push(&encoder, ReadRef { name: b"r1", sequence: b"ACGTN", quality_scores: b"IIIII" })?;
//! assert_eq!(batch.shape(), [1, 300]);
//! assert_eq!(batch.as_slice()[..5], [0.0, 0.25, 0.5, 0.75, 1.0]);
//! # Ok::<(), bm_encode::EncodeError>(())
//! ```
//!
//! A [`CodeEncoder`] is for networks that take reads of any length: it makes a code of every base, and its [`CodeEncoding`] says
//! which vector of features a code stands for.
//!
//! # FASTQ
//!
//! FASTQ has four lines a record: `@` and the definition (the read's name, then anything), the sequence, `+`, and one quality
//! byte a base: Phred + 33, so `!` (0) to `~` (93). [`fastq::Reader`] (feature `fastq`, on by default) reads it strictly.

mod batch;
mod code_encoder;
mod encoder;
mod encoding;
mod error;
#[cfg(feature = "fastq")]
pub mod fastq;
mod read;

pub use batch::FeatureBatch;
pub use code_encoder::{BaseQualityPlace, CodeEncoder, CodeEncoding, CodeParts, QualityPlace, code_encodings, find_codes};
pub use encoder::{Encoder, Scalar150, encodings, find};
pub use encoding::Encoding;
pub use error::EncodeError;
pub use read::{Phred, ReadRef, mean_phred, reported_errors};
