//! What can be wrong with a model package or its use.

use bm_infer::{InferError, Shown};
use thiserror::Error;

/// Why there is no prediction.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum QualityError {
    /// No embedded model has that id.
    #[error(
        "no model is called {id}; there are: {known}; a package or an .onnx file is named by its path"
    )]
    UnknownModel {
        /// The id asked for.
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
        /// What the system said.
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
    /// The manifest is not a manifest, or it and the model's files do not agree.
    #[error("{package}: {}", Shown(reason))]
    Manifest {
        /// The package.
        package: String,
        /// What was expected and found.
        reason: String,
    },
    /// The model was trained on an encoding that this version does not have.
    #[error("{package}: needs the encoding {}, there are: {known}", Shown(encoding))]
    UnknownEncoding {
        /// The package.
        package: String,
        /// The encoding that the model names.
        encoding: String,
        /// Encodings of this version.
        known: String,
    },
    /// A threshold is not between 0 and 1.
    #[error("a threshold is a probability from 0 to 1, found {value}")]
    InvalidThreshold {
        /// The value given.
        value: f64,
    },
    /// The encoder refused a window of a read that was found to be in order.
    #[error("a window of a read could not be encoded")]
    Encode(#[from] bm_encode::EncodeError),
    /// What the package holds of a run's k-mers is broken, or of another version.
    #[error("{package}: cannot be used")]
    Evidence {
        /// The package.
        package: String,
        /// What is wrong with it.
        source: bm_evidence::EvidenceError,
    },
    /// The engine refused or failed.
    #[error(transparent)]
    Infer(#[from] InferError),
}
