//! The totals of a run: numbers that can be written, read back and added.

use bm_quality::{Prediction, Verdict};
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::evidence_totals::EvidenceTotals;
use crate::fate::Fate;
use crate::part::CutCounts;
use crate::reasons::ReasonCounts;

/// Counts of reads and bases, kept and not kept. The totals of the parts of a run add up to those
/// of the whole run ([`Totals::add`]).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Totals {
    /// Reads.
    pub reads: ReadTotals,
    /// Reads that are not kept, by the reason that is counted.
    pub reasons: ReasonCounts,
    /// Pairs, if there are pairs.
    #[serde(default, skip_serializing_if = "PairTotals::is_empty")]
    pub pairs: PairTotals,
    /// Bases.
    pub bases: BaseTotals,
    /// Bases of the reads that are not kept, by the reason that is counted.
    #[serde(default)]
    pub bases_by_reason: ReasonCounts,
    /// Bases cut off the kept reads, if reads are trimmed.
    #[serde(default, skip_serializing_if = "TrimTotals::is_empty")]
    pub trimmed: TrimTotals,
    /// Reads that end in an adapter, kept or not, if it is known where inserts end.
    #[serde(default, skip_serializing_if = "AdapterTotals::is_empty")]
    pub adapters: AdapterTotals,
    /// Reads that were divided before they were judged, if adapters inside of reads are looked for.
    #[serde(default, skip_serializing_if = "SplitTotals::is_empty")]
    pub split: SplitTotals,
    /// Effect of k-mer evidence, if k-mers were looked up.
    #[serde(default, skip_serializing_if = "EvidenceTotals::is_empty")]
    pub evidence: EvidenceTotals,
}

/// Numbers of reads.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReadTotals {
    /// Read from the input.
    pub r#in: u64,
    /// Kept.
    pub kept: u64,
    /// Not kept.
    pub discarded: u64,
    /// Not kept because they cannot be scored.
    pub unscored: u64,
}

/// Numbers of pairs.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct PairTotals {
    /// Read from the input.
    pub r#in: u64,
    /// Kept as pairs, the merged ones included.
    pub kept: u64,
    /// Kept as one read, in which the mates are merged.
    #[serde(default, skip_serializing_if = "PairTotals::none")]
    pub merged: u64,
    /// Reads kept without their mate; the kept reads include them.
    pub singles: u64,
}

