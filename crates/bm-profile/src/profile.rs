//! What the reads of a run are like before and after filtering.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::copies::Copies;
use crate::counts::{Counts, ObservedRead};
use crate::frequent::Frequent;
use crate::inserts::Inserts;
use crate::read_set::ReadSet;

/// One in this number of pairs is looked at for its insert, by the hash of its beginning.
const INSERT_SAMPLE: u64 = 8;

/// Single reads or first mates, and second mates.
pub const MATES: usize = 2;

/// What the reads of a run are like before and after filtering.
///
/// Profiles of parts, merged in any order, are that of the whole.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// All reads: single reads and first mates, then second mates.
    pub before: [ReadSet; MATES],
    /// The reads that are kept, as they are written.
    pub after: [ReadSet; MATES],
    /// How many reads begin alike, before filtering.
    pub copies: Copies,
    /// Frequent beginnings before filtering: of single reads and first mates, then of second mates.
    pub frequent: [Frequent; MATES],
    /// Lengths of the inserts of a sample of the pairs, before filtering.
    pub inserts: Inserts,
}

impl Profile {
    /// Adds the profile of other reads.
    pub fn merge(&mut self, other: &Self) {
        for mate in 0..MATES {
            self.before[mate].merge(&other.before[mate]);
            self.after[mate].merge(&other.after[mate]);
            self.frequent[mate].merge(&other.frequent[mate]);
        }
        self.copies.merge(&other.copies);
        self.inserts.merge(&other.inserts);
    }

    /// Returns whether there are second mates.
    pub fn has_pairs(&self) -> bool {
        !self.before[1].is_empty()
    }
}

/// What becomes of a read.
#[derive(Clone, Debug)]
pub enum Outcome<'a> {
    /// It is kept as it is.
    Kept,
    /// It is not kept.
    Lost,
    /// A part of it is kept, or it gets other quality scores.
    Changed {
        /// The bases that are kept, 0-based.
        keep: Range<usize>,
        /// Quality scores for all bases of the read.
        quality_scores: &'a [u8],
    },
}

/// Counts reads for a [`Profile`]: memory for one thread.
///
/// Every read is counted once, among those that are kept as they are or among the others; what is kept of
/// the others is counted again.
#[derive(Clone, Debug, Default)]
pub struct Profiler {
    /// Reads that are kept as they are.
    kept: [Counts; MATES],
    /// Reads that are not.
    lost: [Counts; MATES],
    /// What is kept of these.
    gained: [Counts; MATES],
    rest: Profile,
}

impl Profiler {
    /// Adds the beginnings of the bases of a single read, or of both mates of a pair. Returns whether the
    /// template is of the sample, one in eight, whose inserts are looked for
    /// ([`Profiler::add_insert`]).
    pub fn add_template(&mut self, reads: &[&[u8]]) -> bool {
        for (read, frequent) in reads.iter().zip(&mut self.rest.frequent) {
            frequent.add(read);
        }
        self.rest.copies.add(reads).is_multiple_of(INSERT_SAMPLE)
    }

    /// Adds a read: a single one or a first mate (0), or a second mate (1).
    pub fn add_read(&mut self, mate: usize, read: &ObservedRead<'_>, outcome: &Outcome<'_>) {
        let mate = mate.min(MATES - 1);
        match outcome {
            Outcome::Kept => self.kept[mate].add(read),
            Outcome::Lost => self.lost[mate].add(read),
            Outcome::Changed { keep, quality_scores } => {
                self.lost[mate].add(read);
                let changed = ObservedRead { quality_scores, ..*read };
                self.gained[mate].add(&changed.part(keep.start, keep.end));
            }
        }
    }

    /// Adds a read that is written in place of two mates, which are lost. It counts as a single read.
    pub fn add_merged(&mut self, read: &ObservedRead<'_>) {
        self.gained[0].add(read);
    }

    /// Adds a pair whose insert was looked for, with the insert's length if its mates overlap.
    pub fn add_insert(&mut self, insert: Option<usize>) {
        self.rest.inserts.add(insert);
    }

