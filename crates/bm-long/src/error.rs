//! Errors of reading evidence of long reads.

use std::io;

use bm_kmers::KmerError;

/// Why evidence of long reads cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LongError {
    /// The file is of another format or version, or damaged.
    #[error("evidence: {0}")]
    Content(String),
    /// The input failed.
    #[error("evidence: reading failed")]
    Read(#[source] io::Error),
}

impl From<KmerError> for LongError {
    fn from(error: KmerError) -> Self {
        match error {
            KmerError::Read(error) => Self::Read(error),
            KmerError::Content(text) => Self::Content(text),
            other => Self::Content(other.to_string()),
        }
    }
}