impl PairTotals {
    fn none(pairs: &u64) -> bool {
        *pairs == 0
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is cut off the reads that are kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct TrimTotals {
    /// Kept reads of which a part is kept.
    pub reads: u64,
    /// The same by what their bases are cut for; a read may count for several.
    #[serde(default)]
    pub reads_by_reason: CutCounts,
    /// The bases of them that are not kept, by what they are cut for.
    pub bases: CutCounts,
}

impl TrimTotals {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads that end in an adapter.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AdapterTotals {
    /// Reads of which a base or more is adapter, more probably than not.
    pub reads: u64,
    /// These bases.
    pub bases: u64,
}

impl AdapterTotals {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads that are divided at the adapters and the stretches of low quality inside them; their pieces count
/// as reads.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SplitTotals {
    /// Reads that are divided.
    pub reads: u64,
    /// Their pieces.
    pub pieces: u64,
    /// The bases of the adapters, which are in no piece.
    pub bases: u64,
    /// The bases of the stretches, which are in no piece either.
    #[serde(default)]
    pub stretch_bases: u64,
}

impl SplitTotals {
    /// Returns the bases that are in no piece.
    pub fn left_out(&self) -> u64 {
        self.bases.saturating_add(self.stretch_bases)
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Numbers of bases.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct BaseTotals {
    /// Read from the input.
    pub r#in: u64,
    /// Kept.
    pub kept: u64,
}

impl Totals {
    /// Counts one read of this many bases, of which as many are `judged`.
    pub(crate) fn count(
        &mut self,
        fate: &Fate,
        prediction: &Prediction,
        bases: usize,
        judged: usize,
    ) {
        *match fate.verdict {
            Verdict::Pass => &mut self.reads.kept,
            Verdict::Fail => &mut self.reads.discarded,
            Verdict::Unscored => &mut self.reads.unscored,
        } += 1;
        self.pairs.singles += u64::from(fate.alone);
        self.bases.r#in += bases as u64;
        self.bases.kept += fate.bases_kept(bases) as u64;
        self.reasons.count(fate.reasons);
        self.bases_by_reason.count_bases(fate.reasons, bases as u64);
        self.evidence.count(prediction, judged);
    }

    /// Counts what is cut off a read, and its adapter.
    pub(crate) fn count_cut(&mut self, fate: &Fate, cut: &CutCounts, adapter_bases: usize) {
        if fate.verdict == Verdict::Pass && cut.total() > 0 {
            self.trimmed.reads += 1;
            self.trimmed.reads_by_reason.add(&cut.any());
            self.trimmed.bases.add(cut);
        }
        self.adapters.reads += u64::from(adapter_bases > 0);
        self.adapters.bases += adapter_bases as u64;
    }

    /// Counts a pair, by the outcome for one of its mates and whether they are merged.
    pub(crate) fn count_pair(&mut self, fate: &Fate, is_merged: bool) {
        let is_kept = fate.verdict == Verdict::Pass && !fate.alone;
        self.pairs.r#in += 1;
        self.pairs.kept += u64::from(is_kept);
        self.pairs.merged += u64::from(is_kept && is_merged);
    }

    /// Adds the totals of other reads. A count that is too large for its type stays at its most.
    pub fn add(&mut self, other: &Self) {
        let Self {
            reads,
            reasons,
            pairs,
            bases,
            bases_by_reason,
            trimmed,
            adapters,
            split,
            evidence,
        } = self;
        for (ours, theirs) in [
            (&mut reads.r#in, other.reads.r#in),
            (&mut reads.kept, other.reads.kept),
            (&mut reads.discarded, other.reads.discarded),
            (&mut reads.unscored, other.reads.unscored),
            (&mut pairs.r#in, other.pairs.r#in),
            (&mut pairs.kept, other.pairs.kept),
            (&mut pairs.merged, other.pairs.merged),
            (&mut pairs.singles, other.pairs.singles),
            (&mut bases.r#in, other.bases.r#in),
            (&mut bases.kept, other.bases.kept),
            (&mut trimmed.reads, other.trimmed.reads),
            (&mut adapters.reads, other.adapters.reads),
            (&mut adapters.bases, other.adapters.bases),
            (&mut split.reads, other.split.reads),
            (&mut split.pieces, other.split.pieces),
            (&mut split.bases, other.split.bases),
            (&mut split.stretch_bases, other.split.stretch_bases),
        ] {
            *ours = ours.saturating_add(theirs);
        }
        reasons.add(&other.reasons);
        bases_by_reason.add(&other.bases_by_reason);
        trimmed.reads_by_reason.add(&other.trimmed.reads_by_reason);
        trimmed.bases.add(&other.trimmed.bases);
        evidence.add(&other.evidence);
    }

    /// Sets the number of reads from that of the records, and checks that every read is kept, or not kept
    /// for a reason.
    pub(crate) fn close(&mut self, read: u64) -> Result<(), PipelineError> {
        let read = read.saturating_sub(self.split.reads).saturating_add(self.split.pieces);
        self.reads.r#in = read;
        let ReadTotals { kept, discarded, unscored, .. } = self.reads;
        let (out, reasons) = (kept + discarded + unscored, self.reasons.total());
        if out != read || discarded + unscored != reasons {
            return PipelineError::refuse(format!(
                "{read} reads in, but {kept} kept + {discarded} discarded + {unscored} unscored = \
                 {out}, {reasons} of them for a reason; this is a bug in bm, its output was not \
                 written"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use bm_reads::ReadError;

    use super::*;
    use crate::fate::BaseRange;
    use crate::reasons::{Reason, Reasons};

    fn fate(verdict: Verdict, reason: Option<Reason>) -> Fate {
        Fate { verdict, reasons: reason.into_iter().collect::<Reasons>(), ..Fate::KEPT }
    }

    fn count(totals: &mut Totals, fate: &Fate, bases: usize) {
        totals.count(fate, &Prediction::Unscored(ReadError::EmptyRead), bases, bases);
    }

    #[test]
    fn a_lost_read_is_an_error() {
        let mut totals = Totals::default();
        count(&mut totals, &fate(Verdict::Pass, None), 100);
        count(&mut totals, &fate(Verdict::Fail, Some(Reason::MaxN)), 50);
        count(&mut totals, &fate(Verdict::Unscored, Some(Reason::Empty)), 0);
        assert!(totals.close(4).is_err());
        assert!(totals.close(2).is_err());
        assert!(totals.close(3).is_ok());
        assert_eq!((totals.bases.r#in, totals.bases.kept), (150, 100));
        assert!(totals.reasons.iter().eq([(Reason::Empty, 1), (Reason::MaxN, 1)]));
        // A read that is not kept, without a reason.
        count(&mut totals, &fate(Verdict::Fail, None), 50);
        assert!(totals.close(4).is_err());
    }

    fn some() -> Totals {
        let mut totals = Totals::default();
        count(&mut totals, &Fate { alone: true, ..Fate::KEPT }, 100);
        count(&mut totals, &Fate { keep: BaseRange::new(10, 40), ..Fate::KEPT }, 100);
        count(&mut totals, &fate(Verdict::Fail, Some(Reason::MaxN)), 50);
        totals.count_cut(&Fate::KEPT, &CutCounts { ends: 60, ..CutCounts::default() }, 7);
        totals.count_cut(&Fate::KEPT, &CutCounts::default(), 0);
        totals.count_pair(&Fate::KEPT, true);
        totals.close(3).unwrap();
        totals
    }

    #[test]
    fn add_sums_every_count() {
        let one = some();
        let mut sum = one;
        sum.add(&one);
        assert_eq!((sum.reads.r#in, sum.reads.kept, sum.pairs.singles), (6, 4, 2));
        assert_eq!((sum.bases.r#in, sum.bases.kept), (500, 260));
        assert_eq!((sum.pairs.r#in, sum.pairs.kept, sum.pairs.merged), (2, 2, 2));
        assert_eq!((sum.trimmed.reads, sum.trimmed.bases.ends), (2, 120));
        assert_eq!(sum.trimmed.reads_by_reason, CutCounts { ends: 2, ..CutCounts::default() });
        assert_eq!((sum.adapters.reads, sum.adapters.bases), (2, 14));
        assert_eq!(sum.reasons.total(), 2);
        assert!(sum.bases_by_reason.iter().eq([(Reason::MaxN, 100)]));
    }

    #[test]
    fn totals_are_read_back_from_json() {
        let mut totals = some();
        totals.evidence = EvidenceTotals {
            bases: 3,
            covered_bases: [1.0 / 3.0].into_iter().collect(),
            expected_errors_prior: [3.5].into_iter().collect(),
            expected_errors: [1e-9].into_iter().collect(),
        };
        for totals in [totals, Totals::default()] {
            let text = serde_json::to_string(&totals).unwrap();
            assert_eq!(serde_json::from_str::<Totals>(&text).unwrap(), totals, "{text}");
        }
        let unknown = r#"{"reads":{"in":0,"kept":0,"discarded":0,"unscored":0},"reasons":{"why":1},"bases":{"in":0,"kept":0}}"#;
        let error = serde_json::from_str::<Totals>(unknown).unwrap_err();
        assert!(error.to_string().contains("why is no reason"), "{error}");
    }
}
