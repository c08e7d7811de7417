//! Bases before the sample: those that a library's chemistry adds to the start of each molecule.
//!
//! Template switching adds some G, other protocols add random bases. They are at a fixed place, the
//! start of the read, and they are not what the run has before the bases that follow them:
//! whatever the sample is, its reads begin anywhere, so the run has read across most starts.

use bm_reads::ReadRef;
use bm_reads::base::{UNKNOWN, code, is_unknown};

use crate::sample::{Sample, Words};

/// Most bases before the sample.
const MOST: usize = 16;

/// Places at which reads are of the sample, beside which the first ones are seen.
const BESIDE: std::ops::Range<usize> = 20..40;

/// Number of places that are looked at.
const PLACES: usize = MOST + BESIDE.end - BESIDE.start;

/// A place is before the sample if bases there are unlike the run's in this part of the cases more,
/// and this many times as often, as at places that are of the sample. Reads by random primers have
/// a few percent more there.
const MORE: f64 = 0.35;
const AS_OFTEN: f64 = 5.0;

/// Fewest contexts that say something of a place.
const FEWEST: u32 = 50;

/// The same for the places that follow such places.
const MORE_BEYOND: f64 = 0.03;
const AS_OFTEN_BEYOND: f64 = 2.0;

/// It also has at least this part of the cases that places beside it have. Where reads begin at
/// fixed places, as behind a restriction site or a primer, few were read across.
const AS_MANY: f64 = 0.4;

/// Bases are unlike the run's if it has this many others before the same context, and not them.
const FEWEST_OTHERS: u32 = 2;

/// Rounds of expectation and maximisation.
const ROUNDS: usize = 30;

/// Smallest share of the reads with each number of bases before the sample.
const LEAST_SHARE: f32 = 1e-5;

/// Number of bases that follow a place and tell where in the sample it is. Fewer would also be found
/// elsewhere: in fragments by a restriction enzyme, which all begin with its site, they are.
const FOLLOWING: usize = 20;

/// One in this many of them is looked at where reads have more bases than this.
const BASES: usize = 1 << 20;
const ONE_IN: u64 = 8;

/// Slots of the table of what is before them.
const SLOT_BITS: u32 = 20;

/// What reads of each mate begin with that is not of the sample.
#[derive(Clone, Debug)]
pub(crate) struct Fronts {
    mates: [Option<Front>; 2],
    words: Sample,
}

/// The bases before the sample in reads of one mate.
#[derive(Clone, Debug)]
struct Front {
    /// Share of the reads with each number of them.
    shares: Vec<f32>,
    /// Frequencies of A, C, G and T at each place, among them and in the sample: where molecules
    /// begin depends on the bases there.
    bases: Vec<[[f32; 4]; 2]>,
    /// See [`elsewhere`].
    elsewhere: f32,
}

impl Fronts {
    /// Learns what is before the sample in the reads of a run; `None` if nothing is, as in most.
    pub(crate) fn learn<'a, T>(templates: T, frequencies: &Sample) -> Option<Self>
    where
        T: Iterator<Item = &'a [ReadRef<'a>]> + Clone,
    {
        let places = unlike(templates.clone());
        if places == [0; 2] {
            return None;
        }
        let mut words = frequencies.clone();
        words.clear();
        let bases = templates.clone().flatten().map(ReadRef::len).sum();
        let mut counted = Words::of_bases(bases);
        for read in templates.clone().flatten() {
            counted.add(read.sequence.get(MOST..).unwrap_or_default());
        }
        words.count(&counted);
        words.forget_simple_words();
        let mates = [0, 1].map(|mate| {
            let reads = templates.clone().filter_map(|mates| mates.get(mate).copied());
            (places[mate] > 0).then(|| Front::learn(places[mate], reads, &words))
        });
        Some(Self { mates, words })
    }

    /// Fills `front` with the probabilities of the first bases of a read that they are before the
    /// sample.
    pub(crate) fn find(&self, mate: usize, read: ReadRef<'_>, front: &mut Vec<f32>) {
        if let Some(of_mate) = &self.mates[mate.min(1)] {
            let first = First::of(read, of_mate.most(), &self.words);
            let shares = of_mate.posterior(&first);
            // A base is before the sample if more bases than are before it are.
            front.resize(first.bases, 0.0);
            let mut sum = 0.0;
            for (place, front) in front.iter_mut().enumerate().rev() {
                sum += shares[place + 1];
                *front = sum.min(1.0);
            }
        }
    }
}

