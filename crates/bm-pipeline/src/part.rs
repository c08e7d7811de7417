//! Which bases of a read decide about it, which are kept, and what the others are cut for.

use std::ops::Range;

use bm_insert::{Insert, Tail};
use bm_quality::Prediction;
use bm_reads::base::is_unknown;
use serde::{Deserialize, Serialize};

use crate::fate::BaseRange;
use crate::trim::Trimming;

/// Which bases of a read decide about it, and which are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Part {
    /// The bases that the model saw.
    pub(crate) scored: Range<usize>,
    /// The part that was chosen of these, if one was.
    pub(crate) chosen: Option<Range<usize>>,
    /// The bases that the prediction is for.
    pub(crate) judged: Range<usize>,
    /// The bases to keep.
    pub(crate) keep: Range<usize>,
    /// What the others are cut for.
    pub(crate) cut: CutCounts,
    /// Bases at the end that are adapter, more probably than not.
    pub(crate) adapter_bases: usize,
}

/// Numbers of bases that are cut off, or of reads, by what is cut.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct CutCounts {
    /// As many as requested, at either end.
    pub fixed: u64,
    /// Adapters, and what is behind them.
    pub adapters: u64,
    /// Runs of one base.
    pub poly: u64,
    /// What the library has at the ends, such as identifiers, barcodes and primers.
    pub library: u64,
    /// Ends with too many errors.
    pub ends: u64,
    /// Identifiers of molecules, which go into the names, and what is skipped behind them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub umi: u64,
    /// Bases of a merged pair that both mates have: written once, and counted here once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub overlap: u64,
}

/// Returns whether nothing was counted.
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl CutCounts {
    /// Returns the numbers with their names in reports.
    pub fn named(&self) -> [(&'static str, u64); 7] {
        let Self { fixed, adapters, poly, library, ends, umi, overlap } = *self;
        [
            ("adapters", adapters),
            ("poly", poly),
            ("library", library),
            ("ends", ends),
            ("fixed", fixed),
            ("umi", umi),
            ("overlap", overlap),
        ]
    }

    /// Returns 1 for each number that is not 0.
    pub(crate) fn any(&self) -> Self {
        let Self { fixed, adapters, poly, library, ends, umi, overlap } = self;
        let all = [fixed, adapters, poly, library, ends, umi, overlap];
        let [fixed, adapters, poly, library, ends, umi, overlap] =
            all.map(|number| u64::from(*number > 0));
        Self { fixed, adapters, poly, library, ends, umi, overlap }
    }

    /// Returns the sum of the numbers.
    pub fn total(&self) -> u64 {
        self.named().into_iter().fold(0, |sum, (_, bases)| sum.saturating_add(bases))
    }

    /// Adds other numbers.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { fixed, adapters, poly, library, ends, umi, overlap } = self;
        for (ours, theirs) in [
            (fixed, other.fixed),
            (adapters, other.adapters),
            (poly, other.poly),
            (library, other.library),
            (ends, other.ends),
            (umi, other.umi),
            (overlap, other.overlap),
        ] {
            *ours = ours.saturating_add(theirs);
        }
    }
}

impl Part {
    /// Returns the part of a read that is of the sample, and within the fixed cuts: what the model is
    /// to see.
    pub(crate) fn to_score(trimming: &Trimming, insert: Insert<'_>, length: usize) -> Self {
        let (left, part) = (trimming.left(length), insert.part(length));
        let start = left.start.max(part.start);
        let scored = start..left.end.min(part.end).max(start);
        Self {
            judged: scored.clone(),
            chosen: None,
            keep: 0..length,
            scored,
            cut: CutCounts::default(),
            adapter_bases: insert.adapter_bases(length),
        }
    }

