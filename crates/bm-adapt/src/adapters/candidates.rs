//! Words at which an unknown adapter may begin: frequent ones with different bases before them and
//! one base after them.
//!
//! Counting all words of twelve bases takes a large table, in which nearly every word is a cache
//! miss. So their first ten bases are counted, in a table of 1 MB: a word is not more frequent
//! than its first ten bases, and no base is before it more often than before its first nine. What
//! can begin an adapter by these counts is counted with two more bases and the base before. Those
//! that still can are looked at in the reads that have them ([`super::boundary`]), and the few that
//! are left are counted with all their neighbours.

use super::boundary::effective;
use super::reads::Reads;
use super::words::{
    AllWords, K, WordSet, after, before, is_simple, known_parts, reverse_complement, words,
};

/// A candidate has at least this effective number of bases before it, and this fraction of the
/// bases after it are the same.
const BASES_BEFORE: f64 = 2.0;
const SAME_AFTER: f64 = 0.6;

/// The word on the other strand is at least so many times rarer.
const OTHER_STRAND: u32 = 5;

/// Smallest fraction of the occurrences with another than the most frequent base before the word:
/// with less, the effective number of bases is below [`BASES_BEFORE`].
const OTHER_BASES: f64 = 0.18;

/// The same where the last base of the word is given, which leaves fewer occurrences. If the base
/// before is nearly always the same, the adapter does not begin here but before.
const OTHER_BASES_EXACT: f64 = 0.1;

/// Bases of a short word, and the number of such words.
const SHORT: usize = 10;
const SHORT_WORDS: usize = 1 << (2 * SHORT);

/// Most short words that are counted with more bases, in 3 MB: with more, as in samples of few kinds
/// of bases, counting all words of twelve takes less time.
const MOST_STARTS: usize = 1 << 14;

/// Counters for a short word: two more bases, and four bases before it or none.
const ENDS: usize = 1 << (2 * (K - SHORT));
const NONE: usize = 4;
const COUNTERS: usize = ENDS * (NONE + 1);

/// How often words of ten bases begin words of twelve, up to 255.
///
/// They are counted once: when adapters are cut off reads, the numbers are too large, and too many
/// words are counted exactly.
pub(super) struct ShortWords(Box<[u8; SHORT_WORDS]>);

impl ShortWords {
    pub(super) fn new() -> Self {
        Self(zeros(0))
    }

    /// Counts the start of a word of twelve bases.
    #[inline(always)]
    pub(super) fn add(&mut self, word: usize) {
        let count = &mut self.0[(word >> (2 * (K - SHORT))) % SHORT_WORDS];
        *count = count.saturating_add(1);
    }
}

/// A word that occurs often, with different bases before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Frequent {
    /// Its number.
    pub(super) word: usize,
    /// How often it occurs; up to 65,535 in those that were counted once.
    pub(super) count: u32,
}

/// A word at which an adapter may begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Candidate {
    /// Its number.
    pub(super) word: usize,
    /// How often it occurs.
    pub(super) count: u32,
    /// How often its reverse complement occurs.
    pub(super) turned: u32,
}

/// Returns the candidates among words, by the number of all their neighbours in reads: those that
/// occur at least `least` times.
pub(super) fn candidates(reads: &Reads, found: &[usize], least: u8) -> Vec<Candidate> {
    if found.is_empty() {
        return Vec::new();
    }
    let around = |word: &usize| {
        let own = [*word, reverse_complement(*word)];
        own.into_iter().chain(before(*word)).chain(after(*word))
    };
    let mut all: Vec<usize> = found.iter().flat_map(around).collect();
    all.sort_unstable();
    all.dedup();
    let set = WordSet::new(&all);
    let counts = set.counts(reads);
    let count = |word: usize| set.index(word).map_or(0, |index| counts[index]);
    let candidate = |word: &usize| {
        let counts = Neighbours::of(*word, count);
        let Neighbours { own, turned, .. } = counts;
        let is_candidate = own >= u32::from(least) && counts.are_around_a_start();
        is_candidate.then_some(Candidate { word: *word, count: own, turned })
    };
    found.iter().filter_map(candidate).collect()
}

