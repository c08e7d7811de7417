//! Which bases of a read are kept, and what the others were cut for.
//!
//! The best part of a read is the one with the highest value: a base that is right brings 1, a wrong
//! one costs the price, and one that is not of the sample costs 1 (the maximum segment, as in the
//! modified Mott trimming of phred's `-trim_alt`).

use std::ops::Range;

use bm_insert::{Insert, Tail};
use bm_reads::base::is_unknown;
use serde::{Deserialize, Serialize};

use crate::fate::BaseRange;

/// What is cut off reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trimming {
    /// Adapters, what is behind them, and bases in front that are not of the sample.
    pub adapters: bool,
    /// Runs of one base at the ends.
    pub poly: bool,
    /// Ends whose errors cost more than their right bases bring.
    pub ends: bool,
    /// What a wrong base costs, in right bases.
    pub price: f32,
    /// Bases cut off the start of every read.
    pub cut_front: usize,
    /// Bases cut off the end of every read.
    pub cut_tail: usize,
}

impl Trimming {
    /// The price by which a base with an error probability of 0.05 neither brings nor costs anything.
    pub const PRICE: f32 = 19.0;

    /// Nothing is cut.
    pub const NONE: Self = Self {
        adapters: false,
        poly: false,
        ends: false,
        price: Self::PRICE,
        cut_front: 0,
        cut_tail: 0,
    };

    /// Everything that is not worth keeping is cut.
    pub const ALL: Self = Self { adapters: true, poly: true, ends: true, ..Self::NONE };

    /// Returns whether anything may be cut.
    pub fn cuts(&self) -> bool {
        self.needs_inserts() || self.ends || self.cut_front > 0 || self.cut_tail > 0
    }

    /// Returns whether it has to be known where inserts end.
    pub fn needs_inserts(&self) -> bool {
        self.adapters || self.poly
    }

    /// Returns the bases of a read of this length that are left by the fixed cuts.
    pub(crate) fn left(&self, length: usize) -> Range<usize> {
        let start = self.cut_front.min(length);
        start..length.saturating_sub(self.cut_tail).max(start)
    }

    /// Returns the part of a read, of whose bases `errors` are the error probabilities, with the
    /// highest value; `foreign` is the probability of a base that it is not of the sample.
    pub(crate) fn best(
        &self,
        sequence: &[u8],
        errors: &[f32],
        foreign: Option<&dyn Fn(usize) -> f32>,
    ) -> Range<usize> {
        let bases = sequence.len().min(errors.len());
        let (sequence, errors) = (&sequence[..bases], &errors[..bases]);
        let value = |error: f32| 1.0 - (1.0 + self.price) * error;
        let Some(foreign) = foreign else {
            // Loops without an early exit compile to vector instructions.
            let all_known = sequence.iter().fold(true, |known, base| known & !is_unknown(*base));
            if !all_known {
                let value = |(base, error): (&u8, &f32)| {
                    value(if is_unknown(*base) { 1.0 } else { *error })
                };
                return highest(sequence.iter().zip(errors).map(value));
            }
            if self.is_best_whole(errors) {
                return 0..bases;
            }
            return self.highest_of(errors);
        };
        let value = |(at, (base, error)): (usize, (&u8, &f32))| {
            let foreign = foreign(at);
            (1.0 - foreign) * value(if is_unknown(*base) { 1.0 } else { *error }) - foreign
        };
        highest(sequence.iter().zip(errors).enumerate().map(value))
    }

    /// Returns whether all bases together surely have the highest value: nothing that is cut off
    /// either end brings as much as all bases that are not worth their price cost. It may miss some
    /// reads.
    fn is_best_whole(&self, errors: &[f32]) -> bool {
        let price = 1.0 + self.price;
        let cost_of = |error: &f32| {
            let cost = price * error - 1.0;
            if cost > 0.0 { cost } else { 0.0 }
        };
        let (chunks, rest) = errors.as_chunks::<LANES>();
        // Partial sums, so that no addition waits for the one before it.
        let mut costs = [0.0f32; LANES];
        for errors in chunks {
            for (cost, error) in costs.iter_mut().zip(errors) {
                *cost += cost_of(error);
            }
        }
        let cost = costs.iter().sum::<f32>() + rest.iter().map(cost_of).sum::<f32>();
        if cost == 0.0 {
            return true;
        }
        let brings = |errors: &mut dyn Iterator<Item = &f32>| {
            let mut sum = 0.0;
            for error in errors {
                let value = 1.0 - price * error;
                if value < 0.0 {
                    return false;
                }
                sum += value;
                // A little more, because of rounding.
                if sum > 1.001 * cost + 0.01 {
                    return true;
                }
            }
            false
        };
        brings(&mut errors.iter()) && brings(&mut errors.iter().rev())
    }
}

