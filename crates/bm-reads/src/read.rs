//! A borrowed read and its Phred scores.

use std::sync::LazyLock;

use crate::{ReadError, base};

/// A borrowed sequencing read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReadRef<'a> {
    /// The read's name, without `@` and without the description.
    pub name: &'a [u8],
    /// Bases, one ASCII byte each, in either case.
    pub sequence: &'a [u8],
    /// Quality scores, one ASCII byte per base: Phred + 33.
    pub quality_scores: &'a [u8],
}

impl<'a> ReadRef<'a> {
    /// Returns the number of bases.
    pub fn len(&self) -> usize {
        self.sequence.len()
    }

    /// Returns whether the read has no bases.
    pub fn is_empty(&self) -> bool {
        self.sequence.is_empty()
    }

    /// Returns the part of the read in `start..start + length`, cut off at the end of the read.
    pub fn window(&self, start: usize, length: usize) -> ReadRef<'a> {
        fn part(bytes: &[u8], start: usize, length: usize) -> &[u8] {
            let start = start.min(bytes.len());
            &bytes[start..bytes.len().min(start.saturating_add(length))]
        }
        ReadRef {
            name: self.name,
            sequence: part(self.sequence, start, length),
            quality_scores: part(self.quality_scores, start, length),
        }
    }

    /// Checks that the read can be scored.
    ///
    /// # Errors
    ///
    /// [`ReadError::LengthMismatch`] if there is not one quality score per base,
    /// [`ReadError::EmptyRead`] if there are no bases, [`ReadError::NoKnownBase`] if all bases are
    /// `N` or `.`, and [`ReadError::InvalidQuality`] if a quality byte is not Phred + 33.
    pub fn check_scorable(&self) -> Result<(), ReadError> {
        self.check_lengths()?;
        if self.sequence.iter().all(|letter| base::is_unknown(*letter)) {
            return Err(ReadError::NoKnownBase);
        }
        check_quality(self.quality_scores)
    }

    /// Checks that the read has bases and one quality score per base.
    ///
    /// # Errors
    ///
    /// [`ReadError::LengthMismatch`] or [`ReadError::EmptyRead`].
    pub fn check_lengths(&self) -> Result<(), ReadError> {
        if self.sequence.len() != self.quality_scores.len() {
            return Err(ReadError::LengthMismatch {
                sequence: self.sequence.len(),
                quality_scores: self.quality_scores.len(),
            });
        }
        if self.is_empty() { Err(ReadError::EmptyRead) } else { Ok(()) }
    }
}

/// Checks that every byte is a quality score.
///
/// # Errors
///
/// [`ReadError::InvalidQuality`] with the first byte that is not a quality score.
pub fn check_quality(quality_scores: &[u8]) -> Result<(), ReadError> {
    // A loop without an early exit compiles to vector instructions. The position of an invalid byte
    // is searched for only if there is one.
    let all_right = quality_scores
        .iter()
        .fold(true, |right, byte| right & (byte.wrapping_sub(Phred::OFFSET) <= Phred::MAX.0));
    if all_right {
        return Ok(());
    }
    match quality_scores.iter().position(|byte| Phred::from_byte(*byte).is_none()) {
        Some(position) => {
            Err(ReadError::InvalidQuality { position, byte: quality_scores[position] })
        }
        None => Ok(()),
    }
}

/// A Phred score Q = −10 log₁₀ P(the base is wrong), 0 to 93 (Ewing & Green 1998, Genome Research
/// 8:186).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Phred(u8);

impl Phred {
    /// The highest score that a FASTQ byte can encode.
    pub const MAX: Phred = Phred(93);
    /// The number that FASTQ adds to a score to make it a printable byte.
    pub const OFFSET: u8 = b'!';

    /// Returns the score, if it is at most [`Phred::MAX`].
    pub const fn new(score: u8) -> Option<Phred> {
        if score <= Self::MAX.0 { Some(Phred(score)) } else { None }
    }

    /// Returns the score of a quality byte, if it is between `!` and `~`.
    pub const fn from_byte(byte: u8) -> Option<Phred> {
        match byte.checked_sub(Self::OFFSET) {
            Some(score) => Self::new(score),
            None => None,
        }
    }

    /// Returns the quality byte of the score.
    pub const fn to_byte(self) -> u8 {
        self.0 + Self::OFFSET
    }

    /// Returns the score as a number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Returns the score nearest to an error probability, limited to 0–93; NaN gives 0.
    pub fn nearest(error_probability: f64) -> Self {
        // `as` saturates at the ends of the range and turns NaN into 0.
        Self(((-10.0 * error_probability.log10()).round() as u8).min(Self::MAX.0))
    }

    /// Returns the reported probability that the base is wrong: 10^(−Q/10).
    pub fn error_probability(self) -> f64 {
        10f64.powf(-f64::from(self.0) / 10.0)
    }
}

