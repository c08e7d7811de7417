//! Words of twelve bases on one strand: their neighbours, and where reads have them.

use bm_reads::base::UNKNOWN;

use super::reads::Reads;

/// Length of a word, in bases. Four to the power of twelve counters fit in memory, and a sample of
/// 25 million bases has a random word once or twice.
pub(super) const K: usize = 12;

const MASK: usize = (1 << (2 * K)) - 1;

/// Calls `f` with the start and the number of each word of a read that has no unknown base.
#[inline(always)]
pub(super) fn words(read: &[u8], mut f: impl FnMut(usize, usize)) {
    known_parts(read, |start, part| {
        let (first, rest) = part.split_at(part.len().min(K - 1));
        let mut word = number(first);
        for (at, code) in rest.iter().enumerate() {
            word = (word << 2 | usize::from(*code)) & MASK;
            f(start + at, word);
        }
    });
}

/// Calls `f` with the start and the codes of each part of a read between unknown bases.
#[inline(always)]
pub(super) fn known_parts(read: &[u8], mut f: impl FnMut(usize, &[u8])) {
    // All codes at once: few reads have unknown bases.
    if read.iter().fold(0, |all, code| all | code) < UNKNOWN {
        return f(0, read);
    }
    let mut start = 0;
    for part in read.split(|code| *code >= UNKNOWN) {
        f(start, part);
        start += part.len() + 1;
    }
}

/// Returns the number of known base codes: two bits for each, the last ones of many.
#[inline(always)]
pub(super) fn number(codes: &[u8]) -> usize {
    codes.iter().fold(0, |number, code| number << 2 | usize::from(*code))
}

/// Returns the number of a word of base codes; `None` if it has an unknown base or another length.
pub(super) fn word(codes: &[u8]) -> Option<usize> {
    let mut found = None;
    words(codes, |_, word| found = Some(word));
    found.filter(|_| codes.len() == K)
}

/// Returns the word on the other strand.
pub(super) fn reverse_complement(word: usize) -> usize {
    const LOW: u32 = 0x5555_5555;
    // Reversed bit by bit, the two bits of each base are exchanged.
    let reversed = (!(word as u32) << (32 - 2 * K)).reverse_bits();
    ((reversed >> 1 & LOW) | (reversed & LOW) << 1) as usize
}

/// Returns whether a word repeats itself: of its ten triplets, fewer than six differ.
///
/// Such words (homopolymers, microsatellites) occur anywhere in a genome, with any bases before
/// them. A random word has nine different triplets.
pub(super) fn is_simple(word: usize) -> bool {
    let triplets = (0..K - 2).fold(0u64, |seen, at| seen | 1 << (word >> (2 * at) & 63));
    triplets.count_ones() < 6
}

/// Returns the words whose first eleven bases follow each base.
pub(super) fn before(word: usize) -> [usize; 4] {
    std::array::from_fn(|base| word >> 2 | base << (2 * (K - 1)))
}

/// Returns the words that begin with the last eleven bases of a word.
pub(super) fn after(word: usize) -> [usize; 4] {
    std::array::from_fn(|base| word << 2 & MASK | base)
}

/// A read and the place of a word in it.
pub(super) type Place = (usize, usize);

/// Bits of a word by which most words that are not in a set are told from it: few for a small set,
/// so that the table stays in the nearest cache.
const FILTER: u32 = 14;
const LARGE_FILTER: u32 = 18;
const LARGE: usize = 1 << 8;

/// Some words, to be found among those of reads.
pub(super) struct WordSet<'a> {
    words: &'a [usize],
    /// Whether a word of the set has these last bits.
    filter: Vec<bool>,
    /// Index of each word, plus one, at its number times a constant, or later.
    slots: Vec<u32>,
}

impl<'a> WordSet<'a> {
    /// Returns the set of words that are all different.
    pub(super) fn new(words: &'a [usize]) -> Self {
        let bits = if words.len() < LARGE { FILTER } else { LARGE_FILTER };
        let mut set = Self {
            words,
            filter: vec![false; 1 << bits],
            slots: vec![0; (2 * words.len()).next_power_of_two().max(2)],
        };
        for (index, word) in words.iter().enumerate() {
            let bits = word & (set.filter.len() - 1);
            set.filter[bits] = true;
            let mut slot = set.slot(*word);
            while set.slots[slot] > 0 {
                slot = (slot + 1) & (set.slots.len() - 1);
            }
            set.slots[slot] = index as u32 + 1;
        }
        set
    }

    fn slot(&self, word: usize) -> usize {
        // The golden ratio in 32 bits (Knuth, The Art of Computer Programming 6.4).
        (word.wrapping_mul(0x9e37_79b9) >> 12) & (self.slots.len() - 1)
    }

    /// Returns the index of a word of the set.
    #[inline(always)]
    pub(super) fn index(&self, word: usize) -> Option<usize> {
        // The length is a power of two.
        if self.filter[word & (self.filter.len() - 1)] { self.search(word) } else { None }
    }

