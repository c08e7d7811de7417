//! What other crates see of an aligned read.

use crate::{Aligned, Event, Reference, Rules};

impl Aligned {
    /// Returns the name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Returns 1, or 2 for the second read of a pair.
    pub fn mate(&self) -> u8 {
        self.mate
    }

    /// Returns whether the bases are the reverse complement of the read.
    pub fn is_reverse(&self) -> bool {
        self.reverse
    }

    /// Returns whether the record is flagged as a duplicate or as failing quality checks.
    pub fn is_flagged(&self) -> bool {
        self.flagged
    }

    /// Returns whether the record has a mate that is mapped.
    pub fn has_mapped_mate(&self) -> bool {
        self.has_mapped_mate
    }

    /// Returns the bases in upper case, in the direction of the reference; `=` means the reference's own.
    pub fn bases(&self) -> &[u8] {
        &self.bases
    }

    /// Returns the Phred scores, in the direction of the reference; empty if the record has none.
    pub fn scores(&self) -> &[u8] {
        &self.scores
    }

    /// Returns the index of the reference sequence and the 0-based start on it; `None` if the read is not
    /// mapped.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.place.as_ref().map(|place| (place.sequence, place.start))
    }

    /// Returns the mapping quality; 255 if the aligner gave none, 0 for an unmapped read.
    pub fn mapping_quality(&self) -> u8 {
        self.place.as_ref().map_or(0, |place| place.mapq)
    }

    /// Calls `visit` for every base, insertion and deletion of the alignment, from left to right. Clips stay
    /// clipped. Reads and places lie within the record and its reference sequence.
    pub fn events(&self, reference: &Reference, visit: impl FnMut(Event)) {
        self.walk(reference, &Rules::long(), visit);
    }
}
