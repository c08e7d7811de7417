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

/// Reads that must have a base for it to be compared by its qualities: two may have the same error.
const ALIKE: u32 = 3;

/// A base is not labelled wrong if its reads have qualities that errors have this many times less
/// often, as a natural logarithm, here a thousand times: the base was there before the sequencing,
/// as in a rare strain.
const UNLIKE_ERRORS: f32 = 7.0;

/// The bases of overlaid reads at one position.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Column {
    counts: [u32; 4],
    /// The agreed base; [`UNKNOWN`] if there is none.
    agreed: u8,
    labels: [Label; 4],
    few: f64,
}

/// The qualities of the reads of a column.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Qualities {
    /// Sum of the error probabilities.
    errors: f32,
    reads: f32,
    /// Sum of the logarithms of the error probabilities, by base.
    logarithms: [f32; 4],
    /// Whether a base has other qualities than errors have.
    unlike_errors: [bool; 4],
}

impl Qualities {
    /// Adds the error probability of a base, and its natural logarithm.
    #[inline(always)]
    pub(super) fn add(&mut self, base: u8, probability: f32, logarithm: f32) {
        if base < UNKNOWN {
            self.errors += probability;
            self.reads += 1.0;
            self.logarithms[usize::from(base)] += logarithm;
        }
    }

    /// Returns whether a base has other qualities than errors have.
    #[inline(always)]
    pub(super) fn is_unlike_errors(&self, base: u8) -> bool {
        base < UNKNOWN && self.unlike_errors[usize::from(base)]
    }
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

    /// Returns whether the qualities say more about the labels: a base that is labelled as wrong has
    /// several reads.
    pub(super) fn asks_for_qualities(&self) -> bool {
        self.few >= f64::from(ALIKE) && (0..4).any(|base| self.is_alike(base))
    }

    fn is_alike(&self, base: usize) -> bool {
        self.labels[base] == Label::Wrong && self.counts[base] >= ALIKE
    }

    /// Takes back the label of bases that have other qualities than errors have.
    ///
    /// An error has a quality in proportion to its error probability p, so by the qualities of the
    /// reads with a base, Π p / mean(p) is the likelihood of errors over that of bases like all others
    /// of the column. DADA2 compares the number of reads with the same difference with the number
    /// of errors by their qualities (Callahan et al. 2016); the qualities alone do not depend on
    /// how well they are calibrated.
    pub(super) fn reconsider(&mut self, qualities: &mut Qualities) {
        let mean = (qualities.errors / qualities.reads.max(1.0)).max(f32::MIN_POSITIVE).ln();
        for base in 0..4 {
            if self.is_alike(base) {
                let likelihood = qualities.logarithms[base] - self.counts[base] as f32 * mean;
                if likelihood < -UNLIKE_ERRORS {
                    self.labels[base] = Label::Unknown;
                    qualities.unlike_errors[base] = true;
                }
            }
        }
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

    /// Labels of a column where the reads with the second base have these qualities, and most of the
    /// others Q37.
    fn labels_by_quality(scores: &[i32]) -> [Label; 4] {
        let mut column = column([396, scores.len() as u32, 0, 0]);
        column.decide();
        let mut qualities = Qualities::default();
        let mut add = |base, score: i32| {
            let p = 10f32.powf(-0.1 * score as f32);
            qualities.add(base, p, p.ln());
        };
        (0..396).for_each(|read| add(0, if read % 20 == 0 { 11 } else { 37 }));
        scores.iter().for_each(|score| add(1, *score));
        column.reconsider(&mut qualities);
        assert_eq!(qualities.is_unlike_errors(1), column.label(1) == Label::Unknown);
        [0, 1, 2, 3].map(|base| column.label(base))
    }

    #[test]
    fn several_reads_of_high_quality_are_not_wrong() {
        use Label::{Right, Unknown, Wrong};
        assert_eq!(labels_by_quality(&[37, 37, 37, 37]), [Right, Unknown, Wrong, Wrong]);
        // Errors have low qualities; some have high ones.
        assert_eq!(labels_by_quality(&[11, 11, 25, 11]), [Right, Wrong, Wrong, Wrong]);
        assert_eq!(labels_by_quality(&[37, 37, 11, 11]), [Right, Wrong, Wrong, Wrong]);
        // Two may be a coincidence.
        assert_eq!(labels_by_quality(&[37, 37]), [Right, Wrong, Wrong, Wrong]);
    }

    #[test]
    fn equal_qualities_say_nothing() {
        let mut column = column([396, 5, 0, 0]);
        column.decide();
        assert!(column.asks_for_qualities());
        let mut qualities = Qualities::default();
        (0..396).for_each(|_| qualities.add(0, 1e-3, 1e-3f32.ln()));
        (0..5).for_each(|_| qualities.add(1, 1e-3, 1e-3f32.ln()));
        column.reconsider(&mut qualities);
        assert_eq!(column.label(1), Label::Wrong);
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
