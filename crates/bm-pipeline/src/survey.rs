//! Distributions over the scored reads, for the HTML page.

use std::sync::LazyLock;

use bm_profile::{ExactSum, bin};
use bm_quality::{Prediction, Verdict};
use bm_reads::Phred;

use crate::decide::ScoredTemplate;
use crate::fate::Decision;
use crate::retention::RetentionPoint;

/// Number of bins of probabilities.
pub const BINS: usize = 100;

/// The error probability that each score reports, in the units of sums.
static REPORTED_UNITS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let probability = |score| Phred::new(score).map_or(0.0, Phred::error_probability);
    (0..=Phred::MAX.get()).map(|score| ExactSum::units(probability(score))).collect()
});

/// Sums over reads. They are exact, so they depend neither on threads nor on the parts of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// By the probability that decides: that of the read, or of its pair.
    pub probabilities: Vec<Level>,
    /// By the position in the read: first mates and single reads, then second mates.
    pub places: [Vec<Errors>; 2],
    /// By the reported quality, Phred.
    pub qualities: Vec<Errors>,
    /// By the length of the read: all reads, then kept reads.
    pub lengths: Vec<[u64; 2]>,
}

/// Reads in one range of probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// All reads.
    pub reads: u64,
    /// Reads that are not kept.
    pub discarded: u64,
    pub(crate) bases: u64,
    pub(crate) expected_errors: ExactSum,
    pub(crate) bad: ExactSum,
}

/// A number of bases, and their expected errors.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// All bases.
    pub bases: u64,
    /// Expected errors by the model.
    pub expected: ExactSum,
    /// Expected errors by the reported qualities.
    pub reported: ExactSum,
}

impl Default for Survey {
    fn default() -> Self {
        Self {
            probabilities: vec![Level::default(); BINS],
            places: Default::default(),
            qualities: vec![Errors::default(); usize::from(Phred::MAX.get()) + 1],
            lengths: Vec::new(),
        }
    }
}

impl Survey {
    /// Adds the reads of a template, which are scored `as_one` or separately.
    pub(crate) fn add(&mut self, scored: &ScoredTemplate<'_>, decision: &Decision, as_one: bool) {
        let joint = scored.joint.filter(|_| as_one);
        let reported_units = &*REPORTED_UNITS;
        for (number, (mate, fate)) in
            scored.template.mates().iter().zip(decision.fates()).enumerate()
        {
            let (bases, is_kept) = (mate.record.sequence.len(), fate.verdict == Verdict::Pass);
            at(&mut self.lengths, bin(bases))[0] += 1;
            if is_kept {
                at(&mut self.lengths, bin(fate.bases_kept(bases)))[1] += 1;
            }
            let prediction = scored.prediction(mate);
            if let (Prediction::Scored(own), Some(score)) =
                (prediction, joint.unwrap_or(prediction).probability())
            {
                let level = &mut self.probabilities
                    [((f64::from(score.get()) * BINS as f64) as usize).min(BINS - 1)];
                level.reads += 1;
                level.discarded += u64::from(!is_kept);
                level.bases += scored.judged_part(mate).len() as u64;
                level.expected_errors.add(own.expected_errors.map_or(0.0, f64::from));
                level.bad.add(1.0 - f64::from(score.get()));
            }
            let places = &mut self.places[number.min(1)];
            let part = scored.scored_part(mate);
            let scores = &mate.record.quality_scores[part.clone()];
            for (place, (expected, byte)) in part.zip(scored.bases(mate).iter().zip(scores)) {
                let Some(phred) = Phred::from_byte(*byte) else { continue };
                let expected = ExactSum::units(f64::from(*expected));
                let reported = reported_units[usize::from(phred.get())];
                for errors in
                    [at(places, bin(place)), &mut self.qualities[usize::from(phred.get())]]
                {
                    errors.bases += 1;
                    errors.expected.add_units(expected);
                    errors.reported.add_units(reported);
                }
            }
        }
    }

    /// Adds the sums over other reads.
    pub fn merge(&mut self, other: &Self) {
        let add = |ours: &mut u64, theirs: u64| *ours = ours.saturating_add(theirs);
        for (ours, theirs) in self.probabilities.iter_mut().zip(&other.probabilities) {
            add(&mut ours.reads, theirs.reads);
            add(&mut ours.discarded, theirs.discarded);
            add(&mut ours.bases, theirs.bases);
            ours.expected_errors.merge(&theirs.expected_errors);
            ours.bad.merge(&theirs.bad);
        }
        let [first, second] = &mut self.places;
        for (ours, theirs) in [
            (first, &other.places[0]),
            (second, &other.places[1]),
            (&mut self.qualities, &other.qualities),
        ] {
            for (i, errors) in theirs.iter().enumerate() {
                let sum = at(ours, i);
                add(&mut sum.bases, errors.bases);
                sum.expected.merge(&errors.expected);
                sum.reported.merge(&errors.reported);
            }
        }
        for (i, [all, kept]) in other.lengths.iter().enumerate() {
            let sum = at(&mut self.lengths, i);
            add(&mut sum[0], *all);
            add(&mut sum[1], *kept);
        }
    }

    /// Returns what each threshold would keep, from few reads to many.
    pub fn points(&self) -> Vec<RetentionPoint> {
        let mut sum = Level::default();
        let levels =
            self.probabilities.iter().enumerate().rev().filter(|(_, level)| level.reads > 0);
        levels
            .map(|(i, level)| {
                sum.reads = sum.reads.saturating_add(level.reads);
                sum.bases = sum.bases.saturating_add(level.bases);
                sum.expected_errors.merge(&level.expected_errors);
                sum.bad.merge(&level.bad);
                RetentionPoint {
                    threshold: i as f32 / BINS as f32,
                    max_error_rate: None,
                    reads: sum.reads,
                    bases: sum.bases,
                    expected_errors: sum.expected_errors.get(),
                    bad: sum.bad.get(),
                }
            })
            .collect()
    }
}

/// Returns a bin; adds it, and the bins before it, if missing.
fn at<T: Clone + Default>(bins: &mut Vec<T>, index: usize) -> &mut T {
    if bins.len() <= index {
        bins.resize(index + 1, T::default());
    }
    &mut bins[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_accumulate_from_the_best_reads() {
        let mut survey = Survey::default();
        let sum = |value: f64| [value].into_iter().collect();
        let level = |reads, discarded, errors, bad| Level {
            reads,
            discarded,
            bases: 100 * reads,
            expected_errors: sum(errors),
            bad: sum(bad),
        };
        survey.probabilities[99] = level(5, 0, 1.0, 0.1);
        survey.probabilities[10] = level(2, 2, 9.0, 1.8);
        let mut sum = survey.clone();
        sum.merge(&survey);
        let points = sum.points();
        assert_eq!(
            points
                .iter()
                .map(|point| (point.threshold, point.reads, point.bases))
                .collect::<Vec<_>>(),
            [(0.99, 10, 1000), (0.1, 14, 1400)]
        );
        assert!(
            (points[1].expected_errors - 20.0).abs() < 1e-12 && (points[1].bad - 3.8).abs() < 1e-12
        );
    }
}
