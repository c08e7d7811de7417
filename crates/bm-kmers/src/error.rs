//! Errors of reading an index.

use std::io;

/// Why an index cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KmerError {
    /// The data is not an index, or is damaged.
    #[error("k-mers: {0}")]
    Content(String),
    /// The input failed.
    #[error("k-mers: reading failed")]
    Read(#[source] io::Error),
}
