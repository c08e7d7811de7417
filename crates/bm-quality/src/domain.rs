//! Where a model does not apply: runs unlike all that it learned from.

use std::fmt;

use bm_reads::{Phred, ReadRef, base};

/// What the runs are like that a model learned from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Domain {
    /// Fewest quality values of a run.
    pub min_quality_values: usize,
    /// Highest quality.
    pub max_phred: u8,
    /// Highest median of a run's read lengths, in bases.
    pub max_median_length: usize,
}

/// Known bases below which the qualities of a run are not judged: few bases have few values. Of a
/// NovaSeq run with four values, one stretch of 1,000 bases in a thousand shows two; none of 5,000
/// did.
const FEWEST_BASES: u64 = 5000;

/// A byte below this is no Phred+64, nor Solexa's older form of it.
const LOWEST_64: usize = b';' as usize;

/// Files of Phred+64 come near `h` (Phred 40); of Phred+33, bytes from here on say Phred 57 and
/// more.
const HIGH_64: usize = b'Z' as usize;

/// Share of bases over the highest quality that is let pass.
const HIGH_SHARE: f64 = 0.01;

/// Why a model does not apply to a run.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Misfit {
    /// Every known base has the same quality.
    ConstantQuality {
        /// That quality.
        phred: u8,
    },
    /// Known bases have fewer quality values than those of any run that the model learned from.
    FewQualityValues {
        /// How many.
        values: usize,
    },
    /// The qualities are written as Phred + 64.
    Phred64,
    /// Qualities are higher than in any run that the model learned from.
    HighQualities {
        /// Share of known bases that are over it.
        share: f64,
        /// The highest quality that the model knows.
        max_phred: u8,
    },
    /// Reads are longer than those of any run that the model learned from.
    LongReads {
        /// Their median, in bases.
        median: usize,
    },
}

impl Domain {
    /// Returns why the model does not apply to reads, which are some of a run; none if it does, or
    /// if they are too few to say.
    pub fn misfits<'a>(&self, reads: impl Iterator<Item = ReadRef<'a>>) -> Vec<Misfit> {
        let mut bases = [0u64; 256];
        let mut lengths = Vec::new();
        for read in reads.filter(|read| !read.is_empty()) {
            lengths.push(read.len());
            for (base, byte) in read.sequence.iter().zip(read.quality_scores) {
                // Instruments give an unknown base a quality of its own.
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
        misfits
    }

    /// The same by how often known bases have each quality byte.
    fn of_qualities(&self, bases: &[u64; 256]) -> Vec<Misfit> {
        let total: u64 = bases.iter().sum();
        let mut seen = (0..bases.len()).filter(|byte| bases[*byte] > 0);
        let (Some(lowest), values) = (seen.next(), seen.count() + 1) else { return vec![] };
        if total < FEWEST_BASES {
            return vec![];
        }
        let highest = bases.iter().rposition(|count| *count > 0).unwrap_or(lowest);
        let high: u64 =
            bases.iter().skip(usize::from(Phred::OFFSET) + usize::from(self.max_phred) + 1).sum();
        let share = high as f64 / total as f64;
        if values == 1 {
            vec![Misfit::ConstantQuality {
                phred: lowest.saturating_sub(usize::from(Phred::OFFSET)) as u8,
            }]
        } else if values < self.min_quality_values {
            vec![Misfit::FewQualityValues { values }]
        } else if lowest >= LOWEST_64 && highest >= HIGH_64 {
            vec![Misfit::Phred64]
        } else if share > HIGH_SHARE {
            vec![Misfit::HighQualities { share, max_phred: self.max_phred }]
        } else {
            vec![]
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min_quality_values, max_phred, max_median_length } = self;
        write!(
            f,
            "for {min_quality_values} or more quality values up to {max_phred}, median length up to {max_median_length}"
        )
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConstantQuality { phred } => write!(f, "every base has the quality {phred}, which says nothing"),
            Self::FewQualityValues { values } => write!(f, "the qualities have {values} values only"),
            Self::Phred64 => f.write_str("the qualities look like Phred+64 and so are read 31 too high; --phred64 converts them"),
            Self::HighQualities { share, max_phred } => {
                write!(f, "{:.0} % of the qualities are over {max_phred}, which it has not seen", 100.0 * share)
            }
            Self::LongReads { median } => write!(f, "half of the reads have {median} bases or more, longer than it has seen"),
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
    fn runs_like_those_it_learned_from_fit() {
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
        assert_eq!(misfits(40, 150, b'A', |i| b"BJ`h"[i % 4]), [Misfit::Phred64]);
        let high = misfits(40, 150, b'A', |i| b"#5I~"[i % 4]);
        assert!(
            matches!(high[..], [Misfit::HighQualities { share, .. }] if (share - 0.25).abs() < 0.01),
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
    fn too_few_bases_say_nothing_and_unknown_ones_do_not_count() {
        assert_eq!(misfits(33, 150, b'A', |_| b'?'), []);
        assert_eq!(misfits(0, 150, b'A', |_| b'?'), []);
        assert_eq!(misfits(40, 0, b'A', |_| b'?'), []);
        assert_eq!(misfits(40, 150, b'N', |_| b'#'), []);
    }
}
