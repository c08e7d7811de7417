//! Finds exact copies of reads in a file, such as from a lane that was merged twice.
//!
//! Two molecules never get the same bases with the same varied qualities. Reads with uniform
//! qualities may be equal by chance in a deep run, so they count as copies only if many reads with
//! varied qualities are copied.

use std::collections::HashSet;

use crate::fingerprint::are_varied;

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
        if are_varied([scores].into_iter()) {
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
