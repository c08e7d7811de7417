//! Errors of making and reading an index of classes.

use std::io;

/// Why an index of classes cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassError {
    /// The file is no index of classes, of another version, or damaged.
    #[error("index of classes: {0}")]
    Content(String),
    /// The input failed.
    #[error("index of classes: reading failed")]
    Read(#[source] io::Error),
    /// A class cannot be added.
    #[error("class {name}: {reason}")]
    Class {
        /// The name of the class.
        name: String,
        /// What was found, and what was expected.
        reason: String,
    },
    /// There is nothing to look reads up in.
    #[error("no class has a sequence of at least {0} known bases")]
    Empty(usize),
}
