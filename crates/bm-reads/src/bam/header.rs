//! The header of a BAM file.

use std::io;

use thiserror::Error;

/// The header of a BAM file: its text, and the references as the file has them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Header {
    /// The lines, such as `@HD` and `@RG`, without zero bytes at the end.
    pub text: Vec<u8>,
    /// The number of references, and for each the size of its name, the name, and its length.
    pub references: Vec<u8>,
}

/// Why the header of a BAM file cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The stream could not be read or inflated.
    #[error("reading the header failed")]
    Io(#[source] io::Error),
    /// The file ends inside the header.
    #[error("the BAM file ends inside its header; copy or download it again")]
    Cut,
    /// The header is not one of BAM.
    #[error("the header of the BAM file is damaged: {what}")]
    Invalid {
        /// What is wrong.
        what: &'static str,
    },
}
