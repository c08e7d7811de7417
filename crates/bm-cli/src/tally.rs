//! What is counted while reads are decided about.

use crate::changes::Changes;
use crate::counts::Counts;
use crate::decide::{Decision, Judged, PairMode};
use crate::survey::Survey;

/// Counts and sums over reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    pub(crate) changes: Changes,
    /// What the page shows, if there is one.
    pub(crate) survey: Option<Box<Survey>>,
}

impl Tally {
    pub(crate) fn new(surveys: bool) -> Self {
        Self { survey: surveys.then(Box::default), ..Self::default() }
    }

    /// Adds the reads of a template.
    pub(crate) fn add(&mut self, judged: &Judged<'_>, decision: &Decision, mode: PairMode) {
        for (mate, fate) in judged.template.mates().iter().zip(decision.fates()) {
            let bases = mate.record.sequence.len();
            self.counts.add(fate, bases);
            self.changes.add(judged.prediction(mate), bases);
        }
        if let Some(survey) = &mut self.survey {
            survey.add(judged, decision, mode == PairMode::Joint);
        }
        if let [one, _] = decision.fates() {
            self.counts.add_pair(one);
        }
    }

    /// Adds what was counted of later reads.
    pub(crate) fn merge(&mut self, later: &Self) {
        self.counts.merge(&later.counts);
        self.changes.merge(&later.changes);
        if let (Some(ours), Some(theirs)) = (&mut self.survey, &later.survey) {
            ours.merge(theirs);
        }
    }
}