    /// Returns the profile.
    pub fn finish(self) -> Profile {
        let Self { kept, lost, gained, mut rest } = self;
        rest.frequent.iter_mut().for_each(Frequent::settle);
        rest.after = kept.map(Counts::finish);
        rest.before = rest.after.clone();
        let less_and_more = lost.into_iter().zip(gained);
        for ((before, after), (lost, gained)) in
            rest.before.iter_mut().zip(&mut rest.after).zip(less_and_more)
        {
            before.merge(&lost.finish());
            after.merge(&gained.finish());
        }
        rest
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::copies::mix;

    /// A read with its probabilities.
    type Read = (Vec<u8>, Vec<u8>, Vec<f32>);

    fn random(number: u64) -> Read {
        let length = 1 + mix(number) as usize % 700;
        let bits = |i: usize| mix(number * 1000 + i as u64);
        let sequence = (0..length).map(|i| b"ACGTN"[bits(i) as usize % 5]).collect();
        let scores = (0..length).map(|i| b'!' + (bits(i) >> 8) as u8 % 42).collect();
        let errors = (0..length).map(|i| (bits(i) >> 40) as f32 / (1 << 24) as f32).collect();
        (sequence, scores, errors)
    }

    fn observed(read: &Read) -> ObservedRead<'_> {
        let (sequence, quality_scores, errors) = read;
        ObservedRead { sequence, quality_scores, errors, scored_from: 0 }
    }

    /// Profiles reads of which a third is kept, a third lost, and a third cut.
    fn profile(numbers: impl Iterator<Item = u64>) -> Profile {
        let mut profiler = Profiler::default();
        for number in numbers {
            let read = random(number);
            profiler.add_template(&[&read.0, &read.0]);
            let keep = read.0.len() / 4..read.0.len() / 2;
            let outcome = match number % 3 {
                0 => Outcome::Kept,
                1 => Outcome::Lost,
                _ => Outcome::Changed { keep, quality_scores: &read.1 },
            };
            profiler.add_read((number % 2) as usize, &observed(&read), &outcome);
            profiler.add_insert((number % 5 > 0).then_some(number as usize % 400));
        }
        profiler.finish()
    }

    #[test]
    fn the_profile_of_parts_is_that_of_the_whole() {
        let whole = profile(0..300);
        let mut merged = profile((0..300).filter(|number| number % 7 < 2));
        merged.merge(&profile((0..300).rev().filter(|number| number % 7 >= 2)));
        assert_eq!(merged, whole);
    }

    #[test]
    fn what_is_kept_is_counted_as_it_is_written() {
        let mut kept = [Counts::default(), Counts::default()];
        for number in 0..60 {
            let read = random(number);
            let all = observed(&read);
            let part = all.part(read.0.len() / 4, read.0.len() / 2);
            match number % 3 {
                0 => kept[(number % 2) as usize].add(&all),
                2 => kept[(number % 2) as usize].add(&part),
                _ => {}
            }
        }
        assert_eq!(profile(0..60).after, kept.map(Counts::finish));
    }

    #[test]
    fn a_merged_read_takes_the_place_of_its_mates() {
        let mut profiler = Profiler::default();
        let (one, other) = (random(1), random(2));
        profiler.add_read(0, &observed(&one), &Outcome::Lost);
        profiler.add_read(1, &observed(&other), &Outcome::Lost);
        profiler.add_merged(&observed(&one).part(0, 9));
        let [first, second] = profiler.finish().after;
        assert_eq!((first.reads, first.total_bases(), second), (1, 9, ReadSet::default()));
    }

    #[test]
    fn a_profile_is_read_back_from_json() {
        for profile in [profile(0..50), Profile::default()] {
            let text = serde_json::to_string(&profile).unwrap();
            let back: Profile = serde_json::from_str(&text).unwrap();
            assert_eq!(back, profile);
            assert_eq!(serde_json::to_string(&back).unwrap(), text);
        }
    }
}
