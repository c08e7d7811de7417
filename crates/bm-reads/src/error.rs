//! Errors of a single read.

use thiserror::Error;

/// Why a read cannot be scored or is not valid.
///
/// Positions are 0-based, in bases from the read's start.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReadError {
    /// The read has no bases.
    #[error("the read is empty")]
    EmptyRead,
    /// Every base of the read is unknown (`N` or `.`).
    #[error("no base of the read is known, all are N")]
    NoKnownBase,
    /// The read does not have one quality score per base.
    #[error("{sequence} bases but {quality_scores} quality scores")]
    LengthMismatch {
        /// Bases in the sequence.
        sequence: usize,
        /// Bytes in the quality string.
        quality_scores: usize,
    },
    /// A quality byte is not Phred + 33.
    #[error(
        "quality byte {byte:#04x} at position {position} is not between '!' (Phred 0) and '~' (Phred 93)"
    )]
    InvalidQuality {
        /// Position in the read.
        position: usize,
        /// The byte found.
        byte: u8,
    },
}
