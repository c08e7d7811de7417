//! `scalar-150` version 1: one number per base and one per quality score.

use bm_reads::{Phred, ReadRef, base, check_quality};

use crate::{EncodeError, Encoder, Encoding};

const WINDOW: usize = 150;

static ENCODING: Encoding =
    Encoding { id: "scalar-150", version: 1, window: WINDOW, features: 2 * WINDOW };

/// Feature of each possible base byte: A 0.0, C 0.25, G 0.5, T 0.75 in either case, anything else
/// 1.0.
static BASE: [f32; 256] = {
    let mut table = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        // Codes 0 to 3 are A, C, G and T; code 4 is any other byte.
        table[byte] = base::dna_code(byte as u8) as f32 * 0.25;
        byte += 1;
    }
    table
};

/// Feature of each possible quality byte: Phred / 93. Other bytes are refused before the look-up.
static QUALITY: [f32; 256] = {
    let mut table = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        if let Some(phred) = Phred::from_byte(byte as u8) {
            table[byte] = phred.get() as f32 / Phred::MAX.get() as f32;
        }
        byte += 1;
    }
    table
};

/// The encoding `scalar-150` version 1.
///
/// Features 0..150 are the bases: A 0.0, C 0.25, G 0.5, T 0.75 in either case, anything else 1.0.
/// Features 150..300 are the quality scores: Phred / 93. In a shorter read, both halves are padded
/// with 0.0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scalar150;

impl Encoder for Scalar150 {
    fn encoding(&self) -> &Encoding {
        &ENCODING
    }

    fn encode_into(&self, read: ReadRef<'_>, row: &mut [f32]) -> Result<(), EncodeError> {
        read.check_lengths()?;
        let length = read.len();
        if length > WINDOW {
            return Err(EncodeError::TooLong { length, window: WINDOW });
        }
        if row.len() != ENCODING.features {
            return Err(EncodeError::RowWidth { expected: ENCODING.features, actual: row.len() });
        }
        check_quality(read.quality_scores)?;
        let (bases, qualities) = row.split_at_mut(WINDOW);
        for (feature, &base) in bases.iter_mut().zip(read.sequence) {
            *feature = BASE[usize::from(base)];
        }
        bases[length..].fill(0.0);
        for (feature, &byte) in qualities.iter_mut().zip(read.quality_scores) {
            *feature = QUALITY[usize::from(byte)];
        }
        qualities[length..].fill(0.0);
        Ok(())
    }
}
