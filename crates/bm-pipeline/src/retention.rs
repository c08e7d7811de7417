//! How many scored reads each threshold keeps, and how many expected errors it removes.

use std::cmp::Ordering;

use bm_quality::{Criteria, Prediction};

use crate::PipelineError;
use crate::score_table::ScoreTable;

/// A unit that is kept or discarded as a whole: a read or a pair.
#[derive(Clone, Copy, Debug)]
struct Unit {
    /// NaN if the unit cannot be scored.
    probability: f32,
    expected_errors: f32,
    bases: u32,
}

/// Median length above which reads are long, in bases.
const LONG: u32 = 600;

/// Fraction of the reads with the highest probability from which on it does not rank them.
const TIED: f64 = 0.05;

/// Scored reads, or pairs, best first.
pub struct RetentionCurve {
    units: Vec<Unit>,
    /// Reads per unit: 1, or 2 if units are pairs.
    pub reads_per_unit: u64,
    /// Whether expected errors are known.
    pub counts_errors: bool,
}

/// The reads that a threshold keeps, in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetentionPoint {
    /// The threshold: the lowest probability that is kept.
    pub threshold: f32,
    /// Reads kept.
    pub reads: u64,
    /// Bases kept.
    pub bases: u64,
    /// Expected errors in the kept reads.
    pub expected_errors: f64,
    /// Expected number of bad reads or pairs among those kept: the sum of 1 − p.
    pub bad: f64,
}

/// How much to keep.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// This fraction of all reads, unscored ones included, 0 to 1.
    Fraction(f64),
    /// This many bases.
    Bases(u64),
}

impl RetentionCurve {
    /// Reads tables of scores to their ends.
    ///
    /// # Errors
    ///
    /// If a table is broken, or the tables are of different kinds.
    pub fn of(tables: &mut [ScoreTable]) -> Result<Self, PipelineError> {
        let kind = |table: &ScoreTable| (table.has_pairs(), table.counts_errors());
        let (has_pairs, counts_errors) = tables.first().map_or((false, false), kind);
        let mut units = Vec::new();
        for table in tables {
            if kind(table) != (has_pairs, counts_errors) {
                let name = table.name();
                return PipelineError::refuse(format!(
                    "{name}: has other columns than the table before"
                ));
            }
            while let Some(row) = table.row()? {
                if has_pairs && row.mate.is_none() {
                    return PipelineError::refuse(format!(
                        "{}: has scores of pairs and of single reads; score them apart, for a table \
                         of each",
                        table.name()
                    ));
                }
                let mate = if has_pairs { table.row_of_mate(&row)? } else { None };
                if has_pairs && mate.is_none() {
                    let name = table.name();
                    return PipelineError::refuse(format!(
                        "{name}: ends after a read without its mate"
                    ));
                }
                let rows = [Some(&row), mate.as_ref()];
                let sum = |of: &dyn Fn(&Prediction) -> f32| {
                    rows.iter().flatten().map(|row| of(&row.prediction)).sum()
                };
                let probability =
                    if has_pairs { row.pair_probability } else { row.prediction.probability() };
                units.push(Unit {
                    probability: probability.map_or(f32::NAN, |p| p.get()),
                    expected_errors: sum(&|prediction| prediction.expected_errors().unwrap_or(0.0)),
                    // Each row, and each pair, has at most `MOST_BASES`.
                    bases: (rows.iter().flatten())
                        .map(|row| row.fate.keep.of(row.length).len() as u32)
                        .sum(),
                });
            }
        }
        units.sort_by(|one, other| match (one.probability.is_nan(), other.probability.is_nan()) {
            (false, false) => other.probability.total_cmp(&one.probability),
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
        });
        Ok(Self { units, reads_per_unit: if has_pairs { 2 } else { 1 }, counts_errors })
    }

