//! Where reads show a sequence.

use bm_reads::base::{UNKNOWN, bases_of};

/// Known bases of an adapter that a read has to show; all of them if the adapter has fewer.
pub(super) const VISIBLE: usize = 12;

/// In a read, one base in this many may differ from the adapter, over at most this many bases.
const DIFFER_ONE_IN: usize = 6;
const COMPARED: usize = 32;

/// Set of all bases, that of an unknown one.
const ANY: u8 = 15;

/// Bases in a word that is compared at once, with two bits for each, and in a byte of it.
const WORD: usize = 32;
const BYTE: usize = 4;

/// A sequence to look for: the bases that each position may have.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// Bit `1 << code` for each base: positions up to the last one that is compared.
    bases: Vec<u8>,
    /// Number of positions that are not [`ANY`].
    known: usize,
    /// The first positions as a word, if it can exclude anything.
    seed: Option<Seed>,
}

/// The first positions of a pattern. Four bases share a byte.
///
/// If more bytes have a known base than bases may differ, at least one byte of a read that shows
/// the pattern is as expected. That is so in 3 % of other reads' places.
#[derive(Clone, Copy, Debug)]
struct Seed {
    bases: u64,
    /// The bits that are compared.
    compared: u64,
    /// The lowest bit of bytes in which nothing is compared.
    nothing: u64,
    /// Number of positions.
    length: usize,
}

impl Pattern {
    /// Returns the pattern of base codes; [`UNKNOWN`] is any base.
    pub(super) fn of_codes(codes: &[u8]) -> Self {
        Self::new(codes.iter().map(|code| if *code < UNKNOWN { 1 << code } else { ANY }))
    }

    /// Returns the pattern of IUPAC letters.
    pub(super) fn of_letters(letters: &str) -> Self {
        Self::new(letters.bytes().map(bases_of))
    }

    fn new(all: impl Iterator<Item = u8>) -> Self {
        let (mut bases, mut known) = (Vec::new(), 0);
        for of in all {
            if known == COMPARED {
                break;
            }
            known += usize::from(of != ANY);
            bases.push(of);
        }
        let seed = Seed::new(&bases, known / DIFFER_ONE_IN);
        Self { bases, known, seed }
    }

    /// Returns the number of known bases that a read from here on shows, if it begins with the
    /// pattern: at least twelve, or all, of which one in six may differ.
    #[inline]
    pub(super) fn begins(&self, tail: &[u8]) -> Option<usize> {
        let (mut compared, mut differ) = (0, 0);
        let most = self.known / DIFFER_ONE_IN;
        for (code, bases) in tail.iter().zip(&self.bases) {
            if *bases != ANY {
                compared += 1;
                differ += usize::from(bases >> code & 1 == 0);
                if differ > most {
                    return None;
                }
            }
        }
        let enough = compared >= VISIBLE.min(self.known);
        (enough && differ <= compared / DIFFER_ONE_IN).then_some(compared)
    }

    /// Returns the first place at which a read shows the pattern.
    pub(super) fn first(&self, read: &[u8]) -> Option<usize> {
        let shows = |at: &usize| self.begins(&read[*at..]).is_some();
        let Some(seed) = self.seed.filter(|seed| seed.length <= read.len()) else {
            return (0..read.len()).find(shows);
        };
        let mut word = 0;
        for (end, code) in read.iter().enumerate() {
            word = word << 2 | u64::from(code & 3);
            if end + 1 >= seed.length && seed.is_like(word) {
                let at = end + 1 - seed.length;
                if shows(&at) {
                    return Some(at);
                }
            }
        }
        (read.len() + 1 - seed.length..read.len()).find(shows)
    }
}

