//! What becomes of a read, and of its mate.

use bm_quality::{Criteria, PairRule, Prediction, Verdict};
use clap::ValueEnum;

use crate::reasons::{Reason, Reasons};
use crate::rules::Rules;
use crate::source::{Mate, Template};

/// How a pair is judged.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum PairMode {
    /// As one read: by the errors that are expected in both mates together
    #[default]
    Joint,
    /// Both mates must pass
    Both,
    /// One mate must pass
    Any,
}

impl PairMode {
    /// Returns the word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Joint => "joint",
            Self::Both => "both",
            Self::Any => "any",
        }
    }
}

/// Decides about the reads of a template.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decider {
    pub(crate) rules: Rules,
    pub(crate) criteria: Criteria,
    pub(crate) mode: PairMode,
    /// Whether a mate that passes alone is kept where its pair is not.
    pub(crate) rescues: bool,
}

/// What becomes of a read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fate {
    /// Whether it is kept, alone or with its mate, or why not in a word.
    pub(crate) verdict: Verdict,
    /// Why it is not kept.
    pub(crate) reasons: Reasons,
    /// Whether it is kept without its mate.
    pub(crate) alone: bool,
}

/// What is decided about a template.
pub(crate) struct Decision {
    /// For each of its reads, in order.
    fates: [Fate; 2],
    count: usize,
    /// What is said of two mates as one.
    pub(crate) joint: Option<Prediction>,
}

impl Decision {
    /// Returns what becomes of each read.
    pub(crate) fn fates(&self) -> &[Fate] {
        &self.fates[..self.count]
    }
}

impl Fate {
    const KEPT: Self = Self { verdict: Verdict::Pass, reasons: Reasons::NONE, alone: false };

    /// Of a read that is not kept: if there is nothing against it, then because of its mate.
    fn lost(mut reasons: Reasons, prediction: &Prediction) -> Self {
        if reasons.is_empty() {
            reasons.add(Reason::Mate);
        }
        let verdict = if matches!(prediction, Prediction::Unscored(_)) { Verdict::Unscored } else { Verdict::Fail };
        Self { verdict, reasons, alone: false }
    }
}

impl Decider {
    /// Decides, by what is said of each read and by the `rule` for pairs.
    pub(crate) fn decide<'a>(&self, template: &Template<'a>, predictions: &'a [Prediction], rule: &PairRule) -> Decision {
        let of = |mate: &Mate<'a>| (mate.record.sequence, &predictions[mate.index]);
        match template.mates() {
            [one, other] => self.pair([of(one), of(other)], rule),
            reads => {
                let fate = |read| {
                    let (sequence, prediction) = of(read);
                    let reasons = self.rules.reasons(sequence).and(self.shortfalls(prediction, sequence.len()));
                    if reasons.is_empty() { Fate::KEPT } else { Fate::lost(reasons, prediction) }
                };
                Decision { fates: [reads.first().map_or(Fate::KEPT, fate); 2], count: reads.len(), joint: None }
            }
        }
    }

    fn pair(&self, mates: [(&[u8], &Prediction); 2], rule: &PairRule) -> Decision {
        let bases = mates.map(|(sequence, _)| sequence.len());
        let joint = rule.joint(mates.map(|(_, prediction)| prediction), bases);
        let by_rules = mates.map(|(sequence, _)| self.rules.reasons(sequence));
        let by_score = mates.map(|(sequence, prediction)| self.shortfalls(prediction, sequence.len()));
        let passes = [0, 1].map(|i| by_rules[i].and(by_score[i]).is_empty());
        // What there is against the pair as one.
        let mut shared = Reasons::NONE;
        let is_kept = match self.mode {
            PairMode::Both => passes == [true; 2],
            PairMode::Any => passes != [false; 2],
            PairMode::Joint => {
                let is_scored = matches!(joint, Prediction::Scored(_));
                if is_scored {
                    shared = self.shortfalls(&joint, bases[0] + bases[1]);
                }
                is_scored && shared.is_empty() && by_rules.iter().all(|reasons| reasons.is_empty())
            }
        };
        let fates = [0, 1].map(|i| {
            let prediction = mates[i].1;
            if is_kept {
                Fate::KEPT
            } else if passes[i] && self.rescues {
                Fate { alone: true, ..Fate::KEPT }
            } else if self.mode == PairMode::Joint && matches!(prediction, Prediction::Scored(_)) {
                // Judged as one, they fail as one.
                Fate::lost(by_rules[i].and(shared), prediction)
            } else {
                Fate::lost(by_rules[i].and(by_score[i]), prediction)
            }
        });
        Decision { fates, count: 2, joint: Some(joint) }
    }

    fn shortfalls(&self, prediction: &Prediction, bases: usize) -> Reasons {
        match prediction {
            Prediction::Scored(score) => self.criteria.shortfalls(score, bases).map(Reason::from).collect(),
            Prediction::Unscored(error) => [Reason::from(error)].into_iter().collect(),
        }
    }
}
