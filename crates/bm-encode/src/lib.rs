//! Sequencing reads to features.
//!
//! An [`Encoder`] turns a read into one row of `f32`, by an [`Encoding`]: a rule with an id, a
//! version and a shape. A changed value is a new version, because a trained network depends on
//! every value. The row belongs to the caller, and encoding a read allocates nothing.
//!
//! ```
//! use bm_encode::{Encoder, FeatureBatch, ReadRef, Scalar150};
//!
//! let mut batch = FeatureBatch::new(Scalar150.encoding());
//! batch.push(&Scalar150, ReadRef { name: b"r1", sequence: b"ACGTN", quality_scores: b"IIIII" })?;
//! assert_eq!(batch.shape(), [1, 300]);
//! assert_eq!(batch.as_slice()[..5], [0.0, 0.25, 0.5, 0.75, 1.0]);
//! # Ok::<(), bm_encode::EncodeError>(())
//! ```
//!
//! A [`CodeEncoder`] is for networks that take reads of any length: it makes one code per base, and
//! has a vector of features for each code.
//!
//! # An encoding of your own
//!
//! Implement [`Encoder`]: name the encoding, say how many bases a row covers and how many features
//! it has, and write every value of the row. Add it to [`Encodings`], the registry in which
//! bm-quality looks up the encoding that a model names: a model trained on your encoding then opens
//! with `ModelPackage::open_with` (see the example `own_encoding` of bm-quality).
//!
//! ```
//! use std::sync::Arc;
//!
//! use bm_encode::bm_reads::{Phred, check_quality};
//! use bm_encode::{EncodeError, Encoder, Encoding, Encodings, FeatureBatch, ReadRef};
//!
//! /// The error probability of each of 50 bases, and 0 where there is none.
//! struct Errors50;
//!
//! static ENCODING: Encoding = Encoding { id: "errors-50", version: 1, window: 50, features: 50 };
//!
//! impl Encoder for Errors50 {
//!     fn encoding(&self) -> &Encoding {
//!         &ENCODING
//!     }
//!
//!     fn encode_into(&self, read: ReadRef<'_>, row: &mut [f32]) -> Result<(), EncodeError> {
//!         read.check_lengths()?;
//!         check_quality(read.quality_scores)?;
//!         if read.len() > row.len() {
//!             return Err(EncodeError::TooLong { length: read.len(), window: row.len() });
//!         }
//!         row.fill(0.0);
//!         for (value, byte) in row.iter_mut().zip(read.quality_scores) {
//!             let phred = Phred::from_byte(*byte);
//!             *value = phred.map_or(0.0, |phred| phred.error_probability() as f32);
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let mut batch = FeatureBatch::new(&ENCODING);
//! let read = ReadRef { name: b"r1", sequence: b"ACGT", quality_scores: b"+5?I" };
//! batch.push(&Errors50, read)?;
//! assert_eq!(batch.as_slice()[..5], [0.1, 0.01, 0.001, 0.0001, 0.0]);
//!
//! let encodings = Encodings::shipped().with_rows(Arc::new(Errors50));
//! assert!(encodings.find("errors-50", 1).is_some());
//! # Ok::<(), EncodeError>(())
//! ```
//!
//! # Features
//!
//! `ndarray`: batches and vectors as arrays of the crate `ndarray`.

#[cfg(feature = "ndarray")]
mod arrays;
mod batch;
mod code_encoder;
mod encoder;
mod encoding;
mod encodings;
mod error;

#[cfg(feature = "ndarray")]
pub use arrays::vectors_array;
pub use batch::FeatureBatch;
/// The crate of the reads to encode.
pub use bm_reads::{self, ReadRef};
pub use code_encoder::{CodeEncoder, CodeEncoding};
pub use encoder::Encoder;
pub use encoding::Encoding;
pub use encodings::{
    AnyEncoder, BaseQualityPlace, CodeParts, Encodings, QualityPlace, Scalar150, WordSpectrum,
};
pub use error::EncodeError;

/// The examples of the README, to be tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
