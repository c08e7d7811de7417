//! How many reads went where.

use anyhow::{Result, bail};
use bm_quality::Verdict;
use serde::Serialize;

/// Reads and bases by what became of them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Counts {
    /// Records that the reader read.
    pub(crate) r#in: u64,
    pub(crate) kept: u64,
    pub(crate) discarded: u64,
    pub(crate) unscored: u64,
    pub(crate) bases_in: u64,
    pub(crate) bases_kept: u64,
}

impl Counts {
    /// Counts one read by its verdict.
    pub(crate) fn add(&mut self, verdict: Verdict, bases: usize) {
        let (counter, kept) = match verdict {
            Verdict::Pass => (&mut self.kept, bases),
            Verdict::Fail => (&mut self.discarded, 0),
            Verdict::Unscored => (&mut self.unscored, 0),
        };
        *counter += 1;
        self.bases_in += bases as u64;
        self.bases_kept += kept as u64;
    }

    /// Takes the reader's count and checks that every read went somewhere.
    pub(crate) fn close(&mut self, read: u64) -> Result<()> {
        self.r#in = read;
        let out = self.kept + self.discarded + self.unscored;
        if out != read {
            bail!(
                "{read} reads in, but {} kept + {} discarded + {} unscored = {out}; this is a bug in bm, its output was not written",
                self.kept,
                self.discarded,
                self.unscored
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_read_is_an_error() {
        let mut counts = Counts::default();
        counts.add(Verdict::Pass, 100);
        counts.add(Verdict::Fail, 50);
        counts.add(Verdict::Unscored, 0);
        assert!(counts.close(4).is_err());
        assert!(counts.close(2).is_err());
        assert!(counts.close(3).is_ok());
        assert_eq!((counts.bases_in, counts.bases_kept), (150, 100));
    }
}
