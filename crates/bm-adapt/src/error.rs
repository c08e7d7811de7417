//! What can go wrong.

use bm_quality::QualityError;

/// An error of this crate. A run that teaches nothing is none: see [`crate::Doubt`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdaptError {
    /// The model to start from is of another kind.
    #[error(
        "{package}: is not a model that can be adapted: {reason}; start from read-error or a model that was adapted"
    )]
    OtherKind {
        /// What the package is called.
        package: String,
        /// What was expected and found.
        reason: String,
    },
    /// The package of the model to start from, or the one that was made.
    #[error(transparent)]
    Quality(#[from] QualityError),
    /// The model to start from has nothing to weigh k-mers by.
    #[error("{package}: does not know what k-mers are worth; start from read-error")]
    NoExperience {
        /// What the package is called.
        package: String,
    },
    /// The digest of the evidence could not be made.
    #[error("evidence: its digest cannot be made")]
    Evidence(#[source] std::io::Error),
    /// A file of the package could not be made.
    #[error("{file}: {source}")]
    Json {
        /// Which one.
        file: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}
