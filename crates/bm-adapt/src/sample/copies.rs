//! Finds exact copies of reads in a file, such as from a lane that was merged twice.
//!
//! Two molecules never get the same bases with the same varied qualities. Reads with uniform
//! qualities may be equal by chance in a deep run, so they count as copies only if many reads with
//! varied qualities are copied.

use std::collections::HashSet;

use bm_kmers::kmer::mix;

/// Number of changes between neighbouring qualities from which on they are varied.
const VARIED: usize = 8;

/// Fewest varied reads, and lowest fraction of copies among them, for copies to be dropped.
const FEWEST: u64 = 1000;
const COPIED: f64 = 0.2;

/// Fingerprints of the reads in the sample, and counts of copies.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    seen: HashSet<u64>,
    varied: u64,
    varied_copies: u64,
    /// Whether copies are dropped.
    found: bool,
}

impl Copies {
    /// Records a read by its fingerprint; returns whether the same read was recorded before.
    pub(super) fn observe(&mut self, fingerprint: u64, scores: &[u8]) -> bool {
        let is_copy = !self.seen.insert(fingerprint);
        if scores.windows(2).filter(|pair| pair[0] != pair[1]).count() >= VARIED {
            self.varied += 1;
            self.varied_copies += u64::from(is_copy);
        }
        is_copy
    }

    /// Returns whether the last read showed that the file holds many copies.
    pub(super) fn are_found_now(&mut self) -> bool {
        let now = !self.found
            && self.varied >= FEWEST
            && self.varied_copies as f64 >= COPIED * self.varied as f64;
        self.found |= now;
        now
    }

    /// Returns whether the file holds many copies.
    pub(super) fn are_found(&self) -> bool {
        self.found
    }

    /// Forgets all fingerprints but these.
    pub(super) fn restart(&mut self, kept: impl Iterator<Item = u64>) {
        self.seen.clear();
        self.seen.extend(kept);
    }
}

/// Returns a hash of bases and qualities.
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
