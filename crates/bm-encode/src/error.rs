//! Errors of encoding.

use bm_reads::ReadError;
use thiserror::Error;

/// Why a read, or an encoding, has no features.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The read is malformed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The read is longer than the encoding's window.
    #[error("{length} bases do not fit into the encoding's {window}; cut the read into windows")]
    TooLong {
        /// Bases in the read.
        length: usize,
        /// Bases per row of the encoding.
        window: usize,
    },
    /// The caller's row has another width than the encoding.
    #[error("the row holds {actual} values, the encoding needs {expected}")]
    RowWidth {
        /// Features of the encoding.
        expected: usize,
        /// Values in the caller's row.
        actual: usize,
    },
    /// The vectors of an encoding do not have its shape.
    #[error(
        "the vectors of {encoding} hold {actual} values, expected codes × channels = {expected}"
    )]
    VectorCount {
        /// Id and version of the encoding.
        encoding: String,
        /// Codes × channels.
        expected: usize,
        /// Values that the encoder returned.
        actual: usize,
    },
}
