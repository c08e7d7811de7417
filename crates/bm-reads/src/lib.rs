//! Sequencing reads: bases, qualities, names of mates, and strict FASTQ reading.
//!
//! A [`ReadRef`] is a borrowed read. [`Phred`] is a quality score; [`reported_errors`] and
//! [`mean_phred`] summarise the quality scores of a read. [`base`] maps letters to bases, and
//! [`mates`] checks whether two names belong to mates.
//!
//! # FASTQ
//!
//! FASTQ has four lines per record: `@` and the definition (the read's name, then anything), the
//! sequence, `+`, and one quality byte per base: Phred + 33, so `!` (0) to `~` (93).
//! [`fastq::Reader`] (feature `fastq`, on by default) reads it strictly, in batches, without
//! copying.
//!
//! ```
//! use bm_reads::fastq::{BatchSize, Reader, RecordBatch};
//! use bm_reads::reported_errors;
//!
//! let text = b"@r1 lane 1\nACGT\n+\nIIII\n@r2\nACGTN\n+\n55555\n";
//! let mut reader = Reader::new(&text[..]);
//! let mut batch = RecordBatch::default();
//! while reader.read_batch(&mut batch, BatchSize::Bytes(256 * 1024))? {}
//! let errors: Vec<f64> =
//!     batch.iter().map(|record| reported_errors(record.quality_scores)).collect();
//! assert!((errors[0] - 4.0 * 1e-4).abs() < 1e-12 && (errors[1] - 0.05).abs() < 1e-12);
//! # Ok::<(), bm_reads::fastq::FastqError>(())
//! ```
//!
//! # Reads from other parsers
//!
//! [`ReadRef`] has public fields, so the record of any parser becomes a [`ReadRef`] without a copy.
//! With the feature `noodles`, `ReadRef::from` converts a record of noodles-fastq.

#[cfg(feature = "fastq")]
pub mod bam;
pub mod base;
pub mod conversion;
mod error;
#[cfg(feature = "fastq")]
pub mod fasta;
#[cfg(feature = "fastq")]
pub mod fastq;
pub mod mates;
#[cfg(feature = "noodles")]
mod noodles;
mod read;
#[cfg(feature = "fastq")]
mod source;
#[cfg(feature = "fastq")]
pub mod starts;

pub use error::ReadError;
pub use read::{Phred, PlacedRead, ReadRef, check_quality, mean_phred, reported_errors};
#[cfg(feature = "fastq")]
pub use source::RecordSource;

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
