//! The outcome for a read: whether it is kept, why not, and which bases.

use std::ops::Range;

use bm_quality::{Prediction, Verdict};

use crate::reasons::{Reason, Reasons};

/// A range of the bases of a read, 0-based and half-open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BaseRange {
    start: usize,
    /// End of the range, or [`usize::MAX`] for the end of the read.
    end: usize,
}

impl BaseRange {
    /// All bases of any read.
    pub const WHOLE: Self = Self { start: 0, end: usize::MAX };

    /// Returns the range `start..end`; an end before the start is an empty range.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// Returns whether the range covers a read of this length.
    pub fn is_whole(self, length: usize) -> bool {
        self.start == 0 && self.end >= length
    }

    /// Returns the range, cut off at the end of a read of this length.
    pub fn of(self, length: usize) -> Range<usize> {
        self.start.min(length)..self.end.min(length)
    }
}

/// The outcome for a read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fate {
    /// Whether the read is kept, alone or with its mate.
    pub verdict: Verdict,
    /// Reasons why the read is not kept.
    pub reasons: Reasons,
    /// Whether the read is kept without its mate.
    pub alone: bool,
    /// The bases to keep, if the read is kept.
    pub keep: BaseRange,
}

impl Fate {
    /// The outcome of a read that is kept whole.
    pub const KEPT: Self = Self {
        verdict: Verdict::Pass,
        reasons: Reasons::NONE,
        alone: false,
        keep: BaseRange::WHOLE,
    };

    /// Returns the outcome for a read that is not kept, for these reasons; without reasons, because
    /// of its mate.
    pub fn lost(mut reasons: Reasons, prediction: &Prediction) -> Self {
        if reasons.is_empty() {
            reasons.add(Reason::Mate);
        }
        let is_scored = matches!(prediction, Prediction::Scored(_));
        let verdict = if is_scored { Verdict::Fail } else { Verdict::Unscored };
        Self { verdict, reasons, ..Self::KEPT }
    }

    /// Returns how many bases of a read of this length are kept.
    pub fn bases_kept(&self, length: usize) -> usize {
        if self.verdict == Verdict::Pass { self.keep.of(length).len() } else { 0 }
    }
}

/// The outcomes for the reads of a template.
pub struct Decision {
    /// One outcome per read, in order.
    fates: [Fate; 2],
    count: usize,
}

impl Decision {
    /// Returns the decision about a single read.
    pub fn of_read(fate: Fate) -> Self {
        Self { fates: [fate; 2], count: 1 }
    }

    /// Returns the decision about two mates.
    pub fn of_pair(fates: [Fate; 2]) -> Self {
        Self { fates, count: 2 }
    }

    /// Returns the outcome for each read.
    pub fn fates(&self) -> &[Fate] {
        &self.fates[..self.count]
    }

    pub(crate) fn fates_mut(&mut self) -> &mut [Fate] {
        &mut self.fates[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_stay_inside_the_read() {
        assert_eq!(BaseRange::WHOLE.of(7), 0..7);
        assert_eq!(BaseRange::new(2, 5).of(7), 2..5);
        assert_eq!(BaseRange::new(2, 5).of(3), 2..3);
        assert!(BaseRange::new(5, 2).of(7).is_empty());
        assert!(BaseRange::new(9, 12).of(7).is_empty());
        assert!(BaseRange::WHOLE.is_whole(0) && BaseRange::new(0, 7).is_whole(7));
        assert!(!BaseRange::new(0, 6).is_whole(7) && !BaseRange::new(1, 7).is_whole(7));
    }

    #[test]
    fn only_kept_reads_have_kept_bases() {
        let part = Fate { keep: BaseRange::new(3, 100), ..Fate::KEPT };
        assert_eq!((Fate::KEPT.bases_kept(50), part.bases_kept(50)), (50, 47));
        assert_eq!(Fate { verdict: Verdict::Fail, ..part }.bases_kept(50), 0);
    }
}
