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

/// A read, or a part of one, and which cycles of the instrument made it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PlacedRead<'a> {
    /// The read, or the part.
    pub read: ReadRef<'a>,
    /// 1, or 2 for a second mate.
    pub mate: u8,
    /// Number of bases of the read before the part: cycles before its first one.
    pub before: usize,
}

impl<'a> From<ReadRef<'a>> for PlacedRead<'a> {
    /// A whole read, without a mate or the first one.
    fn from(read: ReadRef<'a>) -> Self {
        Self { read, mate: 1, before: 0 }
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

/// The error probability of every score. A table, because the power functions of two systems may
/// differ in the last bit.
const ERROR_PROBABILITIES: [f64; 94] = [
    1.0,
    0.7943282347242815,
    0.6309573444801932,
    0.5011872336272722,
    0.3981071705534972,
    0.31622776601683794,
    0.251188643150958,
    0.19952623149688797,
    0.15848931924611134,
    0.12589254117941673,
    0.1,
    0.07943282347242814,
    0.06309573444801933,
    0.05011872336272722,
    0.039810717055349734,
    0.03162277660168379,
    0.025118864315095794,
    0.0199526231496888,
    0.015848931924611134,
    0.012589254117941675,
    0.01,
    0.007943282347242814,
    0.00630957344480193,
    0.005011872336272725,
    0.003981071705534973,
    0.0031622776601683794,
    0.0025118864315095794,
    0.001995262314968879,
    0.001584893192461114,
    0.0012589254117941675,
    0.001,
    0.0007943282347242813,
    0.000630957344480193,
    0.0005011872336272725,
    0.00039810717055349735,
    0.00031622776601683794,
    0.00025118864315095795,
    0.00019952623149688788,
    0.00015848931924611142,
    0.00012589254117941674,
    0.0001,
    7.943282347242822e-05,
    6.309573444801929e-05,
    5.011872336272725e-05,
    3.9810717055349695e-05,
    3.1622776601683795e-05,
    2.5118864315095822e-05,
    1.9952623149688786e-05,
    1.584893192461114e-05,
    1.2589254117941661e-05,
    1e-05,
    7.943282347242822e-06,
    6.30957344480193e-06,
    5.011872336272725e-06,
    3.981071705534969e-06,
    3.162277660168379e-06,
    2.5118864315095823e-06,
    1.9952623149688787e-06,
    1.584893192461114e-06,
    1.2589254117941661e-06,
    1e-06,
    7.943282347242822e-07,
    6.30957344480193e-07,
    5.011872336272725e-07,
    3.981071705534969e-07,
    3.162277660168379e-07,
    2.5118864315095823e-07,
    1.9952623149688787e-07,
    1.584893192461114e-07,
    1.2589254117941662e-07,
    1e-07,
    7.943282347242822e-08,
    6.30957344480193e-08,
    5.011872336272725e-08,
    3.981071705534969e-08,
    3.162277660168379e-08,
    2.511886431509582e-08,
    1.9952623149688786e-08,
    1.5848931924611143e-08,
    1.2589254117941661e-08,
    1e-08,
    7.943282347242822e-09,
    6.309573444801943e-09,
    5.011872336272715e-09,
    3.981071705534969e-09,
    3.1622776601683795e-09,
    2.511886431509582e-09,
    1.9952623149688828e-09,
    1.584893192461111e-09,
    1.2589254117941663e-09,
    1e-09,
    7.943282347242822e-10,
    6.309573444801942e-10,
    5.011872336272714e-10,
];

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
    ///
    /// The double nearest to it, the same on every system.
    pub const fn error_probability(self) -> f64 {
        ERROR_PROBABILITIES[self.0 as usize]
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
    fn error_probabilities_are_the_powers_of_ten() {
        for score in (0..=93).filter_map(Phred::new) {
            let power = 10f64.powf(-f64::from(score.get()) / 10.0);
            let off = (score.error_probability() - power).abs() / power;
            // One unit in the last place of this system's function.
            assert!(off < 3e-16, "{score:?}: {}, {power}", score.error_probability());
        }
        // The sum of all bits: a table that was changed by one unit in one place has another.
        let bits = (0..=93).filter_map(Phred::new).map(|score| score.error_probability().to_bits());
        assert_eq!(bits.fold(0u64, |sum, bits| sum.rotate_left(5) ^ bits), 0x9af1_e664_bd1e_b834);
    }

    #[test]
    fn no_float_is_so_near_to_the_border_of_two_scores_that_systems_could_differ() {
        for border in (0..93).map(|score| 10f64.powf(-(f64::from(score) + 0.5) / 10.0)) {
            let near = (border as f32).to_bits();
            for probability in (near - 1..=near + 1).map(|bits| f64::from(f32::from_bits(bits))) {
                // Logarithms are right to some 1e-16 of their value.
                assert!((probability / border - 1.0).abs() > 1e-10, "{probability}, {border}");
            }
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
