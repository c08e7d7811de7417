//! Chooses a sample of a run's reads to learn from, in bounded memory, whatever their order.

mod copies;
mod place;
mod step;
mod stored;
mod template;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use bm_reads::base::code;
use bm_reads::conversion::Conversion;
use bm_reads::{PlacedRead, ReadError, ReadRef};

use self::copies::Copies;
use self::place::{Member, Place};
use self::step::Step;
use self::template::{Identity, Template};
use crate::anchors::anchors;
use crate::sample::RunSample;

/// Longer reads are not kept: a few of them would fill the sample.
const LONGEST: usize = 1 << 16;

/// Chooses a sample of the reads of a run.
///
/// A template is kept if it has an anchor: a k-mer whose hash is below a limit. When the sample is
/// full, the limit is halved and templates without an anchor below it are dropped, so the positions
/// that remain keep their full depth. Where it is very high, fewer of the templates with the same
/// lowest anchor are kept first, those with the lowest hashes of name and content. Of exact copies one
/// is kept.
///
/// The sample depends on the reads only, not on their order: parts of a run may be observed each by
/// itself and merged.
#[derive(Clone, Debug)]
pub struct Sampler {
    room: u64,
    step: Step,
    /// Number of the next template.
    templates: u64,
    reads_seen: u64,
    bases_seen: u64,
    longest: usize,
    /// By lowest anchor.
    places: HashMap<u64, Place>,
    /// What all places count for at this step, in bases.
    cost: u64,
    /// The keys of all templates that are kept.
    keys: HashSet<u64>,
    copies: Copies,
    conversion: Option<Conversion>,
}

impl Sampler {
    /// Returns a sampler that keeps at most `room` bases.
    pub fn new(room: usize) -> Self {
        Self {
            room: room.min(u32::MAX as usize) as u64,
            step: Step::default(),
            templates: 0,
            reads_seen: 0,
            bases_seen: 0,
            longest: 0,
            places: HashMap::new(),
            cost: 0,
            keys: HashSet::new(),
            copies: Copies::default(),
            conversion: None,
        }
    }

    /// States that in the reads that are observed, a base and what the library turns it into are
    /// written as one ([`Conversion::write_as_one`]): such differences are no errors.
    pub fn set_conversion(&mut self, conversion: Option<Conversion>) {
        self.conversion = conversion;
    }

    /// Returns which bases are written as one, if any are.
    pub fn conversion(&self) -> Option<Conversion> {
        self.conversion
    }

    /// Returns the number of reads observed.
    pub fn reads_seen(&self) -> u64 {
        self.reads_seen
    }

    /// Observes the next read of the run, and keeps it or not.
    ///
    /// # Errors
    ///
    /// A [`ReadError`] if sequence and quality scores differ in length, or a byte is not a quality
    /// score.
    pub fn observe(&mut self, read: ReadRef<'_>) -> Result<(), ReadError> {
        self.observe_parts(&[(read.into(), 0..read.len())])
    }

    /// Observes the next two mates, and keeps both or neither.
    ///
    /// # Errors
    ///
    /// As [`Sampler::observe`].
    pub fn observe_pair(
        &mut self,
        first: ReadRef<'_>,
        second: ReadRef<'_>,
    ) -> Result<(), ReadError> {
        let second_mate = PlacedRead { read: second, mate: 2, before: 0 };
        self.observe_parts(&[(first.into(), 0..first.len()), (second_mate, 0..second.len())])
    }

