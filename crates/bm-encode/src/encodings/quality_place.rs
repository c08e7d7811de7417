//! `quality-place` version 1: the reported quality of a base, and its distance to the nearer end of
//! the read.

use bm_reads::{Phred, ReadRef, check_quality};
use pulp::{Arch, Simd, WithSimd};

use crate::{CodeEncoder, CodeEncoding, EncodeError};

/// Phred scores 0 to 93.
const SCORES: usize = 94;

/// Distances to an end, in bases, at which a new place begins: places are narrow near the end and
/// wide further in.
const EDGES: [usize; 8] = [1, 2, 3, 5, 8, 14, 25, 50];

/// Distance from both ends, in bases, from which a base is in the middle.
const NEAR: usize = EDGES[EDGES.len() - 1];

/// The place of the middle; lower places are at the read's start, higher ones at its end.
const MIDDLE: usize = EDGES.len();

const PLACES: usize = 2 * EDGES.len() + 1;

/// Features of the quality score; the features of the place follow them.
const QUALITY_CHANNELS: usize = 7;

/// Where the ramps of the quality begin, and how long they are. Unit: Phred.
const RAMPS: [u8; 3] = [2, 14, 26];
const RAMP: f64 = 12.0;

/// Limits of a reported error probability: Phred 50, and a random guess among four bases.
const REPORTED: (f64, f64) = (1e-5, 0.75);

/// Highest Phred score of an unknown base. Instruments report anything from 0 to 40 for N.
const UNKNOWN: u16 = 2;

static ENCODING: CodeEncoding = QualityPlace::ENCODING;

/// First code of the place of a base at each distance from the start of the read.
static FROM_START: [u16; NEAR] = codes_of_places(false);
/// The same from the end.
static FROM_END: [u16; NEAR] = codes_of_places(true);

const fn codes_of_places(end: bool) -> [u16; NEAR] {
    let mut codes = [0; NEAR];
    let (mut distance, mut bin) = (0, 0);
    while distance < NEAR {
        if distance == EDGES[bin] {
            bin += 1;
        }
        codes[distance] = ((if end { MIDDLE + 1 + bin } else { bin }) * SCORES) as u16;
        distance += 1;
    }
    codes
}

/// The encoding `quality-place` version 1.
///
/// The code of a base is `94 × place + Phred`. The Phred score of a base other than A, C, G, T or
/// U (in either case) is at most 2. Places 0 to 7 are at the start of the read and begin at the
/// distances 0, 1, 2, 3, 5, 8, 14 and 25; place 8 is the middle and begins at the distance 50;
/// places 9 to 16 are at the end and mirror those at the start. Distances are to the nearer end; at
/// equal distance the base belongs to the start.
///
/// The vector of a code has 24 features:
///
/// - Phred / 40;
/// - the reported error probability e = 10^(−Phred/10);
/// - three ramps, which rise from 0 to 1 over 12 Phred units from Phred 2, 14 and 26;
/// - 1, which marks a base: outside of a read a convolution sees zeros;
/// - ln(e / (1 − e)), with e clamped to 10⁻⁵…0.75;
/// - the place, one-hot among seventeen.
///
/// The vector does not contain the base itself: on runs that the network had not seen, bases
/// improved nothing, and a network with bases easily learns a genome by heart.
#[derive(Clone, Copy, Debug, Default)]
pub struct QualityPlace;

impl QualityPlace {
    /// The encoding, as a constant for encodings that build on it.
    pub(super) const ENCODING: CodeEncoding = CodeEncoding {
        id: "quality-place",
        version: 1,
        codes: SCORES * PLACES,
        channels: QUALITY_CHANNELS + PLACES,
    };

    /// Phred scores 0 to 93.
    pub(super) const SCORES: usize = SCORES;

    /// Returns a name for each place: the end, and the distances to it.
    pub(super) fn places() -> impl Iterator<Item = String> {
        let near = |end: &'static str| {
            (0..EDGES.len()).map(move |bin| {
                let (from, to) = (if bin == 0 { 0 } else { EDGES[bin - 1] }, EDGES[bin] - 1);
                if from == to { format!("{end} {from}") } else { format!("{end} {from}-{to}") }
            })
        };
        near("start").chain(std::iter::once("middle".to_owned())).chain(near("end"))
    }
}

impl CodeEncoder for QualityPlace {
    fn encoding(&self) -> &CodeEncoding {
        &ENCODING
    }

    fn vectors(&self) -> Vec<f32> {
        let mut vectors = Vec::with_capacity(ENCODING.codes * ENCODING.channels);
        for place in 0..PLACES {
            for score in (0..=Phred::MAX.get()).filter_map(Phred::new) {
                let reported = score.error_probability();
                let clipped = reported.clamp(REPORTED.0, REPORTED.1);
                let phred = f64::from(score.get());
                vectors.extend([phred / 40.0, reported].map(|x| x as f32));
                vectors.extend(
                    RAMPS.map(|from| ((phred - f64::from(from)).clamp(0.0, RAMP) / RAMP) as f32),
                );
                vectors.extend([1.0, (clipped / (1.0 - clipped)).ln() as f32]);
                vectors.extend((0..PLACES).map(|other| f32::from(other == place)));
            }
        }
        vectors
    }

    fn encode_into(&self, read: ReadRef<'_>, codes: &mut Vec<u16>) -> Result<(), EncodeError> {
        read.check_lengths()?;
        check_quality(read.quality_scores)?;
        let first = codes.len();
        codes.resize(first + read.len(), 0);
        Arch::new().dispatch(Encode { read, codes: &mut codes[first..] });
        Ok(())
    }
}

/// Writes the codes of a checked read, in loops that compile to the vector instructions of the machine.
struct Encode<'a> {
    read: ReadRef<'a>,
    codes: &'a mut [u16],
}

impl WithSimd for Encode<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { read, codes } = self;
        let length = codes.len();
        // Arithmetic on bytes instead of a table.
        for ((code, base), byte) in codes.iter_mut().zip(read.sequence).zip(read.quality_scores) {
            let score = u16::from(byte - Phred::OFFSET);
            let known = matches!(base | 0x20, b'a' | b'c' | b'g' | b't' | b'u');
            *code = if known { score } else { score.min(UNKNOWN) };
        }
        let starts = length.div_ceil(2).min(NEAR);
        let ends = (length / 2).min(NEAR);
        for (code, place) in codes.iter_mut().zip(&FROM_START[..starts]) {
            *code += place;
        }
        for (code, place) in codes.iter_mut().rev().zip(&FROM_END[..ends]) {
            *code += place;
        }
        for code in &mut codes[starts..length - ends] {
            *code += (MIDDLE * SCORES) as u16;
        }
    }
}
