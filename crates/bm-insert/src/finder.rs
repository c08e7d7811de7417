//! Finds where the sample begins and ends in the reads of a template.

use std::ops::Range;

use bm_reads::ReadRef;

use crate::candidates::Candidates;
use crate::inserts::{End, Tail};
use crate::library::{known_length, unknown_first};
use crate::model::InsertModel;
use crate::overlap;
use crate::runs::Run;
use crate::structure::Place;
use crate::support;
use crate::tails;

/// Less probable ends are left out.
const LEAST: f32 = 1e-4;

/// Finds where the sample ends in reads, with the memory of one thread.
#[derive(Clone, Debug, Default)]
pub struct Finder {
    pub(crate) candidates: Candidates,
    /// P(insert as long as the longer read, or longer).
    pub(crate) longer: f32,
    pub(crate) merging: LongerMemory,
    ends: [Vec<End>; 2],
    fronts: [Vec<f32>; 2],
    /// P(number of bases of the library) at one end of a read.
    numbers: Vec<f32>,
    support: support::Memory,
}

/// The memory for inserts as long as the mates, or longer.
#[derive(Clone, Debug, Default)]
pub(crate) struct LongerMemory {
    pub(crate) overlap: overlap::Memory,
    pub(crate) lengths: Vec<usize>,
    pub(crate) longer: Vec<tails::Tail>,
}

