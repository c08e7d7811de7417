//! Overlapping mates as one read.

use std::ops::Range;

use bm_insert::PairInsert;
use bm_quality::{PairRule, Prediction};
use bm_reads::base::complement;
use bm_reads::{Phred, ReadError, ReadRef};

use crate::base_probabilities::BaseProbabilities;
use crate::consensus::Call;
use crate::fate::BaseRange;
use crate::inserts::BatchInserts;
use crate::part::{CutCounts, Part};
use crate::templates::{Mate, TemplateBatch};
use crate::trim::Trimming;

/// Mates are merged if their insert has as many bases as found with at least this probability.
const SURE: f32 = 0.999;

/// Fewest bases that both mates have.
const FEWEST: usize = 16;

/// The merged reads of a batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct MergedReads {
    sequences: Vec<u8>,
    /// The error probability of each of these bases.
    errors: Vec<f32>,
    /// One for each pair of the batch, if mates are merged.
    reads: Vec<Option<Merged>>,
}

/// Where a merged read is, and what is kept of it.
#[derive(Clone, Debug)]
struct Merged {
    bases: Range<usize>,
    keep: Range<usize>,
    prediction: Prediction,
    judged: usize,
    of_mates: [OfMate; 2],
}

/// What a merged read has of a mate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfMate {
    /// The bases of the mate that are kept; for bases that both mates have, those of the first one.
    pub(crate) keep: BaseRange,
    /// What its other bases are cut for.
    pub(crate) cut: CutCounts,
}

/// Two mates as one read.
#[derive(Clone, Copy)]
pub struct MergedRead<'a> {
    /// The bases to keep, on the strand of the first mate.
    pub sequence: &'a [u8],
    /// The probability of each of them that it is wrong.
    pub errors: &'a [f32],
    /// The prediction for the read.
    pub prediction: &'a Prediction,
    /// The number of bases that the prediction is for.
    pub judged: usize,
    pub(crate) of_mates: &'a [OfMate; 2],
}

impl MergedReads {
    /// Forgets all reads.
    pub(crate) fn clear(&mut self) {
        self.sequences.clear();
        self.errors.clear();
        self.reads.clear();
    }

    /// Merges the mates of a batch that overlap.
    pub(crate) fn fill(
        &mut self,
        templates: &TemplateBatch,
        inserts: &BatchInserts,
        parts: &[Part],
        bases: &BaseProbabilities,
        trimming: &Trimming,
        rule: PairRule,
    ) {
        self.clear();
        for (number, template) in templates.templates().enumerate() {
            let merged = match (template.mates(), inserts.of_pair(number)) {
                ([one, other], Some(insert)) if insert.probability >= SURE => {
                    let sides = [one, other].map(|mate| {
                        Side::of(mate, parts.get(mate.index)?, inserts, bases, trimming)
                    });
                    match sides {
                        [Some(one), Some(other)] => {
                            self.merge([one, other], insert, trimming, rule)
                        }
                        _ => None,
                    }
                }
                _ => None,
            };
            self.reads.push(merged);
        }
    }

