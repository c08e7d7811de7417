//! Sequencing reads to features.
//!
//! An [`Encoder`] turns a read into one row of `f32`, under an [`Encoding`]: a rule with an id, a
//! version and a shape. A value that changes is a new version, because a trained network depends on
//! every one of them. The row belongs to the caller and nothing is allocated a read.
//!
//! # Example
//!
//! ```
//! use bm_encode::{Encoder, FeatureBatch, Scalar150};
//! use bm_reads::ReadRef;
//!
//! let encoder = Scalar150;
//! let mut batch = FeatureBatch::new(encoder.encoding());
//! batch.push(&encoder, ReadRef { name: b"r1", sequence: b"ACGTN", quality_scores: b"IIIII" })?;
//! assert_eq!(batch.shape(), [1, 300]);
//! assert_eq!(batch.as_slice()[..5], [0.0, 0.25, 0.5, 0.75, 1.0]);
//! # Ok::<(), bm_encode::EncodeError>(())
//! ```
//!
//! A [`CodeEncoder`] is for networks that take reads of any length: it makes a code of every base,
//! and its [`CodeEncoding`] says which vector of features a code stands for.
//!
//! # An encoding of your own
//!
//! Implement [`Encoder`]: name the encoding, say how many bases a row covers and how many features
//! it has, and write every value of the row. It goes wherever those of this crate do.
//!
//! ```
//! use bm_encode::{EncodeError, Encoder, Encoding, FeatureBatch};
//! use bm_reads::ReadRef;
//! use bm_encode::bm_reads::Phred;
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
//!         read.check_scorable()?;
//!         if read.len() > row.len() {
//!             return Err(EncodeError::TooLong { length: read.len(), window: row.len() });
//!         }
//!         row.fill(0.0);
//!         for (value, byte) in row.iter_mut().zip(read.quality_scores) {
//!             *value = Phred::from_byte(*byte).map_or(0.0, |phred| phred.error_probability() as f32);
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let mut batch = FeatureBatch::new(&ENCODING);
//! let read = ReadRef { name: b"r1", sequence: b"ACGT", quality_scores: b"+5?I" };
//! batch.push(&Errors50, read)?;
//! assert_eq!(batch.as_slice()[..5], [0.1, 0.01, 0.001, 0.0001, 0.0]);
//! # Ok::<(), EncodeError>(())
//! ```

mod batch;
mod code_encoder;
mod encoder;
mod encoding;
mod error;

pub use batch::FeatureBatch;
/// The reads that are encoded.
pub use bm_reads::{self, ReadRef};
pub use code_encoder::{
    BaseQualityPlace, CodeEncoder, CodeEncoding, CodeParts, QualityPlace, code_encodings,
    find_codes,
};
pub use encoder::{Encoder, Scalar150, encodings, find};
pub use encoding::Encoding;
pub use error::EncodeError;
