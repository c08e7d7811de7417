//! `base-quality-place` version 1: the features of `quality-place`, and the base.

use bm_reads::{ReadRef, base};

use super::quality_place::QualityPlace;
use crate::{CodeEncoder, CodeEncoding, EncodeError};

/// A, C, G, T (or U), and all others.
const BASES: usize = 5;

/// Channels of A, C, G and T; other bases have no channel.
const BASE_CHANNELS: usize = 4;

const QUALITY_PLACE: CodeEncoding = QualityPlace::ENCODING;

static ENCODING: CodeEncoding = CodeEncoding {
    id: "base-quality-place",
    version: 1,
    codes: QUALITY_PLACE.codes * BASES,
    channels: QUALITY_PLACE.channels + BASE_CHANNELS,
};

/// First code of each base.
static FIRST: [u16; 256] = first_codes();

const fn first_codes() -> [u16; 256] {
    let mut first = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        first[byte] = base::code(byte as u8) as u16 * QUALITY_PLACE.codes as u16;
        byte += 1;
    }
    first
}

/// The encoding `base-quality-place` version 1.
///
/// The code of a base is `1598 × base + c`, where base is 0 to 3 for A, C, G and T (or U), in
/// either case, and 4 for all others, and c is the base's code in [`QualityPlace`].
///
/// The vector of a code has 28 features: the 24 of c, and the base, one-hot among four (all zero
/// for other bases).
///
/// It is for networks that are trained on the run whose reads they score: errors depend on the
/// bases around them, and on the instrument.
#[derive(Clone, Copy, Debug, Default)]
pub struct BaseQualityPlace;

/// The parts of a code of [`BaseQualityPlace`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CodeParts {
    /// 0 to 3 for A, C, G and T; 4 for others.
    pub base: u8,
    /// Place in the read, see [`QualityPlace`].
    pub place: u8,
    /// Phred score, at most 2 for other bases.
    pub score: u8,
}

impl BaseQualityPlace {
    /// Returns the name of each place, numbered as in [`QualityPlace`]: the end, and the distances
    /// to it in bases.
    pub fn places() -> impl Iterator<Item = String> {
        QualityPlace::places()
    }

    /// Returns the parts of a code.
    pub fn parts(code: u16) -> CodeParts {
        let rest = usize::from(code) % QUALITY_PLACE.codes;
        CodeParts {
            base: (usize::from(code) / QUALITY_PLACE.codes) as u8,
            place: (rest / QualityPlace::SCORES) as u8,
            score: (rest % QualityPlace::SCORES) as u8,
        }
    }
}

impl CodeEncoder for BaseQualityPlace {
    fn encoding(&self) -> &CodeEncoding {
        &ENCODING
    }

    fn vectors(&self) -> Vec<f32> {
        let vectors = QualityPlace.vectors();
        let mut all = Vec::with_capacity(ENCODING.codes * ENCODING.channels);
        for base in 0..BASES {
            for vector in vectors.chunks_exact(QUALITY_PLACE.channels) {
                all.extend(vector);
                all.extend((0..BASE_CHANNELS).map(|other| f32::from(other == base)));
            }
        }
        all
    }

    fn encode_into(&self, read: ReadRef<'_>, codes: &mut Vec<u16>) -> Result<(), EncodeError> {
        let first = codes.len();
        QualityPlace.encode_into(read, codes)?;
        for (code, base) in codes[first..].iter_mut().zip(read.sequence) {
            *code += FIRST[usize::from(*base)];
        }
        Ok(())
    }
}