/// Bases that are looked at together.
const LANES: usize = 8;

impl Trimming {
    /// Returns [`highest`] for known bases of the sample.
    fn highest_of(&self, errors: &[f32]) -> Range<usize> {
        let price = 1.0 + self.price;
        let mut search = Highest::default();
        let (chunks, rest) = errors.as_chunks::<LANES>();
        for (number, errors) in chunks.iter().enumerate() {
            // As a vector.
            let values = errors.map(|error| (UNIT * (1.0 - price * error)) as i32);
            for (at, value) in (number * LANES..).zip(values) {
                search.add(at, value);
            }
        }
        for (at, error) in (chunks.len() * LANES..).zip(rest) {
            search.add(at, (UNIT * (1.0 - price * error)) as i32);
        }
        search.best()
    }
}

/// Bases of a word.
const WORD: usize = 12;

impl Trimming {
    /// Returns whether an error in each of the doubted words, of 12 bases, may change the best part of
    /// a read: not if the bases before them and behind them bring more than they cost.
    pub(crate) fn may_cut(&self, best: &Range<usize>, doubted: &[usize]) -> bool {
        let inside = |start: &&usize| **start + WORD > best.start && **start < best.end;
        let mut words = doubted.iter().filter(inside);
        let Some(first) = words.next() else { return false };
        let (count, last) = words.fold((1, first), |(count, _), word| (count + 1, word));
        let cost = 1.1 * self.price * count as f32;
        let before = first.saturating_sub(best.start);
        let behind = best.end.saturating_sub(last + WORD);
        cost >= before.min(behind) as f32
    }
}

/// Returns the part with the highest sum of values; the first one of several.
fn highest(values: impl Iterator<Item = f32>) -> Range<usize> {
    let mut search = Highest::default();
    for (at, value) in values.enumerate() {
        search.add(at, (UNIT * value) as i32);
    }
    search.best()
}

/// The value of a base that is surely right, as a whole number: their sums are exact.
const UNIT: f32 = 1024.0;

/// The search for the part with the highest sum of values.
#[derive(Default)]
struct Highest {
    first: usize,
    end: usize,
    most: i64,
    /// Where the part begins that ends at the last base, if its sum is positive.
    start: usize,
    sum: i64,
}

impl Highest {
    /// Adds the value of the next base. Without branches: whether a base changes anything cannot be
    /// predicted.
    #[inline(always)]
    fn add(&mut self, at: usize, value: i32) {
        self.sum += i64::from(value);
        let is_best = self.sum > self.most;
        self.most = if is_best { self.sum } else { self.most };
        self.first = if is_best { self.start } else { self.first };
        self.end = if is_best { at + 1 } else { self.end };
        let is_lost = self.sum < 0;
        self.start = if is_lost { at + 1 } else { self.start };
        self.sum = if is_lost { 0 } else { self.sum };
    }

    fn best(&self) -> Range<usize> {
        self.first..self.end
    }
}

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
    /// Bases in front that are not of the sample.
    pub front: u64,
    /// Ends with too many errors.
    pub ends: u64,
}

impl CutCounts {
    /// Returns the numbers with their names in reports.
    pub fn named(&self) -> [(&'static str, u64); 5] {
        let Self { fixed, adapters, poly, front, ends } = *self;
        [("adapters", adapters), ("poly", poly), ("front", front), ("ends", ends), ("fixed", fixed)]
    }

    /// Returns 1 for each number that is not 0.
    pub(crate) fn any(&self) -> Self {
        let Self { fixed, adapters, poly, front, ends } = self;
        let [fixed, adapters, poly, front, ends] =
            [fixed, adapters, poly, front, ends].map(|number| u64::from(*number > 0));
        Self { fixed, adapters, poly, front, ends }
    }

    /// Returns the sum of the numbers.
    pub fn total(&self) -> u64 {
        self.named().into_iter().map(|(_, bases)| bases).sum()
    }

    /// Adds other numbers.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { fixed, adapters, poly, front, ends } = self;
        *fixed += other.fixed;
        *adapters += other.adapters;
        *poly += other.poly;
        *front += other.front;
        *ends += other.ends;
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
            Some(Tail::Adapter) => trimming.adapters,
            Some(Tail::Run) => trimming.poly,
            Some(Tail::Unknown) => trimming.ends,
            None => true,
        };
        if !cuts_tail && keep.end == end && !keep.is_empty() {
            keep.end = left.end.max(end);
        }
        let only_unknown =
            sequence[..insert.part(length).start].iter().all(|base| is_unknown(*base));
        let cuts_front = if only_unknown { trimming.ends } else { trimming.adapters };
        if !cuts_front && keep.start == start && !keep.is_empty() {
            keep.start = left.start.min(start);
        }
        self.cut = self.cut_bases(insert, length, &left, &keep);
        if only_unknown {
            // Unknown bases are bad ends.
            self.cut.ends += std::mem::take(&mut self.cut.front);
        }
        self.keep = keep;
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
        let (adapters, poly) = match insert.tail(length) {
            Some(Tail::Adapter) => (tail, 0),
            Some(Tail::Run) => (0, tail),
            Some(Tail::Unknown) | None => (0, 0),
        };
        let cut = length - keep.len();
        let front = (front_to - left.start) as u64;
        let fixed = fixed as u64;
        let ends = cut as u64 - fixed - adapters - poly - front;
        CutCounts { fixed, adapters, poly, front, ends }
    }
}

