//! The adapters of a run, for reports.

use bm_adapt::{Acceptance, Adapter, Adapters, Reason};
use bm_pipeline::Library;
use serde::{Deserialize, Serialize};

/// The adapters in the first reads of one mate.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct MateAdapters {
    /// 1 for first mates and single reads, 2 for second mates.
    pub mate: u8,
    /// Number of reads that were looked at.
    pub reads: usize,
    /// The adapters; empty if none was found.
    pub adapters: Vec<AdapterFacts>,
}

/// An adapter.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AdapterFacts {
    /// Name of the kit, or as given; `unknown` for an adapter of no known kit, `given` for one that
    /// was given without a name.
    pub name: String,
    /// Its bases from the first one on; `N` where reads differ.
    pub sequence: String,
    /// How many of the reads that were looked at show it.
    pub reads: usize,
    /// How it was accepted.
    pub accepted: Accepted,
    /// Why a sequence of no known kit is not of the sample; empty for others.
    pub reasons: Vec<NotOfSample>,
}

/// How an adapter was accepted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    /// As the adapter of a known kit.
    Kit,
    /// As an adapter of no known kit, for reasons.
    Unknown,
    /// By the ends of inserts, where mates overlap.
    Mates,
    /// It was told.
    Told,
}

/// Why a sequence is not of the sample.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotOfSample {
    /// The sample is read on both strands, and the sequence on one.
    OneStrand,
    /// Reads begin anywhere in the sample, and none within the sequence.
    NoReadBeginsInside,
    /// The sequence has other bases than the sample.
    ForeignBases,
    /// Many reads have the sequence, at many distances from their start.
    ManyReads,
    /// The overlap of mates shows that inserts end where the sequence begins.
    EndsOfInserts,
}

impl MateAdapters {
    /// Returns the adapters of each mate whose reads were looked at.
    pub fn of(library: &Library) -> Vec<Self> {
        let mates = [1, 2].into_iter().zip(&library.adapters);
        let looked_at = mates.filter(|(_, adapters)| adapters.reads > 0);
        looked_at.map(|(mate, adapters)| Self::of_mate(mate, adapters)).collect()
    }

    /// Adds what other reads of the same mate show.
    pub(crate) fn add(&mut self, other: &Self) {
        self.reads = self.reads.saturating_add(other.reads);
        for adapter in &other.adapters {
            let is_same = |it: &&mut AdapterFacts| {
                (&it.name, &it.sequence, it.accepted)
                    == (&adapter.name, &adapter.sequence, adapter.accepted)
            };
            match self.adapters.iter_mut().find(is_same) {
                Some(ours) => ours.reads = ours.reads.saturating_add(adapter.reads),
                None => self.adapters.push(adapter.clone()),
            }
        }
    }

    fn of_mate(mate: u8, adapters: &Adapters) -> Self {
        let Adapters { found, reads } = adapters;
        Self { mate, reads: *reads, adapters: found.iter().map(AdapterFacts::of).collect() }
    }
}

impl AdapterFacts {
    fn of(adapter: &Adapter) -> Self {
        let (accepted, reasons) = match &adapter.acceptance {
            Acceptance::Kit => (Accepted::Kit, &[][..]),
            Acceptance::Unknown(reasons) => (Accepted::Unknown, &reasons[..]),
            Acceptance::Mates => (Accepted::Mates, &[][..]),
            Acceptance::Told => (Accepted::Told, &[][..]),
        };
        Self {
            name: adapter.name.clone(),
            sequence: adapter.sequence.clone(),
            reads: adapter.reads,
            accepted,
            reasons: reasons.iter().map(NotOfSample::from).collect(),
        }
    }
}

impl From<&Reason> for NotOfSample {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::OneStrand => Self::OneStrand,
            Reason::NoReadBeginsInside => Self::NoReadBeginsInside,
            Reason::ForeignBases => Self::ForeignBases,
            Reason::ManyReads => Self::ManyReads,
            Reason::EndsOfInserts => Self::EndsOfInserts,
        }
    }
}
