//! Which k-mers of a read other reads have, and which they should have.

use crate::counts::UNKNOWN;
use crate::depth::{BLOCK, Depths, SEEN};

/// Least local depth, as a count of k-mers. Some ten reads lie there: in half of them, the k-mer
/// has an error. Fewer tell nothing.
const LEAST_DEPTH: u16 = 5;

/// A k-mer this many times rarer than the local depth is an error that some reads repeat.
const RARER: u16 = 10;

/// Longest row of k-mers without support that are tested. Longer ones are of a place where only a
/// part has depth, such as a repeat, or of two molecules read as one.
const LONGEST_GAP: usize = 100;

/// What the run says of a k-mer of the read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kmer {
    /// The depth is too low, or nothing is known of the k-mer.
    NotTested,
    /// Other reads have it.
    Supported,
    /// Hardly any other read has it, but has k-mers on both sides.
    Unsupported,
}

/// What the run says of each k-mer of a read, with a buffer to reuse for the next read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tested {
    kmers: Vec<Kmer>,
}

/// Numbers of k-mers of a read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) tested: usize,
    pub(crate) supported: usize,
    /// The sum of the local depths of the tested ones.
    pub(crate) depth: u64,
}

impl Tested {
    /// Replaces the k-mers by those of a read with these counts.
    pub(crate) fn fill(&mut self, counts: &[u16], depths: &Depths) -> Numbers {
        self.kmers.clear();
        self.kmers.resize(counts.len(), Kmer::NotTested);
        let mut numbers = Numbers::default();
        // The last supported k-mer, and the depth there.
        let mut before: Option<(usize, u16)> = None;
        for (block, (of_block, depth)) in counts.chunks(BLOCK).zip(depths.blocks()).enumerate() {
            if *depth < LEAST_DEPTH {
                continue;
            }
            let least = depth.div_ceil(RARER).max(SEEN);
            let supported = |(_, count): &(usize, &u16)| (least..UNKNOWN).contains(*count);
            for (at, _) in of_block.iter().enumerate().filter(supported) {
                let at = BLOCK * block + at;
                self.kmers[at] = Kmer::Supported;
                numbers.supported += 1;
                numbers.tested += 1;
                numbers.depth += u64::from(*depth);
                if let Some((before, depth_before)) = before
                    && (2..=LONGEST_GAP + 1).contains(&(at - before))
                {
                    let depth = u64::from(depth_before.min(*depth));
                    let gap = before + 1..at;
                    for (kmer, count) in self.kmers[gap.clone()].iter_mut().zip(&counts[gap]) {
                        if *count != UNKNOWN {
                            *kmer = Kmer::Unsupported;
                            numbers.tested += 1;
                            numbers.depth += depth;
                        }
                    }
                }
                before = Some((at, *depth));
            }
        }
        numbers
    }

    /// Returns the k-mers by their first base.
    pub(crate) fn kmers(&self) -> &[Kmer] {
        &self.kmers
    }

    /// Forgets the read, and keeps memory for a read of at most this many bases.
    pub(crate) fn shrink_to(&mut self, bases: usize) {
        self.kmers.clear();
        self.kmers.shrink_to(bases);
    }
}
