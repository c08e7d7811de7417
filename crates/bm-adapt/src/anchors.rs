//! Anchors: k-mers picked by their hash, at which reads are laid over each other.
//!
//! Whether a k-mer is picked depends on its bases alone, not on the strand, so all reads of a
//! position have the same anchors.

use bm_kmers::kmer::mix;
use bm_reads::base::UNKNOWN;
use pulp::{Arch, Simd, WithSimd};

/// Bases of an anchor: enough that none occurs twice by chance in a genome of human size.
pub(crate) const K: usize = 20;

const MASK: u64 = (1 << (2 * K)) - 1;

/// A picked k-mer of a read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Anchor {
    /// Hash of the k-mer, the same on both strands.
    pub(crate) hash: u64,
    /// Position of the first base in the read.
    pub(crate) at: usize,
    /// Whether the read has the other strand of the k-mer.
    pub(crate) reverse: bool,
}

/// Bases whose k-mers are hashed together, with vector instructions.
const BLOCK: usize = 64;

/// Marks a base at which no k-mer ends.
const NONE: u64 = u64::MAX;

/// Calls `take` with each anchor of a read, from first to last: k-mers without unknown bases whose
/// hash is below `limit`, and that are not short repeats.
#[inline]
pub(crate) fn anchors(bases: impl Iterator<Item = u8>, limit: u64, mut take: impl FnMut(Anchor)) {
    let (mut forward, mut backward, mut known) = (0u64, 0u64, 0usize);
    let mut hashes = Hashes::default();
    let mut start = 0;
    let mut bases = bases.fuse();
    loop {
        let mut length = 0;
        for (place, base) in (0..BLOCK).zip(bases.by_ref()) {
            length = place + 1;
            if base >= UNKNOWN {
                known = 0;
                hashes.lower[place] = NONE;
                continue;
            }
            forward = (forward << 2 | u64::from(base)) & MASK;
            backward = backward >> 2 | u64::from(3 - base) << (2 * (K - 1));
            known += 1;
            hashes.forward[place] = forward;
            hashes.lower[place] = if known < K { NONE } else { forward.min(backward) };
        }
        if length == 0 {
            return;
        }
        Arch::new().dispatch(&mut hashes);
        for (place, hash) in hashes.of_lower[..length].iter().enumerate() {
            let (forward, lower) = (hashes.forward[place], hashes.lower[place]);
            if *hash < limit && lower != NONE && !is_repeat(forward) {
                take(Anchor { hash: *hash, at: start + place + 1 - K, reverse: lower < forward });
            }
        }
        start += length;
    }
}

/// The k-mers that end at consecutive bases, and their hashes.
struct Hashes {
    forward: [u64; BLOCK],
    /// The lower of both strands.
    lower: [u64; BLOCK],
    of_lower: [u64; BLOCK],
}

impl Default for Hashes {
    fn default() -> Self {
        Self { forward: [0; BLOCK], lower: [NONE; BLOCK], of_lower: [0; BLOCK] }
    }
}

impl WithSimd for &mut Hashes {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (hash, kmer) in self.of_lower.iter_mut().zip(&self.lower) {
            *hash = mix(*kmer);
        }
    }
}

/// Returns whether the k-mer repeats one, two or three bases: such k-mers are frequent in genomes,
/// and reads have indels in them.
fn is_repeat(kmer: u64) -> bool {
    (1..=3).any(|period| (kmer ^ kmer >> (2 * period)) & (MASK >> (2 * period)) == 0)
}

#[cfg(test)]
mod tests {
    use bm_reads::base::code;

    use super::*;

    fn of(sequence: &[u8], limit: u64) -> Vec<Anchor> {
        let mut found = Vec::new();
        anchors(sequence.iter().map(|base| code(*base)), limit, |anchor| found.push(anchor));
        found
    }

    fn complement(sequence: &[u8]) -> Vec<u8> {
        sequence.iter().rev().map(|base| b"TGCAN"[usize::from(code(*base))]).collect()
    }

    const READ: &[u8] = b"ACGGTCATTGCAGGACTTACCGATNGGCATTCAGGACCATTAGACCAGT";

    #[test]
    fn both_strands_have_the_same_anchors() {
        let (there, mut back) = (of(READ, u64::MAX), of(&complement(READ), u64::MAX));
        back.reverse();
        assert_eq!(there.len(), READ.len() - 24 - (K - 1) + (24 - (K - 1)) - 1);
        for (a, b) in there.iter().zip(&back) {
            assert_eq!((a.hash, a.at, a.reverse), (b.hash, READ.len() - K - b.at, !b.reverse));
        }
    }

    #[test]
    fn no_anchor_has_unknown_bases_or_is_a_short_repeat() {
        assert!(of(READ, u64::MAX).iter().all(|anchor| anchor.at + K <= 24 || anchor.at > 24));
        for repeat in [&b"A"[..], b"AC", b"ACG"] {
            assert_eq!(of(&repeat.repeat(20), u64::MAX), []);
        }
        assert_eq!(of(&READ[..K - 1], u64::MAX), []);
        assert_eq!(of(b"", u64::MAX), []);
    }

    #[test]
    fn a_lower_limit_picks_fewer_anchors() {
        let all = of(READ, u64::MAX);
        let half = of(READ, u64::MAX / 2);
        assert!(!half.is_empty() && half.len() < all.len());
        assert!(half.iter().all(|anchor| all.contains(anchor) && anchor.hash < u64::MAX / 2));
    }
}
