//! The hashes of all k-mers of a read, computed with vector instructions.

use std::ops::Range;

use bm_reads::base::UNKNOWN;
use pulp::{Arch, Simd, WithSimd};

use crate::index::Index;
use crate::kmer::mix;
use crate::packed::{BLOCK, Packed, WORD};

/// Marks a k-mer with an unknown base: the hash of a number that is no k-mer.
const NONE: u64 = mix(1 << 63);

/// The hashes of a read's k-mers, by the position of their first base. Both strands of a k-mer have
/// the same hash.
#[derive(Clone, Debug)]
pub struct Hashes {
    hashes: Vec<u64>,
    /// The k-mers on the strand of the read; unknown bases have arbitrary bits.
    kmers: Vec<u64>,
    packed: Box<Packed>,
}

impl Default for Hashes {
    fn default() -> Self {
        Self { hashes: Vec::new(), kmers: Vec::new(), packed: Box::new(Packed::new()) }
    }
}

impl Hashes {
    /// Replaces the hashes by those of a read, given as base codes ([`bm_reads::base::code`]).
    pub fn fill(&mut self, codes: &[u8], k: usize) {
        self.hashes.clear();
        self.kmers.clear();
        let mut rest = codes;
        while rest.len() >= k {
            let kmers = (rest.len() + 1 - k).min(BLOCK);
            Arch::new().dispatch(Fill { hashes: self, codes: &rest[..kmers + k - 1], k });
            rest = &rest[kmers..];
        }
        if codes.iter().fold(0, |all, code| all | code) < UNKNOWN {
            return;
        }
        // The first k-mer without any of the unknown bases so far.
        let mut first = 0;
        for (at, _) in codes.iter().enumerate().filter(|(_, code)| **code >= UNKNOWN) {
            first = first.max((at + 1).saturating_sub(k));
            let end = (at + 1).min(self.hashes.len());
            self.hashes[first.min(end)..end].fill(NONE);
            first = at + 1;
        }
    }

    /// Removes all hashes, and keeps memory for a read of at most this many bases.
    pub fn shrink_to(&mut self, bases: usize) {
        for list in [&mut self.hashes, &mut self.kmers] {
            list.clear();
            list.shrink_to(bases);
        }
    }

    /// Prefetches the counts of the k-mers that start at these bases.
    #[inline(always)]
    pub fn prefetch(&self, index: &Index, starts: Range<usize>) {
        if let Some(hashes) = self.hashes.get(starts) {
            hashes.iter().for_each(|hash| index.prefetch(*hash));
        }
    }

    /// Returns the k-mer that starts at a base, two bits per base.
    #[inline(always)]
    pub fn kmer(&self, start: usize) -> u64 {
        self.kmers.get(start).copied().unwrap_or_default()
    }

    /// Returns the hash of the k-mer that starts at a base; `None` if it has an unknown base or
    /// does not fit into the read.
    #[inline(always)]
    pub fn at(&self, start: usize) -> Option<u64> {
        self.hashes.get(start).copied().filter(|hash| *hash != NONE)
    }
}

struct Fill<'a> {
    hashes: &'a mut Hashes,
    codes: &'a [u8],
    k: usize,
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { hashes: Hashes { hashes, kmers: all, packed }, codes, k } = self;
        packed.fill(codes.iter().map(
            #[inline(always)]
            |code| u32::from(code & 3),
        ));
        // A k-mer is put together from the word at its first base and the end of the word of its
        // last sixteen bases.
        let last = k - WORD;
        let (shift, mask) = (2 * last as u32, (1_u64 << (2 * last)) - 1);
        let kmers = codes.len() + 1 - k;
        let start = hashes.len();
        hashes.resize(start + kmers, 0);
        all.resize(start + kmers, 0);
        let firsts = packed.forward[..kmers].iter().zip(&packed.backward[..kmers]);
        let lasts =
            packed.forward[last..last + kmers].iter().zip(&packed.backward[last..last + kmers]);
        for (((hash, kmer), first), end) in
            hashes[start..].iter_mut().zip(&mut all[start..]).zip(firsts).zip(lasts)
        {
            let forward = u64::from(*first.0) << shift | u64::from(*end.0) & mask;
            let backward = u64::from(*end.1) << shift | u64::from(*first.1) & mask;
            *hash = mix(forward.min(backward));
            *kmer = forward;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmer::{self, LONGEST, SHORTEST};

    #[test]
    fn hashes_are_those_of_each_kmer_without_unknown_bases() {
        let mut hashes = Hashes::default();
        for k in (SHORTEST..=LONGEST).step_by(2) {
            for length in (0..100).chain([BLOCK - 1, BLOCK, BLOCK + 30, BLOCK + 31, 3 * BLOCK + 7])
            {
                for unknown in [0, 1, 7, 40] {
                    let draw = |i: usize| kmer::mix(i as u64 + 1) as usize;
                    let code = |i: usize| {
                        if unknown > 0 && draw(i) % 100 < unknown {
                            UNKNOWN
                        } else {
                            (draw(i) >> 32) as u8 & 3
                        }
                    };
                    let codes: Vec<u8> = (0..length).map(code).collect();
                    let mut expected = vec![None; length];
                    kmer::each(codes.iter().copied(), k, |last, hash| {
                        expected[last + 1 - k] = Some(hash)
                    });
                    hashes.fill(&codes, k);
                    let found: Vec<_> = (0..length).map(|start| hashes.at(start)).collect();
                    assert!(found == expected, "k {k}, {length} bases");
                }
            }
        }
    }
}