/// The first bases of a read, and what the run has there.
#[derive(Clone, Copy)]
struct First {
    bases: usize,
    codes: [u8; MOST],
    /// How often the run has each base, and any base, before those that follow.
    counts: [[f32; 2]; MOST],
    errors: [f32; MOST],
}

impl First {
    fn of(read: ReadRef<'_>, most: usize, words: &Sample) -> Self {
        let bases = most.min(read.len());
        let mut first =
            Self { bases, codes: [UNKNOWN; MOST], counts: [[0.0; 2]; MOST], errors: [0.0; MOST] };
        for place in 0..bases {
            first.codes[place] = code(read.sequence[place]);
            first.counts[place] = words.before(read.sequence, place);
            first.errors[place] = words.error(read.quality_scores[place]);
        }
        first
    }

    /// Returns the code of a place, if it is known.
    fn code(&self, place: usize) -> Option<usize> {
        Some(usize::from(self.codes[place])).filter(|code| *code < usize::from(UNKNOWN))
    }
}

impl Front {
    fn learn<'a>(
        most: usize,
        reads: impl Iterator<Item = ReadRef<'a>> + Clone,
        words: &Sample,
    ) -> Self {
        let known: Vec<First> = reads.clone().map(|read| First::of(read, most, words)).collect();
        let mut front = Self {
            shares: vec![1.0 / (most + 1) as f32; most + 1],
            bases: vec![[[0.25; 4]; 2]; most],
            elsewhere: elsewhere(reads, words),
        };
        for _ in 0..ROUNDS {
            let mut shares = vec![0.0f32; most + 1];
            let mut bases = vec![[[1.0f32; 4]; 2]; most];
            for first in &known {
                let of_read = front.posterior(first);
                let mut before = 0.0;
                shares[first.bases] += of_read[first.bases];
                for place in (0..first.bases).rev() {
                    before += of_read[place + 1];
                    if let Some(code) = first.code(place) {
                        bases[place][0][code] += before;
                        bases[place][1][code] += 1.0 - before;
                    }
                    shares[place] += of_read[place];
                }
            }
            let all = shares.iter().sum::<f32>().max(1.0);
            front.shares = shares.iter().map(|share| (share / all).max(LEAST_SHARE)).collect();
            for bases in bases.iter_mut().flatten() {
                let all = bases.iter().sum::<f32>();
                bases.iter_mut().for_each(|frequency| *frequency /= all);
            }
            front.bases = bases;
        }
        front
    }

    /// Returns the most bases that may be before the sample.
    fn most(&self) -> usize {
        self.bases.len()
    }

    /// Returns P(number of bases before the sample).
    fn posterior(&self, first: &First) -> [f32; MOST + 1] {
        let mut shares = [0.0; MOST + 1];
        let mut ratio = 1.0;
        shares[0] = self.shares[0];
        for place in 0..first.bases {
            if let Some(code) = first.code(place) {
                let [before, sample] = self.bases[place].map(|bases| bases[code]);
                let p = next(first.counts[place], sample, self.elsewhere);
                let error = first.errors[place];
                ratio *= before / ((1.0 - error) * p + error * 0.25);
            }
            shares[place + 1] = self.shares[place + 1] * ratio;
        }
        let all = shares.iter().sum::<f32>();
        shares.map(|share| share / all)
    }
}

