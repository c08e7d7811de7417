//! Reads that fail one limit on their score and nothing else: how many of them a looser limit keeps.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bm_quality::{Criteria, Prediction};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decide::{Decider, PairMode, ScoredTemplate};
use crate::fate::Decision;
use crate::reasons::{Reason, Reasons};
use crate::totals::Totals;

/// A limit on the score of a read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Limit {
    /// The lowest probability.
    Threshold,
    /// The most expected errors.
    ExpectedErrors,
    /// The most expected errors per base.
    ExpectedErrorRate,
    /// The same, given as the lowest mean quality.
    MeanQuality,
}

/// A limit that keeps at least half of the reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LooserLimit {
    /// Which limit.
    pub limit: Limit,
    /// Its value.
    pub value: f64,
    /// Reads that it keeps, if all else stays.
    pub kept: u64,
}

/// Number of limits.
const LIMITS: usize = 4;

/// The steps of each limit, from strict to loose.
static STEPS: LazyLock<[Vec<f64>; LIMITS]> = LazyLock::new(|| {
    let percent = (1..100).rev().map(|percent| f64::from(percent as f32 / 100.0)).collect();
    let decades = |from: i32, to: i32| {
        let digits = ["1", "1.2", "1.5", "2", "2.5", "3", "4", "5", "6", "8"];
        let value = move |digits: &str, power| format!("{digits}e{power}").parse().ok();
        (from..=to).flat_map(|power| digits.iter().filter_map(move |it| value(it, power))).collect()
    };
    let qualities = (1..=100).rev().map(|half| f64::from(half) / 2.0).collect();
    [percent, decades(-1, 4), decades(-4, -1), qualities]
});

impl Limit {
    pub(crate) const ALL: [Self; LIMITS] =
        [Self::Threshold, Self::ExpectedErrors, Self::ExpectedErrorRate, Self::MeanQuality];

    /// Returns the reason of a read that fails it.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Threshold => Reason::Probability,
            Self::ExpectedErrors => Reason::ExpectedErrors,
            Self::ExpectedErrorRate | Self::MeanQuality => Reason::ExpectedErrorRate,
        }
    }

    /// Returns the name of the limit in JSON: that of its reason, or of its flag.
    const fn name(self) -> &'static str {
        match self {
            Self::MeanQuality => "min_q",
            _ => self.reason().name(),
        }
    }

    /// Returns whether the criteria have it: a rate that was given as a quality is a quality.
    fn is_given(self, criteria: &Criteria) -> bool {
        match self {
            Self::ExpectedErrorRate => criteria.min_mean_quality.is_none(),
            Self::MeanQuality => criteria.min_mean_quality.is_some(),
            Self::Threshold | Self::ExpectedErrors => true,
        }
    }

    /// Returns the first step that a prediction for this many bases meets.
    fn first_step(self, prediction: &Prediction, bases: usize) -> Option<usize> {
        let steps = &STEPS[self as usize];
        let most = 1.0 + f64::from(f32::EPSILON);
        let step = match self {
            Self::Threshold => {
                let probability = f64::from(prediction.probability()?.get());
                steps.partition_point(|step| probability < *step)
            }
            Self::ExpectedErrors => {
                let errors = f64::from(prediction.expected_errors()?);
                steps.partition_point(|step| errors > step * most)
            }
            Self::ExpectedErrorRate => {
                let errors = f64::from(prediction.expected_errors()?);
                steps.partition_point(|step| errors > step * bases as f64 * most)
            }
            Self::MeanQuality => {
                let errors = f64::from(prediction.expected_errors()?);
                let rate = |step: &f64| 10f64.powf(-step / 10.0);
                steps.partition_point(|step| errors > rate(step) * bases as f64 * most)
            }
        };
        (step < steps.len()).then_some(step)
    }
}

/// Numbers of reads that fail one limit and nothing else, by the first step that they meet. In JSON: an
/// object with the steps of each limit that reads fail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NearMisses([Vec<u64>; LIMITS]);

impl NearMisses {
    /// Adds a template. Mates that are judged one by one are left out, and reads with earlier
    /// verdicts: another limit decides about them in another way.
    pub(crate) fn add(
        &mut self,
        scored: &ScoredTemplate<'_>,
        decision: &Decision,
        Decider { mode, criteria, .. }: &Decider,
    ) {
        let fates = decision.fates();
        let fails_only = |reason: Reason| {
            let only: Reasons = [reason].into_iter().collect();
            fates.iter().all(|fate| fate.reasons == only)
        };
        if fates.iter().all(|fate| fate.reasons.is_empty()) || !scored.earlier.is_empty() {
            return;
        }
        let fails = |limit: &Limit| limit.is_given(criteria) && fails_only(limit.reason());
        let Some(limit) = Limit::ALL.into_iter().find(fails) else { return };
        let mates = scored.template.mates();
        let prediction = match (mates, scored.joint) {
            ([read], _) => scored.prediction(read),
            (_, Some(joint)) if *mode == PairMode::Joint => joint,
            _ => return,
        };
        if let Some(step) = limit.first_step(prediction, scored.joint_bases()) {
            let counts = &mut self.0[limit as usize];
            counts.resize(STEPS[limit as usize].len(), 0);
            counts[step] += fates.len() as u64;
        }
    }

