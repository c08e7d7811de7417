//! Errors of model packages and of their use.

use bm_infer::{InferError, Shown};
use thiserror::Error;

/// Why a package cannot be opened, or why there are no predictions.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum QualityError {
    /// No embedded model has that id.
    #[error(
        "no model is called {id}; there are: {known}; name a package or an .onnx file by its path"
    )]
    UnknownModel {
        /// The id that was asked for.
        id: String,
        /// Ids of the embedded models.
        known: String,
    },
    /// A file of the package cannot be read.
    #[error("{package}: {file} cannot be read")]
    Package {
        /// The package.
        package: String,
        /// The file in it.
        file: String,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The package has no such file.
    #[error("{package}: has no {file}; {hint}")]
    NoFile {
        /// The package.
        package: String,
        /// The file that is missing.
        file: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// The manifest is not valid, or does not agree with the model's files.
    #[error("{package}: {}", Shown(reason))]
    Manifest {
        /// The package.
        package: String,
        /// What was expected and found.
        reason: String,
    },
    /// The model was trained on an encoding that is not among the known ones; see
    /// [`ModelPackage::open_with`](crate::ModelPackage::open_with).
    #[error("{package}: needs the encoding {}, there are: {known}", Shown(encoding))]
    UnknownEncoding {
        /// The package.
        package: String,
        /// The encoding that the model names.
        encoding: String,
        /// The known encodings.
        known: String,
    },
    /// A threshold is not between 0 and 1.
    #[error("a threshold is a probability from 0 to 1, found {value}")]
    InvalidThreshold {
        /// The value.
        value: f64,
    },
    /// The encoder refused a well-formed read, or a window of one.
    #[error("a read could not be encoded")]
    Encode(#[from] bm_encode::EncodeError),
    /// The evidence or experience of k-mers in the package is broken, or of another version.
    #[error("{package}: cannot be used")]
    Evidence {
        /// The package.
        package: String,
        /// The error.
        source: bm_evidence::EvidenceError,
    },
    /// The engine refused or failed.
    #[error(transparent)]
    Infer(#[from] InferError),
}
