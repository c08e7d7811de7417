//! Which bases of a read the run's words support, and which they contradict.
//!
//! A word of twelve bases is *frequent* if other reads have it, too. A base that is in no frequent
//! word is probably wrong if the words with another base in its place are frequent; otherwise
//! nothing is known: a place may be read once.
//!
//! How much this says depends on the run and is measured: in a large genome, most words occur
//! somewhere, and nothing follows.

use std::ops::Range;

use bm_reads::base::{UNKNOWN, code};

use crate::planes::{BITS, Codes};
use crate::sample::{K, MASK, Sample};

/// A frequent word occurs at least so many times, and at least this fraction of the median of all
/// words of reads.
const FEWEST: u16 = 4;
const OF_MEDIAN: f64 = 0.05;

/// Nothing is asked where there are more frequent words than this fraction of [`WORDS`], or fewer of
/// those of reads.
const MOST_FREQUENT: f64 = 0.1;
const FEWEST_OF_READS: f64 = 0.5;

/// An eighth of all words of twelve bases. The fraction of it that is frequent is taken for the chance
/// that a base's words are frequent with another base for no reason: genomes repeat themselves.
const WORDS: f64 = (1 << 21) as f64;

/// Smallest probability that a base is right although the words contradict it: few molecules may
/// have it.
const RARE_ALLELE: f64 = 1e-3;

/// Bits of the table for each frequent word, if it does not get larger than 512 kB, which a near cache
/// holds: few words that are not frequent are taken for it, one in a thousand (in the largest, 1 %).
const BITS_OF_WORD: usize = 64;
const MOST_BITS: usize = 1 << 22;

/// Bits of the table that lie in one line of a cache: both of a word do.
const LINE: usize = 512;

/// The frequent words, and what they are worth.
#[derive(Clone, Debug)]
pub(crate) struct Support {
    /// Two bits for each frequent word, both in one line ([`places_of`]): a Bloom filter in blocks
    /// (Putze, Sanders and Singler 2007, Cache-, Hash- and Space-Efficient Bloom Filters).
    frequent: Vec<u64>,
    /// The number of bits of the table is 2 to the power of it.
    log_bits: u32,
    /// Likelihood ratio of a wrong base to a right one, if the words contradict it.
    contradicted: f32,
}

/// Memory for one thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    codes: Codes,
    /// Where words begin that are not frequent, of those that lie side by side.
    pub(crate) doubted: Vec<usize>,
    covered: Vec<bool>,
}

