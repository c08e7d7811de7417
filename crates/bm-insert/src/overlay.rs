//! The outermost bases of reads beside those of other reads that read across the same place.
//!
//! A read is laid over others at the bases behind its outermost ones. Only inner bases of the others
//! testify: what a library puts at the ends of molecules cannot vouch for itself.

use std::collections::HashMap;

use bm_reads::base::{UNKNOWN, code};
use bm_reads::{Phred, ReadRef};

use crate::conversion::Spectrum;

/// Most bases at an end that are compared.
pub(crate) const MOST: usize = 24;

/// Bases at which reads are laid over each other, behind the outermost ones.
const ANCHOR: usize = 20;
const ANCHOR_MASK: u64 = (1 << (2 * ANCHOR)) - 1;

/// Places behind the anchor, which are of the sample: they show how often reads differ there.
const BEYOND: usize = 12;
const PLACES: usize = MOST + BEYOND;

/// A base is like others if at least this part of them has it, and unlike them if at most this part
/// has it and most agree.
const LIKE: f32 = 0.1;
const UNLIKE: f32 = 0.03;
const AGREE: f32 = 0.6;

/// Reads that begin at one place, which no other reads across: so many of them tell which places vary.
const BESIDE: u32 = 20;
/// A place varies if the most frequent base has at most this part of them, and three bases have at
/// least the other part.
const MOST_FREQUENT: f32 = 0.6;
const ALSO: f32 = 0.05;

/// Other reads at one anchor that testify, at most.
const MOST_OTHERS: u32 = 16;

/// Reads that begin at one place and show how often inner bases differ, at most: a variant there is not
/// all reads.
const MOST_SHOW: u32 = 8;

/// Reads of which more than one in so many known bases are unlike others have bases of the library.
const MOSTLY: u32 = 4;

/// Bases of a lower quality say nothing, unless most of the run's are lower.
const GOOD: u8 = 20;

/// Bits of the table that tells whether a word may be an anchor.
const FILTER_BITS: u32 = 18;

/// Which of the outermost bases of a read are like, and unlike, those of others, a bit for each place,
/// the outermost lowest; nothing is known of the rest.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Compared {
    pub(crate) like: u32,
    pub(crate) unlike: u32,
    /// Places that only reads that begin here have, and those at which all of these have the same base.
    pub(crate) alone: u32,
    pub(crate) same: u32,
}

/// The outermost bases of some reads, compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    /// For each read, in order.
    pub(crate) reads: Vec<Compared>,
    /// Bases of the same reads that are of the sample, and how many of these are unlike others'.
    pub(crate) inner: [u64; 2],
    /// Places that may be compared.
    pub(crate) places: usize,
    /// Which base the inner bases are in most others, and which in the reads.
    pub(crate) inner_spectrum: Spectrum,
    /// The same of each place at the end.
    pub(crate) spectra: [Spectrum; MOST],
}

/// Returns how many of the outermost bases of reads of this length are compared.
pub(crate) fn compared_places(length: usize) -> usize {
    (length.saturating_sub(ANCHOR) / 3).min(MOST)
}

/// Returns the lowest Phred byte of a good base, by the qualities of some reads.
pub(crate) fn good_byte<'a>(reads: impl Iterator<Item = ReadRef<'a>>) -> u8 {
    let mut counts = [0u64; 256];
    for byte in reads.flat_map(|read| read.quality_scores) {
        counts[usize::from(*byte)] += 1;
    }
    let all = counts.iter().sum::<u64>();
    let mut sum = 0;
    let middle = counts.iter().position(|count| {
        sum += count;
        2 * sum > all
    });
    (Phred::OFFSET + GOOD).min(middle.unwrap_or(0) as u8)
}

/// The base of a read at a place from one of its ends, on the strand that begins there.
#[derive(Clone, Copy)]
pub(crate) struct Oriented<'a> {
    sequence: &'a [u8],
    quality_scores: &'a [u8],
    from_end: bool,
}

impl<'a> Oriented<'a> {
    pub(crate) fn new(read: ReadRef<'a>, from_end: bool) -> Self {
        Self { sequence: read.sequence, quality_scores: read.quality_scores, from_end }
    }

    pub(crate) fn len(self) -> usize {
        self.sequence.len()
    }

    /// Returns the quality score of a base, as Phred+33.
    pub(crate) fn quality_score(self, at: usize) -> u8 {
        let at = if self.from_end { self.quality_scores.len() - 1 - at } else { at };
        self.quality_scores[at]
    }

    /// Returns the first places at which the base is known and of a good quality, and their codes.
    fn good_codes(self, places: usize, good: u8) -> impl Iterator<Item = (usize, usize)> {
        (0..places)
            .filter(move |place| self.quality_score(*place) >= good)
            .map(move |place| (place, usize::from(self.code(place))))
            .filter(|(_, code)| *code < usize::from(UNKNOWN))
    }

    /// Returns the code of a base.
    pub(crate) fn code(self, at: usize) -> u8 {
        if !self.from_end {
            return code(self.sequence[at]);
        }
        let code = code(self.sequence[self.sequence.len() - 1 - at]);
        if code < UNKNOWN { 3 - code } else { UNKNOWN }
    }
}

