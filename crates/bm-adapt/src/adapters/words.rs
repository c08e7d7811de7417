//! Words of twelve bases on one strand: counting them, and their neighbours.

use bm_reads::base::UNKNOWN;

use super::reads::Reads;

/// Length of a word, in bases. Four to the power of twelve counters fit in memory, and a sample of
/// 25 million bases has a random word once or twice.
pub(super) const K: usize = 12;

const MASK: usize = (1 << (2 * K)) - 1;

/// Calls `f` with the start and the number of each word of a read that has no unknown base.
#[inline(always)]
pub(super) fn words(read: &[u8], mut f: impl FnMut(usize, usize)) {
    let (mut word, mut known) = (0, 0);
    for (at, code) in read.iter().enumerate() {
        word = (word << 2 | usize::from(code & 3)) & MASK;
        known = if *code < UNKNOWN { known + 1 } else { 0 };
        if known >= K {
            f(at + 1 - K, word);
        }
    }
}

/// Returns the number of a word of base codes; `None` if it has an unknown base or another length.
pub(super) fn word(codes: &[u8]) -> Option<usize> {
    let mut found = None;
    words(codes, |_, word| found = Some(word));
    found.filter(|_| codes.len() == K)
}

/// Returns the base codes of a word.
pub(super) fn codes(word: usize) -> [u8; K] {
    std::array::from_fn(|at| (word >> (2 * (K - 1 - at)) & 3) as u8)
}

/// Returns the word on the other strand.
pub(super) fn reverse_complement(word: usize) -> usize {
    codes(word).iter().rev().fold(0, |word, code| word << 2 | usize::from(3 - code))
}

/// Returns whether a word repeats itself: of its ten triplets, fewer than six differ.
///
/// Such words (homopolymers, microsatellites) occur anywhere in a genome, with any bases before
/// them. A random word has nine different triplets.
pub(super) fn is_simple(word: usize) -> bool {
    let triplets = (0..K - 2).fold(0u64, |seen, at| seen | 1 << (word >> (2 * at) & 63));
    triplets.count_ones() < 6
}

/// How often each word occurs in reads, on the strand that was read.
pub(super) struct WordCounts(Vec<u32>);

impl WordCounts {
    /// Counts the words of all reads.
    pub(super) fn of(reads: &Reads) -> Self {
        let mut counts = vec![0u32; MASK + 1];
        for read in reads.iter() {
            words(read, |_, word| counts[word] += 1);
        }
        Self(counts)
    }

    /// Returns how often a word occurs.
    pub(super) fn get(&self, word: usize) -> u32 {
        self.0[word]
    }

    /// Returns the words that occur at least `least` times, in the order of their numbers.
    pub(super) fn frequent(&self, least: u32) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().filter(move |(_, count)| **count >= least).map(|(word, _)| word)
    }

    /// Returns how often each base comes before the first eleven bases of a word.
    pub(super) fn before(&self, word: usize) -> [u32; 4] {
        std::array::from_fn(|base| self.0[word >> 2 | base << (2 * (K - 1))])
    }

    /// Returns how often each base comes after the last eleven bases of a word.
    pub(super) fn after(&self, word: usize) -> [u32; 4] {
        std::array::from_fn(|base| self.0[word << 2 & MASK | base])
    }
}
