//! Why most reads of a run are not kept, and what would keep more of them.

use bm_quality::QualityModel;

use crate::PipelineError;
use crate::near_misses::{Limit, LooserLimit, NearMisses};
use crate::pipeline::{Plan, Product, trial};
use crate::reasons::Reason;
use crate::templates::TemplateBatch;
use crate::totals::Totals;

/// Why most reads of a run are not kept, and what would keep more of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// The reason that is counted most.
    pub reason: Reason,
    /// Reads that are not kept for it.
    pub reads: u64,
    /// A looser limit that would keep half of the reads, if there is one and it is known.
    pub looser: Option<LooserLimit>,
    /// What trimming would keep, if it would keep more.
    pub trimmed: Option<TrimTrial>,
}

/// What trimming would keep of the first reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrimTrial {
    /// Reads that were tried: the first ones.
    pub reads: u64,
    /// Reads of them that are kept.
    pub kept: u64,
    /// Reads of them that would be kept.
    pub kept_trimmed: u64,
    /// Fraction of their bases that would be kept.
    pub bases: f64,
}

/// Trimming is worth a line if it keeps this fraction of the reads more, and at least this fraction of
/// all bases: a scrap of each read is no remedy.
const MORE_READS: f64 = 0.05;
const FEWEST_BASES: f64 = 0.3;

impl Losses {
    /// Returns why most reads are not kept; `None` if at least half of them are.
    pub fn of(totals: &Totals, near_misses: &NearMisses) -> Option<Self> {
        if totals.reads.r#in == 0 || totals.reads.kept >= totals.reads.r#in.div_ceil(2) {
            return None;
        }
        // Of equal numbers, the first reason.
        let (reason, reads) =
            totals.reasons.iter().reduce(|most, next| if next.1 > most.1 { next } else { most })?;
        let limits = Limit::ALL.into_iter().filter(|limit| limit.reason() == reason);
        let looser = limits.filter_map(|limit| near_misses.looser(limit, totals)).next();
        Some(Self { reason, reads, looser, trimmed: None })
    }

    /// Returns whether cutting bad ends may help: whether scores are the reason.
    pub(crate) fn may_be_ends(&self) -> bool {
        matches!(
            self.reason,
            Reason::Probability | Reason::ExpectedErrors | Reason::ExpectedErrorRate
        )
    }

    /// Returns whether most reads are not kept because as many as these were wanted: whether the
    /// criterion that a goal chose is the reason.
    pub(crate) fn are_wanted(&self) -> bool {
        self.may_be_ends() || self.reason == Reason::TargetBases
    }

    /// Tries what trimming by `plan` would keep of the first reads, of which the run counted
    /// `first`.
    pub(crate) fn try_trimming(
        &mut self,
        batches: &[TemplateBatch],
        first: &Totals,
        model: QualityModel,
        plan: &Plan<'_, impl Product>,
    ) -> Result<(), PipelineError> {
        let trimmed = trial(batches, model, plan)?.totals;
        let reads = batches.iter().map(TemplateBatch::len).sum::<usize>() as u64;
        let (kept, kept_trimmed) = (first.reads.kept, trimmed.reads.kept);
        let bases = trimmed.bases.kept as f64 / trimmed.bases.r#in.max(1) as f64;
        if kept_trimmed as f64 > kept as f64 + MORE_READS * reads as f64
            && bases >= FEWEST_BASES
            && trimmed.bases.kept > first.bases.kept
        {
            self.trimmed = Some(TrimTrial { reads, kept, kept_trimmed, bases });
        }
        Ok(())
    }
}