/// Returns words that occur at least `least` times, up to 255, with different bases before them, in
/// the order of their numbers; and the reads that have one of them, and some others. `short` has
/// counted all words of the reads, and maybe more.
pub(super) fn frequent(
    reads: &Reads,
    short: &ShortWords,
    least: u8,
) -> (Vec<Frequent>, Vec<usize>) {
    let starts = Starts::of(&short.0, least);
    if starts.words.len() > MOST_STARTS {
        return (frequent_of_all(reads, least), (0..reads.len()).collect());
    }
    let mut counts = vec![0u16; starts.words.len() * COUNTERS];
    let mut with = vec![false; reads.len()];
    for (read, with) in reads.iter().zip(&mut with) {
        known_parts(read, |_, part| {
            words(part, |at, word| {
                let start = word >> (2 * (K - SHORT));
                if starts.has(start) {
                    *with = true;
                    let before = at.checked_sub(1).map_or(NONE, |at| usize::from(part[at]));
                    let of = starts.rank(start) * COUNTERS + before * ENDS + word % ENDS;
                    counts[of] = counts[of].saturating_add(1);
                }
            });
        });
    }
    let mut found = Vec::new();
    for (start, counts) in starts.words.iter().zip(counts.chunks(COUNTERS)) {
        for end in 0..ENDS {
            let of = |before: usize| u32::from(counts[before * ENDS + end]);
            let (others, all) = others(std::array::from_fn(of));
            let (word, count) = (start * ENDS + end, (0..=NONE).map(of).sum());
            if count >= u32::from(least) && others >= OTHER_BASES_EXACT * all && !is_simple(word) {
                found.push(Frequent { word, count });
            }
        }
    }
    let with = with.into_iter().enumerate().filter(|(_, with)| *with).map(|(index, _)| index);
    (found, with.collect())
}

/// Returns the candidates among all words.
fn frequent_of_all(reads: &Reads, least: u8) -> Vec<Frequent> {
    let counts = AllWords::of(reads);
    let count = |word: usize| u32::from(counts.get(word));
    let may_be = |word: &usize| {
        let counts = Neighbours::of(*word, count);
        !is_simple(*word) && (counts.most() == u32::from(u8::MAX) || counts.are_around_a_start())
    };
    let words: Vec<usize> = counts.frequent(least).filter(may_be).collect();
    let frequent = |found: Candidate| Frequent { word: found.word, count: found.count };
    candidates(reads, &words, least).into_iter().map(frequent).collect()
}

/// How often a word occurs, and its neighbours.
struct Neighbours {
    own: u32,
    turned: u32,
    before: [u32; 4],
    after: [u32; 4],
}

impl Neighbours {
    fn of(word: usize, count: impl Fn(usize) -> u32) -> Self {
        Self {
            own: count(word),
            turned: count(reverse_complement(word)),
            before: before(word).map(&count),
            after: after(word).map(&count),
        }
    }

    /// Returns the largest number.
    fn most(&self) -> u32 {
        let all = self.before.into_iter().chain(self.after);
        all.fold(self.own.max(self.turned), u32::max)
    }

    /// Returns whether an adapter may begin with the word.
    fn are_around_a_start(&self) -> bool {
        let (most, all) = (self.after.iter().max(), self.after.iter().sum::<u32>());
        most.is_some_and(|most| f64::from(*most) >= SAME_AFTER * f64::from(all))
            && effective(&self.before) >= BASES_BEFORE
            && self.turned.saturating_mul(OTHER_STRAND) < self.own
    }
}

/// Returns the sum of all counts but the largest, and of all.
fn others(counts: [u32; 4]) -> (f64, f64) {
    let all: u32 = counts.iter().sum();
    let most = counts.iter().max().copied().unwrap_or(0);
    (f64::from(all - most), f64::from(all))
}

/// Returns a table of so many equal numbers; its length is known when the program is compiled, so
/// that words need no check of bounds.
fn zeros<T: Copy, const N: usize>(zero: T) -> Box<[T; N]> {
    vec![zero; N].try_into().unwrap_or_else(|_| Box::new([zero; N]))
}

/// The short words with which an adapter may begin.
struct Starts {
    words: Vec<usize>,
    /// A bit for each short word.
    bits: Box<[u64; SHORT_WORDS / 64]>,
    /// Number of bits before each of these numbers.
    ranks: Vec<u32>,
}

impl Starts {
    fn of(counts: &[u8; SHORT_WORDS], least: u8) -> Self {
        let may_begin = |word: &usize| {
            let base = |base: usize| u32::from(counts[word >> 2 | base << (2 * (SHORT - 1))]);
            counts[*word] >= least
                && others(std::array::from_fn(base)).0 >= OTHER_BASES * f64::from(least)
                && !(0..ENDS).all(|end| is_simple(word * ENDS + end))
        };
        let words: Vec<usize> = (0..counts.len()).filter(may_begin).collect();
        let mut bits: Box<[u64; SHORT_WORDS / 64]> = zeros(0);
        words.iter().for_each(|word| bits[word / 64] |= 1 << (word % 64));
        let mut before = 0;
        let rank = |bits: &u64| {
            before += bits.count_ones();
            before - bits.count_ones()
        };
        let ranks = bits.iter().map(rank).collect();
        Self { words, bits, ranks }
    }

    #[inline(always)]
    fn has(&self, word: usize) -> bool {
        self.bits[word / 64] >> (word % 64) & 1 == 1
    }

