//! The runs that a model applies to: those like its training data.

use std::fmt;

use bm_reads::{Phred, ReadRef, base};

/// The limits of a model's training data; the model applies to runs within them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Domain {
    /// Smallest number of distinct quality values of a run.
    pub min_quality_values: usize,
    /// Highest Phred score.
    pub max_phred: u8,
    /// Highest median of a run's read lengths, in bases.
    pub max_median_length: usize,
}

impl Domain {
    /// Smallest number of distinct quality values that say how good a read is. One value says nothing;
    /// two are as many as a filter leaves.
    pub const TELLING_VALUES: usize = 3;
}

/// Smallest number of known bases whose qualities are checked: few bases have few distinct values.
/// In a NovaSeq run with four values, one in a thousand stretches of 1,000 bases showed only two
/// values; no stretch of 5,000 did.
const FEWEST_BASES: u64 = 5000;

/// Largest tolerated fraction of bases above the highest Phred score.
const HIGH_FRACTION: f64 = 0.01;

/// Largest tolerated fall of the quality from a base to the next one in homopolymers, beyond that between
/// different bases, in Phred. In runs of all Illumina instruments and of AVITI the mean is at most 0.7, in
/// two Ion Torrent runs 5.4 and 6.7: there, a base's quality says how likely the length of its homopolymer
/// is wrong, and most errors are gaps.
const HOMOPOLYMER_FALL: f64 = 3.0;

/// Smallest number of steps within homopolymers whose mean is looked at.
const FEWEST_STEPS: u64 = 500;

/// Why a model does not apply to a run.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Misfit {
    /// Every known base has the same quality.
    ConstantQuality {
        /// The Phred score.
        phred: u8,
    },
    /// Known bases have fewer distinct quality values than any run in the training data.
    FewQualityValues {
        /// Number of distinct values.
        values: usize,
    },
    /// Qualities are higher than in any run in the training data.
    HighQualities {
        /// Fraction of known bases above `max_phred`.
        fraction: f64,
        /// Highest Phred score in the training data.
        max_phred: u8,
    },
    /// Reads are longer than in any run in the training data.
    LongReads {
        /// Median length, in bases.
        median: usize,
    },
    /// Qualities fall within homopolymers, as they do where bases are read by the strength of one signal
    /// for a whole homopolymer.
    FallInHomopolymers {
        /// Mean fall from a base to the next one, beyond that between different bases, in Phred.
        fall: f64,
    },
}

impl Domain {
    /// Returns why the model does not apply to the run that these reads are from; nothing if it
    /// applies, or if the reads have fewer than 5,000 bases together.
    pub fn misfits<'a>(&self, reads: impl Iterator<Item = ReadRef<'a>>) -> Vec<Misfit> {
        let mut bases = [0u64; 256];
        let mut lengths = Vec::new();
        let mut steps = Steps::default();
        for read in reads.filter(|read| !read.is_empty()) {
            lengths.push(read.len());
            steps.add(read);
            for (base, byte) in read.sequence.iter().zip(read.quality_scores) {
                // Instruments give unknown bases a special quality.
                bases[usize::from(*byte)] += u64::from(!base::is_unknown(*base));
            }
        }
        let mut misfits = self.of_qualities(&bases);
        let middle = lengths.len() / 2;
        if lengths.iter().map(|length| *length as u64).sum::<u64>() >= FEWEST_BASES {
            let (_, median, _) = lengths.select_nth_unstable(middle);
            if *median > self.max_median_length {
                misfits.push(Misfit::LongReads { median: *median });
            }
        }
        let fall = steps.fall_in_homopolymers().filter(|fall| *fall > HOMOPOLYMER_FALL);
        misfits.extend(fall.map(|fall| Misfit::FallInHomopolymers { fall }));
        misfits
    }

    /// Returns the misfits of the qualities, from the number of known bases per quality byte.
    fn of_qualities(&self, bases: &[u64; 256]) -> Vec<Misfit> {
        let total: u64 = bases.iter().sum();
        let mut seen = (0..bases.len()).filter(|byte| bases[*byte] > 0);
        let (Some(lowest), values) = (seen.next(), seen.count() + 1) else { return vec![] };
        if total < FEWEST_BASES {
            return vec![];
        }
        let high: u64 =
            bases.iter().skip(usize::from(Phred::OFFSET) + usize::from(self.max_phred) + 1).sum();
        let fraction = high as f64 / total as f64;
        if values == 1 {
            vec![Misfit::ConstantQuality {
                phred: lowest.saturating_sub(usize::from(Phred::OFFSET)) as u8,
            }]
        } else if values < self.min_quality_values {
            vec![Misfit::FewQualityValues { values }]
        } else if fraction > HIGH_FRACTION {
            vec![Misfit::HighQualities { fraction, max_phred: self.max_phred }]
        } else {
            vec![]
        }
    }
}

/// Differences of the quality from a base to the next one, of pairs of different bases and of equal ones.
#[derive(Default)]
struct Steps {
    sums: [i64; 2],
    counts: [u64; 2],
}

