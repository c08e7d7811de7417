//! Scored reads, or pairs, from the best to the worst, and the criteria that keep as much of them as is
//! wanted.

use std::cmp::Ordering;

use bm_quality::{Criteria, Prediction, QualityError, Threshold};

use crate::PipelineError;
use crate::decide::ScoredTemplate;
use crate::fate::Decision;
use crate::score_table::ScoreTable;

/// Median length above which reads are long, in bases.
const LONG: u32 = 600;

/// Fraction of the reads with the highest probability from which on it does not rank them.
const TIED: f64 = 0.05;

/// How much to keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// This fraction of all reads, unscored ones included, 0 to 1.
    Fraction(f64),
    /// This many bases.
    Bases(u64),
}

impl Goal {
    /// Returns the flag that sets it.
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Fraction(_) => "--keep-fraction",
            Self::Bases(_) => "--target-bases",
        }
    }
}

/// A unit that is kept or discarded as a whole: a read or a pair. It takes 12 bytes, so those of 100
/// million reads take 1.2 GB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    /// NaN if the unit cannot be scored.
    pub(crate) probability: f32,
    pub(crate) expected_errors: f32,
    /// Bases that are kept if the unit is.
    pub(crate) bases: u32,
}

impl Unit {
    /// Returns the unit of a scored template: a read, or two mates.
    pub(crate) fn of(scored: &ScoredTemplate<'_>, decision: &Decision) -> Self {
        let mates = scored.template.mates();
        let prediction = match mates {
            [read] => Some(scored.prediction(read)),
            _ => scored.joint,
        };
        let errors = |mate| scored.prediction(mate).expected_errors().unwrap_or(0.0);
        let kept = mates.iter().zip(decision.fates());
        let bases: usize =
            kept.map(|(mate, fate)| fate.keep.of(mate.record.sequence.len()).len()).sum();
        Self {
            probability: prediction
                .and_then(Prediction::probability)
                .map_or(f32::NAN, |probability| probability.get()),
            expected_errors: mates.iter().map(errors).sum(),
            bases: u32::try_from(bases).unwrap_or(u32::MAX),
        }
    }

    /// Returns the expected errors per base.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.expected_errors) / f64::from(self.bases.max(1))
    }

    fn weight(&self) -> f64 {
        Criteria::weight(f64::from(self.expected_errors), self.bases as usize)
    }

    pub(crate) fn is_scored(&self) -> bool {
        !self.probability.is_nan()
    }
}

/// What makes one unit better than another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    /// A higher probability.
    Probability,
    /// A lower expected error rate: of long reads, and where the probabilities of many are 1.
    ErrorRate,
}

/// Scored reads, or pairs.
#[derive(Debug)]
pub(crate) struct Ranking {
    pub(crate) units: Vec<Unit>,
    /// Reads per unit: 1, or 2 if units are pairs.
    pub(crate) reads_per_unit: u64,
    /// Whether expected errors are known.
    pub(crate) counts_errors: bool,
}

