//! The trait of encoders that make a code of every base; one encoding per file beside this one.
//!
//! A network that judges every base by its neighbours takes reads of any length, and what stands at
//! a base is one of few things. So a read becomes codes, one a base, and the encoding says which
//! vector of features each code stands for.

mod base_quality_place;
mod quality_place;

use std::fmt;

pub use base_quality_place::{BaseQualityPlace, CodeParts};
pub use quality_place::QualityPlace;

use crate::EncodeError;
use bm_reads::ReadRef;

/// A named and versioned rule from bases to codes.
///
/// A network is trained on one encoding and means nothing on another: a changed code or vector is a
/// new version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CodeEncoding {
    /// The rule's name.
    pub id: &'static str,
    /// The rule's version, from 1.
    pub version: u32,
    /// Codes are `0..codes`.
    pub codes: usize,
    /// Features of the vector that a code stands for.
    pub channels: usize,
}

impl fmt::Display for CodeEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.id, self.version)
    }
}

/// Turns reads of any length into codes.
pub trait CodeEncoder: Send + Sync {
    /// Returns the encoding that the codes are of.
    fn encoding(&self) -> &CodeEncoding;

    /// Returns the vectors that the codes stand for.
    ///
    /// **Shape:** `[codes, channels]`, C order.
    fn vectors(&self) -> Vec<f32>;

    /// Appends a code for every base of a read.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`] where the read is not in order; `codes` is then as it was.
    fn encode_into(&self, read: ReadRef<'_>, codes: &mut Vec<u16>) -> Result<(), EncodeError>;
}

/// Every encoding into codes of this crate.
static ALL: [&dyn CodeEncoder; 2] = [&QualityPlace, &BaseQualityPlace];

/// Returns the encoder of an encoding, by the id and version that a model names.
pub fn find_codes(id: &str, version: u32) -> Option<&'static dyn CodeEncoder> {
    ALL.into_iter()
        .find(|encoder| encoder.encoding().id == id && encoder.encoding().version == version)
}

/// Returns every encoding that [`find_codes`] knows.
pub fn code_encodings() -> impl Iterator<Item = &'static CodeEncoding> {
    ALL.into_iter().map(CodeEncoder::encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_is_found_by_what_it_is_called() {
        for encoder in ALL {
            let encoding = encoder.encoding();
            assert_eq!(
                find_codes(encoding.id, encoding.version).map(|found| *found.encoding()),
                Some(*encoding)
            );
            assert!(find_codes(encoding.id, encoding.version + 1).is_none());
            assert_eq!(encoder.vectors().len(), encoding.codes * encoding.channels, "{encoding}");
        }
    }
}
