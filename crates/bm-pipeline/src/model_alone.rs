//! What the base model alone would keep of a run that was learned, and where the difference is.

use bm_profile::least;
use bm_quality::QualityModel;

use crate::PipelineError;
use crate::pipeline::{Plan, Product, trial};
use crate::survey::Errors;
use crate::tally::Tally;
use crate::templates::TemplateBatch;
use crate::totals::Totals;

/// What the base model alone would keep of the first reads of a run that was learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelAlone {
    /// Reads that were compared: the first ones.
    pub reads: u64,
    /// Reads of them that the model alone would keep.
    pub kept_alone: u64,
    /// Reads of them that are kept.
    pub kept: u64,
    /// Why, if far fewer reads are kept.
    pub why: Option<Why>,
}

/// What the difference between the base model alone and the run comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Why {
    /// Fraction of the bases that the run judged: those of the sample.
    pub judged: f64,
    /// Reads that the base model alone would keep by the same bases.
    pub kept_by_judged: u64,
    /// Where most of the errors are that are expected in addition, if they are near an end of the
    /// reads.
    pub excess: Option<Excess>,
}

/// Bases at an end of the reads, in which more errors are expected than by the model alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excess {
    /// Whether the bases are at the end of the reads and not at their start.
    pub at_end: bool,
    /// Number of bases.
    pub bases: usize,
    /// Fraction of all additional errors that is in them.
    pub fraction: f64,
}

/// Far fewer reads are kept: by this fraction of all, and at most this fraction of those that the
/// model alone would keep.
const FEWER: f64 = 0.1;
const OF_ALONE: f64 = 0.8;

/// Bases from each end in which a barcode or a UMI may be, and the fraction of the additional errors
/// that must be there.
const NEAR: usize = 40;
const MOST: f64 = 0.6;

impl ModelAlone {
    /// Returns whether far fewer reads are kept than by the model alone.
    pub fn keeps_far_more(&self) -> bool {
        self.is_far_more(self.kept_alone)
    }

    /// Returns whether the difference comes from the bases that are left out: whether the base model
    /// would keep about as few by those that were judged.
    pub fn is_of_left_out_bases(&self) -> bool {
        self.why.is_some_and(|why| !self.is_far_more(why.kept_by_judged))
    }

    fn is_far_more(&self, alone: u64) -> bool {
        let (alone, kept) = (alone as f64, self.kept as f64);
        alone - kept >= FEWER * self.reads as f64 && kept <= OF_ALONE * alone && alone > kept
    }

    /// Compares what the model alone keeps of the first reads by `plan` with what the run kept.
    pub(crate) fn compare(
        batches: &[TemplateBatch],
        first: &Totals,
        alone: QualityModel,
        plan: &Plan<'_, impl Product>,
    ) -> Result<Self, PipelineError> {
        let reads = batches.iter().map(TemplateBatch::len).sum::<usize>() as u64;
        let kept_alone = trial(batches, alone, plan)?.totals.reads.kept;
        Ok(Self { reads, kept_alone, kept: first.reads.kept, why: None })
    }

    /// Finds what the difference comes from, by the counts of both models for the bases that the run
    /// judged.
    pub(crate) fn explain(&mut self, alone: &Tally, adapted: &Tally) {
        let (Some(ours), Some(theirs)) = (&alone.survey, &adapted.survey) else { return };
        let judged: u64 = theirs.places.iter().flatten().map(|place| place.bases).sum();
        let [start, end] = [false, true].map(|at_end| {
            let mut mates = ours.places.iter().zip(&theirs.places);
            mates.find_map(|(alone, adapted)| excess(alone, adapted, at_end))
        });
        let excess = match (start, end) {
            (Some(start), Some(end)) if end.fraction > start.fraction => Some(end),
            (start, end) => start.or(end),
        };
        self.why = Some(Why {
            judged: judged as f64 / adapted.totals.bases.r#in.max(1) as f64,
            kept_by_judged: alone.totals.reads.kept,
            excess,
        });
    }
}

/// Returns the bases at an end of the reads that have most of the additional errors.
fn excess(alone: &[Errors], adapted: &[Errors], at_end: bool) -> Option<Excess> {
    let more = |(alone, adapted): (&Errors, &Errors)| {
        (adapted.expected.get() - alone.expected.get()).max(0.0)
    };
    let more: Vec<f64> = alone.iter().zip(adapted).map(more).collect();
    // Positions from 512 on are in bins, which are no bases to cut off.
    let places = more.len();
    let total: f64 = more.iter().sum();
    if total < 1.0 || places < 2 * NEAR || least(places - 1) as usize != places - 1 {
        return None;
    }
    let near: Vec<f64> = if at_end {
        more.iter().rev().take(NEAR).copied().collect()
    } else {
        more[..NEAR].to_vec()
    };
    let of_near: f64 = near.iter().sum();
    if of_near < MOST * total {
        return None;
    }
    // Up to the last base that has more than its share of them.
    let usual = total / places as f64;
    let bases = near.iter().rposition(|more| *more > 2.0 * usual)? + 1;
    let fraction = near[..bases].iter().sum::<f64>() / total;
    (fraction >= MOST).then_some(Excess { at_end, bases, fraction })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(expected: impl Fn(usize) -> f64) -> Vec<Errors> {
        let sum = |at| [expected(at)].into_iter().collect();
        let errors = |at| Errors { bases: 100, expected: sum(at), ..Errors::default() };
        (0..150).map(errors).collect()
    }

    #[test]
    fn additional_errors_at_an_end_are_found() {
        let alone = places(|_| 0.5);
        let found = |adapted: &[Errors], at_end| excess(&alone, adapted, at_end);
        let front = places(|at| if at < 8 { 60.0 } else { 0.6 });
        let at_start = found(&front, false).expect("at the start");
        assert_eq!((at_start.bases, at_start.at_end), (8, false));
        assert!(at_start.fraction > 0.9 && found(&front, true).is_none());
        let back = places(|at| if at >= 144 { 60.0 } else { 0.6 });
        assert_eq!(found(&back, true).map(|it| it.bases), Some(6));
        // Everywhere, in the middle, or nowhere.
        for other in
            [places(|_| 2.0), places(|at| if at == 70 { 90.0 } else { 0.5 }), places(|_| 0.4)]
        {
            assert_eq!((found(&other, false), found(&other, true)), (None, None));
        }
    }

    #[test]
    fn far_fewer_is_a_tenth_of_the_reads_and_a_fifth_of_those_kept() {
        let far = |kept_alone, kept| {
            ModelAlone { reads: 1000, kept_alone, kept, why: None }.keeps_far_more()
        };
        assert!(far(900, 0) && far(900, 700) && far(120, 10));
        let mut alone = ModelAlone { reads: 1000, kept_alone: 900, kept: 500, why: None };
        let why = |kept_by_judged| Some(Why { judged: 0.92, kept_by_judged, excess: None });
        alone.why = why(520);
        assert!(alone.keeps_far_more() && alone.is_of_left_out_bases());
        alone.why = why(890);
        assert!(!alone.is_of_left_out_bases());
        assert!(!far(900, 850) && !far(900, 750) && !far(50, 0) && !far(0, 0) && !far(400, 900));
    }
}