/// The other reads at one anchor.
#[derive(Clone)]
struct Group {
    /// Inner bases of reads at each place, and outermost ones of the reads that are compared.
    inner: [[u32; 4]; PLACES],
    outermost: [[u32; 4]; MOST],
    others: u32,
}

/// The code under which reads are laid over each other, for each code of a base.
pub(crate) type Alphabet = [u8; 4];

/// Each base as it is.
pub(crate) const BASES: Alphabet = [0, 1, 2, 3];

impl Overlay {
    /// Compares the outermost bases of some reads, at their start or at their end, with those of `all`.
    pub(crate) fn of<'a>(
        reads: impl Iterator<Item = Oriented<'a>>,
        all: impl Iterator<Item = ReadRef<'a>>,
        places: usize,
        good: u8,
        alphabet: Alphabet,
    ) -> Self {
        let reads: Vec<Oriented<'_>> = reads.collect();
        let mut anchors = Anchors { alphabet, ..Anchors::default() };
        let of_reads: Vec<Option<usize>> =
            reads.iter().map(|read| anchors.add(*read, places)).collect();
        if alphabet == BASES {
            all.for_each(|read| anchors.look_for(read, places, |code| code));
        } else {
            let written = |code: u8| alphabet[usize::from(code)];
            all.for_each(|read| anchors.look_for(read, places, written));
        }
        let mut overlay = Self { places, ..Self::default() };
        let mut shown = vec![0; anchors.groups.len()];
        for (read, group) in reads.iter().zip(&of_reads) {
            let compared = group.map(|group| {
                shown[group] += 1;
                let is_new = shown[group] <= MOST_SHOW;
                let group = &anchors.groups[group];
                if is_new {
                    overlay.add_inner(*read, group, good);
                }
                let compared = group.compare(*read, places, good);
                // A read with bases of the library does not show how the sample's are changed.
                if MOSTLY * compared.unlike.count_ones()
                    <= (compared.like | compared.unlike).count_ones()
                {
                    group.add_to(&mut overlay.spectra, *read, places, good);
                }
                compared
            });
            overlay.reads.push(compared.unwrap_or_default());
        }
        overlay
    }

    fn add_inner(&mut self, read: Oriented<'_>, group: &Group, good: u8) {
        let first = self.places + ANCHOR;
        for (beyond, counts) in group.inner[MOST..].iter().enumerate() {
            let at = first + beyond;
            if at >= read.len() || read.code(at) >= UNKNOWN {
                break;
            }
            if read.quality_score(at) < good {
                continue;
            }
            let own = usize::from(read.code(at));
            // A read does not vouch for itself.
            let mut others = *counts;
            others[own] = others[own].saturating_sub(1);
            add_to(&mut self.inner_spectrum, &others, own);
            if let Some(is_like) = is_like(&others, own) {
                self.inner[0] += 1;
                self.inner[1] += u64::from(!is_like);
            }
        }
    }
}

impl Group {
    fn compare(&self, read: Oriented<'_>, places: usize, good: u8) -> Compared {
        let mut compared = Compared::default();
        let varied = self.varied(places);
        for (place, own) in read.good_codes(places, good) {
            let others = &self.inner[place];
            let is_varied = varied >> place & 1 == 1;
            let like = match (*others == [0; 4], is_varied) {
                (false, false) => is_like(others, own),
                (false, true) => most_frequent(others).map(|_| false),
                (true, true) => Some(false),
                (true, false) => None,
            };
            if *others == [0; 4] && varied > 0 {
                compared.alone |= 1 << place;
                let is_same = !is_varied && is_like(&self.outermost[place], own) == Some(true);
                compared.same |= u32::from(is_same) << place;
            }
            match like {
                Some(true) => compared.like |= 1 << place,
                Some(false) => compared.unlike |= 1 << place,
                None => {}
            }
        }
        compared
    }

    /// Adds the outermost bases of a read, and which ones others have there.
    fn add_to(&self, spectra: &mut [Spectrum; MOST], read: Oriented<'_>, places: usize, good: u8) {
        for (place, own) in read.good_codes(places, good) {
            add_to(&mut spectra[place], &self.inner[place], own);
        }
    }

    /// Returns which places vary among the reads that begin here, a bit for each.
    fn varied(&self, places: usize) -> u32 {
        let varied = |place: &usize| varies(&self.outermost[*place]);
        (0..places).filter(varied).fold(0, |varied, place| varied | 1 << place)
    }
}

/// Adds a base of a read, and which one most others have there.
fn add_to(spectrum: &mut Spectrum, others: &[u32; 4], own: usize) {
    if let Some(most) = most_frequent(others) {
        spectrum[most][own] += 1;
    }
}

/// Returns the base that most others have, if they agree.
fn most_frequent(others: &[u32; 4]) -> Option<usize> {
    let all = others.iter().sum::<u32>();
    (0..4).find(|base| others[*base] as f32 >= AGREE * all as f32).filter(|_| all > 0)
}

