//! What can be wrong with evidence.

use std::io;

/// Why evidence cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// A file of another format or version, or a broken one.
    #[error("evidence: {0}")]
    Content(String),
    /// What the system says.
    #[error("evidence: cannot be read")]
    Read(#[source] io::Error),
}
