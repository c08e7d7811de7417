//! One column of reads that are laid over each other.

use bm_reads::base::UNKNOWN;

use super::Label;

/// Share of the reads of a column that must agree for it to have a base of its own.
const AGREEING: f64 = 0.6;

/// A base in at most this share of the reads, and in at most so many, is an error; a base in one
/// read always is.
const FEW: f64 = 0.03;
const MOST_FEW: f64 = 20.0;

/// A base in at least this share, and in so many reads, is right. A heterozygous site has two.
const MANY: f64 = 0.35;
const MANY_READS: f64 = 4.0;

/// What the reads have at one place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Column {
    counts: [u32; 4],
    /// The base that most agree on; [`UNKNOWN`] if there is none.
    agreed: u8,
    labels: [Label; 4],
    few: f64,
}

impl Column {
    /// Counts a base, as the anchor's strand has it.
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

    /// Settles what most reads agree on.
    pub(super) fn agree(&mut self) {
        let most = (0..4).max_by_key(|base| self.counts[*base]).unwrap_or(0);
        let enough = f64::from(self.counts[most]) >= AGREEING * self.reads().max(1) as f64;
        self.agreed = if enough { most as u8 } else { UNKNOWN };
    }

    /// Returns whether a base can be compared with what most agree on.
    #[inline(always)]
    pub(super) fn compares(&self, base: u8) -> bool {
        self.agreed < UNKNOWN && base < UNKNOWN
    }

    /// Returns whether a base is not what most agree on.
    #[inline(always)]
    pub(super) fn differs(&self, base: u8) -> bool {
        self.compares(base) && base != self.agreed
    }

    /// Forgets the counts.
    pub(super) fn restart(&mut self) {
        self.counts = [0; 4];
    }

    /// Settles what each base is worth; returns whether anything is.
    pub(super) fn judge(&mut self) -> bool {
        let reads = self.reads() as f64;
        self.few = (FEW * reads).clamp(1.0, MOST_FEW);
        let many = (MANY * reads).max(MANY_READS);
        let labels = self.counts.map(|count| match f64::from(count) {
            count if count <= self.few => Label::Wrong,
            count if count >= many => Label::Right,
            _ => Label::Unknown,
        });
        let says = !labels.contains(&Label::Unknown);
        if says {
            self.labels = labels;
        }
        says
    }

    /// Returns in how many reads an error may be at most.
    pub(super) fn few(&self) -> f64 {
        self.few
    }

    /// Returns what a base is worth.
    #[inline(always)]
    pub(super) fn label(&self, base: u8) -> Label {
        if base < UNKNOWN { self.labels[usize::from(base)] } else { Label::Unknown }
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
        column.judge();
        [0, 1, 2, 3].map(|base| column.label(base))
    }

    #[test]
    fn few_are_wrong_many_are_right_and_in_between_nobody_knows() {
        use Label::{Right, Unknown, Wrong};
        assert_eq!(labels([100, 2, 0, 1]), [Right, Wrong, Wrong, Wrong]);
        // A heterozygous site: both are right.
        assert_eq!(labels([20, 18, 0, 1]), [Right, Right, Wrong, Wrong]);
        // A rare variant, or a systematic error.
        assert_eq!(labels([100, 10, 0, 1]), [Unknown; 4]);
        // The same share of very many reads.
        assert_eq!(labels([4000, 21, 0, 0]), [Unknown; 4]);
        assert_eq!(labels([4000, 20, 0, 0]), [Right, Wrong, Wrong, Wrong]);
        // One read in six is one read.
        assert_eq!(labels([5, 1, 0, 0]), [Right, Wrong, Wrong, Wrong]);
        assert_eq!(labels([4, 2, 0, 0]), [Unknown; 4]);
    }

    #[test]
    fn what_is_unknown_is_not_compared() {
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
