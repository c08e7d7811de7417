//! Where the insert of a pair ends, by the bases that its mates have in common.

use bm_reads::ReadRef;
use bm_reads::base::{UNKNOWN, code};

use crate::adapter::{SCORES, error_probability};
use crate::planes::{BITS, Counters, LANES, Planes};
use crate::tails::Sum;

/// Shortest insert that is looked for.
const SHORTEST: usize = 16;

/// Bases in a word of two bits per base.
const BASES: usize = 32;
const LOW_BITS: u64 = 0x5555_5555_5555_5555;

/// Places at which more than this part of the first word's bases differ are left out, and those at
/// which more than this part of all bases differ.
const DIFFER_FIRST: f32 = 0.4;
const DIFFER: f32 = 0.3;

/// A difference that no error explains: both strands of a molecule may be damaged.
const DAMAGE: f64 = 1e-3;

/// ln of a likelihood ratio that decides against an overlap.
const SURELY_NOT: f32 = -40.0;

/// Memory for finding overlaps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// The first mate, and the reverse complement of the second one: two bits per base.
    ours: Vec<u64>,
    theirs: Vec<u64>,
    /// The letters of the second mate, from the last one on, and where they are.
    reverse: Vec<u8>,
    planes: Planes,
}

/// How likely bases that lie opposite each other are, by their Phred scores.
#[derive(Clone, Debug)]
pub(crate) struct Overlaps {
    /// ln of the likelihood ratio where the bases agree, and where they do not.
    ratios: Vec<[f32; 2]>,
}

impl Overlaps {
    pub(crate) fn new() -> Self {
        let ratio = |index: usize| {
            let [ours, theirs] =
                [index / SCORES, index % SCORES].map(|score| error_probability(score as u8));
            // Both right, or both wrong with the same base; one of them wrong, or both differently.
            let agree = (1.0 - ours) * (1.0 - theirs) + ours * theirs / 3.0;
            let differ = ours * (1.0 - theirs) + theirs * (1.0 - ours) + ours * theirs * 2.0 / 3.0;
            // Unrelated bases agree in one of four cases.
            [(4.0 * agree).ln() as f32, (4.0 / 3.0 * differ + DAMAGE).ln() as f32]
        };
        Self { ratios: (0..SCORES * SCORES).map(ratio).collect() }
    }

