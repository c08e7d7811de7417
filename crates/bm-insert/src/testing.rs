//! What unit tests have in common.

use bm_reads::ReadRef;

/// Numbers that look random, the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Returns a number below a limit.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    /// Returns the letters of this many bases.
    pub(crate) fn bases(&mut self, many: usize) -> Vec<u8> {
        (0..many).map(|_| b"ACGT"[self.below(4)]).collect()
    }
}

/// Returns a template of one read; there may be more scores than bases.
pub(crate) fn template<'a>(sequence: &'a [u8], scores: &'a [u8]) -> [ReadRef<'a>; 1] {
    [ReadRef { name: b"", sequence, quality_scores: &scores[..sequence.len()] }]
}
