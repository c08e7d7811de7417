//! Estimates how many reads of a run are exact copies of others, such as from a lane that was merged
//! twice.
//!
//! Two molecules never get the same bases with the same varied qualities, so the reads with varied
//! qualities tell. Those with the lowest hashes stand for all of them.

use std::collections::BTreeMap;

/// Fewest varied templates, and lowest fraction of copies among them, for copies to be found.
const FEWEST: u64 = 1000;
const COPIED: f64 = 0.2;

/// The varied templates with the lowest hashes, and how often the run has each: a bottom-k sketch
/// (Cohen and Kaplan 2007, Summarizing Data using Bottom-k Sketches). Its counts are exact, in
/// whatever order the templates come.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    pub(super) times: BTreeMap<u64, u64>,
}

impl Copies {
    /// Most templates that stand for all.
    pub(super) const MOST: usize = 4096;

    /// Counts a varied template, by its hash.
    pub(super) fn observe(&mut self, hash: u64) {
        self.add(hash, 1);
    }

    fn add(&mut self, hash: u64, times: u64) {
        if self.times.len() >= Self::MOST
            && self.times.last_key_value().is_some_and(|(highest, _)| hash > *highest)
        {
            return;
        }
        let sum = self.times.entry(hash).or_default();
        *sum = sum.saturating_add(times);
        if self.times.len() > Self::MOST {
            self.times.pop_last();
        }
    }

    /// Adds the templates of another part of the run.
    pub(super) fn merge(&mut self, other: &Self) {
        other.times.iter().for_each(|(hash, times)| self.add(*hash, *times));
    }

    /// Returns how many of how many templates are copies of others.
    fn copied(&self) -> (u64, u64) {
        let all = self.times.values().fold(0, |sum: u64, times| sum.saturating_add(*times));
        (all - self.times.len() as u64, all)
    }

    /// Returns the part of the varied templates that are copies of others.
    pub(super) fn share(&self) -> f64 {
        let (copied, all) = self.copied();
        copied as f64 / all.max(1) as f64
    }

    /// Returns how many of this many reads are copies of others, if the run has many.
    pub(super) fn among(&self, reads: u64) -> Option<u64> {
        let (copied, all) = self.copied();
        let are_found = all >= FEWEST && copied as f64 >= COPIED * all as f64;
        are_found.then(|| (u128::from(reads) * u128::from(copied) / u128::from(all)) as u64)
    }
}

#[cfg(test)]
mod tests {
    use bm_kmers::kmer::mix;

    use super::*;

    #[test]
    fn a_part_of_the_templates_tells_of_all_whatever_their_order() {
        let templates: Vec<u64> = (0..30_000).map(|number| mix(1 + number % 20_000)).collect();
        let (mut forward, mut backward) = (Copies::default(), Copies::default());
        templates.iter().for_each(|hash| forward.observe(*hash));
        templates[9_000..].iter().rev().for_each(|hash| backward.observe(*hash));
        let mut rest = Copies::default();
        templates[..9_000].iter().for_each(|hash| rest.observe(*hash));
        backward.merge(&rest);
        assert_eq!(forward.times, backward.times);
        assert_eq!(forward.times.len(), Copies::MOST);
        let copies = forward.among(30_000).expect("many copies");
        assert!((9_500..10_500).contains(&copies), "{copies} of 10,000");
    }

    #[test]
    fn few_copies_are_none() {
        let mut copies = Copies::default();
        (0..10_000).for_each(|number| copies.observe(mix(1 + number % 9_000)));
        assert_eq!(copies.among(10_000), None);
    }
}