    /// Returns whether there are no such reads.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// Adds the counts of other reads.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.0.iter_mut().zip(&other.0) {
            if ours.len() < theirs.len() {
                ours.resize(theirs.len(), 0);
            }
            for (ours, theirs) in ours.iter_mut().zip(theirs) {
                *ours = ours.saturating_add(*theirs);
            }
        }
    }

    /// Returns the strictest step of a limit that keeps at least half of the reads, all else being
    /// as it is; `None` if none does, or if it is not known.
    pub(crate) fn looser(&self, limit: Limit, totals: &Totals) -> Option<LooserLimit> {
        let mut kept = totals.reads.kept;
        let steps = STEPS[limit as usize].iter().zip(&self.0[limit as usize]);
        steps
            .map(|(value, reads)| {
                kept = kept.saturating_add(*reads);
                LooserLimit { limit, value: *value, kept }
            })
            .find(|point| point.kept >= totals.reads.r#in.div_ceil(2))
    }
}

impl Serialize for NearMisses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counted = Limit::ALL.into_iter().zip(&self.0).filter(|(_, reads)| !reads.is_empty());
        serializer.collect_map(counted.map(|(limit, reads)| (limit.name(), reads)))
    }
}

impl<'de> Deserialize<'de> for NearMisses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut misses = Self::default();
        for (name, reads) in BTreeMap::<String, Vec<u64>>::deserialize(deserializer)? {
            let limit = Limit::ALL.into_iter().find(|limit| limit.name() == name);
            let limit = limit.ok_or_else(|| D::Error::custom(format!("{name} is no limit")))?;
            let steps = STEPS[limit as usize].len();
            if reads.len() != steps {
                let found = reads.len();
                return Err(D::Error::custom(format!(
                    "{found} steps of {name}, which has {steps}"
                )));
            }
            misses.0[limit as usize] = reads;
        }
        Ok(misses)
    }
}

#[cfg(test)]
mod tests {
    use bm_quality::{Probability, Score, Threshold};

    use super::*;

    fn scored(probability: f32, expected_errors: f32) -> Prediction {
        let probability = Probability::new(probability).expect("a probability");
        Prediction::Scored(Score {
            probability,
            expected_errors: Some(expected_errors),
            support: None,
        })
    }

    #[test]
    fn a_step_is_a_limit_as_a_user_writes_it_that_keeps_the_read() {
        let mut seen = 0;
        for i in 0..=1000_u16 {
            let (p, errors) = (f32::from(i) / 1000.0, f32::from(i) * 0.01);
            for bases in [37, 100, 150] {
                let prediction = scored(p, errors);
                let Prediction::Scored(score) = &prediction else { continue };
                for limit in Limit::ALL {
                    let Some(step) = limit.first_step(&prediction, bases) else { continue };
                    let keeps = |step: usize| {
                        // As the command line reads it.
                        let text = (STEPS[limit as usize][step] as f32).to_string();
                        let mut criteria = Criteria::default();
                        match limit {
                            Limit::Threshold => {
                                let value = text.parse().expect("a number");
                                criteria.threshold = Threshold::new(value).ok();
                            }
                            Limit::ExpectedErrors => {
                                criteria.max_expected_errors = text.parse().ok()
                            }
                            Limit::ExpectedErrorRate => {
                                criteria.max_expected_error_rate = text.parse().ok();
                            }
                            Limit::MeanQuality => {
                                criteria.min_mean_quality = text.parse().ok();
                            }
                        }
                        criteria.shortfalls(score, bases).next().is_none()
                    };
                    assert!(keeps(step), "{limit:?} {step} {prediction:?} {bases}");
                    assert!(
                        step == 0 || !keeps(step - 1),
                        "{limit:?} {step} {prediction:?} {bases}"
                    );
                    seen += 1;
                }
            }
        }
        assert!(seen > 8_000, "{seen}");
    }

    #[test]
    fn the_strictest_step_that_keeps_half_is_found() {
        let mut totals = Totals::default();
        (totals.reads.r#in, totals.reads.kept) = (100, 20);
        let mut misses = NearMisses::default();
        assert_eq!(misses.looser(Limit::Threshold, &totals), None);
        misses.0[0] = vec![0; 99];
        (misses.0[0][60], misses.0[0][70], misses.0[0][80]) = (10, 25, 5);
        let found = misses.looser(Limit::Threshold, &totals).expect("a threshold");
        assert_eq!((found.kept, (found.value * 100.0).round()), (55, 29.0));
        // Most of the reads fail for other reasons.
        totals.reads.r#in = 1000;
        assert_eq!(misses.looser(Limit::Threshold, &totals), None);
    }
}
