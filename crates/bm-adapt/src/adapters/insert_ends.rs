//! Adapters by the ends of inserts: where mates overlap, what follows the end of the insert in each
//! of them is adapter.
//!
//! An overlap may be a wrong one, as where a fragment begins and ends in two copies of a repeat. What
//! follows is then of the sample, and different from fragment to fragment. So there has to be one
//! sequence after most ends, different bases before it, and different lengths of the insert; and
//! where mates show that the insert goes on, the sequence is not in it.

use bm_reads::base::UNKNOWN;

use super::adapter::{Acceptance, Adapter, MOST_ADAPTERS};
use super::boundary::{Background, Before, DIVERSITY};
use super::origin::Reason;
use super::pattern::Pattern;
use super::profile::Profile;
use super::reads::Reads;
use super::words::{K, Place, reverse_complement, word, words};
use crate::mate_overlap::MateOverlap;

/// Fewest pairs with enough bases after the end of the insert to contradict an adapter.
const ENOUGH_PAIRS: usize = 20;

/// An adapter is confirmed by this many pairs, and one in so many reads that show it.
const CONFIRMING: usize = 3;
const CONFIRMING_ONE_IN: usize = 4;

/// Bases between the end of the insert and the start of the consensus: inserts may end alike.
const NEAR: usize = 3;

/// Shortest insert that mates show, in bases.
const SHORTEST_INSERT: usize = 20;

/// Fewest pairs, and molecules, by which an adapter is found, and the fewest bases of it.
const FEWEST: usize = 5;
const TAIL: usize = 8;

/// Bases of an adapter that a read has to show where many reads are looked at: fewer, of which some
/// may differ, are also found by chance.
const SOUGHT: usize = 16;

/// Bases of a tail by which it is told from the adapters that were found.
const COMPARED: usize = 12;

/// Smallest fraction of the tails that begin alike.
const ALIKE_ONE_IN: usize = 2;

/// Smallest effective number of lengths of the insert.
const LENGTHS: f64 = 4.0;

/// Fewest different triplets in the first bases of the adapter: a repeat of a short unit is of the
/// sample.
const TRIPLETS: usize = 4;

/// Reads with the adapter where the insert goes on, over those at its end: one in so many.
const ELSEWHERE_ONE_IN: usize = 5;

/// The length of the insert of each pair whose mates overlap.
pub(super) struct InsertEnds {
    lengths: Vec<Option<usize>>,
}

impl InsertEnds {
    /// Compares all mates.
    pub(super) fn of([first, second]: &[Reads; 2]) -> Self {
        let mut overlap = MateOverlap::default();
        let lengths = first
            .iter()
            .zip(second.iter())
            .map(|(first, second)| overlap.insert(first, second).map(|insert| insert.length))
            .collect();
        Self { lengths }
    }

    /// Returns the ends that are inside the reads of one mate.
    pub(super) fn in_mate<'a>(&'a self, reads: &'a Reads) -> MateEnds<'a> {
        let places = self
            .lengths
            .iter()
            .enumerate()
            .filter_map(|(index, length)| Some((index, (*length)?)))
            .filter(|(index, length)| length + TAIL <= reads.read(*index).len())
            .collect();
        MateEnds { lengths: &self.lengths, reads, places }
    }
}

/// The ends of inserts in the reads of one mate.
pub(super) struct MateEnds<'a> {
    lengths: &'a [Option<usize>],
    reads: &'a Reads,
    /// Ends with enough bases after them.
    places: Vec<Place>,
}

impl<'a> MateEnds<'a> {
    /// Returns whether an adapter may stay, and adds the reason if mates confirm it.
    ///
    /// Kits stay. If too few inserts end inside reads, mates say nothing.
    pub(super) fn confirm(&self, adapter: &mut Adapter) -> bool {
        let Acceptance::Unknown(reasons) = &mut adapter.acceptance else { return true };
        let long = |(index, at): &Place| at + SOUGHT <= self.reads.read(*index).len();
        let ends: Vec<&Place> = self.places.iter().filter(|place| long(place)).collect();
        if ends.len() < ENOUGH_PAIRS {
            return true;
        }
        let pattern = Pattern::of_letters(&adapter.sequence);
        let confirming = ends.iter().filter(|place| self.begins(&pattern, place)).count();
        let first = |(index, read)| Some((index, pattern.first(read)?));
        let showing = self.reads.iter().enumerate().filter_map(first);
        let showing = showing.filter(|place| place.1 >= SHORTEST_INSERT && long(place)).count();
        let confirmed = confirming >= CONFIRMING && confirming * CONFIRMING_ONE_IN >= showing;
        if confirmed {
            reasons.push(Reason::EndsOfInserts);
        }
        confirmed
    }

