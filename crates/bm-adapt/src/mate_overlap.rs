//! How long the insert of a pair is, by the overlap of its mates.
//!
//! Both mates read the same molecule from its two ends. If it is shorter than both reads together,
//! the reverse complement of the second mate overlaps the first one, and the place where it does
//! gives the length of the insert. An insert that is shorter than a read ends inside it: what
//! follows is adapter.

use bm_reads::base::UNKNOWN;

/// Fewest overlapping bases.
const SHORTEST: usize = 20;

/// Longer reads are left alone: the time grows with the product of the lengths.
const LONGEST_READ: usize = 1000;

/// One base in this many may differ: the errors of both reads.
const DIFFER_ONE_IN: usize = 8;

/// Log-odds in nats of a compared base that agrees or differs: with errors in 5 % of the bases,
/// against unrelated bases.
const AGREES: f64 = 1.335;
const DIFFERS: f64 = -2.708;

/// Least log-odds of an overlap: unrelated reads of 270 bases reach 9.
const LEAST: f64 = 16.0;

/// By how much the log-odds of the best place must be above those of the second best: in repeats of
/// short units, several places are nearly as good.
const MARGIN: f64 = 10.0;

/// Bases in a word, with two bits each, and in a byte of it.
const WORD: usize = 32;

/// The insert of a pair.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Insert {
    /// Number of bases. The first mate's bases from here on, and the second mate's, are not of the
    /// insert.
    pub(crate) length: usize,
    /// Known bases that both mates have.
    pub(crate) compared: usize,
    /// Those of them that differ.
    pub(crate) differ: usize,
}

/// Finds the inserts of pairs. It keeps its memory from pair to pair.
#[derive(Debug, Default)]
pub(crate) struct MateOverlap {
    /// Base codes of the second mate's reverse complement.
    reversed: Vec<u8>,
    /// The word that begins at each base of the first mate, and of that.
    words: [Vec<u64>; 2],
    /// Lengths of inserts that may be.
    possible: Vec<usize>,
}

impl MateOverlap {
    /// Returns the insert of a pair by the base codes of both mates; `None` if the mates do not
    /// overlap by 20 bases, if more than one base in eight differs, or if two lengths are nearly as
    /// likely, as in low-complexity sequence.
    pub(crate) fn insert(&mut self, first: &[u8], second: &[u8]) -> Option<Insert> {
        let (one, other) = (first.len(), second.len());
        if !(SHORTEST..=LONGEST_READ).contains(&one) || !(SHORTEST..=LONGEST_READ).contains(&other)
        {
            return None;
        }
        self.reversed.clear();
        self.reversed.extend(second.iter().rev().map(|code| match *code {
            UNKNOWN.. => UNKNOWN,
            code => 3 - code,
        }));
        fill_words(&mut self.words[0], first);
        fill_words(&mut self.words[1], &self.reversed);
        self.find_possible(one, other);
        let (mut best, mut second_best) = (None, 0.0);
        let mut most = 0.0;
        for length in &self.possible {
            let insert = compare(first, &self.reversed, *length);
            let odds = insert.log_odds();
            if odds > most {
                (second_best, most, best) = (most, odds, Some(insert));
            } else if odds > second_best {
                second_best = odds;
            }
        }
        best.filter(|insert: &Insert| {
            most >= LEAST
                && most - second_best >= MARGIN
                && insert.differ * DIFFER_ONE_IN <= insert.compared
        })
    }

    /// Finds the lengths at which the first words of the overlap have four equal bases at two places.
    fn find_possible(&mut self, one: usize, other: usize) {
        let [ours, theirs] = &self.words;
        self.possible.clear();
        // The insert ends inside the second mate or with it: the overlap begins with the first mate.
        let word = ours[0];
        for (length, theirs) in (SHORTEST..=other).zip(theirs[..=other - SHORTEST].iter().rev()) {
            if have_equal_bytes(word, *theirs) {
                self.possible.push(length);
            }
        }
        // It is longer: the overlap begins with the reverse complement.
        let word = theirs[0];
        for (start, ours) in ours[..=one - SHORTEST].iter().enumerate().skip(1) {
            if have_equal_bytes(word, *ours) {
                self.possible.push(other + start);
            }
        }
    }
}

impl Insert {
    fn log_odds(&self) -> f64 {
        (self.compared - self.differ) as f64 * AGREES + self.differ as f64 * DIFFERS
    }
}

/// Returns the words that begin at each base: after the last base comes what has no bits.
fn fill_words(words: &mut Vec<u64>, codes: &[u8]) {
    words.clear();
    words.resize(codes.len(), 0);
    let mut word = 0u64;
    for (code, place) in codes.iter().zip(words).rev() {
        word = word >> 2 | u64::from(code & 3) << (2 * (WORD - 1));
        *place = word;
    }
}

/// Returns whether two words have two equal bytes: of 32 bases, six that differ leave so many. Few
/// unrelated words have.
#[inline(always)]
fn have_equal_bytes(one: u64, other: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let differ = one ^ other;
    // A byte without bits borrows from the next one, which may be marked, too: none is lost.
    let equal = differ.wrapping_sub(ONES) & !differ & (ONES << 7);
    // The highest byte of the product is the number of marks.
    (equal >> 7).wrapping_mul(ONES) >> 56 > 1
}