    /// Returns the index of one of the words.
    fn rank(&self, word: usize) -> usize {
        let before = self.bits[word / 64] & ((1 << (word % 64)) - 1);
        self.ranks[word / 64] as usize + before.count_ones() as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bm_reads::ReadRef;

    use super::*;

    /// Reads of a genome with adapters behind some of them, and unknown bases.
    fn reads() -> Reads {
        let mut state = 1u64;
        let mut draw = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 20) as usize % below
        };
        let genome: Vec<u8> = (0..3000).map(|_| b"ACGT"[draw(4)]).collect();
        let mut texts = Vec::new();
        for i in 0..6000 {
            let (start, insert) = (draw(2900), 20 + draw(100));
            let mut text = genome[start..start + insert.min(80)].to_vec();
            // Two with the same first word, one of a short unit, one on both strands.
            let adapters = [
                b"CGTTACGGCATTCAGGATCAAG",
                b"CGTTACGGCATTGTGGATCAAG",
                b"ACACACACACACACACACACAC",
                b"GGAATCTCGTGACATTCGGTAC",
                b"GTACCGAATGTCACGAGATTCC",
                b"TTGCATCCAGTCAACGTAGCCA",
            ];
            text.extend(adapters[i % adapters.len()]);
            text.truncate(80);
            for _ in 0..draw(3) {
                text[draw(80.min(insert))] = b"ACGTN"[draw(5)];
            }
            texts.push(text);
        }
        let read =
            |text: &'static [u8]| ReadRef { name: b"", sequence: text, quality_scores: text };
        Reads::first(texts.into_iter().map(|text| read(text.leak())), usize::MAX, usize::MAX)
    }

    #[test]
    fn no_word_is_lost_and_all_are_counted() {
        let mut reads = reads();
        let (mut short, mut counts) = (ShortWords::new(), BTreeMap::<usize, u32>::new());
        for read in reads.iter() {
            words(read, |_, word| short.add(word));
        }
        // What is cut off afterwards was counted before.
        for index in (0..reads.len()).step_by(10) {
            reads.cut(index, 30);
        }
        for read in reads.iter() {
            words(read, |_, word| *counts.entry(word).or_default() += 1);
        }
        let count = |word: usize| counts.get(&word).copied().unwrap_or(0);
        for least in [20, 50, 200] {
            let (found, with) = frequent(&reads, &short, least);
            assert!(found.is_sorted_by_key(|frequent| frequent.word));
            assert!(found.iter().all(|frequent| frequent.count == count(frequent.word)));
            assert!(found.iter().all(|frequent| !is_simple(frequent.word)));
            let found: Vec<usize> = found.iter().map(|frequent| frequent.word).collect();
            // By its neighbours, and with the base before the word itself.
            let mut exact_before = BTreeMap::<usize, [u32; 4]>::new();
            for (index, read) in reads.iter().enumerate() {
                known_parts(read, |_, part| {
                    words(part, |at, word| {
                        assert!(with.contains(&index) || !found.contains(&word));
                        if at > 0 {
                            exact_before.entry(word).or_default()[usize::from(part[at - 1])] += 1;
                        }
                    });
                });
            }
            let expected: Vec<Candidate> = counts
                .iter()
                .map(|(word, count)| (*word, *count))
                .filter(|(word, all)| {
                    let (before, after) = (before(*word).map(count), after(*word).map(count));
                    let exact = exact_before.get(word).copied().unwrap_or_default();
                    let (exact_others, exact_all) = others(exact);
                    let most = after.iter().max().copied().unwrap_or(0);
                    *all >= u32::from(least)
                        && before.iter().sum::<u32>() >= u32::from(least)
                        && effective(&before) >= BASES_BEFORE
                        && exact_others >= OTHER_BASES_EXACT * exact_all
                        && f64::from(most) >= SAME_AFTER * f64::from(after.iter().sum::<u32>())
                        && count(reverse_complement(*word)) * OTHER_STRAND < *all
                        && !is_simple(*word)
                })
                .map(|(word, all)| Candidate {
                    word,
                    count: all,
                    turned: count(reverse_complement(word)),
                })
                .collect();
            assert!(!expected.is_empty());
            assert!(found.len() > expected.len());
            let mut got = candidates(&reads, &found, least);
            got.retain(|it| before(it.word).map(count).iter().sum::<u32>() >= u32::from(least));
            assert_eq!(got, expected);
            // By the numbers of all words, without the bases before each of them.
            let of_all = frequent_of_all(&reads, least);
            let is_there =
                |it: &Candidate| of_all.contains(&Frequent { word: it.word, count: it.count });
            assert!(expected.iter().all(is_there) && of_all.len() < 2 * expected.len());
        }
    }

    #[test]
    fn the_smallest_fraction_of_other_bases_is_below_two_effective_bases() {
        let most = [820_000, 60_000, 60_000, 60_000];
        assert!(effective(&most) < BASES_BEFORE);
        let (others, all) = others(most);
        assert!((others / all - OTHER_BASES).abs() < 1e-9);
    }
}
