//! Counts of short reads by cycle, in small numbers side by side: loops over them compile to vector
//! instructions and stay in the nearest cache. From time to time they are added up.

use bm_reads::Phred;

use crate::cycles::{PLAIN, at};
use crate::exact_sum::{ExactSum, Units};
use crate::read_set::{ReadSet, SCORES};

/// Reads after which letters and error probabilities are added up: counts of one byte hold as many.
const MOST_READS: u32 = 255;

/// Reads after which scores are added up: counts of two bytes hold as many.
const MOST_SCORED: u32 = 65_000;

/// Counts of scores per cycle: one for each value of a byte that can be a score, and room that makes the
/// size an odd number of cache lines, so that the rows of all cycles fit side by side.
const ROW: usize = 160;

/// Counts by cycle, for the cycles with a bin of their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lanes {
    /// A, C, G and T.
    letters: [Vec<u8>; 4],
    errors: Vec<Units>,
    /// Reads in these two.
    reads: u32,
    /// By quality byte.
    scores: Vec<[u16; ROW]>,
    /// Reads in these.
    scored: u32,
}

impl Lanes {
    /// Counts the first bases of a read; `errors` are those of its bases from `from` on.
    pub(crate) fn add(
        &mut self,
        sequence: &[u8],
        quality_scores: &[u8],
        (from, errors): (usize, &[f32]),
        set: &mut ReadSet,
    ) {
        if self.reads >= MOST_READS {
            self.settle(set);
        }
        if self.scored >= MOST_SCORED {
            self.settle_scores(set);
        }
        self.reads += 1;
        self.scored += 1;
        let length = sequence.len().min(PLAIN);
        if self.scores.len() < length {
            self.scores.resize(length, [0; ROW]);
            self.errors.resize(length, Units::default());
            self.letters.iter_mut().for_each(|counts| counts.resize(length, 0));
        }
        let count = |row: &mut [u16; ROW], byte: u8| row[usize::from(byte & 0x7f)] += 1;
        // Four at once: the loop itself would take as long as the counting.
        let (rows, bytes) = (&mut self.scores[..length], &quality_scores[..length]);
        let (mut fours, mut bytes_of_fours) = (rows.chunks_exact_mut(4), bytes.chunks_exact(4));
        for (rows, bytes) in fours.by_ref().zip(bytes_of_fours.by_ref()) {
            if let ([a, b, c, d], [p, q, r, s]) = (rows, bytes) {
                count(a, *p);
                count(b, *q);
                count(c, *r);
                count(d, *s);
            }
        }
        let rest = fours.into_remainder().iter_mut().zip(bytes_of_fours.remainder());
        rest.for_each(|(row, byte)| count(row, *byte));
        let [a, c, g, t] = &mut self.letters;
        let sequence = &sequence[..length];
        for (counts, base) in [(a, b'A'), (c, b'C'), (g, b'G')] {
            for (count, letter) in counts.iter_mut().zip(sequence) {
                *count += u8::from(letter & 0xdf == base);
            }
        }
        for (count, letter) in t.iter_mut().zip(sequence) {
            // T and U differ in the lowest bit.
            *count += u8::from(letter & 0xde == b'T');
        }
        if let Some(cycles) = self.errors.get_mut(from..) {
            cycles.iter_mut().zip(errors).for_each(|(sum, p)| sum.add(*p));
        }
    }

    /// Adds letters and error probabilities to their sums.
    fn settle(&mut self, set: &mut ReadSet) {
        self.reads = 0;
        for (letter, counts) in self.letters.iter_mut().enumerate() {
            for (cycle, count) in counts.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
                at(&mut set.bases, cycle)[letter] += u64::from(std::mem::take(count));
            }
        }
        for (cycle, sum) in self.errors.iter_mut().enumerate() {
            let sum = sum.take();
            if sum != ExactSum::default() {
                at(&mut set.expected_errors, cycle).merge(&sum);
            }
        }
    }

    /// Adds the scores to their sums, and what is no base: so far, it was counted by its score only.
    fn settle_scores(&mut self, set: &mut ReadSet) {
        self.settle(set);
        self.scored = 0;
        for (cycle, row) in self.scores.iter_mut().enumerate() {
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
        self.settle_scores(set);
        for cycle in 0..set.bases.len().min(PLAIN) {
            let all: u64 = set.qualities.values().filter_map(|counts| counts.get(cycle)).sum();
            let [known @ .., other] = &mut set.bases[cycle];
            *other = all.saturating_sub(known.iter().sum());
        }
    }
}
