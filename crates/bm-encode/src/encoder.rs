//! The trait of all encoders; one encoding per file beside this one.

mod scalar_150;

pub use scalar_150::Scalar150;

use crate::{EncodeError, Encoding};
use bm_reads::ReadRef;

/// Turns reads into rows of features.
pub trait Encoder: Send + Sync {
    /// Returns the encoding that the rows are in.
    fn encoding(&self) -> &Encoding;

    /// Writes the features of one read, at most one window long, into `row`.
    ///
    /// **Shape:** `row` is [`Encoding::features`] long; every value of it is written.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`] where the read or the row does not fit; the row's content is then
    /// unspecified.
    fn encode_into(&self, read: ReadRef<'_>, row: &mut [f32]) -> Result<(), EncodeError>;
}

/// Every encoding of this crate.
static ALL: [&dyn Encoder; 1] = [&Scalar150];

/// Returns the encoder of an encoding, by the id and version that a model names.
pub fn find(id: &str, version: u32) -> Option<&'static dyn Encoder> {
    ALL.into_iter()
        .find(|encoder| encoder.encoding().id == id && encoder.encoding().version == version)
}

/// Returns every encoding that [`find`] knows.
pub fn encodings() -> impl Iterator<Item = &'static Encoding> {
    ALL.into_iter().map(Encoder::encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_is_found_by_what_it_is_called() {
        for encoding in encodings() {
            assert_eq!(
                find(encoding.id, encoding.version).map(|found| *found.encoding()),
                Some(*encoding)
            );
            assert!(find(encoding.id, encoding.version + 1).is_none());
        }
    }
}
