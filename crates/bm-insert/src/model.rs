//! What the reads of a run show of its inserts: adapters, lengths, tails.

use crate::adapter::Adapter;
use crate::candidates::Signs;
use crate::front::Fronts;
use crate::lengths::Lengths;
use crate::molecules::MoleculeEnds;
use crate::overlap::Overlaps;
use crate::runs::Runs;
use crate::sample::{Sample, UNCOUNTED};

/// Where the inserts of a run end, learned from its reads.
#[derive(Clone, Debug)]
pub struct InsertModel {
    pub(crate) adapters: [Vec<Adapter>; 2],
    pub(crate) sample: Sample,
    /// Where more molecules end than elsewhere.
    pub(crate) ends: MoleculeEnds,
    /// For pairs that may have inserts shorter than the reads.
    pub(crate) overlaps: Option<Overlaps>,
    pub(crate) lengths: Lengths,
    pub(crate) runs: Runs,
    /// What is before the sample, in runs in which something is.
    pub(crate) fronts: Option<Fronts>,
}

impl InsertModel {
    /// Returns whether there is nothing to be found but unknown bases at the ends of reads: no
    /// adapters, no mates, no tails, and nothing before the sample.
    pub fn is_idle(&self) -> bool {
        !self.has_tails() && self.runs.is_idle() && self.fronts.is_none()
    }

    pub(crate) fn has_tails(&self) -> bool {
        self.overlaps.is_some() || self.adapters.iter().any(|adapters| !adapters.is_empty())
    }

    pub(crate) fn signs(&self) -> Signs<'_> {
        Signs {
            adapters: &self.adapters,
            sample: &self.sample,
            ends: &self.ends,
            overlaps: self.overlaps.as_ref(),
        }
    }
}

/// Returns how many bases of a read of this length have their words counted.
pub(crate) fn counted(length: usize) -> usize {
    length.saturating_sub(UNCOUNTED)
}
