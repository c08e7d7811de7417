//! Tells runs of long reads from others.

use bm_reads::{Phred, ReadRef};

/// Median length above which reads are long: no two mates of Illumina are longer together.
const LONG: usize = 600;

/// Nanopore's qualities have more distinct values than those of other instruments, 44, and report
/// more errors: 1.4 to 15 % in sixteen runs. Qualities of merged mates may have as many values, and
/// report hardly any errors.
const MANY_VALUES: usize = 45;
const HIGH_ERROR_RATE: f64 = 0.01;

/// Number of Phred scores.
const SCORES: usize = 94;

/// What some reads of a run are like, as far as it tells whether the run's errors are those of long
/// reads: gaps, most of them in homopolymers, rather than wrong bases.
#[derive(Clone, Debug)]
pub struct Traits {
    lengths: Vec<usize>,
    bases: [u64; SCORES],
}

impl Default for Traits {
    fn default() -> Self {
        Self { lengths: Vec::new(), bases: [0; SCORES] }
    }
}

impl Traits {
    /// Returns the traits of these reads.
    pub fn of<'a>(reads: impl Iterator<Item = ReadRef<'a>>) -> Self {
        let mut traits = Self::default();
        for read in reads {
            let scores = read.quality_scores.iter();
            traits.add(scores.map(|byte| Phred::from_byte(*byte).map_or(0, Phred::get)));
        }
        traits
    }

    /// Adds a read with these Phred scores, of which those above 93 do not count.
    pub fn add(&mut self, scores: impl ExactSizeIterator<Item = u8>) {
        self.lengths.push(scores.len());
        for score in scores {
            if let Some(bases) = self.bases.get_mut(usize::from(score)) {
                *bases += 1;
            }
        }
    }

    /// Returns whether the reads are longer than merged mates can be, or their qualities are like
    /// Nanopore's.
    pub fn are_long(&self) -> bool {
        self.have_long_reads() || self.are_like_nanopores()
    }

    /// Returns whether most errors of these long reads are gaps, in so many places that the reads do not
    /// align base by base: those of high accuracy, such as HiFi, do.
    pub fn have_gaps(&self) -> bool {
        self.are_long() && self.error_rate() > HIGH_ERROR_RATE
    }

    /// Returns the errors per base that the qualities report; 0 without bases.
    pub fn error_rate(&self) -> f64 {
        let errors =
            (0..).zip(&self.bases).map(|(q, n)| *n as f64 * 10f64.powf(-0.1 * f64::from(q)));
        errors.sum::<f64>() / self.bases.iter().sum::<u64>().max(1) as f64
    }

    fn have_long_reads(&self) -> bool {
        let mut lengths = self.lengths.clone();
        let middle = lengths.len() / 2;
        middle < lengths.len() && *lengths.select_nth_unstable(middle).1 > LONG
    }

    fn are_like_nanopores(&self) -> bool {
        let values = self.bases.iter().filter(|bases| **bases > 0).count();
        values > MANY_VALUES && self.error_rate() > HIGH_ERROR_RATE
    }
}
