//! What can be wrong when features are made of a read.

use bm_reads::ReadError;
use thiserror::Error;

/// Why a read has no features.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The read itself is not in order.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The read is longer than the encoding's window.
    #[error("{length} bases do not fit into the encoding's {window}; cut the read into windows")]
    TooLong {
        /// Bases in the read.
        length: usize,
        /// Bases that the encoding takes.
        window: usize,
    },
    /// The caller's row is not as wide as the encoding.
    #[error("the row holds {actual} values, the encoding needs {expected}")]
    RowWidth {
        /// Features of the encoding.
        expected: usize,
        /// Values in the row given.
        actual: usize,
    },
}
