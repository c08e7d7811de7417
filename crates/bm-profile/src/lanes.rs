//! Counts of short reads by cycle, in small numbers side by side: loops over them compile to the vector
//! instructions of the machine and stay in the nearest cache. From time to time they are added up.

use bm_reads::Phred;
use pulp::{Arch, Simd, WithSimd};

use crate::cycles::{PLAIN, at};
use crate::exact_sum::Units;
use crate::read_set::{ReadSet, SCORES};
use crate::scores::Scores;
use crate::vectors::{BYTES, padded};

/// Largest error probabilities of Q20 and Q30.
pub(crate) const AT_LEAST: [f32; 2] = [0.01, 0.001];

/// Reads after which letters and error probabilities are added up: counts of one byte hold as many.
const MOST_READS: u32 = 255;

/// Reads after which all counts are added up: those of scores, of two bytes, hold as many.
const MOST_SCORED: u32 = 65_000;

/// Error probabilities that are taken together.
const ERRORS: usize = 16;

/// Counts by cycle, for the cycles with a bin of their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lanes {
    instructions: Arch,
    /// A, C, G and T, for as many cycles as are taken together.
    letters: Vec<[[u8; BYTES]; 4]>,
    /// Error probabilities, with room for as many as are taken together behind the last cycle.
    errors: Vec<Units>,
    /// Reads in these two.
    reads: u32,
    /// Sums of `letters`.
    letter_sums: Vec<[[u32; BYTES]; 4]>,
    /// Sums of `errors`.
    error_sums: Vec<u64>,
    scores: Scores,
    /// Reads in the scores.
    scored: u32,
}

/// Sums over the bases of a read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    /// C and G.
    pub(crate) strong: u64,
    /// A and T.
    pub(crate) weak: u64,
    pub(crate) quality_bytes: u64,
    /// Bases with an error probability of at most each of [`AT_LEAST`].
    pub(crate) at_least: [u64; 2],
}

impl Lanes {
    /// Counts the bases of a read that have a cycle of their own, and returns their sums; `errors` are
    /// the error probabilities of the bases from `from` on.
    pub(crate) fn add(
        &mut self,
        sequence: &[u8],
        quality_scores: &[u8],
        (from, errors): (usize, &[f32]),
        set: &mut ReadSet,
    ) -> Sums {
        let length = sequence.len().min(PLAIN);
        self.make_room(length, set);
        self.instructions.dispatch(Add {
            sequence: &sequence[..length],
            quality_scores: &quality_scores[..length],
            from,
            errors: &errors[..errors.len().min(length.saturating_sub(from))],
            lanes: self,
        })
    }

    /// Makes room for the counts of one more read of this length.
    fn make_room(&mut self, length: usize, set: &mut ReadSet) {
        if self.reads >= MOST_READS {
            self.settle();
        }
        if self.scored >= MOST_SCORED {
            self.settle_all(set);
        }
        self.reads += 1;
        self.scored += 1;
        self.scores.make_room(length);
        if self.letters.len() * BYTES < length {
            self.letters.resize(length.div_ceil(BYTES), Default::default());
            self.letter_sums.resize(length.div_ceil(BYTES), Default::default());
        }
        if self.errors.len() < length + ERRORS {
            self.errors.resize(length + ERRORS, Units::default());
            self.error_sums.resize(length + ERRORS, 0);
        }
    }

    /// Adds letters, error probabilities, and the scores of the last reads to their sums.
    fn settle(&mut self) {
        self.reads = 0;
        self.scores.settle();
        let (sums, counts) = (&mut self.letter_sums, &mut self.letters);
        let sums = sums.as_flattened_mut().as_flattened_mut();
        for (sum, count) in sums.iter_mut().zip(counts.as_flattened_mut().as_flattened_mut()) {
            *sum += u32::from(std::mem::take(count));
        }
        for (sum, units) in self.error_sums.iter_mut().zip(&mut self.errors) {
            *sum += u64::from(units.take());
        }
    }

