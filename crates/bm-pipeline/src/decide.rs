//! Decides whether reads and pairs are kept.

use std::ops::Range;

use bm_quality::{Criteria, Prediction};
use bm_reads::base::is_unknown;

use crate::base_probabilities::BaseProbabilities;
use crate::fate::{BaseRange, Decision, Fate};
use crate::found_classes::TemplateClasses;
use crate::merge::MergedRead;
use crate::part::{CutCounts, Part};
use crate::reasons::{Reason, Reasons};
use crate::rules::Rules;
use crate::templates::{Mate, Template};

/// How a pair is scored and kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PairMode {
    /// As one read, by the expected errors of both mates together.
    #[default]
    Joint,
    /// Both mates must pass.
    Both,
    /// One mate must pass.
    Any,
    /// The first mate must pass, and the second comes along.
    First,
    /// The second mate must pass, and the first comes along.
    Second,
}

impl PairMode {
    /// All modes.
    pub const ALL: [Self; 5] = [Self::Joint, Self::Both, Self::Any, Self::First, Self::Second];

    /// Returns the mode as a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Joint => "joint",
            Self::Both => "both",
            Self::Any => "any",
            Self::First => "first",
            Self::Second => "second",
        }
    }

    /// Returns which mate alone decides about the pair, if one does: 0 or 1.
    pub(crate) const fn judged(self) -> Option<usize> {
        match self {
            Self::First => Some(0),
            Self::Second => Some(1),
            Self::Joint | Self::Both | Self::Any => None,
        }
    }
}

/// Decides which reads of a template are kept.
#[derive(Clone, Copy, Debug)]
pub struct Decider {
    /// Rules in addition to the model.
    pub rules: Rules,
    /// Criteria that the scores must meet.
    pub criteria: Criteria,
    /// How pairs are kept.
    pub mode: PairMode,
    /// Whether a mate that passes alone is kept if its pair is not.
    pub keeps_singles: bool,
    /// Whether limits per base are for the bases that are kept of a read, as in a table of scores, which
    /// a [`Goal`](crate::Goal) ranks the reads by; otherwise they are for those that the model saw.
    pub counts_kept: bool,
}

/// A template with its scores.
pub struct ScoredTemplate<'a> {
    /// The reads.
    pub template: Template<'a>,
    /// Predictions for all reads of the batch.
    pub(crate) predictions: &'a [Prediction],
    /// The prediction for two mates as one read: that of the merged read, if they are merged.
    pub joint: Option<&'a Prediction>,
    /// The two mates in one read, if they are merged.
    pub merged: Option<MergedRead<'a>>,
    /// Earlier verdicts on the reads of the batch, if they come from a table of scores.
    pub(crate) earlier: &'a [Fate],
    /// Error probabilities of the bases of the batch, if they are computed.
    pub(crate) bases: &'a BaseProbabilities,
    /// The part of each read of the batch that is scored and kept; empty if all are whole.
    pub(crate) parts: &'a [Part],
    /// The classes that the template may come from, if they were looked for.
    pub classes: Option<TemplateClasses<'a>>,
}