    /// Adds the adapters that follow the ends of inserts and are not yet found.
    pub(super) fn add(&self, found: &mut Vec<Adapter>) {
        let mut places = self.places.clone();
        for adapter in found.iter() {
            self.leave_new(&mut places, &Pattern::of_letters(&adapter.sequence));
        }
        if places.len() < FEWEST {
            return;
        }
        let background = Background::of(self.reads);
        while found.len() < MOST_ADAPTERS {
            let Some((adapter, pattern)) = self.next(&places, &background) else { break };
            self.leave_new(&mut places, &pattern);
            if found.iter().any(|other| adapter.is_variant_of(other)) {
                break;
            }
            found.push(adapter);
        }
    }

    /// Returns the adapter that follows most of these ends.
    fn next(&self, places: &[Place], background: &Background) -> Option<(Adapter, Pattern)> {
        let start =
            most_frequent(places.iter().filter_map(|place| self.tail(place).first_chunk()))?;
        let like = |place: &Place| {
            let differ = self.tail(place).iter().zip(&start).filter(|(one, other)| one != other);
            differ.count() <= 1
        };
        let alike: Vec<Place> = places.iter().copied().filter(like).collect();
        let before = Before::of(self.reads, &alike);
        if before.molecules < FEWEST
            || alike.len() * ALIKE_ONE_IN < places.len()
            || before.starts < LENGTHS
            || before.diversity(background) < DIVERSITY
        {
            return None;
        }
        let tails: Vec<&[u8]> = alike.iter().map(|place| self.tail(place)).collect();
        let profile = Profile::with_at_least(FEWEST as u32, &tails);
        let consensus = profile.consensus();
        if consensus.len() < TAIL || triplets(&consensus[..TAIL]) < TRIPLETS {
            return None;
        }
        let pattern = Pattern::of_codes(&consensus);
        if consensus.get(..K).and_then(word).is_some_and(|word| self.has_within(word, alike.len()))
        {
            return None;
        }
        let adapter = Adapter::of(&profile, alike.len(), before.contexts, Acceptance::Mates);
        Some((adapter, pattern))
    }

    /// Returns whether too many reads have a word where the insert goes on, or on the other strand.
    fn has_within(&self, sought: usize, at_ends: usize) -> bool {
        let turned = reverse_complement(sought);
        let mut within = 0;
        for (read, length) in self.reads.iter().zip(self.lengths) {
            words(read, |at, word| {
                let goes_on = || length.is_some_and(|length| length > at + NEAR);
                within += usize::from(word == turned || word == sought && goes_on());
            });
        }
        within * ELSEWHERE_ONE_IN > at_ends
    }

    /// Leaves the ends after which another adapter begins. Short tails are left out: they could be
    /// of the one that was found.
    fn leave_new(&self, places: &mut Vec<Place>, found: &Pattern) {
        places.retain(|place| self.tail(place).len() >= COMPARED && !self.begins(found, place));
    }

    /// Returns whether a pattern begins near the end of an insert.
    fn begins(&self, pattern: &Pattern, (index, end): &Place) -> bool {
        let read = self.reads.read(*index);
        let last = (end + NEAR).min(read.len());
        (end.saturating_sub(NEAR)..=last).any(|at| pattern.begins(&read[at..]).is_some())
    }

    /// Returns the bases after the end of an insert.
    fn tail(&self, (index, end): &Place) -> &'a [u8] {
        &self.reads.read(*index)[*end..]
    }
}

/// Returns the most frequent start; of equal ones the first in the alphabet.
fn most_frequent<'a>(starts: impl Iterator<Item = &'a [u8; TAIL]>) -> Option<[u8; TAIL]> {
    let mut all: Vec<&[u8; TAIL]> = starts.collect();
    all.sort_unstable();
    let groups = all.chunk_by(|left, right| left == right);
    groups.rev().max_by_key(|group| group.len()).map(|group| *group[0])
}

/// Returns the number of different triplets of known bases.
fn triplets(codes: &[u8]) -> usize {
    let mut all: Vec<&[u8]> =
        codes.windows(3).filter(|bases| bases.iter().all(|code| *code < UNKNOWN)).collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}
