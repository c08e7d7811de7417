//! Counts reads into a [`ReadSet`].

use std::ops::Range;

use bm_reads::Phred;
use bm_reads::base::code;

use crate::cycles::{PLAIN, at, bin, wide};
use crate::exact_sum::ExactSum;
use crate::lanes::{AT_LEAST, Lanes, Sums};
use crate::read_set::{ReadSet, SCORES};

/// A read, and the error probabilities of a part of its bases.
#[derive(Clone, Copy, Debug)]
pub struct ObservedRead<'a> {
    /// Bases, one ASCII byte each.
    pub sequence: &'a [u8],
    /// Quality scores, one ASCII byte per base: Phred + 33.
    pub quality_scores: &'a [u8],
    /// Error probabilities by a model, 0 to 1, of the bases from `scored_from` on; empty if there are
    /// none.
    pub errors: &'a [f32],
    /// The first base with an error probability.
    pub scored_from: usize,
}

impl<'a> ObservedRead<'a> {
    /// Returns the bases in `start..end`, as a read of its own.
    pub(crate) fn part(&self, start: usize, end: usize) -> Self {
        let end = end.min(self.sequence.len());
        let start = start.min(end);
        let scored = self.scored_from..self.scored_from + self.errors.len();
        let (from, to) = (scored.start.clamp(start, end), scored.end.clamp(start, end));
        let errors =
            if from < to { &self.errors[from - scored.start..to - scored.start] } else { &[] };
        Self {
            sequence: &self.sequence[start..end],
            quality_scores: &self.quality_scores[start..end],
            errors,
            scored_from: from - start,
        }
    }
}

/// Counts of reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    lanes: Lanes,
    /// All other sums.
    set: ReadSet,
}

impl Counts {
    /// Adds a read.
    pub(crate) fn add(&mut self, read: &ObservedRead<'_>) {
        let length = read.sequence.len().min(read.quality_scores.len());
        let (sequence, quality_scores) = (&read.sequence[..length], &read.quality_scores[..length]);
        let from = read.scored_from.min(length);
        let to = (from + read.errors.len()).min(length);
        let errors = (from, &read.errors[..to - from]);
        let Self { lanes, set } = self;
        set.reads += 1;
        *at(&mut set.lengths, bin(length)) += 1;
        let mut sums = lanes.add(sequence, quality_scores, errors, set);
        if length > PLAIN {
            count_wide(sequence, quality_scores, errors, set, &mut sums);
        }
        for part in [0..from, to..length] {
            count_range(&part, &mut set.unscored);
        }
        for (count, good) in set.at_least.iter_mut().zip(sums.at_least) {
            *count += good;
        }
        if let Some(percent) = rounded(100 * sums.strong, sums.strong + sums.weak) {
            *at(&mut set.gc, percent) += 1;
        }
        if let Some(mean) = sums.quality_bytes.checked_div(length as u64) {
            let score = (mean as usize).saturating_sub(usize::from(Phred::OFFSET));
            *at(&mut set.mean_qualities, score.min(SCORES - 1)) += 1;
        }
    }

    /// Returns the sums.
    pub(crate) fn finish(mut self) -> ReadSet {
        self.lanes.finish(&mut self.set);
        self.set
    }
}

/// Counts the positions of a part of a read.
fn count_range(part: &Range<usize>, counts: &mut Vec<u64>) {
    if part.is_empty() {
        return;
    }
    at(counts, bin(part.end - 1));
    counts[part.start.min(PLAIN)..part.end.min(PLAIN)].iter_mut().for_each(|count| *count += 1);
    for (bin, positions) in wide(part.end) {
        counts[bin] += positions.end.saturating_sub(positions.start.max(part.start)) as u64;
    }
}

/// Counts the bases of a long read beyond the cycles that have a bin of their own, and adds them to the sums
/// over the read.
fn count_wide(
    sequence: &[u8],
    quality_scores: &[u8],
    (from, errors): (usize, &[f32]),
    set: &mut ReadSet,
    sums: &mut Sums,
) {
    for (bin, positions) in wide(sequence.len()) {
        let (mut letters, mut scores) = ([0_u64; 5], [0_u32; 1 << u8::BITS]);
        for position in positions.clone() {
            letters[usize::from(code(sequence[position])).min(4)] += 1;
            scores[usize::from(quality_scores[position])] += 1;
        }
        let [a, c, g, t, _] = letters;
        sums.strong += c + g;
        sums.weak += a + t;
        for (count, letter) in at(&mut set.bases, bin).iter_mut().zip(letters) {
            *count += letter;
        }
        for (byte, count) in scores.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            sums.quality_bytes += byte as u64 * u64::from(count);
            let score = byte.saturating_sub(usize::from(Phred::OFFSET)).min(SCORES - 1);
            // There are fewer than 256 scores.
            *at(set.qualities.entry(score as u8).or_default(), bin) += u64::from(count);
        }
        let first = positions.start.max(from);
        let last = positions.end.min(from + errors.len());
        for p in errors.get(first - from..last.max(first) - from).unwrap_or_default() {
            at(&mut set.expected_errors, bin).add_units(ExactSum::units(f64::from(*p)));
            for (count, most) in sums.at_least.iter_mut().zip(AT_LEAST) {
                *count += u64::from(*p <= most);
            }
        }
    }
}