/// Returns the arithmetic mean of a read's Phred scores, the criterion of most filters.
///
/// Units: Phred. `None` if the quality string is empty or holds a byte that is not Phred + 33.
pub fn mean_phred(quality_scores: &[u8]) -> Option<f64> {
    check_quality(quality_scores).ok()?;
    // The sum of 64 scores fits into 16 bits, and a vector register holds more 16-bit numbers.
    let part = |bytes: &[u8]| {
        u64::from(bytes.iter().map(|byte| u16::from(byte - Phred::OFFSET)).sum::<u16>())
    };
    let (whole, rest) = quality_scores.as_chunks::<64>();
    let sum: u64 = whole.iter().map(|bytes| part(bytes)).sum::<u64>() + part(rest);
    (!quality_scores.is_empty()).then(|| sum as f64 / quality_scores.len() as f64)
}

/// The error probability that each byte reports; 0 for a byte that is not a quality score.
static REPORTED: LazyLock<[f64; 256]> = LazyLock::new(|| {
    std::array::from_fn(|byte| Phred::from_byte(byte as u8).map_or(0.0, Phred::error_probability))
});

/// Number of partial sums. Independent additions run at the same time on the processor.
const SUMS: usize = 8;

/// Returns the expected errors of a read by its reported quality scores: the sum of 10^(−Q/10)
/// (Edgar & Flyvbjerg 2015, Bioinformatics 31:3476).
///
/// Units: errors. A byte that is not Phred + 33 adds 0.
pub fn reported_errors(quality_scores: &[u8]) -> f64 {
    let reported = &*REPORTED;
    let (whole, rest) = quality_scores.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for bytes in whole {
        for (sum, byte) in sums.iter_mut().zip(bytes) {
            *sum += reported[usize::from(*byte)];
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|byte| reported[usize::from(*byte)]).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phred_covers_exactly_the_printable_bytes() {
        let scores: Vec<_> = (0..=255).filter_map(Phred::from_byte).collect();
        assert_eq!(scores.len(), 94);
        assert_eq!(Phred::from_byte(b'!').map(Phred::get), Some(0));
        assert_eq!(Phred::from_byte(b'~').map(Phred::get), Some(93));
        assert!(scores.iter().all(|q| Phred::from_byte(q.to_byte()) == Some(*q)));
        assert_eq!(Phred::new(94), None);
    }

    #[test]
    fn error_probability_is_the_definition_of_phred() {
        for (score, probability) in [(0, 1.0), (10, 0.1), (20, 0.01), (30, 0.001)] {
            let p = Phred::new(score).map(Phred::error_probability);
            assert!(p.is_some_and(|p| (p - probability).abs() < 1e-12), "Q{score}: {p:?}");
        }
    }

    #[test]
    fn mean_phred_is_arithmetic() {
        assert_eq!(mean_phred(b"!I"), Some(20.0));
        assert_eq!(mean_phred(b""), None);
        assert_eq!(mean_phred(b"I I"), None);
    }

    #[test]
    fn only_reads_with_a_known_base_are_scorable() {
        let check = |sequence, quality_scores| {
            ReadRef { name: b"r", sequence, quality_scores }.check_scorable()
        };
        assert_eq!(check(b"NA", b"II"), Ok(()));
        assert_eq!(check(b"", b""), Err(ReadError::EmptyRead));
        assert_eq!(check(b"Nn.", b"III"), Err(ReadError::NoKnownBase));
        assert_eq!(check(b"AC", b"I "), Err(ReadError::InvalidQuality { position: 1, byte: b' ' }));
        assert_eq!(
            check(b"AC", b"I"),
            Err(ReadError::LengthMismatch { sequence: 2, quality_scores: 1 })
        );
    }

    #[test]
    fn windows_stay_inside_the_read() {
        let read = ReadRef { name: b"r", sequence: b"ACGT", quality_scores: b"ABCD" };
        assert_eq!(read.window(1, 2).sequence, b"CG");
        assert_eq!(read.window(3, 9).quality_scores, b"D");
        assert!(read.window(9, usize::MAX).is_empty());
    }

    #[test]
    fn reported_errors_are_the_sum_of_the_error_probabilities() {
        assert_eq!(reported_errors(b""), 0.0);
        assert_eq!(reported_errors(b"!"), 1.0);
        for length in [1, 7, 8, 9, 150] {
            let quality: Vec<u8> = (0..length).map(|i| b'!' + (i * 7 % 94) as u8).collect();
            let expected: f64 =
                quality.iter().map(|byte| 10f64.powf(f64::from(byte - b'!') / -10.0)).sum();
            assert!((reported_errors(&quality) - expected).abs() < 1e-12 * expected, "{length}");
        }
    }

    #[test]
    fn nearest_inverts_the_error_probability() {
        for score in (0..=93).filter_map(Phred::new) {
            assert_eq!(Phred::nearest(score.error_probability()), score);
        }
        let nearest = |p| Phred::nearest(p).get();
        assert_eq!([2.0, 1.0, 0.5, 1e-10, 0.0, f64::NAN].map(nearest), [0, 0, 3, 93, 93, 0]);
    }
}
