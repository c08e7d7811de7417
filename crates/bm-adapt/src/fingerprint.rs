//! What tells copies of a read from other reads: its bases, and qualities that vary.

use bm_kmers::kmer::mix;

/// Number of changes between neighbouring qualities from which on they are varied: two molecules never
/// get the same bases with the same varied qualities.
const VARIED: usize = 8;

/// Returns a hash of what was hashed before and of some bytes.
pub(crate) fn hash_with(before: u64, bytes: &[u8]) -> u64 {
    let mut hash = before ^ bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = mix(hash ^ u64::from_le_bytes(*word)).wrapping_add(1);
    }
    for byte in rest {
        hash = mix(hash ^ u64::from(*byte)).wrapping_add(1);
    }
    hash
}

/// Returns whether the qualities of a template, read by read, vary.
pub(crate) fn are_varied<'a>(scores: impl Iterator<Item = &'a [u8]>) -> bool {
    let changes = |scores: &[u8]| scores.windows(2).filter(|pair| pair[0] != pair[1]).count();
    scores.map(changes).sum::<usize>() >= VARIED
}