    /// Returns ln P(mates | insert of `insert` bases) − ln P(mates | they do not overlap).
    pub(crate) fn ratio(&self, insert: usize, mates: [ReadRef<'_>; 2]) -> f32 {
        let [ours, theirs] = mates;
        let (from, to) = (insert.saturating_sub(theirs.len()), insert.min(ours.len()));
        let score = |byte: u8| usize::from(byte.saturating_sub(b'!')).min(SCORES - 1);
        let mut sum = 0.0;
        for at in from..to {
            let opposite = insert - 1 - at;
            let (one, other) = (code(ours.sequence[at]), code(theirs.sequence[opposite]));
            if one >= UNKNOWN || other >= UNKNOWN {
                continue;
            }
            let scores =
                score(ours.quality_scores[at]) * SCORES + score(theirs.quality_scores[opposite]);
            sum += self.ratios[scores][usize::from(one != 3 - other)];
            if sum < SURELY_NOT {
                break;
            }
        }
        sum
    }
}

/// Appends the lengths of inserts, no longer than the longer mate, at which the mates may be the two
/// strands of one molecule.
pub(crate) fn inserts(mates: [ReadRef<'_>; 2], memory: &mut Memory, found: &mut Vec<usize>) {
    let [ours, theirs] = mates;
    let length = theirs.len();
    let longest = ours.len().max(length);
    pack_mates(mates, memory);
    if ours.len().min(length) < SHORTEST {
        return;
    }
    let Memory { ours: first, theirs: second, reverse, planes } = memory;
    let packed = Packed { first, second, lengths: [ours.len(), length] };
    let mut check = |insert: usize| {
        if packed.are_alike(insert) == Some(true) {
            found.push(insert);
        }
    };
    if ours.len() < BASES || length < BASES {
        (SHORTEST..=longest).for_each(check);
    } else {
        (SHORTEST..BASES).for_each(&mut check);
        // Where both have a whole word of the first mate, all lengths are looked at together.
        reverse.clear();
        reverse.extend(theirs.sequence.iter().rev());
        planes.fill(reverse);
        for block in (0..planes.blocks()).rev() {
            let words = planes.block(block);
            let mut differing = Counters::default();
            for (offset, letter) in ours.sequence[..BASES].iter().enumerate() {
                // The other strand has the complement; an unknown base is A, as in packed words.
                let words = &words[usize::from(3 - (code(*letter) & 3))];
                differing.add(Planes::differs(words, offset as u32));
            }
            for lane in (0..LANES).rev() {
                let word = block * LANES + lane;
                let inside = Planes::range(0, length + 1 - BASES, word);
                let mut starts = differing.at_most_twelve(lane) & inside;
                while starts != 0 {
                    let highest = BITS - 1 - starts.leading_zeros() as usize;
                    starts &= !(1 << highest);
                    check(length - (word * BITS + highest));
                }
            }
        }
        (length + 1..=longest).for_each(check);
    }
}

/// Packs the mates, to look for [`longer_inserts`]. [`inserts`] does this, too.
pub(crate) fn pack_mates(mates: [ReadRef<'_>; 2], memory: &mut Memory) {
    let [ours, theirs] = mates;
    pack(ours.sequence.iter().map(|letter| code(*letter) & 3), &mut memory.ours);
    pack(theirs.sequence.iter().rev().map(|letter| !code(*letter) & 3), &mut memory.theirs);
}

/// Appends the lengths of inserts, from `shortest` on, which is at least as long as both mates, at which
/// the mates that were packed last may be the two strands of one molecule.
pub(crate) fn longer_inserts(
    mates: [ReadRef<'_>; 2],
    shortest: usize,
    memory: &Memory,
    found: &mut Vec<usize>,
) {
    let lengths = mates.map(|mate| mate.len());
    let packed = Packed { first: &memory.ours, second: &memory.theirs, lengths };
    let longer = shortest..(lengths[0] + lengths[1]).saturating_sub(SHORTEST - 1);
    found.extend(longer.filter(|insert| packed.are_alike(*insert) == Some(true)));
}

/// Returns ln of the mean of P(mates | insert) / P(mates | they do not overlap) over all inserts longer
/// than the mates, whose overlaps [`inserts`] looked for last.
pub(crate) fn longer(overlaps: &Overlaps, mates: [ReadRef<'_>; 2], memory: &Memory) -> f32 {
    let lengths = mates.map(|mate| mate.len());
    let (longest, all) = (lengths[0].max(lengths[1]), lengths[0] + lengths[1]);
    let packed = Packed { first: &memory.ours, second: &memory.theirs, lengths };
    let mut sum = Sum::default();
    for insert in longest..all {
        if packed.are_alike(insert) != Some(false) {
            sum.add(overlaps.ratio(insert, mates));
        }
    }
    sum.ln() - ((all - longest).max(1) as f32).ln()
}

/// The first mate, and the reverse complement of the second one, two bits per base, and their lengths.
struct Packed<'a> {
    first: &'a [u64],
    second: &'a [u64],
    lengths: [usize; 2],
}

impl Packed<'_> {
    /// Returns whether the mates may be the two strands of an insert of this length; `None` if they
    /// would have only few bases in common.
    fn are_alike(&self, insert: usize) -> Option<bool> {
        let [ours, theirs] = self.lengths;
        // Where the bases begin that both have, in one mate and in the reverse of the other.
        let (from, start) = (insert.saturating_sub(theirs), theirs.saturating_sub(insert));
        let common = insert.min(ours).saturating_sub(from);
        if common < SHORTEST {
            return None;
        }
        let differ = |word: usize| {
            let bases = common - word * BASES;
            let inside = if bases < BASES { (1u64 << (2 * bases)) - 1 } else { u64::MAX };
            let one = word_at(self.first, from + word * BASES);
            let unlike = (one ^ word_at(self.second, start + word * BASES)) & inside;
            ((unlike | unlike >> 1) & LOW_BITS).count_ones()
        };
        let first = differ(0);
        if first as f32 > DIFFER_FIRST * common.min(BASES) as f32 {
            return Some(false);
        }
        let all = first + (1..common.div_ceil(BASES)).map(differ).sum::<u32>();
        Some(all as f32 <= DIFFER * common as f32)
    }
}

/// Packs codes, two bits each, the first in the lowest bits; a word of zeros follows.
fn pack(codes: impl Iterator<Item = u8>, words: &mut Vec<u64>) {
    words.clear();
    let (mut word, mut bits) = (0, 0);
    for code in codes {
        word |= u64::from(code) << bits;
        bits += 2;
        if bits == u64::BITS {
            words.push(word);
            (word, bits) = (0, 0);
        }
    }
    words.extend([word, 0]);
}

/// Returns the 32 bases from a position on.
#[inline(always)]
fn word_at(words: &[u64], position: usize) -> u64 {
    let (word, shift) = (position / BASES, 2 * (position % BASES));
    if shift == 0 {
        return words[word];
    }
    words[word] >> shift | words[word + 1] << (u64::BITS as usize - shift)
}

#[cfg(test)]
mod tests {
    use bm_reads::base::complement;

    use super::*;

    fn read<'a>(sequence: &'a [u8], quality_scores: &'a [u8]) -> ReadRef<'a> {
        ReadRef { name: b"", sequence, quality_scores }
    }

    fn random(length: usize, mut seed: u64) -> Vec<u8> {
        let mut next = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            b"ACGT"[(seed >> 60) as usize & 3]
        };
        (0..length).map(|_| next()).collect()
    }

    /// Mates of an insert, followed by unrelated bases.
    fn mates(insert: usize, lengths: [usize; 2], seed: u64) -> [Vec<u8>; 2] {
        let molecule = random(insert, seed);
        let other: Vec<u8> = molecule.iter().rev().map(|base| complement(*base)).collect();
        let end = |strand: Vec<u8>, length: usize, seed| {
            [strand, random(length, seed)].concat()[..length].to_vec()
        };
        [end(molecule, lengths[0], seed + 1), end(other, lengths[1], seed + 2)]
    }

    #[test]
    fn the_insert_of_mates_is_found_whatever_their_lengths() {
        let overlaps = Overlaps::new();
        for (insert, lengths) in [
            (16, [100, 100]),
            (31, [60, 60]),
            (32, [60, 90]),
            (64, [80, 64]),
            (99, [100, 100]),
            (120, [150, 121]),
            (90, [100, 60]),
            (19, [20, 40]),
            (25, [60, 30]),
            (64, [300, 280]),
            (277, [300, 280]),
            (90, [60, 100]),
        ] {
            let [mut one, other] = mates(insert, lengths, insert as u64);
            if insert > 20 {
                one[3] = complement(one[3]);
            }
            let scores = [vec![b'I'; lengths[0]], vec![b'I'; lengths[1]]];
            let pair = [read(&one, &scores[0]), read(&other, &scores[1])];
            let mut found = Vec::new();
            inserts(pair, &mut Memory::default(), &mut found);
            assert!(found.contains(&insert), "{insert} in {lengths:?}: {found:?}");
            for length in SHORTEST..lengths[0] + lengths[1] - SHORTEST {
                let ratio = overlaps.ratio(length, pair);
                assert_eq!(ratio > 5.0, length == insert, "{length} for {insert}: {ratio}");
            }
        }
    }

    #[test]
    fn unrelated_reads_have_no_insert() {
        let (one, other, scores) = (random(150, 5), random(150, 77), vec![b'I'; 150]);
        let mut found = Vec::new();
        inserts([read(&one, &scores), read(&other, &scores)], &mut Memory::default(), &mut found);
        assert!(found.is_empty(), "{found:?}");
        inserts([read(b"", b""), read(&other, &scores)], &mut Memory::default(), &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
}