    #[inline(never)]
    fn search(&self, word: usize) -> Option<usize> {
        let mut slot = self.slot(word);
        loop {
            let index = (self.slots[slot] as usize).checked_sub(1)?;
            if self.words[index] == word {
                return Some(index);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// Returns how often each word occurs in reads.
    pub(super) fn counts(&self, reads: &Reads) -> Vec<u32> {
        let mut counts = vec![0; self.words.len()];
        for read in reads.iter() {
            words(read, |_, word| {
                if let Some(index) = self.index(word) {
                    counts[index] += 1;
                }
            });
        }
        counts
    }

    /// Returns the place of the first occurrence of each word in each of these reads, at most `most`
    /// per word. Calls `f` with the number of each word of the reads.
    pub(super) fn places(
        &self,
        reads: &Reads,
        indices: impl IntoIterator<Item = usize>,
        most: usize,
        mut f: impl FnMut(usize),
    ) -> Vec<Vec<Place>> {
        let mut found: Vec<Vec<Place>> = vec![Vec::new(); self.words.len()];
        for index in indices {
            words(reads.read(index), |at, word| {
                f(word);
                if let Some(of) = self.index(word)
                    && found[of].len() < most
                    && found[of].last().is_none_or(|(last, _)| *last != index)
                {
                    found[of].push((index, at));
                }
            });
        }
        found
    }
}

/// How often each word occurs in reads, up to 255: 16 MB.
pub(super) struct AllWords(Vec<u8>);

impl AllWords {
    /// Counts the words of all reads.
    pub(super) fn of(reads: &Reads) -> Self {
        let mut counts = vec![0u8; MASK + 1];
        for read in reads.iter() {
            words(read, |_, word| counts[word] = counts[word].saturating_add(1));
        }
        Self(counts)
    }

    /// Returns how often a word occurs, up to 255.
    pub(super) fn get(&self, word: usize) -> u8 {
        self.0[word]
    }

    /// Returns the words that occur at least `least` times, in the order of their numbers.
    pub(super) fn frequent(&self, least: u8) -> impl Iterator<Item = usize> {
        let is_frequent = move |(_, count): &(usize, &u8)| **count >= least;
        self.0.iter().enumerate().filter(is_frequent).map(|(word, _)| word)
    }

    /// Returns the fraction of the occurrences of words that occur on the other strand, too.
    ///
    /// Words that occur once are left out: in a large genome, their number says nothing. So are
    /// those that occur `below` times or more.
    pub(super) fn strand_symmetry(&self, below: u8) -> f64 {
        let (mut all, mut both) = (0u64, 0u64);
        for (word, count) in self.0.iter().enumerate() {
            if (2..below).contains(count) {
                all += u64::from(*count);
                both += u64::from(*count.min(&self.get(reverse_complement(word))));
            }
        }
        both as f64 / all.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use bm_reads::ReadRef;
    use bm_reads::base::code;

    use super::*;

    #[test]
    fn words_end_at_unknown_bases() {
        let codes: Vec<u8> =
            b"ACGTTGCAAGCTTANCCATGGNACGTTGCAAGCT".iter().map(|l| code(*l)).collect();
        let mut found = Vec::new();
        words(&codes, |at, word| found.push((at, word)));
        let expected = [0, 1, 2, 22].map(|at| (at, number(&codes[at..at + K])));
        assert_eq!(found, expected);
        assert_eq!(before(found[1].1)[0], found[0].1);
        assert!(after(found[0].1).contains(&found[1].1));
        assert_eq!(word(&codes[..K]), Some(found[0].1));
        let turned: Vec<u8> = codes[..K].iter().rev().map(|code| 3 - code).collect();
        assert_eq!(reverse_complement(found[0].1), number(&turned));
        assert_eq!((word(&codes[5..5 + K]), word(&codes[..K - 1])), (None, None));
    }

    #[test]
    fn words_of_a_set_are_counted_and_placed() {
        let text = "ACGTTGCAAGCTTACGTTGCAAGCT";
        let read = |text: &'static str| ReadRef {
            name: b"read",
            sequence: text.as_bytes(),
            quality_scores: text.as_bytes(),
        };
        let reads = Reads::first([text, "A", text].map(read), 9, 999);
        let mut sought: Vec<usize> = (0..5000).collect();
        sought.extend([0, 1].map(|at| number(&reads.read(0)[at..at + K])));
        let set = WordSet::new(&sought);
        assert!(sought.iter().enumerate().all(|(at, word)| set.index(*word) == Some(at)));
        assert_eq!(set.index(5000), None);
        assert_eq!(&set.counts(&reads)[4999..], [0, 4, 2]);
        let mut all = 0;
        let mut places =
            |indices: &[usize], most| set.places(&reads, indices.to_vec(), most, |_| all += 1);
        assert_eq!(&places(&[0, 1, 2], 9)[5000..], [[(0, 0), (2, 0)], [(0, 1), (2, 1)]]);
        assert_eq!(&places(&[0, 1, 2], 1)[5000..], [[(0, 0)], [(0, 1)]]);
        assert_eq!(&places(&[2], 9)[5000..], [[(2, 0)], [(2, 1)]]);
        assert_eq!(all, 5 * (text.len() + 1 - K));
    }

    #[test]
    fn strands_are_compared_by_words_that_are_neither_rare_nor_frequent() {
        let text = "ACGTTGCAAGCTTAC";
        let turned = "GTAAGCTTGCAACGT";
        let symmetry = |of: &[&'static str]| {
            let read = |text: &&'static str| ReadRef {
                name: b"read",
                sequence: text.as_bytes(),
                quality_scores: text.as_bytes(),
            };
            AllWords::of(&Reads::first(of.iter().map(read), 9, 999)).strand_symmetry(4)
        };
        assert_eq!(symmetry(&[text, text]), 0.0);
        assert_eq!(symmetry(&[text, text, turned, turned]), 1.0);
        assert_eq!(symmetry(&[text, text, turned]), 0.5);
        assert_eq!(symmetry(&[text, turned]), 0.0);
        assert_eq!(symmetry(&[text, text, text, text, turned, turned]), 1.0);
    }
}