    /// Sets what is judged and kept of a read.
    pub(crate) fn finish(&mut self, trimming: &Trimming, insert: Insert<'_>, sequence: &[u8]) {
        let length = sequence.len();
        let (start, end) = (self.scored.start, self.scored.end);
        if let Some(chosen) = &self.chosen {
            let inside = |at: usize| start + at.min(end - start);
            self.judged = inside(chosen.start)..inside(chosen.end);
        }
        if !trimming.cuts() {
            self.keep = 0..length;
            return;
        }
        let left = trimming.left(length);
        let mut keep = self.judged.clone();
        // What lies outside the sample stays, unless it is to be cut.
        let cuts_tail = match insert.tail(length) {
            Some(Tail::Adapter | Tail::Library) => trimming.adapters,
            Some(Tail::Run) => trimming.poly,
            Some(Tail::Unknown) => trimming.ends,
            None => true,
        };
        if !cuts_tail && keep.end == end && !keep.is_empty() {
            keep.end = left.end.max(end);
        }
        let only_unknown = begins_unknown(insert, sequence);
        let cuts_front = if only_unknown { trimming.ends } else { trimming.adapters };
        if !cuts_front && keep.start == start && !keep.is_empty() {
            keep.start = left.start.min(start);
        }
        self.cut = self.cut_bases(insert, length, &left, &keep);
        if only_unknown {
            // Unknown bases are bad ends.
            self.cut.ends += std::mem::take(&mut self.cut.library);
        }
        self.keep = keep;
    }

    /// Judges a long read by all bases that are kept of it: those that are not of the sample were read by
    /// the same instrument, and count as having errors at the same rate as the others.
    pub(crate) fn judge_what_is_kept(&mut self, prediction: &mut Prediction) {
        let (judged, kept) = (self.judged.len(), self.keep.len());
        if let Prediction::Scored(score) = prediction
            && (1..kept).contains(&judged)
        {
            let times = kept as f32 / judged as f32;
            score.expected_errors = score.expected_errors.map(|errors| errors * times);
            if let Some(support) = &mut score.support {
                support.expected_errors_prior *= times;
            }
            self.judged = self.keep.clone();
        }
    }

    /// Returns which bases of one of two mates may be part of a merged read, and what the others are cut
    /// for. Bad ends are among them: the other mate may be better there.
    pub(crate) fn to_merge(
        &self,
        trimming: &Trimming,
        insert: Insert<'_>,
        sequence: &[u8],
    ) -> (Range<usize>, CutCounts) {
        let length = sequence.len();
        let left = trimming.left(length);
        let only_unknown = begins_unknown(insert, sequence);
        let cuts_front = if only_unknown { trimming.ends } else { trimming.adapters };
        let start = if cuts_front { self.scored.start } else { left.start };
        let merge = start.min(self.scored.end)..self.scored.end;
        let mut cut = self.cut_bases(insert, length, &left, &merge);
        if only_unknown {
            cut.ends += std::mem::take(&mut cut.library);
        }
        (merge, cut)
    }

    /// Returns what the bases outside `keep` are cut for.
    fn cut_bases(
        &self,
        insert: Insert<'_>,
        length: usize,
        left: &Range<usize>,
        keep: &Range<usize>,
    ) -> CutCounts {
        // From the ends of the read inwards: the fixed cuts, what is not of the sample, bad ends.
        let keep = if keep.is_empty() { left.start..left.start } else { keep.clone() };
        let part = insert.part(length);
        let fixed = left.start + (length - left.end);
        let front_to = part.start.clamp(left.start, keep.start.max(left.start));
        let tail_from = part.end.clamp(keep.end, left.end.max(keep.end));
        let tail = (left.end.max(keep.end) - tail_from) as u64;
        // Unknown bases are bad ends.
        let (adapters, poly, behind) = match insert.tail(length) {
            Some(Tail::Adapter) => (tail, 0, 0),
            Some(Tail::Run) => (0, tail, 0),
            Some(Tail::Library) => (0, 0, tail),
            Some(Tail::Unknown) | None => (0, 0, 0),
        };
        let cut = length - keep.len();
        let library = (front_to - left.start) as u64 + behind;
        let fixed = fixed as u64;
        let ends = cut as u64 - fixed - adapters - poly - library;
        CutCounts { fixed, adapters, poly, library, ends, ..CutCounts::default() }
    }
}