impl Seed {
    /// Returns the seed of a pattern of which at most `may_differ` bases differ in a read, if there
    /// is one.
    fn new(pattern: &[u8], may_differ: usize) -> Option<Self> {
        let length = pattern.len().min(WORD);
        let (mut bases, mut compared) = (0, 0);
        for of in &pattern[..length] {
            let one = of.is_power_of_two();
            bases = bases << 2 | if one { u64::from(of.trailing_zeros()) } else { 0 };
            compared = compared << 2 | if one { 3 } else { 0 };
        }
        let bytes = (0..WORD / BYTE).map(|byte| (byte, compared >> (8 * byte) & 0xff));
        let nothing = bytes
            .clone()
            .filter(|(_, bits)| *bits == 0)
            .fold(0, |all, (byte, _)| all | 1 << (8 * byte));
        let informative = bytes.filter(|(_, bits)| *bits > 0).count();
        (informative > may_differ).then_some(Self { bases, compared, nothing, length })
    }

    /// Returns whether at least one byte of a word is as expected.
    #[inline(always)]
    fn is_like(&self, word: u64) -> bool {
        const ONES: u64 = 0x0101_0101_0101_0101;
        let differ = (word ^ self.bases) & self.compared | self.nothing;
        // A byte without bits borrows from the next one: some words pass that should not, none is
        // lost.
        differ.wrapping_sub(ONES) & !differ & (ONES << 7) != 0
    }
}

#[cfg(test)]
mod tests {
    use bm_reads::base::code;
    use proptest::prelude::*;

    use super::*;

    fn codes(text: &str) -> Vec<u8> {
        text.bytes().map(code).collect()
    }

    #[test]
    fn twelve_known_bases_or_all_have_to_be_seen() {
        let long = Pattern::of_letters("AGATCGGAAGAGCACACG");
        assert_eq!(long.first(&codes("TTTTTAGATCGGAAGAG")), Some(5));
        assert_eq!(long.first(&codes("TTTTTAGATCGGAAGA")), None);
        let short = Pattern::of_letters("CGTTA");
        assert_eq!(short.first(&codes("TTTTTCGTTAGG")), Some(5));
        assert_eq!(short.first(&codes("TTTTTCGTTAG")), Some(5));
        assert_eq!(short.first(&codes("TTTTTCGTCAG")), None);
        assert_eq!(short.first(&codes("")), None);
        // Unknown bases of the pattern are not seen, and those of reads differ.
        let gap = Pattern::of_letters("CGTTANNNNNNNNGGCATTCR");
        assert_eq!(gap.first(&codes("TTCGTTAACGTACGTGGCATTC")), Some(2));
        assert_eq!(gap.first(&codes("TTCGTTAACGTACGTGGCATT")), None);
        assert_eq!(gap.first(&codes("TTCGTTAACGTACGTNGCATTCA")), Some(2));
        assert_eq!(gap.first(&codes("TTCGTTAACGTACGTNNNATTCA")), None);
    }

    #[test]
    fn one_base_in_six_may_differ() {
        let pattern = Pattern::of_letters("CGTTACGGCATTCAGGATCAAGTCCTGATGACCTGA");
        for (differ, found) in [(5, Some(3)), (6, None)] {
            let mut read = codes("AAACGTTACGGCATTCAGGATCAAGTCCTGATGACCTGAAA");
            (0..differ).for_each(|i| read[4 + 5 * i] = 3 - read[4 + 5 * i]);
            assert_eq!(pattern.first(&read), found, "{differ}");
        }
    }

    proptest! {
        #[test]
        fn the_seed_loses_nothing(
            pattern in "[ACGTNRY]{4,40}",
            read in "[ACGTN]{0,60}",
            at in 0usize..60,
            errors in proptest::collection::vec(0usize..40, 0..7),
        ) {
            let mut read = codes(&read);
            let mut copy = codes(&pattern.replace('R', "G").replace('Y', "T").replace('N', "C"));
            for error in errors {
                let length = copy.len();
                copy[error % length] = error as u8 % 5;
            }
            let at = at.min(read.len());
            read.splice(at..at, copy);
            let pattern = Pattern::of_letters(&pattern);
            let slow = (0..read.len()).find(|at| pattern.begins(&read[*at..]).is_some());
            prop_assert_eq!(pattern.first(&read), slow);
        }
    }
}
