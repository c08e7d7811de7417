//! What can be wrong with evidence.

use std::io;

use bm_kmers::KmerError;

/// Why evidence cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// A file of another format or version, or a broken one.
    #[error("evidence: {0}")]
    Content(String),
    /// The input failed.
    #[error("evidence: cannot be read")]
    Read(#[source] io::Error),
}

impl From<KmerError> for EvidenceError {
    fn from(error: KmerError) -> Self {
        match error {
            KmerError::Read(error) => Self::Read(error),
            KmerError::Content(text) => Self::Content(text),
            other => Self::Content(other.to_string()),
        }
    }
}