/// Compares two mates for one length of the insert.
fn compare(first: &[u8], reversed: &[u8], length: usize) -> Insert {
    let (ours, theirs) = if length <= reversed.len() {
        (first, &reversed[reversed.len() - length..])
    } else {
        (&first[length - reversed.len()..], reversed)
    };
    let overlap = ours.len().min(theirs.len());
    let (mut compared, mut differ) = (0, 0);
    // In parts, so that the numbers of a part fit in a byte.
    for (ours, theirs) in ours[..overlap].chunks(128).zip(theirs[..overlap].chunks(128)) {
        let (mut known, mut same) = (0u8, 0u8);
        for (ours, theirs) in ours.iter().zip(theirs) {
            let both = u8::from(*ours < UNKNOWN) & u8::from(*theirs < UNKNOWN);
            known += both;
            same += both & u8::from(ours == theirs);
        }
        compared += usize::from(known);
        differ += usize::from(known - same);
    }
    Insert { length, compared, differ }
}

#[cfg(test)]
mod tests {
    use bm_reads::base::{code, letter};
    use proptest::prelude::*;

    use super::*;

    fn codes(text: &str) -> Vec<u8> {
        text.bytes().map(code).collect()
    }

    fn reversed(codes: &[u8]) -> Vec<u8> {
        codes.iter().rev().map(|code| if *code < UNKNOWN { 3 - code } else { UNKNOWN }).collect()
    }

    fn insert(first: &[u8], second: &[u8]) -> Option<usize> {
        MateOverlap::default().insert(first, second).map(|insert| insert.length)
    }

    /// Bases without repeats.
    fn bases(count: usize, seed: u64) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..count)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 33) as u8 & 3
            })
            .collect()
    }

    /// The mates of a molecule between two adapters.
    fn mates(molecule: &[u8], lengths: [usize; 2]) -> [Vec<u8>; 2] {
        let adapter = |seed: u64| bases(400, 1000 + seed);
        let mut made = [
            [molecule, &adapter(1)].concat(),
            [reversed(molecule).as_slice(), &adapter(2)].concat(),
        ];
        made.iter_mut().zip(lengths).for_each(|(read, length)| read.truncate(length));
        made
    }

    #[test]
    fn every_length_of_the_insert_is_found() {
        for lengths in [[100, 100], [150, 80], [40, 120], [20, 20]] {
            for length in 20..lengths[0] + lengths[1] - 20 {
                let [first, second] = mates(&bases(length, length as u64), lengths);
                assert_eq!(insert(&first, &second), Some(length), "{lengths:?}");
            }
            for length in [lengths[0] + lengths[1] - 19, 500] {
                let [first, second] = mates(&bases(length, 7), lengths);
                assert_eq!(insert(&first, &second), None, "{lengths:?} {length}");
            }
        }
        let [first, second] = mates(&bases(19, 3), [100, 100]);
        assert_eq!(insert(&first, &second), None);
    }

    #[test]
    fn one_base_in_eight_may_differ_and_unknown_bases_are_not_compared() {
        let [mut first, second] = mates(&bases(80, 1), [100, 100]);
        for at in (0..80).step_by(8) {
            first[at] = 3 - first[at];
        }
        let mut overlap = MateOverlap::default();
        let found = overlap.insert(&first, &second);
        assert_eq!(found, Some(Insert { length: 80, compared: 80, differ: 10 }));
        first[79] = 3 - first[79];
        assert_eq!(overlap.insert(&first, &second), None);
        first[79] = UNKNOWN;
        assert_eq!(overlap.insert(&first, &second), None);
        first[72] = UNKNOWN;
        let found = overlap.insert(&first, &second);
        assert_eq!(found, Some(Insert { length: 80, compared: 78, differ: 9 }));
    }

    #[test]
    fn nothing_is_found_where_several_lengths_are_likely() {
        for unit in ["A", "AC", "ACG", "ACGTT", "ACGTTGC"] {
            let molecule = codes(&unit.repeat(300 / unit.len()));
            let [first, second] = mates(&molecule, [100, 100]);
            assert_eq!(insert(&first, &second), None, "{unit}");
        }
        assert_eq!(insert(&[UNKNOWN; 100], &[UNKNOWN; 100]), None);
        assert_eq!(insert(&[], &codes("ACGT")), None);
    }

    #[test]
    fn mates_with_the_same_bases_have_no_insert() {
        for seed in 0..200 {
            let read = bases(150, seed);
            assert_eq!(insert(&read, &read), None);
        }
        // As two reads of one strand and of both have: the insert is as long as the reads.
        let read = bases(150, 5);
        assert_eq!(insert(&read, &reversed(&read)), Some(150));
    }

    proptest! {
        #[test]
        fn anything_is_compared(first in "[ACGTN]{0,80}", second in "[ACGTN]{0,80}") {
            if let Some(found) = MateOverlap::default().insert(&codes(&first), &codes(&second)) {
                prop_assert!((SHORTEST..=first.len() + second.len()).contains(&found.length));
                prop_assert!(found.compared >= 12 && found.differ < found.compared);
            }
        }

        #[test]
        fn mates_may_be_exchanged(length in 20usize..250, seed in 0u64..99) {
            let [first, second] = mates(&bases(length, seed), [150, 120]);
            prop_assert_eq!(insert(&first, &second), insert(&second, &first));
            let shown: String = first.iter().map(|code| char::from(letter(*code))).collect();
            prop_assert_eq!(codes(&shown), first);
        }
    }
}