impl From<&Part> for BaseRange {
    fn from(part: &Part) -> Self {
        Self::new(part.keep.start, part.keep.end)
    }
}

#[cfg(test)]
mod tests {
    use bm_insert::End;

    use super::*;

    fn best(errors: &[f32], foreign: &[f32]) -> Range<usize> {
        let foreign_of = |at: usize| foreign[at];
        let foreign: Option<&dyn Fn(usize) -> f32> =
            if foreign.is_empty() { None } else { Some(&foreign_of) };
        Trimming::ALL.best(&vec![b'A'; errors.len()], errors, foreign)
    }

    /// The definition: the highest sum of all parts.
    fn by_definition(errors: &[f32], foreign: &[f32]) -> f64 {
        let value = |at: usize| {
            let (error, foreign) =
                (f64::from(errors[at]), foreign.get(at).map_or(0.0, |p| f64::from(*p)));
            (1.0 - foreign) * (1.0 - error - 19.0 * error) - foreign
        };
        let sums = (0..errors.len()).flat_map(|start| {
            (start..=errors.len()).map(move |end| (start..end).map(value).sum::<f64>())
        });
        sums.fold(0.0, f64::max)
    }

    #[test]
    fn the_best_part_has_the_highest_value_of_all() {
        let mut seed = 1u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as f32 / (1 << 24) as f32
        };
        for round in 0..400 {
            let errors: Vec<f32> = (0..40).map(|_| next().powi(4)).collect();
            // In some rounds, most bases are good.
            let power = 4 + 8 * (round % 4);
            let errors: Vec<f32> = errors.iter().map(|error| error.powi(power / 4)).collect();
            let foreign: Vec<f32> =
                if round % 2 == 0 { Vec::new() } else { (0..40).map(|_| next().powi(3)).collect() };
            let found = best(&errors, &foreign);
            let highest = by_definition(&errors, &foreign);
            let value = |at: usize| {
                let foreign = foreign.get(at).copied().unwrap_or(0.0);
                (1.0 - foreign) * (1.0 - 20.0 * errors[at]) - foreign
            };
            let sum: f32 = found.clone().map(value).sum();
            assert!((f64::from(sum) - highest).abs() < 0.05, "{found:?}: {sum}, not {highest}");
        }
    }

    #[test]
    fn good_reads_stay_whole_and_bad_ones_vanish() {
        assert_eq!(best(&[0.001; 30], &[]), 0..30);
        assert_eq!(best(&[0.5; 30], &[]), 0..0);
        assert_eq!(best(&[], &[]), 0..0);
        let mut errors = [0.001; 30];
        errors[29] = 0.4;
        errors[0] = 0.2;
        assert_eq!(best(&errors, &[]), 1..29);
        // A wrong base in the middle costs less than what is behind it brings.
        let mut errors = [0.001; 60];
        errors[30] = 0.9;
        assert_eq!(best(&errors, &[]), 0..60);
        assert_eq!(Trimming::ALL.best(b"NACGT", &[0.0; 5], None), 1..5);
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
            let [adapters, poly, front, ends, fixed] = cut;
            let expected = CutCounts { fixed, adapters, poly, front, ends };
            let found = if part.keep.is_empty() { 0..0 } else { part.keep.clone() };
            assert_eq!((found, part.cut), (keep.clone(), expected), "{trimming:?}");
            assert_eq!(part.cut.total() as usize, 30 - keep.len());
            assert_eq!(part.adapter_bases, 10);
        }
    }
}
