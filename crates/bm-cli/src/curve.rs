//! What would be left of scored reads at each threshold.

use std::cmp::Ordering;

use anyhow::{Result, ensure};
use bm_quality::Prediction;

use crate::score_table::ScoreTable;

/// What is kept or not as a whole: a read, or a pair.
#[derive(Clone, Copy, Debug)]
struct Unit {
    /// NaN where it cannot be scored.
    probability: f32,
    expected_errors: f32,
    bases: u32,
}

/// Scored reads, or pairs, the best ones first.
pub(crate) struct Curve {
    units: Vec<Unit>,
    /// 1, or 2 of pairs.
    pub(crate) reads_per_unit: u64,
    /// Whether errors are expected in them.
    pub(crate) counts_errors: bool,
}

/// What is kept at a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) threshold: f32,
    pub(crate) reads: u64,
    pub(crate) bases: u64,
    /// Errors that are expected in them.
    pub(crate) expected_errors: f64,
    /// Reads, or pairs, that are expected to be bad: the sum of 1 − p.
    pub(crate) bad: f64,
}

/// How much is to be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// So large a share of all reads, those that cannot be scored among them.
    Fraction(f64),
    /// So many bases.
    Bases(u64),
}

impl Curve {
    /// Reads tables to their ends.
    ///
    /// # Errors
    ///
    /// If one is broken, or they are not of one kind.
    pub(crate) fn of(tables: &mut [ScoreTable]) -> Result<Self> {
        let kind = |table: &ScoreTable| (table.has_pairs(), table.counts_errors());
        let (has_pairs, counts_errors) = tables.first().map_or((false, false), kind);
        let mut units = Vec::new();
        for table in tables {
            ensure!(
                kind(table) == (has_pairs, counts_errors),
                "{}: has other columns than the table before",
                table.name()
            );
            while let Some(row) = table.row()? {
                let mate = if has_pairs { table.row()? } else { None };
                ensure!(
                    !has_pairs || mate.is_some(),
                    "{}: ends after a read without its mate",
                    table.name()
                );
                let rows = [Some(&row), mate.as_ref()];
                let sum = |of: &dyn Fn(&Prediction) -> f32| {
                    rows.iter().flatten().map(|row| of(&row.prediction)).sum()
                };
                let probability =
                    if has_pairs { row.pair_probability } else { row.prediction.probability() };
                units.push(Unit {
                    probability: probability.map_or(f32::NAN, |p| p.get()),
                    expected_errors: sum(&|prediction| prediction.expected_errors().unwrap_or(0.0)),
                    bases: rows.iter().flatten().map(|row| row.length as u32).sum(),
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

    /// Returns what is kept or not as a whole, in a word.
    pub(crate) fn units(&self) -> &'static str {
        if self.reads_per_unit == 2 { "pairs" } else { "reads" }
    }

    /// Returns how many reads there are.
    pub(crate) fn reads(&self) -> u64 {
        self.units.len() as u64 * self.reads_per_unit
    }

    /// Returns what there is of all that can be scored.
    pub(crate) fn all(&self) -> Point {
        self.kept(self.units.len())
    }

    /// Returns the highest threshold at which the goal is reached; the lowest one if none reaches
    /// it.
    pub(crate) fn at(&self, goal: Goal) -> Point {
        let best = match goal {
            // A hair less than the product: 0.1 of 30 is to be 3, whatever a double makes of it.
            Goal::Fraction(share) => {
                (share * self.units.len() as f64 * (1.0 - 1e-12)).ceil() as usize
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

    /// Returns what is kept at the threshold that keeps the best so many, with those that are as
    /// good as the last of them.
    fn kept(&self, best: usize) -> Point {
        let scored = self
            .units
            .iter()
            .position(|unit| unit.probability.is_nan())
            .unwrap_or(self.units.len());
        let Some(last) = best.min(scored).checked_sub(1) else {
            return Point { threshold: 1.0, reads: 0, bases: 0, expected_errors: 0.0, bad: 0.0 };
        };
        let threshold = self.units[last].probability;
        let kept = self.units.iter().take_while(|unit| unit.probability >= threshold);
        let mut point = Point { threshold, reads: 0, bases: 0, expected_errors: 0.0, bad: 0.0 };
        for unit in kept {
            point.reads += self.reads_per_unit;
            point.bases += u64::from(unit.bases);
            point.expected_errors += f64::from(unit.expected_errors);
            point.bad += 1.0 - f64::from(unit.probability);
        }
        point
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(probabilities: &[f32]) -> Curve {
        let unit = |p: &f32| Unit { probability: *p, expected_errors: 1.0 - p, bases: 100 };
        Curve {
            units: probabilities.iter().map(unit).collect(),
            reads_per_unit: 1,
            counts_errors: true,
        }
    }

    #[test]
    fn a_goal_is_reached_with_no_more_than_those_as_good_as_the_last() {
        let curve = curve(&[1.0, 0.9, 0.9, 0.5, 0.25, f32::NAN]);
        let at = |goal| {
            let point = curve.at(goal);
            (point.threshold, point.reads)
        };
        assert_eq!(at(Goal::Fraction(0.1)), (1.0, 1));
        assert_eq!(at(Goal::Fraction(0.2)), (0.9, 3));
        assert_eq!(at(Goal::Fraction(0.5)), (0.9, 3));
        assert_eq!(at(Goal::Fraction(0.51)), (0.5, 4));
        // What cannot be scored is not kept.
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
    fn nothing_is_kept_of_nothing() {
        let point = curve(&[]).at(Goal::Fraction(0.9));
        assert_eq!((point.reads, point.bases), (0, 0));
        assert_eq!(curve(&[f32::NAN]).all().reads, 0);
    }
}
