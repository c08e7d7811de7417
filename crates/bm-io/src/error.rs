//! Errors of input and output files.

use std::io;

use bm_reads::fastq::FastqError;
use thiserror::Error;

/// Why a file cannot be read or written. Every message begins with the file's name.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IoError {
    /// The system refused an operation.
    #[error("{what}")]
    System {
        /// The file, and the operation that failed.
        what: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The text of a file is not what was expected.
    #[error("{name}")]
    Records {
        /// The file.
        name: String,
        /// What is wrong, and where.
        source: FastqError,
    },
    /// The text is wrong because the compressed file is damaged: wrong text comes out of a damaged
    /// stream before its checksum does.
    #[error("{name}: {fault}; further on, {damage}")]
    Damaged {
        /// The file.
        name: String,
        /// The fault in the text, and where.
        fault: FastqError,
        /// The error of the decompressor further on.
        damage: io::Error,
    },
    /// A request that cannot be met, found before anything was done.
    #[error("{0}")]
    Refused(String),
}

impl IoError {
    /// Returns a function that wraps an error of the operating system, for `map_err`.
    pub fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}