impl Ranking {
    /// Reads tables of scores to their ends.
    ///
    /// # Errors
    ///
    /// If a table is broken, or the tables are of different kinds.
    pub(crate) fn of(tables: &mut [ScoreTable]) -> Result<Self, PipelineError> {
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
            while let Some(unit) = next_unit(table, has_pairs)? {
                units.push(unit);
            }
        }
        Ok(Self { units, reads_per_unit: if has_pairs { 2 } else { 1 }, counts_errors })
    }

    /// Returns what ranks the units.
    pub(crate) fn order(&self) -> Order {
        match self.counts_errors_of_reads() && (self.are_long() || self.is_saturated()) {
            true => Order::ErrorRate,
            false => Order::Probability,
        }
    }

    /// Sorts the units, best first; those that cannot be scored are last.
    pub(crate) fn sort(&mut self, order: Order) {
        let is_better = |one: &Unit, other: &Unit| match order {
            Order::Probability => other.probability.total_cmp(&one.probability),
            Order::ErrorRate => one.rate().total_cmp(&other.rate()),
        };
        self.units.sort_unstable_by(|one, other| match (one.is_scored(), other.is_scored()) {
            (true, true) => is_better(one, other),
            (false, false) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        });
    }

    /// Returns how many of the sorted units reach the goal: all that can be scored, if no fewer do.
    pub(crate) fn reach(&self, goal: Goal) -> usize {
        let scored = self.units.partition_point(Unit::is_scored);
        match goal {
            // Slightly less than the product: 0.1 of 30 must be 3 despite rounding.
            Goal::Fraction(fraction) => {
                let wanted = fraction * self.units.len() as f64 * (1.0 - 1e-12);
                (wanted.ceil() as usize).min(scored)
            }
            Goal::Bases(bases) => {
                let mut sum = 0;
                let reached = self.units[..scored].iter().position(|unit| {
                    sum += u64::from(unit.bases);
                    sum >= bases
                });
                reached.map_or(scored, |at| at + 1)
            }
        }
    }

    /// Returns the criteria that reach the goal with the best units, and keep all others that are as good
    /// as the last of these: a lowest weight by length and errors for a number of bases of long reads;
    /// a highest expected error rate for other goals of long reads, and where the probabilities of many
    /// reads are 1; otherwise a lowest probability.
    pub(crate) fn criteria(mut self, goal: Goal) -> Result<Criteria, QualityError> {
        if let Goal::Bases(bases) = goal
            && self.counts_errors_of_reads()
            && self.are_long()
        {
            self.units.retain(Unit::is_scored);
            if let Some(last) = last_by_weight(&mut self.units, bases) {
                return Ok(Criteria { min_weight: Some(last.weight()), ..Criteria::default() });
            }
        }
        let order = self.order();
        self.sort(order);
        let last = self.reach(goal).checked_sub(1).and_then(|at| self.units.get(at));
        Ok(match order {
            Order::ErrorRate => {
                // No read has a rate under 0.
                let rate = last.map_or(0.0, Unit::rate);
                Criteria { max_expected_error_rate: Some(rate), ..Criteria::default() }
            }
            Order::Probability => Threshold::new(last.map_or(1.0, |unit| unit.probability))?.into(),
        })
    }

    /// Returns whether half of the reads are long.
    fn are_long(&self) -> bool {
        let mut lengths: Vec<u32> = self.units.iter().map(|unit| unit.bases).collect();
        let middle = lengths.len() / 2;
        middle < lengths.len() && *lengths.select_nth_unstable(middle).1 > LONG
    }

    /// Returns whether many of the units are equally probable, and none is more so.
    fn is_saturated(&self) -> bool {
        let probabilities = || self.units.iter().map(|unit| unit.probability);
        // `max` passes over NaN.
        let best = probabilities().fold(f32::NAN, f32::max);
        let tied = probabilities().filter(|probability| *probability >= best).count();
        tied as f64 > TIED * self.units.len() as f64
    }

    fn counts_errors_of_reads(&self) -> bool {
        self.reads_per_unit == 1 && self.counts_errors
    }
}

/// Reads the next read or pair of a table; `None` at the end.
fn next_unit(table: &mut ScoreTable, has_pairs: bool) -> Result<Option<Unit>, PipelineError> {
    let Some(row) = table.row()? else { return Ok(None) };
    if has_pairs && row.mate.is_none() {
        return PipelineError::refuse(format!(
            "{}: has scores of pairs and of single reads; score them apart, for a table of each",
            table.name()
        ));
    }
    let mate = if has_pairs { table.row_of_mate(&row)? } else { None };
    if has_pairs && mate.is_none() {
        let name = table.name();
        return PipelineError::refuse(format!("{name}: ends after a read without its mate"));
    }
    let rows = [Some(&row), mate.as_ref()];
    let errors = |prediction: &Prediction| prediction.expected_errors().unwrap_or(0.0);
    let probability = if has_pairs { row.pair_probability } else { row.prediction.probability() };
    Ok(Some(Unit {
        probability: probability.map_or(f32::NAN, |p| p.get()),
        expected_errors: rows.iter().flatten().map(|row| errors(&row.prediction)).sum(),
        // Each row, and each pair, has at most `MOST_BASES`.
        bases: rows.iter().flatten().map(|row| row.fate.keep.of(row.length).len() as u32).sum(),
    }))
}

