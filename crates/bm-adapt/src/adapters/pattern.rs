//! Where reads show a sequence.

use bm_reads::base::{UNKNOWN, bases_of};

/// Known bases of an adapter that a read has to show; all of them if the adapter has fewer.
pub(super) const VISIBLE: usize = 12;

/// In a read, one base in this many may differ from the adapter, over at most this many bases.
const DIFFER_ONE_IN: usize = 6;
const COMPARED: usize = 32;

/// Set of all bases, that of an unknown one.
const ANY: u8 = 15;

/// Bases of a group, and the most groups that are looked for.
const GROUP: usize = 4;
const GROUPS: usize = 16;

/// Most values of a group: of three known bases, and any one.
const VALUES: usize = 4;

/// A sequence to look for: the bases that each position may have.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// Bit `1 << code` for each base: positions up to the last one that is compared.
    bases: Vec<u8>,
    /// Number of positions that are not [`ANY`].
    known: usize,
    /// Groups of four bases, one after the other: bit `1 << i` for each value that the group `i` may
    /// have.
    ///
    /// If a read shows more whole groups than bases may differ, at least one group is as expected.
    /// Few places in reads have one. `None` where reads may show fewer groups.
    groups: Option<Box<[u16; 1 << (2 * GROUP)]>>,
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
        let groups = groups(&bases, VISIBLE.min(known));
        Self { bases, known, groups }
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
        let Some(groups) = &self.groups else { return (0..read.len()).find(shows) };
        let (mut value, mut first) = (0u8, None);
        for (last, code) in read.iter().enumerate() {
            value = value << 2 | (code & 3);
            let mut possible = groups[usize::from(value)];
            while possible != 0 {
                let bases = GROUP * (possible.trailing_zeros() as usize + 1);
                let at = (last + 1).checked_sub(bases);
                if let Some(at) = at.filter(|at| first.is_none_or(|first| *at < first) && shows(at))
                {
                    first = Some(at);
                }
                possible &= possible - 1;
            }
        }
        first
    }
}

/// Returns the groups of a pattern, of which reads show `needed` known bases or more.
fn groups(pattern: &[u8], needed: usize) -> Option<Box<[u16; 1 << (2 * GROUP)]>> {
    let mut groups = Box::new([0; 1 << (2 * GROUP)]);
    let (mut whole, mut known) = (0, 0);
    for (at, bases) in pattern.iter().enumerate() {
        known += usize::from(*bases != ANY);
        if (at + 1) % GROUP == 0 && at / GROUP < GROUPS {
            let group = &pattern[at + 1 - GROUP..=at];
            let has = |value: &usize| {
                (0..GROUP).all(|at| group[at] >> (value >> (2 * (GROUP - 1 - at)) & 3) & 1 == 1)
            };
            let values: Vec<usize> = (0..groups.len()).filter(has).collect();
            if values.len() <= VALUES {
                whole += 1;
                values.iter().for_each(|value| groups[*value] |= 1 << (at / GROUP));
            }
        }
        if known >= needed && whole <= known / DIFFER_ONE_IN {
            return None;
        }
    }
    Some(groups)
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
        fn groups_lose_nothing(
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