    /// Returns the name of the units: `reads` or `pairs`.
    pub fn units(&self) -> &'static str {
        if self.reads_per_unit == 2 { "pairs" } else { "reads" }
    }

    /// Returns the number of reads.
    pub fn reads(&self) -> u64 {
        self.units.len() as u64 * self.reads_per_unit
    }

    /// Returns the point that keeps everything that can be scored.
    pub fn all(&self) -> RetentionPoint {
        self.kept(self.units.len())
    }

    /// Returns the highest threshold that reaches the goal; the lowest one if none does.
    pub fn at(&self, goal: Goal) -> RetentionPoint {
        let best = match goal {
            // Slightly less than the product: 0.1 of 30 must be 3 despite rounding.
            Goal::Fraction(fraction) => {
                (fraction * self.units.len() as f64 * (1.0 - 1e-12)).ceil() as usize
            }
            Goal::Bases(bases) => {
                let mut sum = 0;
                let reached = self.units.iter().position(|unit| {
                    sum += u64::from(unit.bases);
                    sum >= bases
                });
                reached.map_or(self.units.len(), |i| i + 1)
            }
        };
        self.kept(best)
    }

    /// Returns the highest expected error rate of the reads that reach the goal, those with the lowest
    /// rates, where probabilities do not rank reads: of long reads, and where those of many are 1. `None`
    /// for others, and if the goal is a number of bases in long reads, which [`RetentionCurve::weight_at`]
    /// is for.
    pub fn rate_at(&self, goal: Goal) -> Option<f64> {
        let is_long = self.are_long();
        if !self.counts_errors_of_reads() || !(is_long || self.is_saturated()) {
            return None;
        }
        let rate = |unit: &Unit| f64::from(unit.expected_errors) / f64::from(unit.bases.max(1));
        let mut rates: Vec<(f64, u32)> =
            self.scored().map(|unit| (rate(unit), unit.bases)).collect();
        rates.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let reached = match goal {
            Goal::Bases(_) if is_long => return None,
            Goal::Bases(bases) => first_with(&rates, bases),
            Goal::Fraction(fraction) => {
                match ((fraction * self.units.len() as f64 * (1.0 - 1e-12)).ceil() as usize)
                    .checked_sub(1)
                {
                    Some(last) => rates.get(last),
                    // No read has a lower rate.
                    None => return Some(0.0),
                }
            }
        };
        reached.or(rates.last()).map(|(rate, _)| *rate)
    }

    /// Returns whether half of the reads are long.
    fn are_long(&self) -> bool {
        let mut lengths: Vec<u32> = self.units.iter().map(|unit| unit.bases).collect();
        let middle = lengths.len() / 2;
        middle < lengths.len() && *lengths.select_nth_unstable(middle).1 > LONG
    }

    /// Returns whether many of the units are equally probable, and none is more so.
    fn is_saturated(&self) -> bool {
        let best = self.units.first().map_or(0.0, |unit| unit.probability);
        let tied = self.units.iter().take_while(|unit| unit.probability >= best).count();
        tied as f64 > TIED * self.units.len() as f64
    }

    fn counts_errors_of_reads(&self) -> bool {
        self.reads_per_unit == 1 && self.counts_errors
    }

    fn scored(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| !unit.probability.is_nan())
    }

    /// Returns the lowest weight of the best long reads that together have this many bases, by
    /// [`Criteria::weight`]: all that are worth as much are kept. `None` for short reads and pairs, of
    /// which the most probable ones are the best, and without expected errors.
    pub fn weight_at(&self, bases: u64) -> Option<f64> {
        if !self.counts_errors_of_reads() || !self.are_long() {
            return None;
        }
        let weight = |unit: &Unit| {
            (Criteria::weight(f64::from(unit.expected_errors), unit.bases as usize), unit.bases)
        };
        let mut weights: Vec<(f64, u32)> = self.scored().map(weight).collect();
        weights.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
        let reached = first_with(&weights, bases);
        reached.or(weights.last()).map(|(weight, _)| *weight)
    }

    /// Returns the point that keeps this many of the best units, and all others as good as the last
    /// of these.
    fn kept(&self, best: usize) -> RetentionPoint {
        let scored = self
            .units
            .iter()
            .position(|unit| unit.probability.is_nan())
            .unwrap_or(self.units.len());
        let Some(last) = best.min(scored).checked_sub(1) else {
            return RetentionPoint {
                threshold: 1.0,
                reads: 0,
                bases: 0,
                expected_errors: 0.0,
                bad: 0.0,
            };
        };
        let threshold = self.units[last].probability;
        let kept = self.units.iter().take_while(|unit| unit.probability >= threshold);
        let mut point =
            RetentionPoint { threshold, reads: 0, bases: 0, expected_errors: 0.0, bad: 0.0 };
        for unit in kept {
            point.reads += self.reads_per_unit;
            point.bases += u64::from(unit.bases);
            point.expected_errors += f64::from(unit.expected_errors);
            point.bad += 1.0 - f64::from(unit.probability);
        }
        point
    }
}

