//! The observations of all fragments at one position, counted.

use crate::indel::Indel;
use crate::observation::Observation;

/// Counts at one position of the reference. Their memory depends on how many kinds of observations there
/// are, not on the depth.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    /// By the keys of the observations, in their order.
    counts: Vec<(u16, u32)>,
    /// Indels behind this position, in their order.
    indels: Vec<IndelCount>,
}

/// Fragments with one indel.
#[derive(Clone, Debug)]
pub(crate) struct IndelCount {
    pub(crate) indel: Indel,
    /// By strand, forward first.
    pub(crate) strands: [u32; 2],
    /// Of these, those that have it near an end of their alignment.
    pub(crate) near_end: u32,
}

/// One kind of observation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) observation: Observation,
    /// 0 forward, 1 reverse.
    pub(crate) strand: usize,
    pub(crate) count: u32,
}

impl Column {
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.indels.is_empty()
    }

    /// Counts an observation.
    pub(crate) fn add(&mut self, observation: Observation, reverse: bool) {
        let key = observation.key(reverse);
        match self.counts.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(at) => {
                if let Some((_, count)) = self.counts.get_mut(at) {
                    *count = count.saturating_add(1);
                }
            }
            Err(at) => self.counts.insert(at, (key, 1)),
        }
    }

    /// Counts an indel behind this position.
    pub(crate) fn add_indel(&mut self, indel: &Indel, near_end: bool, reverse: bool) {
        let found = self.indels.binary_search_by(|it| it.indel.cmp(indel));
        let at = found.unwrap_or_else(|at| {
            let new = IndelCount { indel: indel.clone(), strands: [0; 2], near_end: 0 };
            self.indels.insert(at, new);
            at
        });
        if let Some(count) = self.indels.get_mut(at) {
            count.strands[usize::from(reverse)] += 1;
            count.near_end += u32::from(near_end);
        }
    }

    /// Returns the kinds of observations and how often they were made.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.counts.iter().map(|(key, count)| {
            let (observation, reverse) = Observation::of_key(*key);
            Entry { observation, strand: usize::from(reverse), count: *count }
        })
    }

    /// Returns the indels behind this position.
    pub(crate) fn indels(&self) -> &[IndelCount] {
        &self.indels
    }

    /// Returns the number of fragments with a base or a deletion here.
    pub(crate) fn depth(&self) -> u32 {
        self.entries().map(|entry| entry.count).fold(0, u32::saturating_add)
    }

    /// Returns the fragments that cover this position and its surroundings, by strand: an indel behind it
    /// would show.
    pub(crate) fn spanning(&self) -> [u32; 2] {
        let mut spanning = [0u32; 2];
        for entry in self.entries() {
            if entry.observation.code().is_some() && !entry.observation.is_near_end() {
                spanning[entry.strand] += entry.count;
            }
        }
        spanning
    }

    /// Returns the fragments that show no gap behind this position, or another one, by strand: those that
    /// span it, and those in which it is deleted.
    pub(crate) fn against_gaps(&self) -> [u32; 2] {
        let mut against = self.spanning();
        for entry in self.entries().filter(|entry| entry.observation.code().is_none()) {
            against[entry.strand] += entry.count;
        }
        against
    }
}
