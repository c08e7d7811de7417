//! Simulated runs of long reads.

use bm_kmers::{Counter, Index, kmer};
use bm_reads::base;

/// Memory that is enough for all runs here, in bytes.
const ROOM: usize = 64 << 20;

/// Pseudorandom numbers.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed << 32)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 += 1;
        (kmer::mix(self.0) % limit as u64) as usize
    }
}

pub(crate) fn genome(bases: usize, seed: u64) -> Vec<u8> {
    let mut draw = Draw::new(seed);
    (0..bases).map(|_| b"ACGT"[draw.below(4)]).collect()
}

pub(crate) fn reverse_complement(sequence: &[u8]) -> Vec<u8> {
    let complement = |letter: &u8| base::letter(3 - base::code(*letter));
    sequence.iter().rev().map(complement).collect()
}

/// Returns a sequence read with errors at this rate: half of them substitutions, a quarter each
/// insertions and deletions; and their number.
pub(crate) fn with_errors(sequence: &[u8], rate: f64, draw: &mut Draw) -> (Vec<u8>, usize) {
    let (mut read, mut errors) = (Vec::new(), 0);
    for letter in sequence {
        if draw.below(1_000_000) as f64 >= rate * 1e6 {
            read.push(*letter);
            continue;
        }
        errors += 1;
        let other = base::letter((base::code(*letter) + 1 + draw.below(3) as u8) % 4);
        match draw.below(4) {
            0 => read.extend([*letter, other]),
            1 => {}
            _ => read.push(other),
        }
    }
    (read, errors)
}

/// A read of a simulated run.
pub(crate) struct Simulated {
    pub(crate) bases: Vec<u8>,
    pub(crate) errors: usize,
}

/// Returns reads of a genome, on both strands, whose error rates are drawn by `rate`.
pub(crate) fn reads(
    genome: &[u8],
    number: usize,
    length: usize,
    draw: &mut Draw,
    rate: impl Fn(&mut Draw) -> f64,
) -> Vec<Simulated> {
    let read = |number: usize, draw: &mut Draw| {
        let start = draw.below(genome.len() - length + 1);
        let rate = rate(draw);
        let (bases, errors) = with_errors(&genome[start..start + length], rate, draw);
        let bases = if number.is_multiple_of(2) { bases } else { reverse_complement(&bases) };
        Simulated { bases, errors }
    };
    (0..number).map(|number| read(number, draw)).collect()
}

pub(crate) fn counted<'a>(k: usize, reads: impl IntoIterator<Item = &'a [u8]>) -> Index {
    sampled(k, 0, reads)
}

pub(crate) fn sampled<'a>(
    k: usize,
    level: u32,
    reads: impl IntoIterator<Item = &'a [u8]>,
) -> Index {
    let mut counter = Counter::sampled(k, ROOM, level);
    reads.into_iter().for_each(|read| counter.observe(read));
    counter.finish()
}