/// Returns the first of some values, each with a number of bases, up to which there are as many bases.
fn first_with(values: &[(f64, u32)], bases: u64) -> Option<&(f64, u32)> {
    let mut sum = 0;
    values.iter().find(|(_, bases_of)| {
        sum += u64::from(*bases_of);
        sum >= bases
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(probabilities: &[f32]) -> RetentionCurve {
        let unit = |p: &f32| Unit { probability: *p, expected_errors: 1.0 - p, bases: 100 };
        RetentionCurve {
            units: probabilities.iter().map(unit).collect(),
            reads_per_unit: 1,
            counts_errors: true,
        }
    }

    #[test]
    fn a_goal_is_reached_with_no_more_units_than_needed() {
        let curve = curve(&[1.0, 0.9, 0.9, 0.5, 0.25, f32::NAN]);
        let at = |goal| {
            let point = curve.at(goal);
            (point.threshold, point.reads)
        };
        assert_eq!(at(Goal::Fraction(0.1)), (1.0, 1));
        assert_eq!(at(Goal::Fraction(0.2)), (0.9, 3));
        assert_eq!(at(Goal::Fraction(0.5)), (0.9, 3));
        assert_eq!(at(Goal::Fraction(0.51)), (0.5, 4));
        // Unscored reads are not kept.
        assert_eq!(at(Goal::Fraction(1.0)), (0.25, 5));
        assert_eq!(at(Goal::Fraction(0.0)), (1.0, 0));
        assert_eq!(at(Goal::Bases(1)), (1.0, 1));
        assert_eq!(at(Goal::Bases(200)), (0.9, 3));
        assert_eq!(at(Goal::Bases(400)), (0.5, 4));
        assert_eq!(at(Goal::Bases(1_000)), (0.25, 5));
        let point = curve.at(Goal::Bases(400));
        assert!(
            (point.bad - 0.7).abs() < 1e-6
                && (point.expected_errors - 0.7).abs() < 1e-6
                && point.bases == 400
        );
    }

    #[test]
    fn of_long_reads_length_and_errors_decide() {
        let unit = |bases: u32, rate: f32| Unit {
            probability: 1.0,
            expected_errors: rate * bases as f32,
            bases,
        };
        let mut curve = curve(&[]);
        curve.units =
            vec![unit(20_000, 0.08), unit(800, 0.01), unit(20_000, 0.02), unit(5_000, 0.01)];
        let of =
            |unit: &Unit| Criteria::weight(f64::from(unit.expected_errors), unit.bases as usize);
        // From the best to the worst: 2, 3, 0, 1.
        for (bases, last) in
            [(0, 2), (20_000, 2), (20_001, 3), (25_001, 0), (45_001, 1), (1 << 40, 1)]
        {
            assert_eq!(curve.weight_at(bases), Some(of(&curve.units[last])), "{bases}");
        }
        // By rate: 1 and 3, 2, 0.
        for (fraction, rate) in [(0.0, 0.0), (0.25, 0.01), (0.5, 0.01), (0.51, 0.02), (1.0, 0.08)] {
            let found = curve.rate_at(Goal::Fraction(fraction)).unwrap_or(9.0);
            assert!((found - rate).abs() < 1e-6, "{fraction}: {found}");
        }
        curve.reads_per_unit = 2;
        assert_eq!((curve.weight_at(1), curve.rate_at(Goal::Fraction(0.5))), (None, None));
        assert_eq!(curve.rate_at(Goal::Bases(1)), None);
        // Short reads are ranked by their probabilities, unless those of many are the same.
        let mut probabilities: Vec<f32> = (0..40).map(|at| 1.0 - at as f32 / 50.0).collect();
        let short = self::curve(&probabilities);
        assert_eq!((short.weight_at(1), short.rate_at(Goal::Bases(1))), (None, None));
        probabilities[1..10].fill(1.0);
        let mut tied = self::curve(&probabilities);
        tied.units[3].expected_errors = 0.5;
        tied.units[10].expected_errors = 0.75;
        assert_eq!(tied.weight_at(1), None);
        assert_eq!(tied.rate_at(Goal::Bases(900)), Some(0.0));
        assert_eq!(tied.rate_at(Goal::Bases(901)).map(|rate| (1000.0 * rate).round()), Some(2.0));
        assert_eq!(
            tied.rate_at(Goal::Fraction(0.25)).map(|rate| (1000.0 * rate).round()),
            Some(2.0)
        );
    }

    #[test]
    fn an_empty_table_keeps_nothing() {
        let point = curve(&[]).at(Goal::Fraction(0.9));
        assert_eq!((point.reads, point.bases), (0, 0));
        assert_eq!(curve(&[f32::NAN]).all().reads, 0);
    }
}
