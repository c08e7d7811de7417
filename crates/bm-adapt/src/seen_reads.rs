//! Recognises exact copies of reads while a run is read, in fixed memory: k-mers of a copy are not
//! counted again, as a copied error would look supported.

use bm_kmers::kmer::mix;
use bm_reads::ReadRef;

use crate::fingerprint::{are_varied, hash_with};

/// Bits of the filter, 32 MB, and those of a line of a cache, in which all bits of a template lie.
const BITS: usize = 1 << 28;
const LINE: usize = 512;

/// Bits of a template.
const HASHES: u32 = 4;

/// Templates that are kept. Later ones would be taken for copies of others too often.
const MOST: u64 = 24_000_000;

/// The templates of a run so far: a Bloom filter in blocks (Putze, Sanders and Singler 2007, Cache-, Hash-
/// and Space-Efficient Bloom Filters).
#[derive(Clone, Debug)]
pub struct SeenReads {
    bits: Vec<u64>,
    kept: u64,
}

impl Default for SeenReads {
    fn default() -> Self {
        // The system gives this memory as it is used.
        Self { bits: vec![0; BITS / 64], kept: 0 }
    }
}

impl SeenReads {
    /// Returns whether a template, one read or two mates, is a copy of an earlier one: the same bases with
    /// the same varied qualities. One in some hundred others may be taken for one in a run of 20 million.
    pub fn is_copy<'a>(&mut self, mates: impl Iterator<Item = ReadRef<'a>> + Clone) -> bool {
        let is_varied = are_varied(mates.clone().map(|read| read.quality_scores));
        if !is_varied || self.kept >= MOST {
            return false;
        }
        let hash = mates
            .fold(0, |hash, read| hash_with(hash_with(hash, read.sequence), read.quality_scores));
        let hash = mix(hash);
        let line = (hash >> 32) as usize % (BITS / LINE) * LINE;
        let mut is_copy = true;
        for number in 0..HASHES {
            let bit = line + (hash >> (8 * number)) as usize % LINE;
            let word = &mut self.bits[bit / 64];
            is_copy &= *word >> (bit % 64) & 1 == 1;
            *word |= 1 << (bit % 64);
        }
        self.kept += u64::from(!is_copy);
        is_copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(sequence: &'a [u8], quality_scores: &'a [u8]) -> ReadRef<'a> {
        ReadRef { name: b"", sequence, quality_scores }
    }

    #[test]
    fn copies_have_the_same_bases_and_the_same_varied_qualities() {
        let mut seen = SeenReads::default();
        let (bases, scores) = (b"ACGTACGTACGTACGTACGT", b"IFIFIFIFIFIFIFIFIFIF");
        let mut is_copy = |reads: &[ReadRef<'_>]| seen.is_copy(reads.iter().copied());
        assert!(!is_copy(&[read(bases, scores)]));
        assert!(is_copy(&[read(bases, scores)]));
        assert!(!is_copy(&[read(b"ACGTACGTACGTACGTACGA", scores)]));
        assert!(!is_copy(&[read(bases, b"IFIFIFIFIFIFIFIFIFII")]));
        // Mates count together.
        assert!(!is_copy(&[read(bases, scores), read(bases, scores)]));
        assert!(is_copy(&[read(bases, scores), read(bases, scores)]));
        // Many molecules may be without an error at one quality.
        assert!(!is_copy(&[read(bases, &[b'I'; 20])]));
        assert!(!is_copy(&[read(bases, &[b'I'; 20])]));
    }

    #[test]
    fn few_others_are_taken_for_copies() {
        let mut seen = SeenReads::default();
        let scores = b"IFIFIFIFIFIFIFIFIFIF";
        let taken = (0..200_000u64).filter(|number| {
            let bases: Vec<u8> =
                (0..20).map(|place| b"ACGT"[(mix(number * 20 + place) & 3) as usize]).collect();
            seen.is_copy([read(&bases, scores)].into_iter())
        });
        assert!(taken.count() < 20);
    }
}
