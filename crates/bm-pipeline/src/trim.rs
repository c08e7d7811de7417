//! Which bases of a read are kept, and what the others were cut for.
//!
//! The best part of a read is the one with the highest value: a base that is right brings 1, a wrong
//! one costs the price, and one that is not of the sample costs 1 (the maximum segment, as in the
//! modified Mott trimming of phred's `-trim_alt`).

use std::ops::Range;

use bm_reads::base::is_unknown;

use crate::highest_sum::{Highest, UNIT, highest};

/// Bases that are looked at together.
const LANES: usize = 8;

/// Bases of a word.
const WORD: usize = 12;

/// What is cut off reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trimming {
    /// Adapters, what is behind them, and bases in front that are not of the sample.
    pub adapters: bool,
    /// Runs of one base at the ends.
    pub poly: bool,
    /// Ends whose errors cost more than their right bases bring.
    pub ends: bool,
    /// What a wrong base costs, in right bases; [`Trimming::PRICE`] if `None`, or what a base at their limit
    /// costs for long reads, which have more errors: 9 for one error in ten.
    pub price: Option<f32>,
    /// Bases cut off the start of every read.
    pub cut_front: usize,
    /// Bases cut off the end of every read.
    pub cut_tail: usize,
}

impl Trimming {
    /// The price by which a base with an error probability of 0.05 neither brings nor costs anything.
    pub const PRICE: f32 = 19.0;

    /// Nothing is cut.
    pub const NONE: Self =
        Self { adapters: false, poly: false, ends: false, price: None, cut_front: 0, cut_tail: 0 };

    /// Everything that is not worth keeping is cut.
    pub const ALL: Self = Self { adapters: true, poly: true, ends: true, ..Self::NONE };

    /// Returns what a wrong base costs.
    pub fn cost(&self) -> f32 {
        self.price.unwrap_or(Self::PRICE)
    }

    /// Returns it with the price for long reads of which at most this part of the bases may be wrong, unless
    /// one is given.
    pub(crate) fn for_long_reads(self, max_error_rate: f64) -> Self {
        let price = (1.0 / max_error_rate.max(1e-6) - 1.0) as f32;
        Self { price: self.price.or(Some(price)), ..self }
    }

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
        let value = |error: f32| 1.0 - (1.0 + self.cost()) * error;
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
        let price = 1.0 + self.cost();
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

    /// Returns [`highest`] for known bases of the sample.
    fn highest_of(&self, errors: &[f32]) -> Range<usize> {
        let price = 1.0 + self.cost();
        let mut search = Highest::default();
        let (chunks, rest) = errors.as_chunks::<LANES>();
        for (number, errors) in chunks.iter().enumerate() {
            // As vectors; they have no fast instruction for the conversion to whole numbers.
            let values = errors.map(|error| UNIT * (1.0 - price * error));
            let halves = |of: fn(f32, f32) -> f32| {
                let four: [f32; LANES / 2] =
                    std::array::from_fn(|at| of(values[at], values[at + 4]));
                of(of(four[0], four[2]), of(four[1], four[3]))
            };
            if halves(|one, other| if one < other { one } else { other }) >= 1.0 {
                let sum = halves(|one, other| one + other);
                search.add_worthy(number * LANES, LANES, sum as i32);
                continue;
            }
            for (at, value) in (number * LANES..).zip(values) {
                search.add(at, value as i32);
            }
        }
        for (at, error) in (chunks.len() * LANES..).zip(rest) {
            search.add(at, (UNIT * (1.0 - price * error)) as i32);
        }
        search.best()
    }

    /// Returns whether an error in each of the doubted words, of 12 bases, may change the best part of
    /// a read: not if the bases before them and behind them bring more than they cost.
    pub(crate) fn may_cut(&self, best: &Range<usize>, doubted: &[usize]) -> bool {
        let inside = |start: &&usize| **start + WORD > best.start && **start < best.end;
        let mut words = doubted.iter().filter(inside);
        let Some(first) = words.next() else { return false };
        let (count, last) = words.fold((1, first), |(count, _), word| (count + 1, word));
        let cost = 1.1 * self.cost() * count as f32;
        let before = first.saturating_sub(best.start);
        let behind = best.end.saturating_sub(last + WORD);
        cost >= before.min(behind) as f32
    }
}

#[cfg(test)]
mod tests {
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
}
