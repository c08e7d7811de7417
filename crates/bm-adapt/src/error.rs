//! Errors of learning a run.

use bm_quality::QualityError;

/// Why a run cannot be learned. A run from which nothing can be learned is not an error: see
/// [`crate::Doubt`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdaptError {
    /// The base model is of a kind that cannot be adapted.
    #[error("{package}: cannot be adapted: {reason}; start from read-error or an adapted model")]
    OtherKind {
        /// Name of the package.
        package: String,
        /// What is different.
        reason: String,
    },
    /// The package of the base model, or the new one, is invalid.
    #[error(transparent)]
    Quality(#[from] QualityError),
    /// The base model has no experience for the weights of k-mers.
    #[error("{package}: has no experience.json, which k-mer evidence needs; start from read-error")]
    NoExperience {
        /// Name of the package.
        package: String,
    },
    /// The SHA-256 of the evidence could not be computed.
    #[error("evidence: its SHA-256 cannot be computed")]
    Evidence(#[source] std::io::Error),
    /// The sample of a part of a run is broken.
    #[error("sample of reads: {0}")]
    Sample(String),
    /// The sample of a part of a run cannot be read.
    #[error("sample of reads: cannot be read")]
    SampleInput(#[source] std::io::Error),
    /// An adapter that was given is not one.
    #[error("{place}: {reason}")]
    Adapter {
        /// Where: the text, or file and record.
        place: String,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// A file of adapters, or a record of it, could not be read.
    #[error("{place}: the adapters cannot be read as FASTA")]
    AdapterFile {
        /// The file, or file and record.
        place: String,
        /// The error of the system or of the FASTA reader.
        source: std::io::Error,
    },
    /// A JSON file of the package could not be read or written.
    #[error("{file}: cannot be read or written as JSON")]
    Json {
        /// Name of the file.
        file: &'static str,
        /// The error of serde_json.
        source: serde_json::Error,
    },
}
