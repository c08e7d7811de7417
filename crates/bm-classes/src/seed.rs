//! The seeds of a sequence: the compared bases of each window, the same on both strands.

use bm_kmers::is_sampled;
use bm_kmers::kmer::mix;
use bm_reads::base::UNKNOWN;

use crate::pattern::Pattern;

/// Longest period of repeats that seeds are not taken from.
const LONGEST_PERIOD: usize = 4;

/// A window is simple if more than this many in ten of its bases are those one period before.
const SIMPLE: u32 = 7;

/// One seed of a sequence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Seed {
    /// Position of the first base of the window.
    pub(crate) at: u32,
    /// Whether the hash is that of the sequence's own strand.
    pub(crate) is_forward: bool,
    /// Hash of the compared bases.
    pub(crate) hash: u64,
    /// All bases of the window, two bits each.
    window: u64,
}

impl Seed {
    /// Returns whether the window repeats one to four bases: reads of any genome have such windows,
    /// so they are not indexed. Those of reads need no check: they are not found.
    #[inline(always)]
    pub(crate) fn is_simple(&self, pattern: &Pattern) -> bool {
        const ONES: u64 = u64::MAX / 3;
        (1..=LONGEST_PERIOD).any(|period| {
            let compared = (pattern.span() - period) as u32;
            let differing = self.window ^ self.window >> (2 * period);
            let equal = !(differing | differing >> 1) & ONES & ((1 << (2 * compared)) - 1);
            equal.count_ones() * 10 > compared * SIMPLE
        })
    }
}

/// Calls `take` for each seed of a sequence of base codes, from first to last. Windows with unknown
/// bases have none; of the others, one in 2^`level` is taken, by its hash.
#[inline(always)]
pub(crate) fn each(codes: &[u8], pattern: &Pattern, level: u32, mut take: impl FnMut(Seed)) {
    let (span, mask) = (pattern.span(), pattern.mask());
    let (all, top) = ((1u64 << (2 * span)) - 1, 2 * (span - 1));
    let (mut forward, mut backward, mut known) = (0u64, 0u64, 0);
    for (end, code) in codes.iter().enumerate() {
        if *code >= UNKNOWN {
            known = 0;
            continue;
        }
        forward = (forward << 2 | u64::from(*code)) & all;
        backward = backward >> 2 | u64::from(3 - code) << top;
        known += 1;
        if known < span {
            continue;
        }
        let (ahead, back) = (forward & mask, backward & mask);
        let hash = mix(ahead.min(back));
        if is_sampled(hash, level) {
            let at = (end + 1 - span) as u32;
            take(Seed { at, is_forward: ahead <= back, hash, window: forward });
        }
    }
}

#[cfg(test)]
mod tests {
    use bm_reads::base;
    use proptest::prelude::*;

    use super::*;

    fn seeds(codes: &[u8], pattern: &Pattern) -> Vec<Seed> {
        let mut seeds = Vec::new();
        each(codes, pattern, 0, |seed| seeds.push(seed));
        seeds
    }

    fn pattern() -> Pattern {
        Pattern::parse("111010011110010111").expect("a pattern")
    }

    proptest! {
        #[test]
        fn both_strands_have_the_same_seeds(codes in prop::collection::vec(0u8..5, 0..120)) {
            let other = |code: &u8| if *code < UNKNOWN { 3 - code } else { *code };
            let reverse: Vec<u8> = codes.iter().rev().map(other).collect();
            let (ahead, back) = (seeds(&codes, &pattern()), seeds(&reverse, &pattern()));
            prop_assert_eq!(ahead.len(), back.len());
            for (one, other) in ahead.iter().zip(back.iter().rev()) {
                prop_assert_eq!(one.hash, other.hash);
                prop_assert_eq!(one.is_simple(&pattern()), other.is_simple(&pattern()));
                prop_assert_eq!(one.at as usize + other.at as usize + 18, codes.len());
            }
        }

        #[test]
        fn only_compared_bases_count(codes in prop::collection::vec(0u8..4, 18), change in 1u8..4) {
            let before = seeds(&codes, &pattern());
            let mut changed = codes;
            changed[3] = (changed[3] + change) % 4;
            let after = seeds(&changed, &pattern());
            if let ([one], [other]) = (&before[..], &after[..]) {
                prop_assert_eq!(one.hash, other.hash);
            }
        }
    }

    #[test]
    fn repeats_are_simple() {
        for unit in ["A", "AC", "ACG", "AACG"] {
            let codes: Vec<u8> = unit.repeat(40).bytes().map(base::code).collect();
            let pattern = pattern();
            assert!(seeds(&codes, &pattern).iter().all(|seed| seed.is_simple(&pattern)), "{unit}");
        }
    }
}
