//! How many reads went where.

use anyhow::{Result, bail};
use bm_quality::Verdict;

use crate::decide::Fate;
use crate::reasons::Reason;

/// Reads and bases by what became of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Records that the reader read.
    pub(crate) r#in: u64,
    pub(crate) kept: u64,
    pub(crate) discarded: u64,
    pub(crate) unscored: u64,
    /// Of those kept, the ones whose mates are not.
    pub(crate) alone: u64,
    pub(crate) bases_in: u64,
    pub(crate) bases_kept: u64,
    /// Pairs, and those that are kept as such.
    pub(crate) pairs_in: u64,
    pub(crate) pairs_kept: u64,
    /// Reads that are not kept, by the reason that counts.
    pub(crate) by_reason: [u64; Reason::ALL.len()],
}

impl Counts {
    /// Counts one read.
    pub(crate) fn add(&mut self, fate: &Fate, bases: usize) {
        let (counter, kept) = match fate.verdict {
            Verdict::Pass => (&mut self.kept, bases),
            Verdict::Fail => (&mut self.discarded, 0),
            Verdict::Unscored => (&mut self.unscored, 0),
        };
        *counter += 1;
        self.alone += u64::from(fate.alone);
        self.bases_in += bases as u64;
        self.bases_kept += kept as u64;
        if let Some(reason) = fate.reasons.iter().next() {
            self.by_reason[reason as usize] += 1;
        }
    }

    /// Counts a pair, by what became of one of its mates.
    pub(crate) fn add_pair(&mut self, fate: &Fate) {
        self.pairs_in += 1;
        self.pairs_kept += u64::from(fate.verdict == Verdict::Pass && !fate.alone);
    }

    /// Adds other reads.
    pub(crate) fn merge(&mut self, other: &Self) {
        let Self {
            r#in,
            kept,
            discarded,
            unscored,
            alone,
            bases_in,
            bases_kept,
            pairs_in,
            pairs_kept,
            by_reason,
        } = self;
        for (ours, theirs) in [
            (r#in, other.r#in),
            (kept, other.kept),
            (discarded, other.discarded),
            (unscored, other.unscored),
            (alone, other.alone),
            (bases_in, other.bases_in),
            (bases_kept, other.bases_kept),
            (pairs_in, other.pairs_in),
            (pairs_kept, other.pairs_kept),
        ] {
            *ours += theirs;
        }
        by_reason.iter_mut().zip(other.by_reason).for_each(|(ours, theirs)| *ours += theirs);
    }

    /// Takes the reader's count and checks that every read went somewhere, and for a reason if it
    /// is not kept.
    pub(crate) fn close(&mut self, read: u64) -> Result<()> {
        self.r#in = read;
        let out = self.kept + self.discarded + self.unscored;
        let reasons: u64 = self.by_reason.iter().sum();
        if out != read || self.discarded + self.unscored != reasons {
            bail!(
                "{read} reads in, but {} kept + {} discarded + {} unscored = {out}, {reasons} of them for a reason; this is a bug in bm, \
                 its output was not written",
                self.kept,
                self.discarded,
                self.unscored
            );
        }
        Ok(())
    }

    /// Returns the reasons for which reads were not kept, with their numbers.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().zip(self.by_reason).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reasons::Reasons;

    fn fate(verdict: Verdict, reason: Option<Reason>) -> Fate {
        Fate { verdict, reasons: reason.into_iter().collect::<Reasons>(), alone: false }
    }

    #[test]
    fn a_lost_read_is_an_error() {
        let mut counts = Counts::default();
        counts.add(&fate(Verdict::Pass, None), 100);
        counts.add(&fate(Verdict::Fail, Some(Reason::MaxN)), 50);
        counts.add(&fate(Verdict::Unscored, Some(Reason::Empty)), 0);
        assert!(counts.close(4).is_err());
        assert!(counts.close(2).is_err());
        assert!(counts.close(3).is_ok());
        assert_eq!((counts.bases_in, counts.bases_kept), (150, 100));
        assert!(counts.reasons().eq([(Reason::Empty, 1), (Reason::MaxN, 1)]));
        // A read that is lost without a reason.
        counts.add(&fate(Verdict::Fail, None), 50);
        assert!(counts.close(4).is_err());
    }

    #[test]
    fn merging_adds_everything() {
        let mut one = Counts::default();
        one.add(&Fate { alone: true, ..fate(Verdict::Pass, None) }, 100);
        one.add_pair(&fate(Verdict::Pass, None));
        let mut sum = one;
        sum.merge(&one);
        assert_eq!(
            (sum.kept, sum.alone, sum.bases_in, sum.bases_kept, sum.pairs_in, sum.pairs_kept),
            (2, 2, 200, 200, 2, 2)
        );
    }
}