/// Returns whether a base is like those of other reads, if they tell.
fn is_like(others: &[u32; 4], own: usize) -> Option<bool> {
    let all = others.iter().sum::<u32>() as f32;
    let most = others.iter().copied().max().unwrap_or(0) as f32;
    let count = others[own] as f32;
    let different = others.iter().filter(|other| **other as f32 >= ALSO * all).count();
    // Others of many kinds do not tell.
    if all == 0.0 || (most < AGREE * all && different > 2) {
        None
    } else if count > 0.0 && count >= LIKE * all {
        Some(true)
    } else {
        (count <= UNLIKE * all && most >= AGREE * all).then_some(false)
    }
}

/// Returns whether a place varies from read to read, of enough reads that begin there.
fn varies(counts: &[u32; 4]) -> bool {
    let all = counts.iter().sum::<u32>();
    let most = counts.iter().copied().max().unwrap_or(0) as f32;
    let others = counts.iter().filter(|count| **count as f32 >= ALSO * all as f32).count();
    all >= BESIDE && most <= MOST_FREQUENT * all as f32 && others >= 3
}

/// The anchors of the reads that are compared.
#[derive(Default)]
struct Anchors {
    alphabet: Alphabet,
    groups: Vec<Group>,
    by_word: HashMap<u64, usize>,
    /// A bit for each hash of a word.
    filter: Vec<u64>,
}

impl Anchors {
    /// Adds a read; returns the number of its group.
    fn add(&mut self, read: Oriented<'_>, places: usize) -> Option<usize> {
        self.filter.resize(1 << (FILTER_BITS - 6), 0);
        if read.len() < places + ANCHOR {
            return None;
        }
        let mut word = 0u64;
        for at in places..places + ANCHOR {
            let code = self.alphabet.get(usize::from(read.code(at)))?;
            word = word << 2 | u64::from(*code);
        }
        if is_simple(word) {
            return None;
        }
        let bit = bit_of(word);
        self.filter[bit / 64] |= 1 << (bit % 64);
        let next = self.groups.len();
        let number = *self.by_word.entry(word).or_insert(next);
        if number == next {
            let (inner, outermost) = ([[0; 4]; PLACES], [[0; 4]; MOST]);
            self.groups.push(Group { inner, outermost, others: 0 });
        }
        let group = &mut self.groups[number];
        for place in 0..places {
            if let Some(count) = group.outermost[place].get_mut(usize::from(read.code(place))) {
                *count += 1;
            }
        }
        Some(number)
    }

    /// Counts the inner bases of a read beside the anchors that it has, on either strand; `written` returns
    /// the code under which a base is looked up.
    #[inline]
    fn look_for(&mut self, read: ReadRef<'_>, places: usize, written: impl Fn(u8) -> u8) {
        let sequence = read.sequence;
        let (mut word, mut other, mut known) = (0u64, 0u64, 0);
        for (at, letter) in sequence.iter().enumerate() {
            let code = code(*letter);
            let [own, complement] = [code & 3, 3 - (code & 3)].map(|code| u64::from(written(code)));
            word = (word << 2 | own) & ANCHOR_MASK;
            other = other >> 2 | complement << (2 * (ANCHOR - 1));
            known = if code < UNKNOWN { known + 1 } else { 0 };
            if known < ANCHOR {
                continue;
            }
            for (word, from_end) in [(word, false), (other, true)] {
                let bit = bit_of(word);
                if self.filter[bit / 64] >> (bit % 64) & 1 == 1
                    && let Some(group) = self.by_word.get(&word)
                {
                    let group = &mut self.groups[*group];
                    if group.others < MOST_OTHERS {
                        let start =
                            if from_end { sequence.len() - 1 - at } else { at + 1 - ANCHOR };
                        group.count(Oriented::new(read, from_end), start, places);
                    }
                }
            }
        }
    }
}

impl Group {
    /// Counts the bases of a read whose anchor begins at `start`, but its outermost ones.
    fn count(&mut self, read: Oriented<'_>, start: usize, places: usize) {
        let margin = places.max(1);
        let inner = margin..read.len().saturating_sub(margin);
        // One that testifies of no place before the anchor does not count.
        self.others += u32::from(start > margin && inner.contains(&(start - 1)));
        let places_before = (0..places).map(|place| (place, (start + place).checked_sub(places)));
        let places_behind =
            (0..BEYOND).map(|beyond| (MOST + beyond, Some(start + ANCHOR + beyond)));
        for (place, at) in places_before.chain(places_behind) {
            if let Some(at) = at.filter(|at| inner.contains(at))
                && let Some(count) = self.inner[place].get_mut(usize::from(read.code(at)))
            {
                *count += 1;
            }
        }
    }
}

/// Returns whether a word repeats one or two bases: such words are at many places of a genome.
fn is_simple(word: u64) -> bool {
    (1..=2).any(|period| (word ^ word >> (2 * period)) & (ANCHOR_MASK >> (2 * period)) == 0)
}

fn bit_of(word: u64) -> usize {
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - FILTER_BITS)) as usize
}