impl Support {
    /// Returns what the words of the sample say of reads like these; `None` if it is next to nothing.
    pub(crate) fn of<'a>(sample: &Sample, reads: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut counts: Vec<u16> = Vec::new();
        for read in reads {
            words(read, |word| counts.push(sample.times(word as u32)));
        }
        if counts.is_empty() {
            return None;
        }
        let middle = counts.len() / 2;
        let median = *counts.select_nth_unstable(middle).1;
        let least = FEWEST.max((OF_MEDIAN * f64::from(median)).ceil() as u16);
        let of_reads = counts.iter().filter(|count| **count >= least).count();
        let of_reads = of_reads as f64 / counts.len() as f64;
        let mut number = 0usize;
        sample.words_with(least, |_| number += 1);
        let of_all = number as f64 / WORDS;
        if of_all > MOST_FREQUENT || of_reads < FEWEST_OF_READS {
            return None;
        }
        let bits = (BITS_OF_WORD * number).next_power_of_two().clamp(LINE, MOST_BITS);
        let mut support = Self {
            frequent: vec![0; bits / BITS],
            log_bits: bits.trailing_zeros(),
            contradicted: 0.0,
        };
        sample.words_with(least, |word| {
            for place in support.places_of(of_planes(word)) {
                support.frequent[place / BITS] |= 1 << (place % BITS);
            }
        });
        let rare = ((1.0 - of_reads) * 3.0 * of_all).max(RARE_ALLELE);
        support.contradicted = (of_reads / rare) as f32;
        Some(support)
    }

    /// Returns whether a word is frequent; a few others are taken for it, too.
    #[inline(always)]
    fn is_frequent(&self, word: usize) -> bool {
        let has = |place: usize| self.frequent[place / BITS] >> (place % BITS) & 1 == 1;
        let [first, second] = self.places_of(word);
        // Without a branch: which of a read's words are frequent cannot be predicted.
        has(first) & has(second)
    }

    /// Returns the bits of a word, in one line of the table.
    #[inline(always)]
    fn places_of(&self, word: usize) -> [usize; 2] {
        // An odd number near the golden ratio in 64 bits (Knuth, The Art of Computer Programming 6.4):
        // the highest bits of a product depend on all of the word.
        let hash = (word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let first = (hash >> (u64::BITS - self.log_bits)) as usize;
        let second = (hash >> (u64::BITS - self.log_bits - LINE.trailing_zeros())) as usize % LINE;
        [first, first / LINE * LINE + second]
    }

    /// Finds the words of a read, of those that lie side by side and cover all its bases, that are not
    /// frequent; returns how many there are.
    pub(crate) fn doubt(&self, sequence: &[u8], memory: &mut Memory) -> usize {
        memory.doubted.clear();
        if sequence.len() < K {
            return 0;
        }
        memory.codes.fill(sequence);
        let all_known = memory.codes.is_known();
        let words = sequence.len() / K;
        for first in (0..words).step_by(BITS) {
            let number = BITS.min(words - first);
            // Without a branch for each word, so that the table is asked about several at once.
            let mut doubted = (0..number).fold(0u64, |doubted, word| {
                let is_frequent = self.is_frequent(memory.word((first + word) * K));
                doubted | u64::from(!is_frequent) << word
            });
            if !all_known {
                let unknown = |word: &usize| !memory.codes.are_known((first + word) * K, K);
                doubted = (0..number).filter(unknown).fold(doubted, |bits, word| bits | 1 << word);
            }
            while doubted != 0 {
                memory.doubted.push((first + doubted.trailing_zeros() as usize) * K);
                doubted &= doubted - 1;
            }
        }
        // The last word ends with the read.
        let last = sequence.len() - K;
        if !self.is_frequent(memory.word(last)) || !memory.codes.are_known(last, K) {
            memory.doubted.push(last);
        }
        memory.doubted.len()
    }

    /// Raises the error probability of the bases of a part of a read that the words contradict, after
    /// [`Support::doubt`] was asked about the read.
    pub(crate) fn weigh(&self, part: Range<usize>, errors: &mut [f32], memory: &mut Memory) {
        let bases = errors.len();
        if bases < K {
            return;
        }
        let all_known = memory.codes.is_known();
        let is_frequent = |start: usize, memory: &Memory| {
            self.is_frequent(memory.word(start)) && (all_known || memory.codes.are_known(start, K))
        };
        memory.covered.clear();
        memory.covered.resize(bases, true);
        let inside = |start: &usize| start + K > part.start && *start < part.end;
        for number in 0..memory.doubted.len() {
            let start = memory.doubted[number];
            if inside(&start) {
                memory.covered[start..start + K].fill(false);
            }
        }
        // Each word is asked about once, also where it overlaps two that are doubted.
        let mut asked = 0;
        for number in 0..memory.doubted.len() {
            let start = memory.doubted[number];
            if !inside(&start) {
                continue;
            }
            // Others that overlap it may be frequent.
            let near = start.saturating_sub(K - 1).max(asked)..(start + K).min(bases - K + 1);
            asked = near.end;
            for near in near {
                if is_frequent(near, memory) {
                    memory.covered[near..near + K].fill(true);
                }
            }
        }
        for at in part {
            if !memory.covered[at] && self.contradicts(at, bases, memory) {
                errors[at] = posterior(errors[at], self.contradicted);
            }
        }
    }

    /// Returns whether the words next to a base that none covers would be frequent with another base
    /// in its place.
    fn contradicts(&self, at: usize, bases: usize, memory: &Memory) -> bool {
        let is_covered = |at: usize| memory.covered.get(at).copied().unwrap_or(false);
        // On the side of covered bases, the word differs by this base alone.
        let before = at >= K && is_covered(at - 1);
        let behind = at + K < bases && is_covered(at + 1);
        if !before && !behind {
            return false;
        }
        // The word without the base at one of its places, and with each other one.
        let with = |start: usize, base: usize| {
            let place = at - start;
            let word = memory.word(start) & !(1 << place | 1 << (place + K));
            self.is_frequent(word | (base & 1) << place | (base >> 1) << (place + K))
        };
        let known = |start: usize, base: usize| memory.codes.are_known(start, base);
        (0..4).any(|base| {
            (!before || known(at + 1 - K, K - 1) && with(at + 1 - K, base))
                && (!behind || known(at + 1, K - 1) && with(at, base))
        })
    }
}

impl Memory {
    /// Returns the number of the word that begins at a base, which is inside the read.
    #[inline(always)]
    fn word(&self, start: usize) -> usize {
        let (word, shift) = (start / BITS, start % BITS);
        let bits = |plane: &[u64]| {
            let both = u128::from(plane[word]) | u128::from(plane[word + 1]) << BITS;
            (both >> shift) as usize & ((1 << K) - 1)
        };
        let [low, high] = &self.codes.planes;
        bits(low) | bits(high) << K
    }
}

/// Returns the posterior probability, by the prior one and the likelihood ratio.
#[inline(always)]
fn posterior(prior: f32, ratio: f32) -> f32 {
    prior * ratio / (1.0 - prior + prior * ratio)
}

/// Returns the number that a word has here, by that in a [`Sample`]: the low bits of the bases' codes
/// (A 0, C 1, T 2, G 3), the first base lowest, then the high bits, as [`Codes`] have them.
fn of_planes(word: usize) -> usize {
    // A, C, G, T as the planes have them.
    const CODES: [usize; 4] = [0b00, 0b01, 0b11, 0b10];
    (0..K).fold(0, |number, place| {
        let code = CODES[word >> (2 * (K - 1 - place)) & 3];
        number | (code & 1) << place | (code >> 1) << (place + K)
    })
}

