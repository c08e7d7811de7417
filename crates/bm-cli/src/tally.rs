//! What is counted while reads are decided about.

use crate::changes::Changes;
use crate::counts::Counts;
use crate::decide::{Decision, Judged};

/// Counts and sums over reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    pub(crate) changes: Changes,
}

impl Tally {
    /// Adds the reads of a template.
    pub(crate) fn add(&mut self, judged: &Judged<'_>, decision: &Decision) {
        for (mate, fate) in judged.template.mates().iter().zip(decision.fates()) {
            let bases = mate.record.sequence.len();
            self.counts.add(fate, bases);
            self.changes.add(judged.prediction(mate), bases);
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
