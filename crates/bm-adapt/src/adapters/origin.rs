//! Whether a sequence is of the sample or not: what an unknown adapter has to pass.

use bm_reads::base::UNKNOWN;
use serde::{Deserialize, Serialize};

use super::boundary::Background;
use super::reads::Reads;
use super::words::{K, Place, number};

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
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
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

/// A sequence whose origin is in question.
pub(super) struct Suspect<'a> {
    /// Its bases.
    pub(super) consensus: &'a [u8],
    /// First places of the word in reads.
    pub(super) places: &'a [Place],
    /// Occurrences of the word, beyond those places too.
    pub(super) count: u32,
    /// Occurrences of the word's reverse complement.
    pub(super) turned: u32,
}

impl Suspect<'_> {
    /// Returns why the sequence is not of the sample; nothing if a test contradicts, or if no test
    /// says anything about this run. `symmetry` takes time, and is called only if it matters.
    pub(super) fn reasons(
        &self,
        reads: &Reads,
        symmetry: impl Fn() -> f64,
        background: &Background,
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let expected = self.expected_inside(reads);
        if background.free_starts >= FREE_STARTS && expected >= FEWEST_EXPECTED {
            if self.inside(reads) as f64 > INSIDE * expected {
                return Vec::new();
            }
            reasons.push(Reason::NoReadBeginsInside);
        }
        let is_foreign = self.foreign(background) >= FOREIGN;
        let has_many = f64::from(self.count) >= MANY * reads.len() as f64;
        let on_both = f64::from(self.turned) > OTHER_STRAND * f64::from(self.count);
        // A sequence on both strands is not accepted for this test, and no other test accepts it.
        if on_both && reasons.is_empty() && !is_foreign && !has_many {
            return Vec::new();
        }
        if symmetry() >= BOTH_STRANDS {
            if on_both {
                return Vec::new();
            }
            reasons.insert(0, Reason::OneStrand);
        }
        if reasons.is_empty() && is_foreign {
            reasons.push(Reason::ForeignBases);
        }
        if reasons.is_empty() && has_many {
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
        f64::from(self.count) / mean.max(1.0) * offsets(self.consensus, FIRST_INSIDE).count() as f64
    }

    /// Returns the number of reads that begin inside the consensus.
    fn inside(&self, reads: &Reads) -> usize {
        let inside = Inside::of(self.consensus, FIRST_INSIDE);
        reads.iter().filter(|read| inside.has_start_of(read)).count()
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

/// Bases in a byte of the start of a read.
const BYTE: usize = 4;
const BYTES: usize = START / BYTE;

/// The bases at which a read may begin inside a consensus.
pub(super) struct Inside<'a> {
    consensus: &'a [u8],
    offsets: Vec<usize>,
    /// For each byte of a read's start and each value of it: bit `1 << i` if the consensus has it
    /// there at `offsets[i]`.
    have: Vec<[u128; BYTES]>,
}

impl<'a> Inside<'a> {
    /// Returns the starts inside a consensus of up to 128 bases, from offset `first` on.
    pub(super) fn of(consensus: &'a [u8], first: usize) -> Self {
        let offsets: Vec<usize> = offsets(consensus, first).take(u128::BITS as usize).collect();
        let mut have = vec![[0; BYTES]; 1 << (2 * BYTE)];
        for (bit, offset) in offsets.iter().enumerate() {
            for (byte, bases) in consensus[*offset..].chunks(BYTE).take(BYTES).enumerate() {
                have[number(bases)][byte] |= 1 << bit;
            }
        }
        Self { consensus, offsets, have }
    }

    /// Returns whether a read begins inside: two of sixteen bases may differ.
    pub(super) fn has_start_of(&self, read: &[u8]) -> bool {
        let Some(start) = read.first_chunk::<START>() else { return false };
        // Two bases that differ leave at least two bytes as they are. Unknown bases are taken for
        // any, and compared below.
        let [a, b, c, d] = std::array::from_fn(|byte| {
            let bases = &start[BYTE * byte..][..BYTE];
            let value = bases.iter().fold(0, |value, code| value << 2 | usize::from(code & 3));
            self.have[value][byte]
        });
        let mut possible = a & b | c & d | (a | b) & (c | d);
        while possible != 0 {
            let consensus = &self.consensus[self.offsets[possible.trailing_zeros() as usize]..];
            let differ = start.iter().zip(consensus).filter(|(base, other)| base != other).count();
            if differ <= MAY_DIFFER {
                return true;
            }
            possible &= possible - 1;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use bm_reads::base::code;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reads_that_begin_inside_are_found(
            consensus in "[ACGT]{16,80}|[ACGTN]{40,80}",
            read in "[ACGTN]{0,30}",
            at in 0usize..80,
            errors in proptest::collection::vec((0usize..16, 0u8..5), 0..4),
            first in 1usize..4,
        ) {
            let codes = |text: &str| text.bytes().map(code).collect::<Vec<u8>>();
            let (consensus, mut read) = (codes(&consensus), codes(&read));
            read.splice(0..0, consensus[at.min(consensus.len())..].iter().copied());
            for (at, error) in errors {
                if let Some(base) = read.get_mut(at) {
                    *base = error;
                }
            }
            let begins = read.len() >= START && offsets(&consensus, first).any(|offset| {
                let pairs = read[..START].iter().zip(&consensus[offset..]);
                pairs.filter(|(base, other)| base != other).count() <= MAY_DIFFER
            });
            prop_assert_eq!(Inside::of(&consensus, first).has_start_of(&read), begins);
        }
    }
}