impl Finder {
    /// Finds where the sample begins and ends in a template, one read or two mates, by the model of
    /// its run.
    ///
    /// `is_learned`: whether the template is one of those that the model was learned from.
    pub fn find(&mut self, model: &InsertModel, mates: &[ReadRef<'_>], is_learned: bool) {
        self.ends.iter_mut().for_each(Vec::clear);
        self.fronts.iter_mut().for_each(Vec::clear);
        // Unknown bases at the end are of nothing.
        let mut known = [ReadRef { name: b"", sequence: b"", quality_scores: b"" }; 2];
        let mates = &mates[..mates.len().min(2)];
        for (known, read) in known.iter_mut().zip(mates) {
            *known = known_part(*read);
        }
        let known = &known[..mates.len()];
        self.find_fronts(model, known);
        self.find_tails(model, mates, known, is_learned);
        self.find_library(model, known);
        for ((read, known), ends) in mates.iter().zip(known).zip(&mut self.ends) {
            if known.len() < read.len() {
                let before = ends.iter().map(|end| end.probability).sum::<f32>();
                ends.push(End {
                    at: known.len() as u32,
                    probability: (1.0 - before).max(0.0),
                    tail: Tail::Unknown,
                });
            }
        }
    }

    fn find_fronts(&mut self, model: &InsertModel, known: &[ReadRef<'_>]) {
        for (mate, read) in known.iter().enumerate() {
            let front = &mut self.fronts[mate];
            model.library.find(Place::Start, mate, *read, &mut self.numbers);
            // A base is of the library if more bases than are before it are.
            front.resize(self.numbers.len().saturating_sub(1), 0.0);
            let mut sum = 0.0;
            for (front, p) in front.iter_mut().zip(self.numbers.iter().skip(1)).rev() {
                sum += p;
                *front = f32::min(sum, 1.0);
            }
            if let Some((length, p)) = model.runs.first(mate, *read, &model.sample) {
                front.resize(front.len().max(length), 0.0);
                let either = |front: &mut f32| *front = 1.0 - (1.0 - *front) * (1.0 - p);
                front[..length].iter_mut().for_each(either);
            }
            let unknown = unknown_first(read.sequence);
            front.resize(front.len().max(unknown), 0.0);
            front[..unknown].fill(1.0);
            let long = front.iter().rposition(|p| *p >= LEAST).map_or(0, |last| last + 1);
            front.truncate(long);
        }
    }

    fn find_tails(
        &mut self,
        model: &InsertModel,
        mates: &[ReadRef<'_>],
        known: &[ReadRef<'_>],
        is_learned: bool,
    ) {
        let counted = if is_learned { model.counting.bases(mates) } else { [0; 2] };
        self.candidates.find(&model.signs(), known, counted);
        let runs: [Option<Run>; 2] = std::array::from_fn(|mate| {
            known.get(mate).and_then(|read| model.runs.last(mate, *read, &model.sample))
        });
        let candidates = &mut self.candidates.lengths;
        self.longer = 1.0;
        if candidates.is_empty() && runs.iter().all(Option::is_none) {
            return;
        }
        let [longest, longest_known] =
            [mates, known].map(|reads| reads.iter().map(ReadRef::len).max().unwrap_or(0));
        let with_runs =
            |at: usize| runs.iter().flatten().map(|run| run.log_factor(at)).sum::<f32>();
        let none = model.lengths.posterior(longest, longest_known, candidates, with_runs);
        self.longer = none;
        for (mate, read) in known.iter().enumerate() {
            let ends = &mut self.ends[mate];
            for candidate in candidates.iter().filter(|candidate| candidate.at < read.len()) {
                ends.push(End {
                    at: candidate.at as u32,
                    probability: candidate.log_ratio,
                    tail: Tail::Adapter,
                });
            }
            if let Some(run) = runs[mate] {
                // Inserts that end behind it, or not at all.
                let p = run.probability();
                let mut left = none;
                for candidate in candidates.iter().filter(|candidate| candidate.at > run.at) {
                    left += candidate.log_ratio;
                }
                for end in ends.iter_mut().filter(|end| end.at as usize > run.at) {
                    end.probability *= 1.0 - p;
                }
                let probability = left * p;
                ends.push(End { at: run.at as u32, probability, tail: Tail::Run });
                ends.sort_by_key(|end| end.at);
            }
            ends.retain(|end| end.probability >= LEAST);
        }
    }

    /// Finds bases of the library where inserts end: in front of adapters, and at the ends of reads.
    fn find_library(&mut self, model: &InsertModel, known: &[ReadRef<'_>]) {
        if model.library.is_idle() {
            return;
        }
        for (mate, read) in known.iter().enumerate() {
            let ends = &mut self.ends[mate];
            let is_adapter = |end: &End| end.tail == Tail::Adapter;
            // What is at the start of one mate is at the end of a short molecule in the other one.
            let of_mate = self.fronts[1 - mate].iter().take_while(|p| **p > 0.5).count();
            let of_mate = if known.len() == 2 { of_mate } else { 0 };
            for end in ends.iter_mut().filter(|end| is_adapter(end)) {
                end.at = end.at.saturating_sub(of_mate as u32);
            }
            if let Some(end) =
                ends.iter().copied().find(|end| is_adapter(end) && end.probability > 0.5)
            {
                let before = read.window(0, end.at as usize);
                model.library.find(Place::BeforeAdapter, mate, before, &mut self.numbers);
                split(ends, end, &self.numbers);
            }
            let left = 1.0 - ends.iter().map(|end| end.probability).sum::<f32>();
            if left >= LEAST {
                model.library.find(Place::End, mate, *read, &mut self.numbers);
                for (bases, p) in self.numbers.iter().enumerate().skip(1) {
                    let (at, probability) = ((read.len() - bases) as u32, left * p);
                    ends.push(End { at, probability, tail: Tail::Library });
                }
                ends.retain(|end| end.probability >= LEAST);
                ends.sort_by_key(|end| end.at);
            }
        }
    }

    /// Returns where words of a read begin that other reads of the run do not have
    /// ([`InsertModel::with_support`]), of words of 12 bases that lie side by side and cover all bases;
    /// none if nothing is known of words.
    pub fn doubted_words(&mut self, model: &InsertModel, sequence: &[u8]) -> &[usize] {
        match &model.support {
            Some(support) if support.doubt(sequence, &mut self.support) > 0 => {
                &self.support.doubted
            }
            _ => &[],
        }
    }

    /// Raises the error probability of the bases of a part of the read for which
    /// [`Finder::doubted_words`] was asked last: of those that are in no word that other reads have,
    /// where these have the same words with another base.
    pub fn weigh(&mut self, model: &InsertModel, part: Range<usize>, errors: &mut [f32]) {
        if let Some(support) = &model.support {
            support.weigh(part, errors, &mut self.support);
        }
    }

    /// Returns the ends that were found in a read of the template, 0 or 1, from the first to the
    /// last.
    pub fn ends(&self, mate: usize) -> &[End] {
        self.ends.get(mate).map_or(&[], Vec::as_slice)
    }

    /// Returns the probability of each of the first bases of a read of the template, 0 or 1, that it
    /// is not of the sample; those behind them are.
    pub fn front(&self, mate: usize) -> &[f32] {
        self.fronts.get(mate).map_or(&[], Vec::as_slice)
    }
}

/// Returns a read without the unknown bases at its end.
pub(crate) fn known_part(read: ReadRef<'_>) -> ReadRef<'_> {
    read.window(0, known_length(read.sequence))
}

/// Replaces an end by those with each number of bases of the library before it.
fn split(ends: &mut Vec<End>, end: End, numbers: &[f32]) {
    if numbers.is_empty() {
        return;
    }
    ends.retain(|other| *other != end);
    for (bases, p) in numbers.iter().enumerate() {
        let at = end.at.saturating_sub(bases as u32);
        ends.push(End { at, probability: end.probability * p, ..end });
    }
    ends.retain(|end| end.probability >= LEAST);
    ends.sort_by_key(|end| end.at);
}
