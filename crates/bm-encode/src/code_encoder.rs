//! The trait of encoders that make one code per base.
//!
//! A network that rates every base by its neighbours takes reads of any length. A position of a
//! read has one of few states, such as a base with a quality, so a read becomes one code per base,
//! and the encoding has a vector of features for each code.

use std::fmt;

use crate::EncodeError;
use bm_reads::ReadRef;

/// A named and versioned rule from bases to codes.
///
/// A network works only on the encoding that it was trained on, so a changed code or vector is a
/// new version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CodeEncoding {
    /// The rule's name.
    pub id: &'static str,
    /// The rule's version, from 1.
    pub version: u32,
    /// Codes are `0..codes`.
    pub codes: usize,
    /// Features in the vector of a code.
    pub channels: usize,
}

impl fmt::Display for CodeEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.id, self.version)
    }
}

/// Turns reads of any length into codes.
pub trait CodeEncoder: Send + Sync {
    /// Returns the encoding of the codes.
    fn encoding(&self) -> &CodeEncoding;

    /// Returns the vector of features of each code.
    ///
    /// **Shape:** `[codes, channels]`, C order.
    fn vectors(&self) -> Vec<f32>;

    /// Appends one code per base of a read.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`] if the read is malformed; `codes` is then unchanged.
    fn encode_into(&self, read: ReadRef<'_>, codes: &mut Vec<u16>) -> Result<(), EncodeError>;
}