/// Calls `f` with the number of each word of a read in a [`Sample`].
fn words(read: &[u8], mut f: impl FnMut(usize)) {
    let (mut word, mut known) = (0, 0);
    for letter in read {
        let code = code(*letter);
        word = (word << 2 | usize::from(code & 3)) & MASK;
        known = if code < UNKNOWN { known + 1 } else { 0 };
        if known >= K {
            f(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Words;

    fn random(bases: usize) -> Vec<u8> {
        let mut seed = 7u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b"ACGT"[(seed >> 60) as usize & 3]
        };
        (0..bases).map(|_| next()).collect()
    }

    fn count(sample: &mut Sample, sequence: &[u8]) {
        let mut words = Words::of_bases(sequence.len());
        words.add(sequence);
        sample.count(&words);
    }

    /// A genome, and what its words say.
    fn known() -> (Vec<u8>, Support) {
        let genome = random(3000);
        let mut sample = Sample::new([1; 4]);
        sample.clear();
        (0..50).for_each(|_| count(&mut sample, &genome));
        let support = Support::of(&sample, genome.chunks(100)).expect("words");
        (genome, support)
    }

    fn weighed(support: &Support, read: &[u8]) -> Vec<f32> {
        let mut errors = vec![0.01; read.len()];
        let mut memory = Memory::default();
        if support.doubt(read, &mut memory) > 0 {
            support.weigh(0..read.len(), &mut errors, &mut memory);
        }
        errors
    }

    #[test]
    fn bases_of_frequent_words_stay_as_they_are() {
        let (genome, support) = known();
        for read in [&genome[..150], &genome[7..19], &genome[100..177]] {
            assert!(weighed(&support, read).iter().all(|error| *error == 0.01));
        }
        let other: Vec<u8> =
            genome[40..300].iter().rev().map(|base| bm_reads::base::complement(*base)).collect();
        assert!(weighed(&support, &other).iter().all(|error| *error == 0.01));
    }

    #[test]
    fn a_base_that_the_words_contradict_is_wrong_wherever_it_is() {
        let (genome, support) = known();
        let mut missed = 0;
        for at in 0..150 {
            let mut read = genome[500..650].to_vec();
            read[at] = if read[at] == b'A' { b'G' } else { b'A' };
            let errors = weighed(&support, &read);
            // A few words are taken for frequent ones.
            missed += usize::from(errors[at] < 0.5);
            let others = errors.iter().enumerate().filter(|(other, _)| *other != at);
            assert!(others.clone().all(|(_, error)| *error == 0.01), "{at}");
            // Nothing is raised outside the part that is asked about.
            let (mut errors, mut memory) = (vec![0.01; 150], Memory::default());
            if support.doubt(&read, &mut memory) > 0 {
                support.weigh(at + 1..150, &mut errors, &mut memory);
            }
            assert_eq!(errors, [0.01; 150]);
        }
        assert!(missed <= 2, "{missed}");
    }

    #[test]
    fn few_words_are_taken_for_frequent_ones() {
        let (genome, support) = known();
        let frequent: std::collections::HashSet<&[u8]> = genome.windows(K).collect();
        let mut memory = Memory::default();
        let mut taken = 0;
        let others = random(500_000);
        // Not of the genome, which begins with the same bases.
        let others = &others[genome.len()..];
        for word in others.chunks_exact(K).filter(|word| !frequent.contains(word)) {
            taken += usize::from(support.doubt(word, &mut memory) == 0);
        }
        // Those of the other strand are not counted out: 6,000 of 16.8 million.
        assert!(taken as f64 / ((others.len() / K) as f64) < 2e-3, "{taken}");
        for word in genome.windows(K) {
            assert_eq!(support.doubt(word, &mut memory), 0);
        }
    }

    #[test]
    fn what_nobody_else_read_is_not_doubted() {
        let (genome, support) = known();
        // The first half is of the genome, the other one of another.
        let other: Vec<u8> = genome[1000..1070].iter().map(|base| *base ^ 0b10).collect();
        let other: Vec<u8> =
            other.iter().map(|base| if *base == b'V' { b'T' } else { *base }).collect();
        let read = [&genome[200..270], &other].concat();
        let errors = weighed(&support, &read);
        assert!(errors[..69].iter().all(|error| *error == 0.01));
        assert!(errors[85..].iter().filter(|error| **error > 0.0101).count() <= 2);
        let unknown = [&genome[200..230], b"NNNNN", &genome[235..270]].concat();
        let errors = weighed(&support, &unknown);
        let known = errors.iter().enumerate().filter(|(at, _)| !(30..35).contains(at));
        assert!(known.clone().all(|(_, error)| *error == 0.01));
        assert_eq!(weighed(&support, b"ACGT"), [0.01; 4]);
    }

    #[test]
    fn words_that_occur_everywhere_say_nothing() {
        let mut sample = Sample::new([1; 4]);
        sample.clear();
        let reads = random(2_000_000);
        (0..4).for_each(|_| count(&mut sample, &reads));
        assert!(Support::of(&sample, reads.chunks(100)).is_none());
        assert!(Support::of(&sample, std::iter::empty()).is_none());
    }
}
