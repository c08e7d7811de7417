//! Finds reads that a file holds more than once, byte for byte: lanes that were merged twice, files
//! made longer.
//!
//! No sequencer gives two molecules the same bases and the same restless qualities. Reads with calm
//! qualities may well be equal in a deep run, so they are only taken for copies where restless ones
//! are.

use bm_kmers::kmer::mix;
use std::collections::HashSet;

/// Changes along a read's qualities from which on they are restless.
const RESTLESS: usize = 8;

/// Restless reads that must have been seen for their copies to count, and the share of them that
/// are copies.
const FEWEST: u64 = 1000;
const SHARE: f64 = 0.2;

/// What is known of the reads that are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    seen: HashSet<u64>,
    restless: u64,
    restless_copies: u64,
    /// Whether copies are to be left out.
    found: bool,
}

impl Copies {
    /// Takes note of a read by its content; returns whether the same one was there before.
    pub(super) fn observe(&mut self, fingerprint: u64, scores: &[u8]) -> bool {
        let is_copy = !self.seen.insert(fingerprint);
        if scores.windows(2).filter(|pair| pair[0] != pair[1]).count() >= RESTLESS {
            self.restless += 1;
            self.restless_copies += u64::from(is_copy);
        }
        is_copy
    }

    /// Returns whether it has just become clear that the file holds copies.
    pub(super) fn are_found_now(&mut self) -> bool {
        let now = !self.found
            && self.restless >= FEWEST
            && self.restless_copies as f64 >= SHARE * self.restless as f64;
        self.found |= now;
        now
    }

    /// Returns whether the file is known to hold copies.
    pub(super) fn are_found(&self) -> bool {
        self.found
    }

    /// Forgets all reads but these.
    pub(super) fn restart(&mut self, kept: impl Iterator<Item = u64>) {
        self.seen.clear();
        self.seen.extend(kept);
    }
}

/// Returns a number for what a read is.
pub(super) fn fingerprint(bases: &[u8], scores: &[u8]) -> u64 {
    let mut hash = bases.len() as u64;
    for part in [bases, scores] {
        let (words, rest) = part.as_chunks::<8>();
        for word in words {
            hash = mix(hash ^ u64::from_le_bytes(*word)).wrapping_add(1);
        }
        for byte in rest {
            hash = mix(hash ^ u64::from(*byte)).wrapping_add(1);
        }
    }
    hash
}