impl<'a> ScoredTemplate<'a> {
    /// Returns the error probability of each base of a read that was scored
    /// ([`ScoredTemplate::scored_part`]); empty if they are not computed or not known.
    pub fn bases(&self, mate: &Mate<'_>) -> &'a [f32] {
        self.bases.of(mate.index)
    }

    /// Returns the bases of a read that the model saw: all, or those of the sample.
    pub fn scored_part(&self, mate: &Mate<'_>) -> Range<usize> {
        self.part(mate).map_or(0..mate.record.sequence.len(), |part| part.scored.clone())
    }

    /// Returns the bases of a read that the prediction is for.
    pub fn judged_part(&self, mate: &Mate<'_>) -> Range<usize> {
        match self.part(mate) {
            Some(part) => part.judged.clone(),
            None => self.keep(mate).of(mate.record.sequence.len()),
        }
    }

    /// Returns how many bases at the end of a read are adapter, more probably than not.
    pub fn adapter_bases(&self, mate: &Mate<'_>) -> usize {
        self.part(mate).map_or(0, |part| part.adapter_bases)
    }

    /// Returns what the bases of a read that are not to be kept are cut for.
    pub fn cut_bases(&self, mate: &Mate<'_>) -> CutCounts {
        let cut = match (self.merged, self.part(mate)) {
            (Some(merged), _) => merged.of_mates[self.number_of(mate)].cut,
            (None, Some(part)) => part.cut,
            (None, None) => CutCounts::default(),
        };
        CutCounts { umi: mate.umi_bases() as u64, ..cut }
    }

    fn part(&self, mate: &Mate<'_>) -> Option<&'a Part> {
        self.parts.get(mate.index)
    }

    /// Returns the number of bases that the prediction for both mates is for.
    pub(crate) fn joint_bases(&self) -> usize {
        let mates = self.template.mates().iter();
        self.merged.map_or_else(
            || mates.map(|mate| self.judged_part(mate).len()).sum(),
            |merged| merged.judged,
        )
    }

    /// Returns 1 for a second mate, otherwise 0.
    fn number_of(&self, mate: &Mate<'_>) -> usize {
        usize::from(self.template.mates().first().is_some_and(|it| it.index != mate.index))
    }

    /// Returns the bases that are kept if the read is.
    fn keep(&self, mate: &Mate<'_>) -> BaseRange {
        if let Some(merged) = self.merged {
            return merged.of_mates[self.number_of(mate)].keep;
        }
        match (self.part(mate), self.earlier.get(mate.index)) {
            (Some(part), _) => part.into(),
            (None, Some(earlier)) => earlier.keep,
            (None, None) => BaseRange::WHOLE,
        }
    }

    /// Returns the prediction for a read.
    pub fn prediction(&self, mate: &Mate<'_>) -> &'a Prediction {
        &self.predictions[mate.index]
    }
}

impl Decider {
    /// Decides by the rules and by the scores of each read and of the pair. Without criteria, the
    /// earlier verdicts of the table of scores hold.
    pub fn decide(&self, scored: &ScoredTemplate<'_>) -> Decision {
        let mut decision = self.verdicts(scored);
        // Mates are of one molecule.
        let of_class = scored.classes.is_some_and(|classes| classes.is_removed);
        let of_template =
            [(scored.template.is_copy(), Reason::Duplicate), (of_class, Reason::Class)];
        let of_template = of_template.into_iter().filter(|(is_so, _)| *is_so);
        let of_template: Reasons = of_template.map(|(_, reason)| reason).collect();
        for (mate, fate) in scored.template.mates().iter().zip(decision.fates_mut()) {
            if !of_template.is_empty() {
                *fate = Fate::lost(fate.reasons.and(of_template), scored.prediction(mate));
            }
            fate.keep = scored.keep(mate);
        }
        decision
    }

    fn verdicts(&self, scored: &ScoredTemplate<'_>) -> Decision {
        if let Some(merged) = scored.merged {
            return Decision::of_pair([self.merged(&merged); 2]);
        }
        match (scored.template.mates(), scored.joint) {
            ([one, other], Some(joint)) => {
                Decision::of_pair(self.pair(scored, [one, other], joint))
            }
            (mates, _) => {
                let fate = |mate: &Mate<'_>| {
                    let by_rules = self.by_rules(scored, mate);
                    let reasons = by_rules.and(self.by_score(scored, mate));
                    if reasons.is_empty() {
                        Fate::KEPT
                    } else {
                        Fate::lost(reasons, scored.prediction(mate))
                    }
                };
                Decision::of_read(mates.first().map_or(Fate::KEPT, fate))
            }
        }
    }

    /// Returns the outcome for two mates that are merged: that of the merged read.
    fn merged(&self, merged: &MergedRead<'_>) -> Fate {
        let by_score = match merged.sequence {
            [] => [Reason::NoInsert].into_iter().collect(),
            _ => self.shortfalls(merged.prediction, merged.judged),
        };
        let reasons = self.rules.reasons(merged.sequence).and(by_score);
        if reasons.is_empty() { Fate::KEPT } else { Fate::lost(reasons, merged.prediction) }
    }

    fn pair(
        &self,
        scored: &ScoredTemplate<'_>,
        mates: [&Mate<'_>; 2],
        joint: &Prediction,
    ) -> [Fate; 2] {
        let by_rules = mates.map(|mate| self.by_rules(scored, mate));
        let by_score = mates.map(|mate| self.by_score(scored, mate));
        let passes = [0, 1].map(|i| by_rules[i].and(by_score[i]).is_empty());
        let mode = if self.repeats(scored.earlier) { PairMode::Both } else { self.mode };
        // Reasons against the pair as one read.
        let mut joint_reasons = Reasons::NONE;
        let is_kept = match mode {
            PairMode::Both => passes == [true; 2],
            PairMode::Any => passes != [false; 2],
            PairMode::First => passes[0],
            PairMode::Second => passes[1],
            PairMode::Joint => {
                let is_scored = matches!(joint, Prediction::Scored(_));
                if is_scored {
                    joint_reasons = self.shortfalls(joint, scored.joint_bases());
                }
                is_scored
                    && joint_reasons.is_empty()
                    && by_rules.iter().all(|reasons| reasons.is_empty())
            }
        };
        [0, 1].map(|i| {
            let prediction = scored.prediction(mates[i]);
            if is_kept {
                Fate::KEPT
            } else if passes[i] && self.keeps_singles {
                Fate { alone: true, ..Fate::KEPT }
            } else if mode == PairMode::Joint && matches!(prediction, Prediction::Scored(_)) {
                // Mates scored as one read fail together.
                Fate::lost(by_rules[i].and(joint_reasons), prediction)
            } else if mode.judged().is_some_and(|judged| judged != i)
                && matches!(prediction, Prediction::Scored(_))
            {
                // It was not judged.
                Fate::lost(Reasons::NONE, prediction)
            } else {
                Fate::lost(by_rules[i].and(by_score[i]), prediction)
            }
        })
    }

    /// Returns whether the earlier verdicts hold.
    fn repeats(&self, earlier: &[Fate]) -> bool {
        self.criteria == Criteria::default() && !earlier.is_empty()
    }

    /// Returns the reasons against a read that come from its score.
    fn by_score(&self, scored: &ScoredTemplate<'_>, mate: &Mate<'_>) -> Reasons {
        if self.repeats(scored.earlier) {
            return scored.earlier[mate.index].reasons;
        }
        let sequence = mate.record.sequence;
        if scored.judged_part(mate).is_empty() && !sequence.is_empty() {
            let only_n = sequence.iter().all(|base| is_unknown(*base));
            let reason = if only_n { Reason::OnlyN } else { Reason::NoInsert };
            return [reason].into_iter().collect();
        }
        let bases = match self.counts_kept {
            true => scored.keep(mate).of(sequence.len()).len(),
            false => scored.judged_part(mate).len(),
        };
        self.shortfalls(scored.prediction(mate), bases)
    }

    /// Returns the rules that what is kept of a read breaks.
    fn by_rules(&self, scored: &ScoredTemplate<'_>, mate: &Mate<'_>) -> Reasons {
        let sequence = mate.record.sequence;
        self.rules.reasons(&sequence[scored.keep(mate).of(sequence.len())])
    }

    fn shortfalls(&self, prediction: &Prediction, bases: usize) -> Reasons {
        match prediction {
            Prediction::Scored(score) => {
                self.criteria.shortfalls(score, bases).map(Reason::from).collect()
            }
            Prediction::Unscored(error) => [Reason::from(error)].into_iter().collect(),
        }
    }
}
