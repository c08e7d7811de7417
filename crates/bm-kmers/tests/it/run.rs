//! Simulated runs, and look-ups in their indexes.

use bm_kmers::{Counter, Hashes, Index, is_sampled};
use bm_reads::base;

/// Memory that is enough for all runs here.
pub(crate) const ROOM: usize = 64 << 20;

/// Pseudorandom numbers: xorshift64*, Vigna 2016.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((u128::from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)) * limit as u128) >> 64) as usize
    }
}

pub(crate) fn genome(bases: usize, seed: u64) -> Vec<u8> {
    let mut draw = Draw::new(seed);
    (0..bases).map(|_| b"ACGT"[draw.below(4)]).collect()
}

pub(crate) fn reverse_complement(sequence: &[u8]) -> Vec<u8> {
    let complement = |base: &u8| match base {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        b'T' => b'A',
        other => *other,
    };
    sequence.iter().rev().map(complement).collect()
}

/// Reads without errors that start every `every` bases of a sequence, on both strands in turn.
pub(crate) fn tiled(sequence: &[u8], length: usize, every: usize) -> Vec<Vec<u8>> {
    let pieces = sequence.windows(length).step_by(every).enumerate();
    pieces
        .map(
            |(number, piece)| {
                if number % 2 == 0 { piece.to_vec() } else { reverse_complement(piece) }
            },
        )
        .collect()
}

pub(crate) fn counted<'a>(
    mut counter: Counter,
    reads: impl IntoIterator<Item = &'a Vec<u8>>,
) -> Index {
    reads.into_iter().for_each(|read| counter.observe(read));
    counter.finish()
}

/// Returns the count of a k-mer in an index; 0 if it was not counted.
pub(crate) fn count(index: &Index, kmer: &[u8]) -> u32 {
    let codes: Vec<u8> = kmer.iter().map(|base| base::code(*base)).collect();
    let mut hashes = Hashes::default();
    hashes.fill(&codes, index.k());
    let hash = hashes.at(0).filter(|hash| is_sampled(*hash, index.level()));
    hash.map_or(0, |hash| index.count(hash))
}
