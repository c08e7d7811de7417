//! The limit for long reads that are scored by their reported qualities.

use std::fmt;

use bm_reads::{ReadRef, reported_errors};

/// Highest error rate of a good read where most first reads report fewer errors: HiFi reads, whose
/// makers promise it, and consensus reads.
const ACCURATE_RATE: f64 = 0.01;

/// The same for other long reads. Users of Nanopore reads ask for a mean quality of 8 to 10 by
/// expected errors (dorado, NanoFilt, chopper); one in a hundred would leave nothing of most runs.
const USUAL_RATE: f64 = 0.1;

/// Fraction of the first reads that must report at most [`ACCURATE_RATE`]. It is 1.00 in PacBio's
/// HiFi runs, 0.93 in a 454 run, at most 0.02 in ten Nanopore runs, and 0.69 in one of the best,
/// where users would not give away a third of the reads.
const ACCURATE_FRACTION: f64 = 0.9;

/// What long reads are asked that are scored by their reported qualities: models were trained on
/// short reads, of which at most 1 % of the bases may be wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongReads {
    /// Highest error rate of a good read. Unit: errors per base.
    pub max_error_rate: f64,
    /// Fraction of the first reads that report an error rate of at most 1 %.
    pub accurate_fraction: f64,
}

impl LongReads {
    /// Returns the limit for a run, by the error rates that its first reads report.
    pub fn of<'a>(first_reads: impl Iterator<Item = ReadRef<'a>>) -> Self {
        let (mut reads, mut accurate) = (0_u64, 0_u64);
        for read in first_reads.filter(|read| !read.is_empty()) {
            let errors = reported_errors(read.quality_scores);
            reads += 1;
            accurate += u64::from(errors <= ACCURATE_RATE * read.len() as f64);
        }
        let accurate_fraction = accurate as f64 / reads.max(1) as f64;
        let is_accurate = accurate_fraction >= ACCURATE_FRACTION;
        let max_error_rate = if is_accurate { ACCURATE_RATE } else { USUAL_RATE };
        Self { max_error_rate, accurate_fraction }
    }
}

impl fmt::Display for LongReads {
    /// Why the limit is what it is: one clause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_error_rate, accurate_fraction } = *self;
        let percent = 100.0 * accurate_fraction;
        if max_error_rate <= ACCURATE_RATE {
            write!(
                f,
                "{percent:.0} % of the first reads report at most 1 error in 100 bases, like HiFi \
                 reads"
            )
        } else if percent == 0.0 {
            f.write_str(
                "none of the first reads reports at most 1 error in 100 bases, like Nanopore reads",
            )
        } else {
            write!(
                f,
                "only {percent:.1} % of the first reads report at most 1 error in 100 bases, like \
                 Nanopore reads"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(qualities: &[&[u8]]) -> LongReads {
        let reads = qualities.iter().map(|quality_scores| ReadRef {
            name: b"r",
            sequence: &[b'A'; 400][..quality_scores.len()],
            quality_scores,
        });
        LongReads::of(reads)
    }

    #[test]
    fn the_limit_is_one_in_a_hundred_where_nine_reads_in_ten_report_that() {
        let (good, bad): (&[u8], &[u8]) = (&[b'?'; 400], &[b'+'; 400]);
        let mut reads = vec![good; 9];
        reads.push(bad);
        assert_eq!(limit(&reads), LongReads { max_error_rate: 0.01, accurate_fraction: 0.9 });
        reads.push(bad);
        assert_eq!(limit(&reads).max_error_rate, 0.1);
        // A read without bases reports nothing.
        assert_eq!(limit(&[good, b""]).accurate_fraction, 1.0);
        assert_eq!(limit(&[]).max_error_rate, 0.1);
        // A few bad bases make a read worse than its median quality.
        let mixed: Vec<u8> = (0..400).map(|at| if at % 4 == 0 { b'#' } else { b'~' }).collect();
        assert_eq!(limit(&[&mixed[..]; 20]).max_error_rate, 0.1);
    }
}
