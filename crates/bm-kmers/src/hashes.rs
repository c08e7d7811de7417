//! The hashes of all k-mers of a read, at once.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use crate::index::Index;
use crate::kmer::mix;
use crate::packed::{BLOCK, Packed, WORD};
use bm_reads::base::UNKNOWN;

/// Stands for the hash where a k-mer has an unknown base: that of a number which is no k-mer.
const NONE: u64 = mix(1 << 63);

/// The hashes of a read's k-mers by their first base, the same on both strands.
#[derive(Clone, Debug)]
pub struct Hashes {
    hashes: Vec<u64>,
    /// The k-mers themselves, as they are read; unknown bases are any.
    kmers: Vec<u64>,
    packed: Box<Packed>,
}

impl Default for Hashes {
    fn default() -> Self {
        Self { hashes: Vec::new(), kmers: Vec::new(), packed: Box::new(Packed::new()) }
    }
}

impl Hashes {
    /// Makes it those of a read, by the codes of its bases.
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
        // The first k-mer that may have none of the unknown bases so far.
        let mut first = 0;
        for (at, _) in codes.iter().enumerate().filter(|(_, code)| **code >= UNKNOWN) {
            first = first.max((at + 1).saturating_sub(k));
            let end = (at + 1).min(self.hashes.len());
            self.hashes[first.min(end)..end].fill(NONE);
            first = at + 1;
        }
    }

    /// Says that k-mers which start at these bases will be asked for.
    #[inline(always)]
    pub fn expect(&self, index: &Index, starts: Range<usize>) {
        if let Some(hashes) = self.hashes.get(starts) {
            hashes.iter().for_each(|hash| index.expect(*hash));
        }
    }

    /// Returns the k-mer that starts at a base, two bits each.
    #[inline(always)]
    pub fn kmer(&self, start: usize) -> u64 {
        self.kmers.get(start).copied().unwrap_or_default()
    }

    /// Returns the hash of the k-mer that starts at a base, if there is one and all its bases are
    /// known.
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
        // A k-mer is its first sixteen bases and its last ones, which are the end of its last
        // sixteen.
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
    fn they_are_those_of_each_kmer_of_known_bases() {
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
