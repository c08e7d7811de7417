//! How often the run has each k-mer of a read.

use bm_kmers::{Hashes, Index, is_sampled};
use bm_reads::base;
use pulp::{Arch, Simd, WithSimd};

/// If all k-mers of the run were counted, every second one of a read is looked up: a look-up takes
/// the most time, and the others would say hardly anything more (`research/long-reads`).
const STEP: usize = 2;

/// Marks a k-mer of which nothing is known: with an unknown base, or not in the sample that was
/// counted.
pub(crate) const UNKNOWN: u16 = u16::MAX;

/// K-mers that are hashed together: hashes stay in the cache, and take no memory per base of the
/// read.
const CHUNK: usize = 4096;

/// K-mers whose counts are prefetched together.
const AHEAD: usize = 64;

/// The counts of a read's k-mers, with buffers to reuse for the next read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    codes: Vec<u8>,
    hashes: Hashes,
    counts: Vec<u16>,
}

impl Counts {
    /// Returns the count of each k-mer of a read given as letters, the read itself included: 0 if
    /// the run has it less than twice, or [`UNKNOWN`].
    ///
    /// **Shape** `[bases - k + 1]`, by the first base.
    pub(crate) fn look_up(&mut self, index: &Index, sequence: &[u8]) -> &[u16] {
        let k = index.k();
        self.counts.clear();
        let kmers = (sequence.len() + 1).saturating_sub(k);
        self.counts.resize(kmers, UNKNOWN);
        for start in (0..kmers).step_by(CHUNK) {
            let many = CHUNK.min(kmers - start);
            self.codes.clear();
            base::push_codes(&mut self.codes, &sequence[start..start + many + k - 1]);
            self.hashes.fill(&self.codes, k);
            let Self { hashes, counts, .. } = self;
            let counts = &mut counts[start..start + many];
            Arch::new().dispatch(Fill { index, hashes, counts });
        }
        &self.counts
    }

    /// Forgets the read, and keeps memory for a read of at most this many bases.
    pub(crate) fn shrink_to(&mut self, bases: usize) {
        self.counts.clear();
        self.counts.shrink_to(bases);
    }
}

fn step(index: &Index) -> usize {
    if index.level() == 0 { STEP } else { 1 }
}

/// Returns the fraction of a read's k-mers that are looked up in an index and were counted.
pub(crate) fn fraction(index: &Index) -> f64 {
    index.fraction() / step(index) as f64
}

/// Looks up the counts of k-mers.
struct Fill<'a> {
    index: &'a Index,
    hashes: &'a Hashes,
    counts: &'a mut [u16],
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { index, hashes, counts } = self;
        let many = counts.len();
        let (level, step) = (index.level(), step(index));
        // A loop: the closure of an iterator would not be compiled for vector instructions.
        for first in (0..many + AHEAD).step_by(AHEAD) {
            for at in (first..(first + AHEAD).min(many)).step_by(step) {
                if let Some(hash) = hashes.at(at) {
                    index.prefetch(hash);
                }
            }
            for at in (first.saturating_sub(AHEAD)..first.min(many)).step_by(step) {
                if let Some(hash) = hashes.at(at)
                    && is_sampled(hash, level)
                {
                    counts[at] = index.count(hash) as u16;
                }
            }
        }
    }
}