/// Returns P(base | sample), by how often the run has it, and any base, before those that follow,
/// its frequency, and the part of such cases that are of elsewhere in the sample.
fn next([own, all]: [f32; 2], frequency: f32, elsewhere: f32) -> f32 {
    let p = (own + frequency) / (all + 1.0);
    (1.0 - elsewhere) * p + elsewhere * frequency
}

/// Returns in which part of the cases the bases before a word, as the run has them, say nothing of
/// the base before it in a read: they are of elsewhere in the sample.
fn elsewhere<'a>(reads: impl Iterator<Item = ReadRef<'a>>, words: &Sample) -> f32 {
    let known: Vec<[f32; 2]> = reads
        .filter(|read| read.len() > BESIDE.start)
        .map(|read| words.before(read.sequence, BESIDE.start))
        // A read does not vouch for itself.
        .map(|counts| counts.map(|count| (count - 1.0).max(0.0)))
        .filter(|[_, all]| *all > 0.0)
        .collect();
    let mut share = 0.1;
    for _ in 0..ROUNDS {
        let of_elsewhere = |counts: &[f32; 2]| share * 0.25 / next(*counts, 0.25, share);
        share = known.iter().map(of_elsewhere).sum::<f32>() / known.len().max(1) as f32;
    }
    share
}

/// Returns how many of the first bases of each mate's reads are not those that the run has before
/// the bases that follow.
fn unlike<'a, T>(templates: T) -> [usize; 2]
where
    T: Iterator<Item = &'a [ReadRef<'a>]> + Clone,
{
    let bases = templates.clone().flatten().map(|read| read.len()).sum::<usize>();
    let one_in = if bases > BASES { ONE_IN } else { 1 };
    let mut before = Before::new(one_in);
    for read in templates.clone().flatten() {
        windows(read.sequence.get(MOST..).unwrap_or_default(), |_, base, following| {
            before.count(base, following);
        });
    }
    [0, 1].map(|mate| {
        let mut seen = Vec::new();
        for read in templates.clone().filter_map(|mates| mates.get(mate)) {
            let end = read.len().min(BESIDE.end + FOLLOWING);
            windows(&read.sequence[..end], |start, base, following| {
                if let Some(place) = start.and_then(place_of)
                    && let Some((slot, counts)) = before.get(following)
                {
                    // A read does not vouch for itself.
                    let own = u8::from(place >= MOST);
                    let same = counts[usize::from(base)].saturating_sub(own);
                    let all = counts.iter().map(|n| u32::from(*n)).sum::<u32>() - u32::from(own);
                    if all >= FEWEST_OTHERS {
                        seen.push((place << SLOT_BITS | slot) << 1 | usize::from(same == 0));
                    }
                }
            });
        }
        seen.sort_unstable();
        found(&seen)
    })
}

/// What the run has before some bases.
struct Before {
    one_in: u64,
    /// For each slot, which bases, and the number of each base before them. The first ones that come
    /// to a slot have it.
    slots: Vec<(u32, [u8; 4])>,
}

impl Before {
    fn new(one_in: u64) -> Self {
        Self { one_in, slots: vec![(0, [0; 4]); 1 << SLOT_BITS] }
    }

    /// Returns the slot of some bases, and what tells them from others there.
    #[inline(always)]
    fn slot(&self, following: u64) -> Option<(usize, u32)> {
        let mixed = following ^ following >> 7 ^ following >> 19 ^ following >> 29;
        if mixed & (self.one_in - 1) != 0 {
            return None;
        }
        let slot = following.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SLOT_BITS);
        Some((slot as usize, following as u32))
    }

    fn count(&mut self, base: u8, following: u64) {
        if let Some((slot, which)) = self.slot(following) {
            let (owner, counts) = &mut self.slots[slot];
            if *counts == [0; 4] {
                *owner = which;
            }
            if *owner == which {
                counts[usize::from(base)] = counts[usize::from(base)].saturating_add(1);
            }
        }
    }

    /// Returns the number of each base before some bases, and their slot.
    fn get(&self, following: u64) -> Option<(usize, [u8; 4])> {
        let (slot, which) = self.slot(following)?;
        let (owner, counts) = self.slots[slot];
        (owner == which && counts != [0; 4]).then_some((slot, counts))
    }
}