/// Returns the last of the long reads of the highest weights that together have this many bases, the
/// worst of all if they have fewer. Halves the units again and again, so that each weight is computed a
/// few times only and nothing is copied.
fn last_by_weight(units: &mut [Unit], bases: u64) -> Option<Unit> {
    let (mut rest, mut wanted) = (units, bases);
    while rest.len() > 1 {
        let middle = rest.len() / 2;
        let by_weight = |one: &Unit, other: &Unit| other.weight().total_cmp(&one.weight());
        rest.select_nth_unstable_by(middle, by_weight);
        let (better, others) = rest.split_at_mut(middle);
        let sum: u64 = better.iter().map(|unit| u64::from(unit.bases)).sum();
        if sum >= wanted {
            rest = better;
        } else {
            wanted -= sum;
            rest = others;
        }
    }
    rest.first().copied()
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ranking(units: Vec<Unit>) -> Ranking {
        Ranking { units, reads_per_unit: 1, counts_errors: true }
    }

    fn long(bases: u32, rate: f32) -> Unit {
        Unit { probability: 1.0, expected_errors: rate * bases as f32, bases }
    }

    #[test]
    fn of_long_reads_length_and_errors_decide() {
        assert_eq!(size_of::<Unit>(), 12);
        let units =
            vec![long(20_000, 0.08), long(800, 0.01), long(20_000, 0.02), long(5_000, 0.01)];
        let criteria = |goal| ranking(units.clone()).criteria(goal).unwrap();
        // From the best to the worst: 2, 3, 0, 1.
        for (bases, last) in
            [(0, 2), (20_000, 2), (20_001, 3), (25_001, 0), (45_001, 1), (1 << 40, 1)]
        {
            let found = criteria(Goal::Bases(bases));
            let least = Some(units[last].weight());
            assert_eq!(found, Criteria { min_weight: least, ..Criteria::default() }, "{bases}");
        }
        // By rate: 1 and 3, 2, 0.
        for (fraction, rate) in [(0.0, 0.0), (0.25, 0.01), (0.5, 0.01), (0.51, 0.02), (1.0, 0.08)] {
            let found = criteria(Goal::Fraction(fraction)).max_expected_error_rate.unwrap();
            assert!((found - rate).abs() < 1e-6, "{fraction}: {found}");
        }
        let pairs = Ranking { reads_per_unit: 2, ..ranking(units.clone()) };
        assert!(pairs.criteria(Goal::Bases(1)).unwrap().threshold.is_some());
    }

    #[test]
    fn the_lowest_weight_is_that_of_a_full_sort() {
        let mut state = 7_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let units: Vec<Unit> =
            (0..999).map(|_| long(1_000 + 500 * random(20), random(40) as f32 / 400.0)).collect();
        let mut sorted = units.clone();
        sorted.sort_by(|one, other| other.weight().total_cmp(&one.weight()));
        let mut sum = 0;
        for unit in &sorted {
            sum += u64::from(unit.bases);
            for bases in [sum - u64::from(unit.bases) + 1, sum] {
                let last = last_by_weight(&mut units.clone(), bases).unwrap();
                assert_eq!(last.weight(), unit.weight(), "{bases}");
            }
        }
        assert_eq!(
            last_by_weight(&mut units.clone(), sum + 1).unwrap().weight(),
            sorted[998].weight()
        );
        assert!(last_by_weight(&mut [], 1).is_none());
    }

    #[test]
    fn of_short_reads_probabilities_decide_unless_those_of_many_are_the_same() {
        let short =
            |probability: f32| Unit { probability, expected_errors: 1.0 - probability, bases: 100 };
        let mut units: Vec<Unit> = (0..40).map(|at| short(1.0 - at as f32 / 50.0)).collect();
        let of = |units: &[Unit], goal| ranking(units.to_vec()).criteria(goal).unwrap();
        let found = of(&units, Goal::Bases(201));
        assert_eq!(found, Threshold::new(units[2].probability).unwrap().into());
        units[1..10].iter_mut().for_each(|unit| *unit = short(1.0));
        units[3].expected_errors = 0.5;
        units[10].expected_errors = 0.75;
        for (goal, rate) in
            [(Goal::Bases(900), 0.0), (Goal::Bases(901), 0.002), (Goal::Fraction(0.25), 0.002)]
        {
            let found = of(&units, goal).max_expected_error_rate.unwrap();
            assert!((found - rate).abs() < 5e-4, "{goal:?}: {found}");
        }
        // Nothing can be scored.
        let unscored = of(&[short(f32::NAN)], Goal::Fraction(1.0));
        assert_eq!(unscored, Threshold::new(1.0).unwrap().into());
    }
}
