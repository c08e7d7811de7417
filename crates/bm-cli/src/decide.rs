//! What becomes of a read, and of its mate.

use bm_quality::{Criteria, Prediction, Verdict};
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
    pub(crate) fn lost(mut reasons: Reasons, prediction: &Prediction) -> Self {
        if reasons.is_empty() {
            reasons.add(Reason::Mate);
        }
        let verdict = if matches!(prediction, Prediction::Unscored(_)) {
            Verdict::Unscored
        } else {
            Verdict::Fail
        };
        Self { verdict, reasons, alone: false }
    }
}

/// What is known of a template when it is decided about.
pub(crate) struct Judged<'a> {
    pub(crate) template: Template<'a>,
    /// What is said of each read of its batch.
    pub(crate) predictions: &'a [Prediction],
    /// What is said of two mates as one.
    pub(crate) joint: Option<&'a Prediction>,
    /// What became of each read of its batch when it was scored, where a table says so.
    pub(crate) given: &'a [Fate],
    /// Error probabilities of the bases of the batch, where they are wanted.
    pub(crate) bases: &'a Bases,
}

/// Error probabilities of the bases of reads, one read after the other.
#[derive(Default)]
pub(crate) struct Bases {
    probabilities: Vec<f32>,
    /// Where those of each read start, and of the last one end.
    starts: Vec<usize>,
}

impl Bases {
    /// Removes all, and returns the place for those of the next reads.
    pub(crate) fn clear(&mut self) -> &mut Vec<f32> {
        self.starts.clear();
        self.probabilities.clear();
        &mut self.probabilities
    }

    /// Divides them among reads of so many bases; there are none for the others.
    pub(crate) fn divide(&mut self, lengths: impl Iterator<Item = Option<usize>>) {
        let mut start = 0;
        self.starts.push(start);
        for length in lengths {
            start += length.unwrap_or_default();
            self.starts.push(start);
        }
    }

    fn of(&self, read: usize) -> &[f32] {
        let range = self.starts.get(read).zip(self.starts.get(read + 1));
        range.and_then(|(start, end)| self.probabilities.get(*start..*end)).unwrap_or_default()
    }
}

impl<'a> Judged<'a> {
    /// Returns the error probability of each base of a read; nothing where they are not wanted, or
    /// not known.
    pub(crate) fn bases(&self, mate: &Mate<'_>) -> &'a [f32] {
        self.bases.of(mate.index)
    }

    /// Returns what is said of a read.
    pub(crate) fn prediction(&self, mate: &Mate<'_>) -> &'a Prediction {
        &self.predictions[mate.index]
    }
}

impl Decider {
    /// Decides by what is said of each read and of the pair; where nothing is asked of that, what
    /// was decided before holds.
    pub(crate) fn decide(&self, judged: &Judged<'_>) -> Decision {
        match (judged.template.mates(), judged.joint) {
            ([one, other], Some(joint)) => {
                Decision { fates: self.pair(judged, [one, other], joint), count: 2 }
            }
            (mates, _) => {
                let fate = |mate: &Mate<'_>| {
                    let reasons =
                        self.rules.reasons(mate.record.sequence).and(self.by_score(judged, mate));
                    if reasons.is_empty() {
                        Fate::KEPT
                    } else {
                        Fate::lost(reasons, judged.prediction(mate))
                    }
                };
                Decision { fates: [mates.first().map_or(Fate::KEPT, fate); 2], count: mates.len() }
            }
        }
    }

    fn pair(&self, judged: &Judged<'_>, mates: [&Mate<'_>; 2], joint: &Prediction) -> [Fate; 2] {
        let by_rules = mates.map(|mate| self.rules.reasons(mate.record.sequence));
        let by_score = mates.map(|mate| self.by_score(judged, mate));
        let passes = [0, 1].map(|i| by_rules[i].and(by_score[i]).is_empty());
        let mode = if self.goes_by(judged.given) { PairMode::Both } else { self.mode };
        // What there is against the pair as one.
        let mut shared = Reasons::NONE;
        let is_kept = match mode {
            PairMode::Both => passes == [true; 2],
            PairMode::Any => passes != [false; 2],
            PairMode::Joint => {
                let is_scored = matches!(joint, Prediction::Scored(_));
                if is_scored {
                    shared = self.shortfalls(
                        joint,
                        mates.iter().map(|mate| mate.record.sequence.len()).sum(),
                    );
                }
                is_scored && shared.is_empty() && by_rules.iter().all(|reasons| reasons.is_empty())
            }
        };
        [0, 1].map(|i| {
            let prediction = judged.prediction(mates[i]);
            if is_kept {
                Fate::KEPT
            } else if passes[i] && self.rescues {
                Fate { alone: true, ..Fate::KEPT }
            } else if mode == PairMode::Joint && matches!(prediction, Prediction::Scored(_)) {
                // Judged as one, they fail as one.
                Fate::lost(by_rules[i].and(shared), prediction)
            } else {
                Fate::lost(by_rules[i].and(by_score[i]), prediction)
            }
        })
    }

    /// Returns whether what was decided when reads were scored holds.
    fn goes_by(&self, given: &[Fate]) -> bool {
        self.criteria == Criteria::default() && !given.is_empty()
    }

    /// Returns what there is against a read, going by its score.
    fn by_score(&self, judged: &Judged<'_>, mate: &Mate<'_>) -> Reasons {
        if self.goes_by(judged.given) {
            return judged.given[mate.index].reasons;
        }
        self.shortfalls(judged.prediction(mate), mate.record.sequence.len())
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
