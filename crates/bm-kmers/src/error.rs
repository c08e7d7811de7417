//! What can be wrong with a file of k-mers.

use std::io;

/// Why k-mers cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KmerError {
    /// A broken file.
    #[error("k-mers: {0}")]
    Content(String),
    /// The input failed.
    #[error("k-mers: cannot be read")]
    Read(#[source] io::Error),
}
