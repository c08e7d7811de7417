//! The registry of encodings: which encoder belongs to the id and version that a model names. Each
//! encoding has a file in the folder `encodings`.

mod base_quality_place;
mod quality_place;
mod scalar_150;
mod word_spectrum;

use std::fmt;
use std::sync::Arc;

pub use self::base_quality_place::{BaseQualityPlace, CodeParts};
pub use self::quality_place::QualityPlace;
pub use self::scalar_150::Scalar150;
pub use self::word_spectrum::WordSpectrum;
use crate::{CodeEncoder, Encoder};

/// An encoder of either sort.
#[derive(Clone)]
#[non_exhaustive]
pub enum AnyEncoder {
    /// Makes one row of features per window.
    Rows(Arc<dyn Encoder>),
    /// Makes one code per base.
    Codes(Arc<dyn CodeEncoder>),
}

impl AnyEncoder {
    /// Returns the id of the encoding.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Rows(encoder) => encoder.encoding().id,
            Self::Codes(encoder) => encoder.encoding().id,
        }
    }

    /// Returns the version of the encoding.
    pub fn version(&self) -> u32 {
        match self {
            Self::Rows(encoder) => encoder.encoding().version,
            Self::Codes(encoder) => encoder.encoding().version,
        }
    }

    /// Returns the number of features that a network on this encoding takes: per row, or per base.
    pub fn features(&self) -> usize {
        match self {
            Self::Rows(encoder) => encoder.encoding().features,
            Self::Codes(encoder) => encoder.encoding().channels,
        }
    }
}

impl fmt::Display for AnyEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.id(), self.version())
    }
}

impl fmt::Debug for AnyEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sort = match self {
            Self::Rows(_) => "Rows",
            Self::Codes(_) => "Codes",
        };
        write!(f, "{sort}({self})")
    }
}

/// The encodings that models may name.
///
/// Each pair of id and version is there once. A clone shares the encoders.
///
/// ```
/// use std::sync::Arc;
///
/// use bm_encode::{Encodings, QualityPlace};
///
/// let encodings = Encodings::shipped();
/// assert!(encodings.find("scalar-150", 1).is_some());
/// assert!(encodings.find("scalar-150", 2).is_none());
///
/// let one = Encodings::empty().with_codes(Arc::new(QualityPlace));
/// assert_eq!(one.to_string(), "quality-place version 1");
/// ```
#[derive(Clone, Debug)]
pub struct Encodings(Vec<AnyEncoder>);

impl Encodings {
    /// Returns a registry without encodings.
    pub fn empty() -> Self {
        Self(Vec::new())
    }

    /// Returns the encodings of this crate. A new one is a line here.
    pub fn shipped() -> Self {
        Self::empty()
            .with_rows(Arc::new(Scalar150))
            .with_codes(Arc::new(QualityPlace))
            .with_codes(Arc::new(BaseQualityPlace))
            .with_rows(Arc::new(WordSpectrum))
    }

    /// Returns the registry with one more encoding into rows. It replaces an encoding of the same
    /// id and version.
    pub fn with_rows(self, encoder: Arc<dyn Encoder>) -> Self {
        self.with(AnyEncoder::Rows(encoder))
    }

    /// Returns the registry with one more encoding into codes. It replaces an encoding of the same
    /// id and version.
    pub fn with_codes(self, encoder: Arc<dyn CodeEncoder>) -> Self {
        self.with(AnyEncoder::Codes(encoder))
    }

    fn with(mut self, encoder: AnyEncoder) -> Self {
        self.0.retain(|other| (other.id(), other.version()) != (encoder.id(), encoder.version()));
        self.0.push(encoder);
        self
    }

    /// Returns the encoder for an id and version.
    pub fn find(&self, id: &str, version: u32) -> Option<&AnyEncoder> {
        self.iter().find(|encoder| encoder.id() == id && encoder.version() == version)
    }

    /// Returns all encoders, in the order in which they were added.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &AnyEncoder> {
        self.0.iter()
    }
}

impl Default for Encodings {
    /// Returns [`Encodings::shipped`].
    fn default() -> Self {
        Self::shipped()
    }
}

impl fmt::Display for Encodings {
    /// Lists the encodings for messages: `scalar-150 version 1, quality-place version 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, encoder) in self.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{encoder}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bm_reads::ReadRef;

    use super::*;
    use crate::{EncodeError, Encoding};

    #[test]
    fn every_shipped_encoding_is_found_by_id_and_version() {
        let encodings = Encodings::shipped();
        assert_eq!(encodings.iter().len(), 4);
        for encoder in encodings.iter() {
            let found = encodings.find(encoder.id(), encoder.version());
            assert_eq!(found.map(ToString::to_string), Some(encoder.to_string()));
            assert!(encodings.find(encoder.id(), encoder.version() + 1).is_none());
            if let AnyEncoder::Codes(encoder) = encoder {
                let encoding = encoder.encoding();
                let values = encoding.codes * encoding.channels;
                assert_eq!(encoder.vectors().len(), values, "{encoding}");
            }
        }
    }

    /// An encoder made at run time, without a static.
    struct Made(Encoding);

    impl Encoder for Made {
        fn encoding(&self) -> &Encoding {
            &self.0
        }

        fn encode_into(&self, _: ReadRef<'_>, row: &mut [f32]) -> Result<(), EncodeError> {
            row.fill(0.0);
            Ok(())
        }
    }

    #[test]
    fn a_new_encoding_replaces_one_of_the_same_id_and_version() {
        let made = |id, version, features| {
            Arc::new(Made(Encoding { id, version, window: features, features }))
        };
        let encodings = Encodings::shipped()
            .with_rows(made("own", 1, 10))
            .with_rows(made("own", 2, 20))
            .with_rows(made("own", 1, 30))
            .with_rows(made("quality-place", 1, 40));
        let features = |id, version| encodings.find(id, version).map(|encoder| encoder.features());
        assert_eq!((features("own", 1), features("own", 2)), (Some(30), Some(20)));
        assert_eq!(features("quality-place", 1), Some(40));
        assert_eq!(
            encodings.to_string(),
            "scalar-150 version 1, base-quality-place version 1, word-spectrum version 1, own version 2, \
             own version 1, quality-place version 1"
        );
    }
}
