//! What is counted while reads are decided about.

use bm_quality::Prediction;

use crate::changes::Changes;
use crate::counts::Counts;
use crate::decide::Decision;
use crate::source::Template;

/// Counts and sums over reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    pub(crate) changes: Changes,
}

impl Tally {
    /// Adds the reads of a template.
    pub(crate) fn add(&mut self, template: &Template<'_>, predictions: &[Prediction], decision: &Decision) {
        for (mate, fate) in template.mates().iter().zip(decision.fates()) {
            let bases = mate.record.sequence.len();
            self.counts.add(fate, bases);
            self.changes.add(&predictions[mate.index], bases);
        }
        if let [one, _] = decision.fates() {
            self.counts.add_pair(one);
        }
    }

    /// Adds what was counted of later reads.
    pub(crate) fn merge(&mut self, later: &Self) {
        self.counts.merge(&later.counts);
        self.changes.merge(&later.changes);
    }
}
