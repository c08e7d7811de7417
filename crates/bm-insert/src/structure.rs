//! What a library has at an end of its reads, in words.

use std::fmt;
use std::ops::RangeInclusive;

use bm_reads::ReadRef;
use bm_reads::base::{UNKNOWN, letter};
use serde::{Deserialize, Serialize};

use crate::overlay::Oriented;

/// A base is the same in all reads if its place has at most this entropy, in bits, and random if it
/// has at least the other.
const SAME: f64 = 0.5;
const RANDOM: f64 = 1.8;

/// Bases that vary are words of a list if there are at most so many different ones, and they are
/// fewer than one in so many of all that are possible.
const MOST_WORDS: f64 = 400.0;
const OF_POSSIBLE: f64 = 4.0;

/// Most of such bases may be one added base.
const ADDED: f64 = 0.8;

/// A number of bases is rare if fewer than one in so many of the reads that have any have it.
const RARE: usize = 12;

/// The same for numbers that are not named, and for those beside one base more.
const NEGLIGIBLE: usize = 50;
const BY_CHANCE: usize = 4;

/// Where in a read something is that is not of the sample.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Place {
    /// At its start.
    Start,
    /// At its end.
    End,
    /// In front of the adapter that it runs into.
    BeforeAdapter,
}

impl Place {
    pub(crate) fn number(self) -> usize {
        self as usize
    }
}

/// What the bases are.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Part {
    /// So many bases that differ from read to read, as those of a molecular identifier.
    Random(usize),
    /// So many bases that are one of a list of about so many words, as those of a barcode.
    Words(usize, usize),
    /// The same bases in all reads, as those of a primer or a linker.
    Same(String),
    /// One base several times, as template switching adds.
    Added(char),
    /// A base that is another one in this part of the cases at the outermost places: the damage of old
    /// molecules.
    Turned {
        /// The base.
        from: char,
        /// What it is turned into.
        to: char,
        /// In which part of the cases.
        rate: f64,
    },
    /// So many bases of none of these kinds.
    Other(usize),
}

/// Bases at one end of the reads of one mate that a library has and the sample has not.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Structure {
    /// Where they are.
    pub place: Place,
    /// 0 for first mates and single reads, 1 for second mates.
    pub mate: usize,
    /// Fraction of the reads that have them.
    pub fraction: f64,
    /// Their number, from the fewest to the most.
    pub bases: RangeInclusive<usize>,
    /// What they are, from the end of the read inwards.
    pub parts: Vec<Part>,
}

