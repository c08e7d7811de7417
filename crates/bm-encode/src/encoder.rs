//! The trait of encoders that make rows of features.

use crate::{EncodeError, Encoding};
use bm_reads::ReadRef;

/// Turns reads into rows of features.
pub trait Encoder: Send + Sync {
    /// Returns the encoding of the rows.
    fn encoding(&self) -> &Encoding;

    /// Writes the features of one read, at most one window long, into `row`.
    ///
    /// A window may hold unknown bases alone: it is part of a longer read.
    ///
    /// **Shape:** `row` has [`Encoding::features`] values; every value is written.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`] if the read or the row does not fit; the content of the row is then
    /// unspecified.
    fn encode_into(&self, read: ReadRef<'_>, row: &mut [f32]) -> Result<(), EncodeError>;
}
