//! One column of overlaid reads.

use bm_reads::base::UNKNOWN;

use super::label::Label;
use crate::sample::seen;

/// Fraction of a column's reads that must have a base for it to be the agreed base.
const AGREEING: f64 = 0.6;

/// A base is wrong if at most this fraction of the reads has it, and at most [`MOST_FEW`] reads. A
/// base that one read has is always wrong.
const FEW: f64 = 0.03;
const MOST_FEW: f64 = 20.0;

/// A base is right if at least this fraction of the reads has it, and at least [`MANY_READS`]
/// reads. A heterozygous site has two right bases.
const MANY: f64 = 0.35;
const MANY_READS: f64 = 4.0;

/// The bases of overlaid reads at one position.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Column {
    counts: [u32; 4],
    /// The agreed base; [`UNKNOWN`] if there is none.
    agreed: u8,
    labels: [Label; 4],
    few: f64,
}

impl Column {
    /// Counts a base, on the strand of the anchor.
    #[inline(always)]
    pub(super) fn count(&mut self, base: u8) {
        if base < UNKNOWN {
            self.counts[usize::from(base)] += 1;
        }
    }

    /// Returns the number of known bases.
    pub(super) fn reads(&self) -> usize {
        self.counts.iter().sum::<u32>() as usize
    }

    /// Sets the agreed base from the counts.
    pub(super) fn agree(&mut self) {
        let most = (0..4).max_by_key(|base| self.counts[*base]).unwrap_or(0);
        let enough = f64::from(self.counts[most]) >= AGREEING * self.reads().max(1) as f64;
        self.agreed = if enough { most as u8 } else { UNKNOWN };
    }

    /// Returns whether a base can be compared with the agreed base.
    #[inline(always)]
    pub(super) fn compares(&self, base: u8) -> bool {
        self.agreed < UNKNOWN && base < UNKNOWN
    }

    /// Returns whether a base differs from the agreed base.
    #[inline(always)]
    pub(super) fn differs(&self, base: u8) -> bool {
        self.compares(base) && base != self.agreed
    }

    /// Forgets the counts.
    pub(super) fn restart(&mut self) {
        self.counts = [0; 4];
    }

    /// Labels each of the four bases from the counts; returns whether it could. A mixed column gets
    /// no labels.
    pub(super) fn decide(&mut self) -> bool {
        let reads = self.reads() as f64;
        self.few = (FEW * reads).clamp(1.0, MOST_FEW);
        let many = (MANY * reads).max(MANY_READS);
        let labels = self.counts.map(|count| match f64::from(count) {
            count if count <= self.few => Label::Wrong,
            count if count >= many => Label::Right,
            _ => Label::Unknown,
        });
        let decided = !labels.contains(&Label::Unknown);
        if decided {
            self.labels = labels;
        }
        decided
    }

    /// Returns the most reads that may have an error.
    pub(super) fn few(&self) -> f64 {
        self.few
    }

    /// Returns the label of a base, also of a hidden one.
    #[inline(always)]
    pub(super) fn label(&self, base: u8) -> Label {
        self.labels.get(usize::from(seen(base))).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(counts: [u32; 4]) -> Column {
        let mut column = Column { counts, ..Column::default() };
        column.agree();
        column
    }

    fn labels(counts: [u32; 4]) -> [Label; 4] {
        let mut column = column(counts);
        column.decide();
        [0, 1, 2, 3].map(|base| column.label(base))
    }

    #[test]
    fn rare_bases_are_wrong_frequent_ones_right_and_mixed_columns_unknown() {
        use Label::{Right, Unknown, Wrong};
        assert_eq!(labels([100, 2, 0, 1]), [Right, Wrong, Wrong, Wrong]);
        // A heterozygous site: both are right.
        assert_eq!(labels([20, 18, 0, 1]), [Right, Right, Wrong, Wrong]);
        // A rare variant, or a systematic error.
        assert_eq!(labels([100, 10, 0, 1]), [Unknown; 4]);
        // The same fraction of very many reads.
        assert_eq!(labels([4000, 21, 0, 0]), [Unknown; 4]);
        assert_eq!(labels([4000, 20, 0, 0]), [Right, Wrong, Wrong, Wrong]);
        // One read in six is one read.
        assert_eq!(labels([5, 1, 0, 0]), [Right, Wrong, Wrong, Wrong]);
        assert_eq!(labels([4, 2, 0, 0]), [Unknown; 4]);
    }

    #[test]
    fn unknown_bases_are_not_compared() {
        let agreed = column([6, 4, 0, 0]);
        assert!(
            agreed.differs(1)
                && !agreed.differs(0)
                && !agreed.differs(UNKNOWN)
                && !agreed.differs(UNKNOWN ^ 3)
        );
        let split = column([5, 5, 0, 0]);
        assert!(!split.differs(1) && !split.differs(2));
    }
}