    /// Observes the next template, a read or two mates, of each of which a part is of the sample, and
    /// keeps these parts or none. The reads are whole.
    ///
    /// # Errors
    ///
    /// As [`Sampler::observe`].
    pub fn observe_parts(
        &mut self,
        reads: &[(PlacedRead<'_>, Range<usize>)],
    ) -> Result<(), ReadError> {
        let number = self.templates;
        self.templates += 1;
        let (mut longest, mut bases) = (0, 0);
        let mut all = true;
        for (PlacedRead { read: whole, .. }, part) in reads {
            let read = whole.window(part.start, part.len());
            match read.check_scorable() {
                Ok(()) => {}
                // A valid read without bases to learn from.
                Err(ReadError::EmptyRead | ReadError::NoKnownBase) => all = false,
                Err(error) => return Err(error),
            }
            self.reads_seen += 1;
            bases += read.len() as u64;
            longest = longest.max(read.len());
        }
        self.bases_seen += bases;
        self.longest = self.longest.max(longest);
        if !all || longest as u64 > self.room.min(LONGEST as u64) {
            return Ok(());
        }
        let identity = Identity::of(reads);
        if identity.is_varied {
            self.copies.observe(identity.content);
        }
        if self.keys.contains(&identity.key) {
            return Ok(());
        }
        let mut lowest = u64::MAX;
        for (PlacedRead { read, .. }, part) in reads {
            let read = read.window(part.start, part.len());
            anchors(read.sequence.iter().map(|base| code(*base)), self.step.limit(), |anchor| {
                lowest = lowest.min(anchor.hash);
            });
        }
        if lowest >= self.step.limit() {
            return Ok(());
        }
        let most = self.step.most();
        let place = self.places.entry(lowest).or_default();
        let before = place.cost(most);
        if place.may_have(identity.key, most) {
            let template = Box::new(Template::new(number, identity.content, reads));
            place.add(Member { key: identity.key, template });
            self.keys.insert(identity.key);
            place.keep(most, |key| {
                self.keys.remove(&key);
            });
        } else {
            place.pass(bases);
        }
        self.cost = (self.cost - before).saturating_add(place.cost(most));
        self.make_room();
        Ok(())
    }

    /// Adds what another sampler with as much room observed: the result is that of one sampler that
    /// observed the reads of both.
    pub fn merge(&mut self, mut other: Self) {
        let step = self.step.max(other.step);
        self.go_to(step);
        other.go_to(step);
        self.templates = self.templates.saturating_add(other.templates);
        self.reads_seen = self.reads_seen.saturating_add(other.reads_seen);
        self.bases_seen = self.bases_seen.saturating_add(other.bases_seen);
        self.longest = self.longest.max(other.longest);
        self.copies.merge(&other.copies);
        let most = step.most();
        for (lowest, theirs) in other.places {
            let place = self.places.entry(lowest).or_default();
            place.longest = place.longest.max(theirs.longest);
            place.was_full |= theirs.was_full;
            for member in theirs.members {
                if self.keys.insert(member.key) {
                    place.add(member);
                }
            }
            place.keep(most, |key| {
                self.keys.remove(&key);
            });
        }
        self.add_up();
        self.make_room();
    }

    /// Returns the sample.
    pub fn finish(self) -> RunSample {
        let Self {
            room, step, reads_seen, bases_seen, longest, places, copies, conversion, ..
        } = self;
        let mut members: Vec<Member> =
            places.into_values().flat_map(|place| place.members.into_vec()).collect();
        // In an order that does not depend on that of the run.
        members.sort_unstable_by(|a, b| {
            a.key.cmp(&b.key).then_with(|| a.template.values.cmp(&b.template.values))
        });
        let copies_dropped = copies.among(reads_seen);
        if copies_dropped.is_some() {
            // Also those whose qualities do not vary.
            let mut contents = HashSet::new();
            members.retain(|member| contents.insert(member.template.content));
        }
        let mut sample = RunSample::empty(step.limit(), conversion);
        (sample.reads_seen, sample.bases_seen, sample.longest) = (reads_seen, bases_seen, longest);
        sample.copies_dropped = copies_dropped.unwrap_or(0);
        sample.copied = copies.share();
        for Member { key, template } in members {
            let (codes, scores) = template.values.split_at(template.bases());
            let reads = template.reads.iter();
            let reads = reads.map(|part| (part.length as usize, part.outside, part.mate));
            sample.push(template.number, key, reads, codes, scores);
        }
        sample.limit_anchors(room as usize / 8);
        sample
    }

    /// Drops templates until the rest fits.
    fn make_room(&mut self) {
        while self.step.cost(self.cost) > self.room {
            self.go_to(self.step.next());
        }
    }

    /// Drops what is not kept at this step or after it.
    fn go_to(&mut self, step: Step) {
        if step <= self.step {
            return;
        }
        self.step = step;
        let (limit, most) = (step.limit(), step.most());
        let keys = &mut self.keys;
        self.places.retain(|lowest, place| {
            let stays = *lowest < limit;
            place.keep(if stays { most } else { 0 }, |key| {
                keys.remove(&key);
            });
            stays
        });
        self.add_up();
    }

    fn add_up(&mut self) {
        let most = self.step.most();
        let costs = self.places.values().map(|place| place.cost(most));
        self.cost = costs.fold(0, u64::saturating_add);
    }
}

#[cfg(test)]
mod tests {
    use bm_kmers::kmer::mix;
    use proptest::prelude::*;

    use super::*;

    /// A read with its name.
    type Read = (String, Vec<u8>, Vec<u8>);

    /// Reads of a small genome at any depth, a tenth of them copies; half have one quality.
    fn reads(seed: u64, count: usize, genome: usize) -> Vec<Read> {
        let drawn = |number: usize| mix(seed ^ mix(number as u64 + 1)) as usize;
        let base = |place: usize| b"ACGT"[mix(seed + 7 + place as u64) as usize % 4];
        (0..count)
            .map(|number| {
                let number = if drawn(number).is_multiple_of(10) { number / 2 } else { number };
                let length = 40 + drawn(number + count) % 80;
                let start = drawn(number + 2 * count) % genome;
                let varies = drawn(number + 3 * count).is_multiple_of(2);
                let score =
                    |at: usize| b'#' + if varies { (drawn(at + number) % 40) as u8 } else { 30 };
                (
                    format!("r{number}"),
                    (start..start + length).map(base).collect(),
                    (0..length).map(score).collect(),
                )
            })
            .collect()
    }

    fn observed<'a>(reads: impl Iterator<Item = &'a Read>, room: usize) -> Sampler {
        let mut sampler = Sampler::new(room);
        for (name, sequence, quality_scores) in reads {
            let read = ReadRef { name: name.as_bytes(), sequence, quality_scores };
            sampler.observe(read).expect("a valid read");
        }
        sampler
    }

    /// All that something is learned from.
    fn content(sample: &RunSample) -> impl PartialEq + std::fmt::Debug + use<> {
        let reads: Vec<_> =
            sample.reads.iter().map(|read| (read.key, read.start, read.length)).collect();
        let counts = (sample.reads_seen, sample.bases_seen, sample.longest, sample.copies_dropped);
        let anchors = sample.kmers_per_anchor();
        (reads, sample.bases.clone(), sample.scores.clone(), counts, anchors)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        /// Reads in any order, observed at once or in parts, give the same sample.
        #[test]
        fn the_sample_does_not_depend_on_order_or_parts(
            seed in any::<u64>(),
            genome in prop::sample::select(vec![1usize, 60, 2_000, 100_000]),
            room in prop::sample::select(vec![3_000usize, 40_000, 1 << 22]),
            parts in 1usize..8,
        ) {
            let reads = reads(seed, 4_000, genome);
            let whole = content(&observed(reads.iter(), room).finish());
            prop_assert_eq!(&content(&observed(reads.iter().rev(), room).finish()), &whole);
            let stored = |sampler: &Sampler| {
                let mut bytes = Vec::new();
                sampler.write(&mut bytes).expect("memory does not fail");
                bytes
            };
            let mut merged: Option<Sampler> = None;
            for part in (0..parts).rev() {
                let of_part =
                    |(number, _): &(usize, &Read)| mix(seed ^ *number as u64) as usize % parts == part;
                let reads = reads.iter().enumerate().filter(of_part).map(|(_, read)| read);
                let part = stored(&observed(reads, room));
                let part = Sampler::read(&mut &part[..], room).expect("as written");
                merged = Some(match merged {
                    Some(mut others) => {
                        others.merge(part);
                        others
                    }
                    None => part,
                });
            }
            prop_assert_eq!(&content(&merged.expect("a part").finish()), &whole);
        }

        /// Broken bytes are an error or another sample.
        #[test]
        fn broken_bytes_are_errors(at in any::<prop::sample::Index>(), flip in 1u8..) {
            let mut bytes = Vec::new();
            observed(reads(3, 200, 300).iter(), 20_000)
                .write(&mut bytes)
                .expect("memory does not fail");
            prop_assert!(Sampler::read(&mut &bytes[..], 20_001).is_err());
            let at = at.index(bytes.len());
            prop_assert!(Sampler::read(&mut &bytes[..at], 20_000).is_err());
            bytes[at] ^= flip;
            if let Ok(sampler) = Sampler::read(&mut &bytes[..], 20_000) {
                let labels = crate::Labels::of(&sampler.finish(), 1);
                prop_assert!(labels.of_bases().len() <= 20_000);
            }
        }
    }

    #[test]
    fn a_deep_run_of_a_small_genome_loses_depth_and_no_place() {
        let reads = reads(1, 20_000, 60);
        let all = observed(reads.iter(), 1 << 24);
        let few = observed(reads.iter(), 600_000);
        assert_eq!(few.step.limit(), all.step.next().limit());
        let sample = few.finish();
        assert!((200_000..=600_000).contains(&sample.bases_kept()), "{}", sample.bases_kept());
    }
}
