//! How many scored reads each threshold keeps, and how many expected errors it removes.

use crate::PipelineError;
use crate::ranking::{Goal, Order, Ranking, Unit};
use crate::score_table::ScoreTable;

/// Scored reads, or pairs, best first.
pub struct RetentionCurve {
    /// Sorted by `order`.
    ranking: Ranking,
    order: Order,
}

/// The reads that a threshold keeps, in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetentionPoint {
    /// The threshold: the lowest probability that is kept.
    pub threshold: f32,
    /// The highest expected error rate that is kept, rounded up to six digits, where reads are ranked by
    /// it: [`RetentionCurve::ranks_by_rate`].
    pub max_error_rate: Option<f64>,
    /// Reads kept.
    pub reads: u64,
    /// Bases kept.
    pub bases: u64,
    /// Expected errors in the kept reads.
    pub expected_errors: f64,
    /// Expected number of bad reads or pairs among those kept: the sum of 1 − p.
    pub bad: f64,
}

impl RetentionCurve {
    /// Reads tables of scores to their ends.
    ///
    /// # Errors
    ///
    /// If a table is broken, or the tables are of different kinds.
    pub fn of(tables: &mut [ScoreTable]) -> Result<Self, PipelineError> {
        Ok(Ranking::of(tables)?.into())
    }

    /// Returns whether expected error rates rank the reads: where they are long, and where the
    /// probabilities of many are 1. The limit of a point is then [`RetentionPoint::max_error_rate`].
    pub fn ranks_by_rate(&self) -> bool {
        self.order == Order::ErrorRate
    }

    /// Returns whether expected errors are known.
    pub fn counts_errors(&self) -> bool {
        self.ranking.counts_errors
    }

    /// Returns the reads per unit: 1, or 2 if units are pairs.
    pub fn reads_per_unit(&self) -> u64 {
        self.ranking.reads_per_unit
    }

    /// Returns the name of the units: `reads` or `pairs`.
    pub fn units(&self) -> &'static str {
        if self.reads_per_unit() == 2 { "pairs" } else { "reads" }
    }

    /// Returns the number of reads.
    pub fn reads(&self) -> u64 {
        self.ranking.units.len() as u64 * self.reads_per_unit()
    }

    /// Returns the point that keeps everything that can be scored.
    pub fn all(&self) -> RetentionPoint {
        self.kept(self.ranking.units.len())
    }

    /// Returns the strictest threshold that reaches the goal; the loosest one if none does.
    pub fn at(&self, goal: Goal) -> RetentionPoint {
        self.kept(self.ranking.reach(goal))
    }

    /// Returns the point that keeps this many of the best units, and all others as good as the last
    /// of these.
    fn kept(&self, best: usize) -> RetentionPoint {
        let units = &self.ranking.units;
        let scored = &units[..units.partition_point(Unit::is_scored)];
        let last = best.min(scored.len()).checked_sub(1).and_then(|at| scored.get(at));
        let mut point = RetentionPoint {
            threshold: last.map_or(1.0, |unit| unit.probability),
            max_error_rate: self.ranks_by_rate().then(|| last.map_or(0.0, |it| up(it.rate()))),
            reads: 0,
            bases: 0,
            expected_errors: 0.0,
            bad: 0.0,
        };
        if last.is_none() {
            return point;
        }
        let (most, least) = (point.max_error_rate, point.threshold);
        let is_kept = |unit: &&Unit| match most {
            Some(most) => unit.rate() <= most,
            None => unit.probability >= least,
        };
        for unit in scored.iter().take_while(is_kept) {
            point.threshold = point.threshold.min(unit.probability);
            point.reads += self.reads_per_unit();
            point.bases += u64::from(unit.bases);
            point.expected_errors += f64::from(unit.expected_errors);
            point.bad += 1.0 - f64::from(unit.probability);
        }
        point
    }
}

impl From<Ranking> for RetentionCurve {
    fn from(mut ranking: Ranking) -> Self {
        let order = ranking.order();
        ranking.sort(order);
        Self { ranking, order }
    }
}

/// Returns a rate rounded up to six digits, so that the limit as it is shown keeps the same reads.
fn up(rate: f64) -> f64 {
    let nearest = format!("{rate:.5e}");
    let value = |text: &str| text.parse().unwrap_or(rate);
    if value(&nearest) >= rate {
        return value(&nearest);
    }
    let next = nearest.split_once('e').and_then(|(digits, exponent)| {
        let digits: u64 = digits.replace('.', "").parse().ok()?;
        let exponent: i32 = exponent.parse().ok()?;
        Some(format!("{}e{}", digits + 1, exponent - 5))
    });
    next.map_or(rate, |next| value(&next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(units: Vec<Unit>) -> RetentionCurve {
        Ranking { units, reads_per_unit: 1, counts_errors: true }.into()
    }

    fn of(probabilities: &[f32]) -> RetentionCurve {
        let unit = |p: &f32| Unit { probability: *p, expected_errors: 1.0 - p, bases: 100 };
        let mut ranking = Ranking {
            units: probabilities.iter().map(unit).collect(),
            reads_per_unit: 1,
            counts_errors: true,
        };
        ranking.sort(Order::Probability);
        RetentionCurve { ranking, order: Order::Probability }
    }

    #[test]
    fn a_goal_is_reached_with_no_more_units_than_needed() {
        let curve = of(&[0.9, 1.0, f32::NAN, 0.9, 0.25, 0.5]);
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
    fn long_reads_are_ranked_by_rate() {
        let long = |errors: f32| Unit { probability: 1.0, expected_errors: errors, bases: 3_000 };
        let mut units: Vec<Unit> = (1..=100).rev().map(|at| long(at as f32)).collect();
        units.push(Unit { probability: f32::NAN, ..long(0.0) });
        let curve = curve(units);
        assert!(curve.ranks_by_rate());
        for reads in [1_u64, 7, 50, 100] {
            for goal in [Goal::Fraction(reads as f64 / 101.0), Goal::Bases(3_000 * reads)] {
                let point = curve.at(goal);
                assert_eq!(point.reads, reads, "{goal:?}");
                let rate = reads as f64 / 3_000.0;
                let limit = point.max_error_rate.unwrap_or(0.0);
                assert!(limit >= rate && limit <= rate * (1.0 + 1e-5), "{limit}");
                assert!(limit.to_string().len() <= 11, "{limit}");
            }
        }
        assert_eq!(curve.at(Goal::Fraction(0.0)).max_error_rate, Some(0.0));
    }

    #[test]
    fn a_limit_is_rounded_up() {
        for (rate, shown) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (0.012_345_678, "0.0123457"),
            (0.000_999_999_9, "0.001"),
            (1.0 / 3.0, "0.333334"),
            (0.1, "0.1"),
        ] {
            assert_eq!(up(rate).to_string(), shown);
            assert!(up(rate) >= rate);
        }
    }

    #[test]
    fn an_empty_table_keeps_nothing() {
        let point = curve(Vec::new()).at(Goal::Fraction(0.9));
        assert_eq!((point.reads, point.bases), (0, 0));
        assert_eq!(of(&[f32::NAN]).all().reads, 0);
    }
}