/// Returns `part / all`, rounded to the nearest whole number.
fn rounded(part: u64, all: u64) -> Option<usize> {
    (2 * part + all).checked_div(2 * all).map(|number| number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(sequence: &'a [u8], scores: &'a [u8], errors: &'a [f32]) -> ObservedRead<'a> {
        ObservedRead { sequence, quality_scores: scores, errors, scored_from: 0 }
    }

    #[test]
    fn bases_scores_and_errors_are_counted_by_cycle() {
        let mut counts = Counts::default();
        counts.add(&read(b"ACgtN", b"IIII!", &[0.01, 0.001, 0.5, 0.002, 1.0]));
        counts.add(&read(b"AA", b"5I", &[]));
        let part = ObservedRead { scored_from: 1, ..read(b"GGU", b"III", &[0.25]) };
        counts.add(&part);
        let set = counts.finish();
        assert_eq!(set.reads, 3);
        assert_eq!(set.bases[0], [2, 0, 1, 0, 0]);
        assert_eq!(set.bases[2], [0, 0, 1, 1, 0]);
        assert_eq!(set.bases[4], [0, 0, 0, 0, 1]);
        assert_eq!(set.qualities[&40], [2, 3, 2, 1]);
        assert_eq!(set.qualities[&20], [1]);
        assert_eq!(set.qualities[&0], [0, 0, 0, 0, 1]);
        assert_eq!(set.unscored, [2, 1, 1]);
        assert_eq!(set.at_least, [3, 1]);
        assert_eq!((set.gc[50], set.gc[0], set.gc[67]), (1, 1, 1));
        assert_eq!((set.mean_qualities[32], set.mean_qualities[30]), (1, 1));
        assert_eq!(set.lengths, [0, 0, 1, 1, 0, 1]);
        assert_eq!(set.mean_quality(0), Some((40.0 + 20.0 + 40.0) / 3.0));
        assert_eq!(
            (set.quality_quantile(0, 0.25), set.quality_quantile(0, 0.5)),
            (Some(20), Some(40))
        );
        assert!((set.expected_error_rate(1).unwrap_or(0.0) - 0.251 / 2.0).abs() < 1e-8);
        let (bases, errors) = set.expected();
        assert_eq!(bases, 6);
        assert!((errors.get() - 1.763).abs() < 1e-6);
        assert_eq!(
            (set.total_bases(), set.bases_from(20), set.letters()),
            (10, 9, [3, 1, 3, 2, 1])
        );
    }

    #[test]
    fn every_letter_counts_as_its_base() {
        for letter in 0..=u8::MAX {
            let mut counts = Counts::default();
            counts.add(&read(&[letter], b"I", &[]));
            let set = counts.finish();
            let base = usize::from(code(letter)).min(4);
            assert_eq!(set.bases[0][base], 1, "{letter}");
            let percent = [Some(0), Some(100), Some(100), Some(0), None][base];
            assert_eq!(set.gc.iter().position(|reads| *reads > 0), percent, "{letter}");
        }
    }

    #[test]
    fn long_reads_are_counted_in_bins() {
        let length = 5_000;
        let (sequence, scores) = (vec![b'C'; length], vec![b'+'; length]);
        let errors = vec![0.125; length];
        let mut counts = Counts::default();
        counts.add(&read(&sequence, &scores, &errors));
        let set = counts.finish();
        assert_eq!(set.total_bases(), 5_000);
        assert_eq!(set.expected().1.get(), 625.0);
        assert_eq!(set.cycles(), bin(length - 1) + 1);
        assert!(set.bases_at(560) > 50);
    }

    #[test]
    fn sums_that_were_added_up_between_are_the_same() {
        let texts: Vec<Vec<u8>> = (0..600).map(|i| vec![b"ACGTN"[i % 5]; 9]).collect();
        let errors = [0.3, 1e-6, 0.02, 0.5, 0.1, 0.7, 0.9, 1.0, 1e-4];
        let (mut one, mut other) = (Counts::default(), ReadSet::default());
        for text in &texts {
            let mut alone = Counts::default();
            for counts in [&mut one, &mut alone] {
                counts.add(&read(text, b"IIIIIFFFF", &errors));
            }
            other.merge(&alone.finish());
        }
        assert_eq!(one.finish(), other);
    }
}