    /// Adds all counts to their sums in the set, but for what is no base: so far, it is counted by its
    /// score only.
    fn settle_all(&mut self, set: &mut ReadSet) {
        self.settle();
        self.scored = 0;
        for (block, letters) in self.letter_sums.iter_mut().enumerate() {
            for (letter, sums) in letters.iter_mut().enumerate() {
                for (cycle, sum) in sums.iter_mut().enumerate().filter(|(_, sum)| **sum > 0) {
                    at(&mut set.bases, block * BYTES + cycle)[letter] +=
                        u64::from(std::mem::take(sum));
                }
            }
        }
        for (cycle, sum) in self.error_sums.iter_mut().enumerate().filter(|(_, sum)| **sum > 0) {
            at(&mut set.expected_errors, cycle).merge(&Units::sum(std::mem::take(sum)));
        }
        for (cycle, row) in self.scores.rows().enumerate() {
            for (byte, count) in row.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
                let score = byte.saturating_sub(usize::from(Phred::OFFSET)).min(SCORES - 1);
                let count = u64::from(std::mem::take(count));
                // There are fewer than 256 scores.
                *at(set.qualities.entry(score as u8).or_default(), cycle) += count;
                at(&mut set.bases, cycle);
            }
        }
    }

    /// Adds all counts to their sums.
    pub(crate) fn finish(&mut self, set: &mut ReadSet) {
        self.settle_all(set);
        for cycle in 0..set.bases.len().min(PLAIN) {
            let all: u64 = set.qualities.values().filter_map(|counts| counts.get(cycle)).sum();
            let [known @ .., other] = &mut set.bases[cycle];
            *other = all.saturating_sub(known.iter().sum());
        }
    }
}

/// Counts a read that has room.
struct Add<'a> {
    lanes: &'a mut Lanes,
    sequence: &'a [u8],
    quality_scores: &'a [u8],
    from: usize,
    errors: &'a [f32],
}

impl WithSimd for Add<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Sums {
        let Self { lanes, sequence, quality_scores, from, errors } = self;
        let [strong, weak] = count_letters(sequence, &mut lanes.letters);
        lanes.scores.add(quality_scores);
        let quality_bytes = sum_of_scores(quality_scores);
        let sums = lanes.errors.get_mut(from..).unwrap_or_default();
        let at_least = add_errors(errors, sums);
        Sums { strong, weak, quality_bytes, at_least }
    }
}

/// Counts letters; returns how many of them are C or G, and how many are A or T.
#[inline(always)]
fn count_letters(sequence: &[u8], counts: &mut [[[u8; BYTES]; 4]]) -> [u64; 2] {
    // There are too few cycles for a sum over 255.
    let (mut strong, mut weak) = ([0; BYTES], [0; BYTES]);
    // Values, not references: what cannot overlap stays in registers.
    let mut count = |[mut a, mut c, mut g, mut t]: [[u8; BYTES]; 4], letters: [u8; BYTES]| {
        for (place, letter) in letters.into_iter().enumerate() {
            // Without the bit of the case; T and U differ in the lowest bit.
            let is_a = u8::from(letter & 0xdf == b'A');
            let is_c = u8::from(letter & 0xdf == b'C');
            let is_g = u8::from(letter & 0xdf == b'G');
            let is_t = u8::from(letter & 0xde == b'T');
            a[place] += is_a;
            c[place] += is_c;
            g[place] += is_g;
            t[place] += is_t;
            strong[place] += is_c + is_g;
            weak[place] += is_a + is_t;
        }
        [a, c, g, t]
    };
    let (blocks, rest) = sequence.as_chunks::<BYTES>();
    for (counts, letters) in counts.iter_mut().zip(blocks) {
        *counts = count(*counts, *letters);
    }
    if let Some(counts) = counts.get_mut(blocks.len()).filter(|_| !rest.is_empty()) {
        *counts = count(*counts, padded(rest));
    }
    [strong, weak].map(sum)
}

/// Returns the sum of quality bytes.
#[inline(always)]
fn sum_of_scores(quality_scores: &[u8]) -> u64 {
    let (eights, rest) = quality_scores.as_chunks::<8>();
    let pairs: u64 = eights.iter().map(|bytes| pairs_of_bytes(*bytes)).sum();
    sum_of_pairs(pairs + pairs_of_bytes(padded(rest)))
}

