//! Counts of each batch: totals, and distributions for the page.

use crate::class_totals::ClassTally;
use crate::decide::{Decider, PairMode, ScoredTemplate};
use crate::fate::Decision;
use crate::near_misses::NearMisses;
use crate::survey::Survey;
use crate::totals::Totals;
use crate::yields::Yields;

/// Counts and sums over reads.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Counts of reads and bases, kept and not kept.
    pub totals: Totals,
    /// Distributions for a page, if one was requested.
    pub survey: Option<Box<Survey>>,
    /// What long reads yield by quality and length, if that was requested.
    pub yields: Option<Box<Yields>>,
    /// The classes that reads come from, if they are looked for.
    pub(crate) classes: ClassTally,
    /// The reads that fail one limit alone.
    pub(crate) near_misses: NearMisses,
    /// Counts of the first reads.
    pub(crate) first: Totals,
}

impl Tally {
    pub(crate) fn new(surveys: bool, yields: bool) -> Self {
        Self {
            survey: surveys.then(Box::default),
            yields: yields.then(Box::default),
            ..Self::default()
        }
    }

    /// Adds the reads of a template.
    pub(crate) fn add(
        &mut self,
        scored: &ScoredTemplate<'_>,
        decision: &Decision,
        decider: &Decider,
    ) {
        for (mate, fate) in scored.template.mates().iter().zip(decision.fates()) {
            let (bases, judged) = (mate.record.sequence.len(), scored.judged_part(mate).len());
            self.totals.count(fate, scored.prediction(mate), bases, judged);
            self.totals.bases.r#in += mate.umi_bases() as u64;
            self.totals.count_cut(fate, &scored.cut_bases(mate), scored.adapter_bases(mate));
        }
        self.near_misses.add(scored, decision, decider);
        self.classes.add(scored, decision);
        if let Some(survey) = &mut self.survey {
            survey.add(scored, decision, decider.mode == PairMode::Joint);
        }
        if let Some(yields) = &mut self.yields {
            yields.add(scored, decision);
        }
        if let [one, _] = decision.fates() {
            self.totals.count_pair(one, scored.merged.is_some());
        }
    }

    /// Adds the counts of later reads.
    pub(crate) fn merge(&mut self, later: &Self) {
        self.totals.add(&later.totals);
        self.near_misses.merge(&later.near_misses);
        self.classes.merge(&later.classes);
        if let (Some(ours), Some(theirs)) = (&mut self.survey, &later.survey) {
            ours.merge(theirs);
        }
        if let (Some(ours), Some(theirs)) = (&mut self.yields, &later.yields) {
            ours.merge(theirs);
        }
    }
}
