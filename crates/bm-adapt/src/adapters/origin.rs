//! Whether a sequence is of the sample or not: what an unknown adapter has to pass.

use bm_reads::base::UNKNOWN;

use super::boundary::{Background, Place};
use super::reads::Reads;
use super::words::{K, WordCounts, reverse_complement};

/// Bases at the start of a read that are compared with the adapter, and how many may differ.
/// Fewer would agree by chance in 100,000 reads; a tenth may differ in old copies of a repeat.
const START: usize = 16;
const MAY_DIFFER: usize = 2;

/// A read that begins with one of the first bases of the adapter has no insert, or hardly any.
const FIRST_INSIDE: usize = 3;

/// Fewest reads expected to begin inside, if the sequence were of the sample, for the test to say
/// anything.
const FEWEST_EXPECTED: f64 = 5.0;

/// Fraction of the expected reads that may begin inside.
const INSIDE: f64 = 0.15;

/// Fraction of the occurrences that may be on the other strand.
const OTHER_STRAND: f64 = 0.05;

/// Reads begin anywhere if their first bases are at least this diverse, compared with the sample.
const FREE_STARTS: f64 = 0.5;

/// The sample is read on both strands if words have at least this fraction of their occurrences on
/// the other strand, too.
const BOTH_STRANDS: f64 = 0.3;

/// Log-likelihood ratio, in nats, from which the bases of a sequence are not the sample's.
const FOREIGN: f64 = 8.0;

/// No boundary within a sample has so large a fraction of the reads with many molecules, contexts
/// and distances from the start.
const MANY: f64 = 0.2;

/// Why a sequence that is no known kit's is not of the sample.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The sample is read on both strands, and the sequence on one.
    OneStrand,
    /// Reads begin anywhere in the sample, and none within the sequence.
    NoReadBeginsInside,
    /// The sequence has other bases than the sample, for example C in a sample where C is converted.
    ForeignBases,
    /// A fifth of the reads have the sequence, at many distances from their start.
    ManyReads,
    /// The overlap of mates shows that inserts end where the sequence begins.
    EndsOfInserts,
}

/// Returns the fraction of the occurrences of words that occur on the other strand, too.
///
/// Words that occur once are left out: in a large genome, their number says nothing.
pub(super) fn strand_symmetry(counts: &WordCounts, below: u32) -> f64 {
    let (mut all, mut both) = (0u64, 0u64);
    for word in counts.frequent(2) {
        let count = counts.get(word);
        if count < below {
            all += u64::from(count);
            both += u64::from(count.min(counts.get(reverse_complement(word))));
        }
    }
    both as f64 / all.max(1) as f64
}

/// A sequence whose origin is in question.
pub(super) struct Suspect<'a> {
    /// Number of its first word.
    pub(super) word: usize,
    /// Its bases.
    pub(super) consensus: &'a [u8],
    /// First places of the word in reads.
    pub(super) places: &'a [Place],
    /// Reads with the word, beyond those places too.
    pub(super) reads: u32,
}

impl Suspect<'_> {
    /// Returns why the sequence is not of the sample; nothing if a test contradicts, or if no test
    /// says anything about this run.
    pub(super) fn reasons(
        &self,
        reads: &Reads,
        counts: &WordCounts,
        symmetry: f64,
        background: &Background,
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if symmetry >= BOTH_STRANDS {
            let other = f64::from(counts.get(reverse_complement(self.word)));
            if other > OTHER_STRAND * f64::from(self.reads) {
                return Vec::new();
            }
            reasons.push(Reason::OneStrand);
        }
        let expected = self.expected_inside(reads);
        if background.free_starts >= FREE_STARTS && expected >= FEWEST_EXPECTED {
            if self.inside(reads) as f64 > INSIDE * expected {
                return Vec::new();
            }
            reasons.push(Reason::NoReadBeginsInside);
        }
        if reasons.is_empty() && self.foreign(background) >= FOREIGN {
            reasons.push(Reason::ForeignBases);
        }
        if reasons.is_empty() && f64::from(self.reads) >= MANY * reads.len() as f64 {
            reasons.push(Reason::ManyReads);
        }
        reasons
    }

    /// Returns the number of reads that would begin inside if the sequence were of the sample, where
    /// reads begin anywhere: as many per base as begin before it.
    fn expected_inside(&self, reads: &Reads) -> f64 {
        let room: usize = self
            .places
            .iter()
            .map(|(index, _)| (reads.read(*index).len() + 1).saturating_sub(K).max(1))
            .sum();
        let mean = room as f64 / self.places.len().max(1) as f64;
        f64::from(self.reads) / mean.max(1.0) * offsets(self.consensus, FIRST_INSIDE).count() as f64
    }

    /// Returns the number of reads that begin inside the consensus.
    fn inside(&self, reads: &Reads) -> usize {
        reads.iter().filter(|read| begins_inside(read, self.consensus, FIRST_INSIDE)).count()
    }

    /// Returns the log-likelihood ratio of the consensus: bases drawn evenly, over bases drawn as
    /// the sample has them.
    fn foreign(&self, background: &Background) -> f64 {
        self.consensus
            .iter()
            .filter_map(|code| background.bases.get(usize::from(*code)))
            .map(|frequency| (0.25 / frequency).ln())
            .sum()
    }
}

/// Returns the offsets, from `first` on, at which a read could be seen to begin inside a consensus:
/// where the next bases are known.
fn offsets(consensus: &[u8], first: usize) -> impl Iterator<Item = usize> {
    consensus
        .windows(START)
        .enumerate()
        .skip(first)
        .filter(|(_, bases)| bases.iter().all(|base| *base < UNKNOWN))
        .map(|(offset, _)| offset)
}

/// Returns whether a read begins inside a consensus, at offset `first` or later.
pub(super) fn begins_inside(read: &[u8], consensus: &[u8], first: usize) -> bool {
    let Some(start) = read.first_chunk::<START>() else { return false };
    offsets(consensus, first).any(|offset| {
        let mut differ = 0;
        start.iter().zip(&consensus[offset..]).all(|(base, expected)| {
            differ += usize::from(base != expected);
            differ <= MAY_DIFFER
        })
    })
}
