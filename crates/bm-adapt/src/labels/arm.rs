//! One side of an anchor in one read.

use super::column::Column;
use crate::anchors::K;
use crate::sample::{Kept, RunSample};

/// A read is out of step if [`DIFFERENT`] of its last [`RECENT`] bases differ from the agreed
/// bases.
const DIFFERENT: u32 = 6;
const RECENT: u32 = 10;

/// Exception: a bad tail without an indel. At most [`TAIL`] bases are left, at least [`TAIL_KNOWN`]
/// of them can be compared, and at most half of these differ, where three in four would by chance.
const TAIL: usize = 64;
const TAIL_KNOWN: usize = 12;

/// An anchor in a read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence {
    pub(super) hash: u64,
    /// Index of the first base in the sample.
    pub(super) at: u32,
    /// Twice the number of the read, plus 1 if the read has the other strand.
    pub(super) read: u32,
}

impl Occurrence {
    /// Returns one side of the anchor, on the strand of the anchor, up to `reach` bases.
    pub(super) fn arm(&self, sample: &RunSample, right: bool, reach: usize) -> Arm {
        let Kept { start, length, .. } = sample.reads[(self.read >> 1) as usize];
        let (at, reverse) = (self.at as usize, self.read & 1 == 1);
        let flip = if reverse { 3 } else { 0 };
        if right != reverse {
            Arm {
                first: at + K,
                length: (start + length - at - K).min(reach),
                backward: false,
                flip,
            }
        } else {
            Arm { first: at, length: (at - start).min(reach), backward: true, flip }
        }
    }
}

/// The bases of a read to one side of an anchor, starting at the anchor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    /// Index of the first base, or of the one after it if the arm runs backward.
    first: usize,
    length: usize,
    backward: bool,
    /// Turns codes into those of the anchor's strand by exclusive or: 3 if the read has the other
    /// strand, else 0.
    flip: u8,
}

impl Arm {
    /// Returns the indices of the bases in the sample.
    pub(super) fn positions(self) -> impl Iterator<Item = usize> {
        (0..self.length)
            .map(move |i| if self.backward { self.first - 1 - i } else { self.first + i })
    }

    /// Returns the code of a base on the anchor's strand. The code of an unknown or hidden
    /// base stays above 3.
    #[inline(always)]
    pub(super) fn base(self, sample: &RunSample, at: usize) -> u8 {
        sample.bases[at] ^ self.flip
    }

    /// Returns the number of bases that are in step with the columns.
    pub(super) fn agreement(self, sample: &RunSample, columns: &[Column]) -> usize {
        let mut recent = 0u32;
        for (i, (column, at)) in columns.iter().zip(self.positions()).enumerate() {
            recent = (recent << 1 | u32::from(column.differs(self.base(sample, at))))
                & ((1 << RECENT) - 1);
            if recent.count_ones() >= DIFFERENT {
                // Back to the first difference.
                let from = i - (u32::BITS - 1 - recent.leading_zeros()) as usize;
                return if self.is_bad_tail(sample, columns, from) { self.length } else { from };
            }
        }
        self.length
    }

    fn is_bad_tail(self, sample: &RunSample, columns: &[Column], from: usize) -> bool {
        if self.length - from > TAIL {
            return false;
        }
        let (mut known, mut different) = (0, 0);
        for (column, at) in columns.iter().zip(self.positions()).skip(from) {
            let base = self.base(sample, at);
            known += usize::from(column.compares(base));
            different += usize::from(column.differs(base));
        }
        known >= TAIL_KNOWN && 2 * different <= known
    }
}