/// Returns the number of the place whose following base is at `start`.
fn place_of(start: usize) -> Option<usize> {
    let at = start.checked_sub(1)?;
    (at < MOST).then_some(at).or_else(|| BESIDE.contains(&at).then(|| at - BESIDE.start + MOST))
}

/// Returns the number of first places with bases that are unlike the run's.
fn found(seen: &[usize]) -> usize {
    // Each context counts once: many copies of one molecule are one case.
    let (mut contexts, mut unlike) = ([0u32; PLACES], [0u32; PLACES]);
    for same in seen.chunk_by(|a, b| a >> 1 == b >> 1) {
        let place = same[0] >> (SLOT_BITS + 1);
        contexts[place] += 1;
        let many = same.iter().filter(|seen| **seen & 1 == 1).count();
        unlike[place] += u32::from(2 * many >= same.len());
    }
    let [all, all_unlike] = [&contexts, &unlike].map(|n| n[MOST..].iter().sum::<u32>());
    let beside = f64::from(all_unlike) / f64::from(all.max(1));
    let least = (beside + MORE).max(AS_OFTEN * beside);
    let enough = AS_MANY * f64::from(all) / BESIDE.len() as f64;
    let is_read_across = |place: usize| f64::from(contexts[place]) >= enough;
    let is_unlike = |place: usize, least: f64| {
        contexts[place] >= FEWEST && f64::from(unlike[place]) > least * f64::from(contexts[place])
    };
    // What follows the first of several bases before the sample is not in the run elsewhere.
    let strong = |place: &usize| is_read_across(*place) && is_unlike(*place, least);
    let Some(last) = (0..MOST).rfind(strong) else { return 0 };
    if (0..last).any(|place| is_read_across(place) && !is_unlike(place, least)) {
        return 0;
    }
    // Some reads have more of them than most.
    let weak = |place: &usize| is_unlike(*place, AS_OFTEN_BEYOND * beside + MORE_BEYOND);
    last + 1 + (last + 1..MOST).take_while(weak).count()
}

/// Calls back with each base that has known ones behind it, on either strand, and the number of
/// those; on the strand of the read also with the place where they start.
fn windows(sequence: &[u8], mut each: impl FnMut(Option<usize>, u8, u64)) {
    const BITS: usize = 2 * FOLLOWING;
    const MASK: u64 = (1 << BITS) - 1;
    let (mut word, mut other, mut known) = (0u64, 0u64, 0);
    for (at, letter) in sequence.iter().enumerate() {
        let code = code(*letter);
        word = word << 2 | u64::from(code & 3);
        other = other >> 2 | u64::from(3 - (code & 3)) << BITS;
        known = if code < UNKNOWN { known + 1 } else { 0 };
        if known > FOLLOWING {
            each(Some(at + 1 - FOLLOWING), (word >> BITS & 3) as u8, word & MASK);
            each(None, (other >> BITS) as u8, other & MASK);
        }
    }
}

/// Returns the number of unknown bases that a sequence begins with.
pub(crate) fn unknown_first(sequence: &[u8]) -> usize {
    sequence.iter().take_while(|letter| is_unknown(**letter)).count()
}

