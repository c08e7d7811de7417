//! Simulated runs with known errors.

use bm_adapt::{Label, Labels, RunSample, Sampler};
use bm_reads::ReadRef;

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

    pub(crate) fn chance(&mut self, p: f64) -> bool {
        (self.below(1 << 40) as f64) < p * (1u64 << 40) as f64
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

/// Another base.
pub(crate) fn other(base: u8, draw: &mut Draw) -> u8 {
    let others: Vec<u8> = b"ACGT".iter().copied().filter(|other| *other != base).collect();
    others[draw.below(3)]
}

/// A read, and which of its bases are wrong.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) sequence: Vec<u8>,
    pub(crate) quality: Vec<u8>,
    pub(crate) wrong: Vec<bool>,
}

impl Made {
    pub(crate) fn as_read(&self) -> ReadRef<'_> {
        ReadRef { name: b"made", sequence: &self.sequence, quality_scores: &self.quality }
    }
}

/// Phred scores of simulated reads, each with its fraction of the bases and its true error rate.
/// The best score is overstated by 10.
pub(crate) const QUALITIES: [(u8, f64, f64); 3] =
    [(11, 0.06, 0.08), (25, 0.14, 0.004), (37, 0.80, 0.002)];

/// Reads of `length` bases from random positions of a sequence, on both strands.
pub(crate) fn reads(sequence: &[u8], count: usize, length: usize, draw: &mut Draw) -> Vec<Made> {
    (0..count)
        .map(|_| {
            let start = draw.below(sequence.len() - length + 1);
            let piece = &sequence[start..start + length];
            let piece = if draw.chance(0.5) { reverse_complement(piece) } else { piece.to_vec() };
            read(&piece, draw)
        })
        .collect()
}

/// A read of a molecule, with random errors.
pub(crate) fn read(molecule: &[u8], draw: &mut Draw) -> Made {
    let mut made = Made { sequence: molecule.to_vec(), quality: Vec::new(), wrong: Vec::new() };
    for base in &mut made.sequence {
        let at = draw.below(1000) as f64 / 1000.0;
        let (score, _, rate) = QUALITIES[if at < 0.06 {
            0
        } else if at < 0.2 {
            1
        } else {
            2
        }];
        let wrong = draw.chance(rate);
        if wrong {
            *base = other(*base, draw);
        }
        made.quality.push(score + 33);
        made.wrong.push(wrong);
    }
    made
}

pub(crate) fn sample<'a>(reads: impl IntoIterator<Item = &'a Made>) -> RunSample {
    let mut sampler = Sampler::new(RunSample::ROOM);
    for made in reads {
        sampler.observe(made.as_read()).unwrap();
    }
    sampler.finish()
}

/// The labels of all bases in the order of the run, one read after the other.
pub(crate) fn in_order(labels: &Labels, sample: &RunSample) -> Vec<Label> {
    let mut reads: Vec<_> = labels.of_reads(sample).collect();
    reads.sort_by_key(|read| (read.template, read.mate));
    reads.iter().flat_map(|read| read.labels).copied().collect()
}
