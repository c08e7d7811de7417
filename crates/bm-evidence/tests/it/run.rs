//! Simulated runs, and the support of their reads.

use std::fs;
use std::path::PathBuf;

use bm_evidence::{BaseSupport, Evidence, Experience, Fit, PreparedRead, ReadSupport, Weights};
use bm_kmers::{Counter, Index};
use bm_reads::base;

/// Memory that is enough for all runs here, in bytes.
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

/// Another base: by 1, 2 or 3 in the order A, C, G, T.
pub(crate) fn other(base: u8, by: usize) -> u8 {
    b"ACGT"[(usize::from(base::code(base)) + by) % 4]
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

pub(crate) fn prepared(index: &Index, read: &[u8]) -> PreparedRead {
    let mut prepared = PreparedRead::default();
    prepared.prepare(index, read.iter().map(|base| base::code(*base)));
    prepared
}

pub(crate) fn look_up(index: &Index, read: &[u8]) -> Vec<BaseSupport> {
    ReadSupport::default().look_up(index, &prepared(index, read)).to_vec()
}

/// Positions of the contradicted bases.
pub(crate) fn contradicted(index: &Index, read: &[u8]) -> Vec<usize> {
    look_up(index, read)
        .iter()
        .enumerate()
        .filter(|(_, support)| support.is_contradicted())
        .map(|(at, _)| at)
        .collect()
}

/// Returns the count of a k-mer: a read of one k-mer is as deep as the k-mer.
pub(crate) fn count(index: &Index, kmer: &[u8]) -> u32 {
    let mut support = ReadSupport::default();
    support.look_up(index, &prepared(index, kmer));
    support.depth()
}

/// The shipped experience.json.
pub(crate) fn experience_text() -> String {
    fs::read_to_string(
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/read-error/experience.json"),
    )
    .unwrap()
}

pub(crate) fn experience() -> Experience {
    Experience::from_json(&experience_text()).unwrap()
}

/// The weights by earlier runs alone.
pub(crate) fn weights(all: bool) -> Weights {
    Fit::new(&experience()).weights(&experience(), all)
}

/// Depth ranges of the shipped experience, and the one that a depth of [`DEPTH`] is in.
pub(crate) const RANGES: usize = 7;
pub(crate) const RANGE: usize = 4;
pub(crate) const DEPTH: u32 = 100;

pub(crate) fn written(evidence: &Evidence) -> Vec<u8> {
    let mut bytes = Vec::new();
    evidence.write(&mut bytes).unwrap();
    bytes
}

/// Bytes of an evidence file before the weights.
pub(crate) const HEAD: usize = 24 + 8 * RANGES;

/// Returns the weights of one depth range, as an evidence file holds them.
pub(crate) fn factors_in(weights: Weights, range: usize) -> Vec<f32> {
    let bytes = written(&Evidence::new(Counter::new(17, 0).finish(), weights));
    bytes[HEAD..].as_chunks::<4>().0[range * BaseSupport::COUNT..][..BaseSupport::COUNT]
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

pub(crate) fn factors(weights: Weights) -> Vec<f32> {
    factors_in(weights, RANGE)
}

/// Applies evidence to one read.
pub(crate) fn apply(evidence: &Evidence, read: &[u8], probabilities: &mut [f32]) -> usize {
    evidence.apply(
        &mut ReadSupport::default(),
        &prepared(evidence.index(), read),
        std::iter::empty(),
        probabilities,
    )
}
