//! What the reads of a run show of its inserts: adapters, lengths, tails.

use bm_reads::ReadRef;
use bm_reads::conversion::Conversion;

use crate::adapter::Adapter;
use crate::candidates::Signs;
use crate::lengths::Lengths;
use crate::library::Library;
use crate::molecules::MoleculeEnds;
use crate::overlap::Overlaps;
use crate::runs::Runs;
use crate::sample::{Sample, UNCOUNTED};
use crate::structure::Structure;
use crate::support::Support;

/// Words are counted in a part of the templates that has no more bases than this.
const COUNTED: usize = 8_000_000;

/// Where the inserts of a run end, learned from its reads.
#[derive(Clone, Debug)]
pub struct InsertModel {
    pub(crate) adapters: [Vec<Adapter>; 2],
    pub(crate) sample: Sample,
    /// Whose words the sample has.
    pub(crate) counting: Counting,
    /// Where more molecules end than elsewhere.
    pub(crate) ends: MoleculeEnds,
    /// For pairs that may have inserts shorter than the reads.
    pub(crate) overlaps: Option<Overlaps>,
    /// The same for inserts as long as the reads or longer, if mates are to be merged.
    pub(crate) merging: Option<Overlaps>,
    pub(crate) lengths: Lengths,
    pub(crate) runs: Runs,
    /// What the library has at the ends of reads, in runs in which it has something.
    pub(crate) library: Library,
    /// What words of the sample say of the bases of reads, if that was asked for.
    pub(crate) support: Option<Support>,
}

impl InsertModel {
    /// Returns whether there is nothing to be found but unknown bases at the ends of reads: no
    /// adapters, no mates, no tails, nothing of the library, and no overlaps for merging.
    pub fn is_idle(&self) -> bool {
        !self.has_tails() && self.runs.is_idle() && self.library.is_idle() && !self.merges()
    }

    /// Returns what the library of the run has at the ends of its reads that is not of the sample,
    /// but adapters.
    pub fn structures(&self) -> &[Structure] {
        &self.library.structures
    }

    /// Returns the bases that the library turns into others, if it does.
    pub fn conversion(&self) -> Option<Conversion> {
        self.library.conversion
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
        Signs {
            adapters: &self.adapters,
            sample: &self.sample,
            ends: &self.ends,
            overlaps: self.overlaps.as_ref(),
        }
    }
}

/// Which templates have their words counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counting {
    /// None.
    None,
    /// This part of them, as 1 in so many, a power of two.
    OneIn(usize),
}

impl Counting {
    /// Returns what to count of templates with this many bases.
    pub(crate) fn some_of(bases: usize) -> Self {
        Self::OneIn(bases.div_ceil(COUNTED).max(1).next_power_of_two())
    }

    /// Returns in how many templates one is counted.
    pub(crate) fn one_in(self) -> usize {
        match self {
            Self::None => usize::MAX,
            Self::OneIn(many) => many,
        }
    }

    /// Returns how many bases of each read of a template have their words counted.
    pub(crate) fn bases(self, mates: &[ReadRef<'_>]) -> [usize; 2] {
        let is_counted = match self {
            Self::None => false,
            Self::OneIn(1) => true,
            // By what tells copies of one molecule apart.
            Self::OneIn(many) => mates.first().is_some_and(|read| {
                let chunks = read.name.chunks(8).chain(read.quality_scores.chunks(8));
                let mixed = chunks.fold(0u64, |mixed, chunk| {
                    let mut bytes = [0; 8];
                    bytes[..chunk.len()].copy_from_slice(chunk);
                    (mixed.rotate_left(5) ^ u64::from_le_bytes(bytes))
                        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                });
                (mixed >> 32) as usize & (many - 1) == 0
            }),
        };
        let of =
            |mate: usize| mates.get(mate).map_or(0, |read| read.len().saturating_sub(UNCOUNTED));
        if is_counted { [of(0), of(1)] } else { [0; 2] }
    }
}