    /// Returns the merged read of the template at this place, if its mates are merged.
    pub(crate) fn get(&self, template: usize) -> Option<MergedRead<'_>> {
        let merged = self.reads.get(template)?.as_ref()?;
        let Merged { bases, keep, prediction, judged, of_mates } = merged;
        Some(MergedRead {
            sequence: &self.sequences[bases.clone()][keep.clone()],
            errors: &self.errors[bases.clone()][keep.clone()],
            prediction,
            judged: *judged,
            of_mates,
        })
    }

    /// Appends the merged read of two mates; nothing if they have too few bases in common.
    fn merge(
        &mut self,
        sides: [Side<'_>; 2],
        insert: PairInsert,
        trimming: &Trimming,
        rule: PairRule,
    ) -> Option<Merged> {
        let insert = insert.bases;
        let [one, other] = &sides;
        // Places in the insert: where the read begins and ends, where the first mate's bases end, and where
        // the second one's begin.
        let (start, end) = (one.start, insert.checked_sub(other.start)?);
        let (first_to, second_from) = (one.end.min(insert), insert - other.end.min(insert));
        let common = first_to.min(end).saturating_sub(second_from.max(start));
        if start >= end || common < FEWEST {
            return None;
        }
        let before = self.sequences.len();
        for at in start..end {
            let first = (at < first_to).then(|| one.call(at));
            let second = (at >= second_from).then(|| other.opposite(insert - 1 - at));
            let call = match (first, second) {
                (Some(first), Some(second)) => first.consensus(second),
                (Some(call), None) | (None, Some(call)) => call,
                // The two overlap.
                (None, None) => return None,
            };
            self.sequences.push(call.letter);
            self.errors.push(call.error);
        }
        let bases = before..self.sequences.len();
        let errors = &self.errors[bases.clone()];
        let keep = match trimming.ends {
            true => trimming.best(&self.sequences[bases.clone()], errors, None),
            false => 0..errors.len(),
        };
        // Bases of the library that are kept are not judged.
        let sample = one.sample_from.max(start)..insert.saturating_sub(other.sample_from).min(end);
        let judged_from = (sample.start - start).clamp(keep.start, keep.end);
        let judged_to = sample.end.saturating_sub(start).clamp(judged_from, keep.end);
        let judged = &errors[judged_from..judged_to];
        let expected: f64 = judged.iter().map(|error| f64::from(*error)).sum();
        let prediction = rule
            .merged(expected, judged.len())
            .unwrap_or(Prediction::Unscored(ReadError::EmptyRead));
        let kept = start + keep.start..start + keep.end;
        let split = first_to.clamp(kept.start, kept.end);
        let of_mates = [
            one.of_mate(insert, kept.start..split, kept.start - start),
            other.of_mate(insert, insert - kept.end..insert - split, end - kept.end),
        ];
        Some(Merged { bases, keep, prediction, judged: judged.len(), of_mates })
    }
}

/// A mate, and which of its bases may be merged.
struct Side<'a> {
    read: ReadRef<'a>,
    /// The bases that may be merged.
    start: usize,
    end: usize,
    /// The first base of the sample.
    sample_from: usize,
    /// What the bases outside of these are cut for.
    cut: CutCounts,
    /// The error probabilities of bases, those from `scored_from` on.
    errors: &'a [f32],
    scored_from: usize,
}

impl<'a> Side<'a> {
    fn of(
        mate: &Mate<'a>,
        part: &'a Part,
        inserts: &BatchInserts,
        bases: &'a BaseProbabilities,
        trimming: &Trimming,
    ) -> Option<Self> {
        let read = mate.as_read();
        let (Range { start, end }, cut) =
            part.to_merge(trimming, inserts.get(mate.index), read.sequence);
        Some(Self {
            read,
            start,
            end,
            sample_from: part.scored.start,
            cut,
            errors: bases.of(mate.index),
            scored_from: part.scored.start,
        })
    }

    /// Returns the call of a base: with the model's error probability or, where it gives none, with the
    /// reported one.
    fn call(&self, at: usize) -> Call {
        let by_model = at.checked_sub(self.scored_from).and_then(|at| self.errors.get(at));
        let reported = || {
            let phred = Phred::from_byte(self.read.quality_scores[at]);
            phred.map_or(1.0, |phred| phred.error_probability() as f32)
        };
        Call { letter: self.read.sequence[at], error: by_model.copied().unwrap_or_else(reported) }
    }

    /// Returns the call of a base on the other strand.
    fn opposite(&self, at: usize) -> Call {
        let call = self.call(at);
        Call { letter: complement(call.letter), ..call }
    }

    /// Returns what a merged read has of the mate, by the bases that are kept of it, and how many bases of
    /// the merged read were cut off at its start.
    fn of_mate(&self, insert: usize, keep: Range<usize>, bad: usize) -> OfMate {
        let mut cut = self.cut;
        let inside = self.end.min(insert).saturating_sub(self.start);
        // Behind the insert.
        cut.adapters += self.end.saturating_sub(insert.max(self.start)) as u64;
        let others = inside.saturating_sub(keep.len());
        let ends = bad.min(others);
        cut.ends += ends as u64;
        cut.overlap = (others - ends) as u64;
        OfMate { keep: BaseRange::new(keep.start, keep.end), cut }
    }
}