impl Steps {
    fn add(&mut self, read: ReadRef<'_>) {
        let bases = read.sequence.windows(2).zip(read.quality_scores.windows(2));
        for (bases, qualities) in
            bases.filter(|(bases, _)| bases.iter().all(|base| !base::is_unknown(*base)))
        {
            let is_equal = usize::from(base::code(bases[0]) == base::code(bases[1]));
            self.sums[is_equal] += i64::from(qualities[1]) - i64::from(qualities[0]);
            self.counts[is_equal] += 1;
        }
    }

    /// Returns how much more the quality falls within homopolymers, on average; `None` if there are few.
    fn fall_in_homopolymers(&self) -> Option<f64> {
        let mean = |which: usize| self.sums[which] as f64 / self.counts[which] as f64;
        self.counts.iter().all(|count| *count >= FEWEST_STEPS).then(|| mean(0) - mean(1))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min_quality_values, max_phred, max_median_length } = self;
        write!(
            f,
            "for {min_quality_values} or more quality values up to {max_phred}, median length up \
             to {max_median_length}"
        )
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConstantQuality { phred } => {
                write!(f, "every base has quality {phred}, so the qualities carry no information")
            }
            Self::FewQualityValues { values } => {
                write!(f, "the qualities have only {values} distinct values")
            }
            Self::HighQualities { fraction, max_phred } => write!(
                f,
                "{:.0} % of the qualities are above {max_phred}, the highest in its training data",
                100.0 * fraction
            ),
            Self::LongReads { median } => write!(
                f,
                "half of the reads have {median} bases or more, longer than in its training data"
            ),
            Self::FallInHomopolymers { fall } => write!(
                f,
                "qualities fall by {fall:.1} from base to base in homopolymers, as in reads of Ion Torrent, \
                 whose errors are gaps"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: Domain = Domain { min_quality_values: 3, max_phred: 45, max_median_length: 350 };

    fn misfits(
        reads: usize,
        length: usize,
        base: u8,
        quality: impl Fn(usize) -> u8,
    ) -> Vec<Misfit> {
        let sequence = vec![base; length];
        let quality_scores: Vec<u8> = (0..length).map(quality).collect();
        let read = ReadRef { name: b"r", sequence: &sequence, quality_scores: &quality_scores };
        DOMAIN.misfits(std::iter::repeat_n(read, reads))
    }

    #[test]
    fn runs_like_the_training_data_have_no_misfits() {
        assert_eq!(misfits(40, 150, b'A', |i| b"#-:FJ"[i % 5]), []);
        assert_eq!(misfits(40, 350, b'A', |i| b'#' + (i % 40) as u8), []);
    }

    #[test]
    fn each_misfit_is_named() {
        assert_eq!(misfits(40, 150, b'A', |_| b'?'), [Misfit::ConstantQuality { phred: 30 }]);
        assert_eq!(
            misfits(40, 150, b'A', |i| b"#?"[i % 2]),
            [Misfit::FewQualityValues { values: 2 }]
        );
        let high = misfits(40, 150, b'A', |i| b"#5I~"[i % 4]);
        assert!(
            matches!(
                high[..],
                [Misfit::HighQualities { fraction, .. }] if (fraction - 0.25).abs() < 0.01
            ),
            "{high:?}"
        );
        assert_eq!(
            misfits(40, 351, b'A', |i| b"#-:FJ"[i % 5]),
            [Misfit::LongReads { median: 351 }]
        );
        let both = misfits(40, 400, b'A', |_| b'?');
        assert_eq!(
            both,
            [Misfit::ConstantQuality { phred: 30 }, Misfit::LongReads { median: 400 }]
        );
    }

    #[test]
    fn qualities_that_fall_in_homopolymers_are_not_those_of_the_training_data() {
        let sequence = b"ACCCGTTAAGGGGACTTTTCAGAACCCTGGATTTACG".repeat(4);
        let falling = |fall: u8| {
            let mut quality_scores = vec![b'?'; sequence.len()];
            for at in 1..sequence.len() {
                if sequence[at] == sequence[at - 1] {
                    quality_scores[at] = quality_scores[at - 1] - fall;
                }
            }
            // Another quality at the start of the reads, so that there are some values.
            quality_scores[..3].copy_from_slice(b"57;");
            let read = ReadRef { name: b"r", sequence: &sequence, quality_scores: &quality_scores };
            DOMAIN.misfits(std::iter::repeat_n(read, 60))
        };
        assert_eq!(falling(1), []);
        assert!(
            matches!(falling(5)[..], [Misfit::FallInHomopolymers { fall }] if fall > 5.0),
            "{:?}",
            falling(5)
        );
    }

    #[test]
    fn few_bases_have_no_misfits_and_unknown_bases_do_not_count() {
        assert_eq!(misfits(33, 150, b'A', |_| b'?'), []);
        assert_eq!(misfits(0, 150, b'A', |_| b'?'), []);
        assert_eq!(misfits(40, 0, b'A', |_| b'?'), []);
        assert_eq!(misfits(40, 150, b'N', |_| b'#'), []);
    }
}