impl Structure {
    /// Returns what reads have at a place, of these numbers of bases, of which some are sure; `None` if
    /// they have none.
    pub(crate) fn of(
        place: Place,
        mate: usize,
        reads: &[ReadRef<'_>],
        numbers: &[usize],
        is_sure: &[bool],
    ) -> Option<Self> {
        let with = numbers.iter().filter(|number| **number > 0).count();
        let count = |wanted: usize| numbers.iter().filter(|number| **number == wanted).count();
        let counts = |number: &usize| {
            let own = count(*number);
            // The innermost base is the sample's by chance.
            *number > 0 && NEGLIGIBLE * own >= with && BY_CHANCE * own > count(number + 1)
        };
        let longest = numbers.iter().copied().max()?;
        let [fewest, most] = [(1..=longest).find(counts)?, (1..=longest).rfind(counts)?];
        // The number that most have, or the longest that is not rare: shorter ones may be a part of it.
        let is_rare = |number: &usize| RARE * count(*number) < with;
        let bases = (1..=most)
            .find(|number| 2 * count(*number) > with)
            .or_else(|| (1..=most).rfind(|number| !is_rare(number)))?;
        let from_end = place != Place::Start;
        let words_of = |of_all: bool| -> Vec<Vec<u8>> {
            let reads = reads.iter().map(|read| Oriented::new(*read, from_end));
            let with = reads.zip(numbers).zip(is_sure).filter(|((read, number), is_sure)| {
                **number == bases && (of_all || **is_sure) && read.len() >= bases
            });
            with.map(|((read, _), _)| (0..bases).map(|place| read.code(place)).collect()).collect()
        };
        let sure = words_of(false);
        let words = if sure.is_empty() { words_of(true) } else { sure };
        let mut parts = parts_of(&words, bases);
        if from_end {
            // As they stand in the read.
            parts.iter_mut().for_each(Part::reverse);
        }
        let fraction = with as f64 / reads.len().max(1) as f64;
        Some(Self { place, mate, fraction, bases: fewest..=most, parts })
    }
}

impl Part {
    /// Turns it to the other strand.
    fn reverse(&mut self) {
        let other = |base: char| match base {
            'A' => 'T',
            'C' => 'G',
            'G' => 'C',
            'T' => 'A',
            other => other,
        };
        match self {
            Self::Same(letters) => *letters = letters.chars().rev().map(other).collect(),
            Self::Added(base) => *base = other(*base),
            _ => {}
        }
    }
}

/// Returns what bases are, from the outermost inwards.
fn parts_of(words: &[Vec<u8>], bases: usize) -> Vec<Part> {
    let mut all = [0.0f64; 4];
    let counts: Vec<[f64; 4]> = (0..bases)
        .map(|place| {
            let mut counts = [0.0; 4];
            for word in words.iter().filter(|word| word[place] < UNKNOWN) {
                counts[usize::from(word[place])] += 1.0;
                all[usize::from(word[place])] += 1.0;
            }
            counts
        })
        .collect();
    let most = (0..4).max_by(|a, b| all[*a].total_cmp(&all[*b])).unwrap_or(0);
    if all[most] >= ADDED * all.iter().sum::<f64>() && bases > 0 {
        return vec![Part::Added(char::from(letter(most as u8)))];
    }
    let entropies: Vec<f64> = counts.iter().map(entropy_of_place).collect();
    let mut parts = Vec::new();
    let mut from = 0;
    while from < bases {
        let is_same = entropies[from] <= SAME;
        let to = (from..bases)
            .take_while(|place| (entropies[*place] <= SAME) == is_same)
            .last()
            .map_or(from + 1, |last| last + 1);
        parts.push(if is_same {
            let most = |counts: &[f64; 4]| {
                (0..4u8)
                    .max_by(|a, b| counts[usize::from(*a)].total_cmp(&counts[usize::from(*b)]))
                    .unwrap_or(UNKNOWN)
            };
            Part::Same(counts[from..to].iter().map(|c| char::from(letter(most(c)))).collect())
        } else {
            varied(words, &entropies, from, to)
        });
        from = to;
    }
    parts
}

/// Returns what bases are that differ from read to read.
fn varied(words: &[Vec<u8>], entropies: &[f64], from: usize, to: usize) -> Part {
    let mut own: Vec<&[u8]> = words.iter().map(|word| &word[from..to]).collect();
    own.sort_unstable();
    let counts: Vec<f64> = own.chunk_by(|a, b| a == b).map(|same| same.len() as f64).collect();
    let different = entropy(&counts).exp2();
    let possible = 4f64.powi((to - from).min(16) as i32).min(own.len() as f64);
    if different <= MOST_WORDS && different <= possible / OF_POSSIBLE {
        Part::Words(to - from, different.round() as usize)
    } else if entropies[from..to].iter().all(|entropy| *entropy >= RANDOM) {
        Part::Random(to - from)
    } else {
        Part::Other(to - from)
    }
}

/// Returns the entropy of the bases at a place, in bits. Few reads show too little of it: Miller's
/// correction (1955).
fn entropy_of_place(counts: &[f64; 4]) -> f64 {
    let all = counts.iter().sum::<f64>().max(1.0);
    let different = counts.iter().filter(|count| **count > 0.0).count().max(1) as f64;
    (entropy(counts) + (different - 1.0) / (2.0 * all * std::f64::consts::LN_2)).min(2.0)
}

/// Returns the entropy of counts, in bits.
fn entropy(counts: &[f64]) -> f64 {
    let all = counts.iter().sum::<f64>().max(1.0);
    let of = |count: &f64| count / all * (all / count).log2();
    counts.iter().filter(|count| **count > 0.0).map(of).sum()
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bases = |many: usize| if many == 1 { "base" } else { "bases" };
        match self {
            Self::Random(many) => write!(f, "{many} random {}", bases(*many)),
            Self::Words(many, words) => write!(f, "{many} {} of {words} words", bases(*many)),
            Self::Same(letters) => f.write_str(letters),
            Self::Added(base) => write!(f, "added {base}"),
            Self::Turned { from, to, rate } => {
                write!(f, "{:.0} % of {from} turned into {to}", 100.0 * rate)
            }
            Self::Other(many) => write!(f, "{many} other {}", bases(*many)),
        }
    }
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fewest, most) = (self.bases.start(), self.bases.end());
        if matches!(self.parts[..], [Part::Turned { .. }]) {
            write!(f, "{most} bases with ")?;
        }
        for (number, part) in self.parts.iter().enumerate() {
            let before = if number > 0 { ", " } else { "" };
            write!(f, "{before}{part}")?;
        }
        let place = match self.place {
            Place::Start => "at the start",
            Place::End => "at the end",
            Place::BeforeAdapter => "before the adapter",
        };
        if fewest == most {
            write!(f, " {place}")
        } else {
            write!(f, " ({fewest} to {most} bases) {place}")
        }
    }
}
