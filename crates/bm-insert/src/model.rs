//! What the reads of a run show of its inserts: adapters, lengths, tails.

use crate::adapter::Adapter;
use crate::candidates::Signs;
use crate::lengths::Lengths;
use crate::overlap::Overlaps;
use crate::sample::{Sample, UNCOUNTED};
use crate::support::Support;

/// Bases of runs: two-colour instruments call G where there is no signal, and RNA ends in A.
pub(crate) const RUNS: [u8; 2] = [2, 0];

/// Where the inserts of a run end, learned from its reads.
#[derive(Clone, Debug)]
pub struct InsertModel {
    pub(crate) adapters: [Vec<Adapter>; 2],
    pub(crate) sample: Sample,
    /// For pairs that may have inserts shorter than the reads.
    pub(crate) overlaps: Option<Overlaps>,
    pub(crate) lengths: Lengths,
    /// Odds that a read of each mate ends in a run of each of [`RUNS`].
    pub(crate) runs: [[f32; 2]; 2],
    /// What words of the sample say of the bases of reads, if that was asked for.
    pub(crate) support: Option<Support>,
}

impl InsertModel {
    /// Returns whether there is nothing to be found: no adapters, no mates, and no tails.
    pub fn is_idle(&self) -> bool {
        !self.has_tails() && self.runs == [[0.0; 2]; 2]
    }

    /// Forgets that mates tell where inserts end.
    pub fn without_mates(mut self) -> Self {
        self.overlaps = None;
        self
    }

    pub(crate) fn has_tails(&self) -> bool {
        self.overlaps.is_some() || self.adapters.iter().any(|adapters| !adapters.is_empty())
    }

    pub(crate) fn signs(&self) -> Signs<'_> {
        Signs { adapters: &self.adapters, sample: &self.sample, overlaps: self.overlaps.as_ref() }
    }
}

/// Returns how many bases of a read of this length have their words counted.
pub(crate) fn counted(length: usize) -> usize {
    length.saturating_sub(UNCOUNTED)
}