/// Adds error probabilities, for which there is room; returns how many are at most each of [`AT_LEAST`].
#[inline(always)]
fn add_errors(errors: &[f32], sums: &mut [Units]) -> [u64; 2] {
    let mut below = [[0_u32; ERRORS]; 2];
    let mut add = |mut sums: [Units; ERRORS], errors: [f32; ERRORS]| {
        for (place, p) in errors.into_iter().enumerate() {
            sums[place].add(p);
            for (below, most) in below.iter_mut().zip(AT_LEAST) {
                below[place] += u32::from(p <= most);
            }
        }
        sums
    };
    let (whole, rest) = errors.as_chunks::<ERRORS>();
    let (sums, _) = sums.as_chunks_mut::<ERRORS>();
    for (sums, errors) in sums.iter_mut().zip(whole) {
        *sums = add(*sums, *errors);
    }
    let mut padding = 0;
    if let Some(sums) = sums.get_mut(whole.len()).filter(|_| !rest.is_empty()) {
        // Errors that are impossible add nothing.
        *sums = add(*sums, padded(rest));
        padding = (ERRORS - rest.len()) as u32;
    }
    below.map(|below| u64::from(below.iter().sum::<u32>().saturating_sub(padding)))
}

/// Returns the sum of bytes.
#[inline(always)]
fn sum(bytes: [u8; BYTES]) -> u64 {
    let (eights, _) = bytes.as_chunks::<8>();
    sum_of_pairs(eights.iter().map(|bytes| pairs_of_bytes(*bytes)).sum())
}

/// Returns four sums of two bytes each, side by side.
#[inline(always)]
fn pairs_of_bytes(bytes: [u8; 8]) -> u64 {
    const LOW: u64 = 0x00ff_00ff_00ff_00ff;
    let bytes = u64::from_le_bytes(bytes);
    (bytes & LOW) + ((bytes >> 8) & LOW)
}

/// Returns the sum of sums of bytes of at most as many cycles as have a bin of their own.
#[inline(always)]
fn sum_of_pairs(pairs: u64) -> u64 {
    const LOW: u64 = 0x0000_ffff_0000_ffff;
    // Each of the four is less than 2¹⁶: 2 × 255 × 64.
    let pairs = (pairs & LOW) + ((pairs >> 16) & LOW);
    (pairs & 0xffff_ffff) + (pairs >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copies::mix;

    #[test]
    fn counts_do_not_depend_on_the_instruction_set() {
        let results = [Arch::new(), Arch::Scalar].map(|instructions| {
            let (mut lanes, mut set) =
                (Lanes { instructions, ..Lanes::default() }, ReadSet::default());
            let (mut all, mut counted) = (Vec::new(), vec![[0; 94]; PLAIN]);
            for number in 0..700_u64 {
                let length = mix(number) as usize % (PLAIN + 40);
                let bits = |i: usize| mix(number * 1000 + i as u64) as usize;
                let sequence: Vec<u8> =
                    (0..length).map(|i| b"ACGTUNacgtun."[bits(i) % 13]).collect();
                // Few values first, and then any.
                let values = if number < 500 { 5 } else { 94 };
                let scores: Vec<u8> =
                    (0..length).map(|i| b'!' + (bits(i) >> 8) as u8 % values).collect();
                for (cycle, score) in scores.iter().take(PLAIN).enumerate() {
                    counted[cycle][usize::from(score - b'!')] += 1;
                }
                let errors: Vec<f32> =
                    (0..length).map(|i| 1.0 / (1 + (bits(i) >> 16) % 4000) as f32).collect();
                let from = length / 7;
                let sums = lanes.add(&sequence, &scores, (from, &errors[from..]), &mut set);
                let near = &sequence[..length.min(PLAIN)];
                let is_strong = |letter: &&u8| matches!(letter.to_ascii_uppercase(), b'C' | b'G');
                assert_eq!(sums.strong, near.iter().filter(is_strong).count() as u64);
                all.push((sums.strong, sums.weak, sums.quality_bytes, sums.at_least));
            }
            lanes.finish(&mut set);
            for (score, counts) in &set.qualities {
                for (counted, count) in counted.iter().zip(counts) {
                    assert_eq!(counted[usize::from(*score)], *count);
                }
            }
            assert_eq!(set.bases_from(0), counted.as_flattened().iter().sum::<u64>());
            (all, set)
        });
        assert_eq!(results[0], results[1]);
    }
}
