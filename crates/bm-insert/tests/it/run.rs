//! Reads of which it is known where the sample ends.

use bm_insert::{Adapter, Finder, Insert, InsertModel};
use bm_reads::ReadRef;
use bm_reads::base::complement;

pub(crate) const ADAPTER: &[u8] = b"CGTTACGGCATTCAGGATCAAGTCCTGATGACCTGA";
pub(crate) const OTHER: &[u8] = b"TTGCATCCAGTCAACGTAGCCATTGGACTTCAGCA";

/// Pseudorandom numbers: xorshift64*, Vigna 2016.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((u128::from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)) * limit as u128) >> 64) as usize
    }

    pub(crate) fn bases(&mut self, many: usize) -> Vec<u8> {
        (0..many).map(|_| b"ACGT"[self.below(4)]).collect()
    }
}

pub(crate) fn reverse_complement(sequence: &[u8]) -> Vec<u8> {
    sequence.iter().rev().map(|base| complement(*base)).collect()
}

/// Returns an adapter of these bases.
pub(crate) fn adapter(bases: &[u8]) -> Adapter {
    let column = |base: &u8| b"ACGT".map(|other| if other == *base { 0.97 } else { 0.01 });
    Adapter::new(&bases.iter().map(column).collect::<Vec<_>>())
}

/// One read: bases and qualities.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) sequence: Vec<u8>,
    pub(crate) scores: Vec<u8>,
}

impl Read {
    /// Returns the first bases of an insert, an adapter and G, with the same high score for all.
    pub(crate) fn of(parts: &[&[u8]], length: usize) -> Self {
        let mut sequence = parts.concat();
        sequence.resize(length.max(sequence.len()), b'G');
        sequence.truncate(length);
        Self { scores: vec![b'I'; length], sequence }
    }

    pub(crate) fn as_ref(&self) -> ReadRef<'_> {
        ReadRef { name: b"read", sequence: &self.sequence, quality_scores: &self.scores }
    }
}

/// The templates of a run, each of one read or two mates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run(pub(crate) Vec<Vec<Read>>);

impl Run {
    pub(crate) fn learn(&self, adapters: [Vec<Adapter>; 2]) -> InsertModel {
        let templates = self.templates();
        let templates: Vec<&[ReadRef<'_>]> = templates.iter().map(Vec::as_slice).collect();
        InsertModel::learn(&templates, adapters)
    }

    pub(crate) fn templates(&self) -> Vec<Vec<ReadRef<'_>>> {
        self.0.iter().map(|mates| mates.iter().map(Read::as_ref).collect()).collect()
    }

    /// Calls back with each read, its template, its mate and what was found.
    pub(crate) fn find(
        &self,
        model: &InsertModel,
        mut each: impl FnMut(usize, usize, &Read, Insert<'_>),
    ) {
        let mut finder = Finder::default();
        for (number, mates) in self.templates().iter().enumerate() {
            finder.find(model, mates, true);
            for mate in 0..mates.len() {
                let insert = Insert { ends: finder.ends(mate), front: finder.front(mate) };
                each(number, mate, &self.0[number][mate], insert);
            }
        }
    }
}