/// Returns whether a read begins with bases that are not of the sample because they are unknown.
fn begins_unknown(insert: Insert<'_>, sequence: &[u8]) -> bool {
    sequence[..insert.part(sequence.len()).start].iter().all(|base| is_unknown(*base))
}

impl From<&Part> for BaseRange {
    fn from(part: &Part) -> Self {
        Self::new(part.keep.start, part.keep.end)
    }
}

#[cfg(test)]
mod tests {
    use bm_insert::End;
    use bm_quality::{KmerSupport, Probability, Score};

    use super::*;

    #[test]
    fn the_ends_of_long_reads_that_stay_have_the_error_rate_of_the_sample() {
        let support = KmerSupport { expected_errors_prior: 4.0, evaluable: 0.5 };
        let Some(probability) = Probability::new(0.25) else { panic!("a probability") };
        let score = Score { probability, expected_errors: Some(3.0), support: Some(support) };
        let mut part = Part { judged: 10..70, keep: 0..80, ..Part::default() };
        let mut prediction = Prediction::Scored(score);
        part.judge_what_is_kept(&mut prediction);
        let Prediction::Scored(scaled) = prediction else { panic!("scored") };
        assert_eq!((part.judged, scaled.expected_errors), (0..80, Some(4.0)));
        assert_eq!(scaled.probability, score.probability);
        assert!(scaled.support.is_some_and(|it| (it.expected_errors_prior - 5.333).abs() < 1e-3));
        // What is cut off is not judged.
        let mut part = Part { judged: 10..70, keep: 10..70, ..Part::default() };
        let mut prediction = Prediction::Scored(score);
        part.judge_what_is_kept(&mut prediction);
        assert_eq!((part.judged, prediction), (10..70, Prediction::Scored(score)));
    }

    #[test]
    fn what_is_cut_is_counted_once() {
        let adapter = [End { at: 20, probability: 0.9, tail: Tail::Adapter }];
        let insert = Insert { ends: &adapter, front: &[0.8, 0.8] };
        for (trimming, chosen, keep, cut) in [
            (Trimming::NONE, None, 0..30, [0, 0, 0, 0, 0]),
            (Trimming::ALL, Some(0..18), 2..20, [10, 0, 2, 0, 0]),
            (Trimming::ALL, Some(3..15), 5..17, [10, 0, 2, 6, 0]),
            (Trimming::ALL, Some(0..0), 0..0, [10, 0, 0, 20, 0]),
            (
                Trimming { cut_front: 1, cut_tail: 4, ..Trimming::ALL },
                Some(0..18),
                2..20,
                [6, 0, 1, 0, 5],
            ),
            (
                Trimming { cut_front: 5, cut_tail: 12, ..Trimming::NONE },
                None,
                5..18,
                [0, 0, 0, 0, 17],
            ),
            (Trimming { ends: true, ..Trimming::NONE }, Some(0..18), 0..30, [0, 0, 0, 0, 0]),
            (Trimming { ends: true, ..Trimming::NONE }, Some(1..17), 3..19, [10, 0, 2, 2, 0]),
            (Trimming { poly: true, ..Trimming::NONE }, None, 0..30, [0, 0, 0, 0, 0]),
            (Trimming { adapters: true, ..Trimming::NONE }, None, 2..20, [10, 0, 2, 0, 0]),
        ] {
            let mut part = Part::to_score(&trimming, insert, 30);
            part.chosen = chosen;
            part.finish(&trimming, insert, &[b'A'; 30]);
            let [adapters, poly, library, ends, fixed] = cut;
            let expected =
                CutCounts { fixed, adapters, poly, library, ends, ..CutCounts::default() };
            let found = if part.keep.is_empty() { 0..0 } else { part.keep.clone() };
            assert_eq!((found, part.cut), (keep.clone(), expected), "{trimming:?}");
            assert_eq!(part.cut.total() as usize, 30 - keep.len());
            assert_eq!(part.adapter_bases, 10);
        }
    }
}