/// Returns the number of bases of a sequence without unknown ones at its end.
pub(crate) fn known_length(sequence: &[u8]) -> usize {
    sequence.len() - sequence.iter().rev().take_while(|letter| is_unknown(**letter)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, template};

    const READS: usize = 4000;
    const LENGTH: usize = 80;

    /// Reads that begin anywhere in a small genome; `front` returns what is before each.
    fn reads(front: impl Fn(&mut Random, usize) -> Vec<u8>) -> (Vec<Vec<u8>>, Vec<usize>) {
        let mut random = Random(7);
        let genome = random.bases(20_000);
        let one = |number: usize| {
            let start = random.below(genome.len() - LENGTH);
            let front = front(&mut random, number);
            let mut read = [&front[..], &genome[start..start + LENGTH]].concat();
            read.truncate(LENGTH);
            (read, front.len())
        };
        (0..READS).map(one).unzip()
    }

    fn learned(reads: &[Vec<u8>]) -> Option<Fronts> {
        let scores = [b'I'; LENGTH];
        let templates: Vec<_> = reads.iter().map(|read| template(read, &scores)).collect();
        Fronts::learn(templates.iter().map(|read| &read[..]), &Sample::new([1; 4]))
    }

    fn right(reads: &[Vec<u8>], bases: &[usize]) -> f64 {
        let (fronts, scores) = (learned(reads).expect("there are such bases"), [b'I'; LENGTH]);
        let is_right = |(read, bases): &(&Vec<u8>, &usize)| {
            let mut front = Vec::new();
            fronts.find(0, template(read, &scores)[0], &mut front);
            assert!(front.is_sorted_by(|a, b| a >= b) && front.iter().all(|p| *p <= 1.0));
            front.iter().filter(|p| **p > 0.5).count() == **bases
        };
        reads.iter().zip(bases).filter(is_right).count() as f64 / reads.len() as f64
    }

    #[test]
    fn bases_of_template_switching_are_found_read_by_read() {
        let (reads, bases) = reads(|_, number| vec![b'G'; [3, 3, 3, 4, 0][number % 5]]);
        assert!(right(&reads, &bases) > 0.85, "{}", right(&reads, &bases));
    }

    #[test]
    fn random_bases_and_a_constant_part_are_found() {
        let (reads, bases) = reads(|random, _| [random.bases(8), b"TGG".to_vec()].concat());
        assert!(right(&reads, &bases) > 0.99, "{}", right(&reads, &bases));
    }

    #[test]
    fn nothing_is_found_where_reads_begin_in_the_sample() {
        assert!(learned(&reads(|_, _| Vec::new()).0).is_none());
        // Reads that begin at a few places, as behind primers, with errors in one of them.
        let genome = Random(5).bases(9000);
        let primed = |number: usize| {
            let start = number % 40 * 200;
            let mut read = genome[start..start + LENGTH].to_vec();
            if start == 400 {
                read[..3].copy_from_slice(b"GGG");
            }
            read
        };
        assert!(learned(&(0..READS).map(primed).collect::<Vec<_>>()).is_none());
        // Random primers that differ from the sample in a tenth of their bases.
        let (mut reads, _) = reads(|_, _| Vec::new());
        let mut random = Random(3);
        for read in &mut reads {
            read[..6].iter_mut().for_each(|base| {
                if random.below(10) == 0 {
                    *base = random.bases(1)[0];
                }
            });
        }
        assert!(learned(&reads).is_none());
    }

    #[test]
    fn short_and_unknown_reads_say_nothing() {
        let (mut reads, _) = reads(|random, _| random.bases(4));
        reads.extend([Vec::new(), b"ACG".to_vec(), vec![b'N'; LENGTH], b"ACGTNACGT".to_vec()]);
        let fronts = learned(&reads).expect("there are such bases");
        for (read, bases) in [(&b""[..], 0), (b"ACG", 3), (b"NNNNNNNN", 4)] {
            let mut front = Vec::new();
            fronts.find(0, template(read, &[b'I'; LENGTH])[0], &mut front);
            assert_eq!(front.len(), bases);
            assert!(front.iter().all(|p| (0.0..=1.0).contains(p)), "{front:?}");
        }
    }

    #[test]
    fn unknown_bases_at_the_ends_are_counted() {
        for (read, first, known) in
            [(&b"NNACGN"[..], 2, 5), (b"nA.", 1, 2), (b"NN", 2, 0), (b"", 0, 0), (b"ANA", 0, 3)]
        {
            assert_eq!((unknown_first(read), known_length(read)), (first, known));
        }
    }
}
