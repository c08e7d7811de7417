//! Why most reads of a run are not kept, and what would keep more, as numbers and names.

use bm_pipeline::{Excess, Limit, Losses, ModelAlone};
use serde::{Deserialize, Serialize};

/// Why most reads of a run are not kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LossFacts {
    /// The reason that is counted most.
    pub reason: String,
    /// Reads that are not kept for it.
    pub reads: u64,
    /// A looser limit that would keep half of the reads, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looser: Option<LooserFacts>,
    /// What trimming would keep of the first reads, if it would keep more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trim: Option<TrimTrialFacts>,
}

/// A looser limit that would keep half of the reads, all else being as it is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LooserFacts {
    /// The flag that sets it.
    pub flag: String,
    /// Its value.
    pub value: f64,
    /// Reads that it would keep.
    pub kept: u64,
}

/// What `--trim` would keep of the first reads.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TrimTrialFacts {
    /// The first reads that were tried.
    pub reads: u64,
    /// Reads of them that are kept.
    pub kept: u64,
    /// Reads of them that would be kept.
    pub kept_trimmed: u64,
    /// Fraction of their bases that would be kept.
    pub bases_fraction: f64,
}

impl LossFacts {
    pub(crate) fn of(losses: &Losses) -> Self {
        let flag = |limit| match limit {
            Limit::Threshold => "--threshold",
            Limit::ExpectedErrors => "--max-ee",
            Limit::ExpectedErrorRate => "--max-ee-rate",
            Limit::MeanQuality => "--min-q",
        };
        Self {
            reason: losses.reason.name().to_owned(),
            reads: losses.reads,
            looser: losses.looser.map(|looser| LooserFacts {
                flag: flag(looser.limit).to_owned(),
                value: looser.value,
                kept: looser.kept,
            }),
            trim: losses.trimmed.map(|trial| TrimTrialFacts {
                reads: trial.reads,
                kept: trial.kept,
                kept_trimmed: trial.kept_trimmed,
                bases_fraction: trial.bases,
            }),
        }
    }
}

/// What the base model alone would keep of the first reads of a run that was learned.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ModelAloneFacts {
    /// The first reads that were compared.
    pub reads: u64,
    /// Reads of them that the base model alone would keep.
    pub kept_alone: u64,
    /// Reads of them that are kept.
    pub kept: u64,
    /// Whether far fewer are kept than by the base model alone.
    pub warns: bool,
    /// What the difference comes from, if far fewer reads are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<WhyFacts>,
}

/// What the difference between the base model alone and the run comes from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct WhyFacts {
    /// Whether it comes from the bases that are left out.
    pub left_out_bases: bool,
    /// Fraction of the bases that the run judged.
    pub judged_fraction: f64,
    /// Reads that the base model alone would keep by the same bases.
    pub kept_by_judged: u64,
    /// Where most of the additional expected errors are, if that is near an end of the reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excess: Option<ExcessFacts>,
}

/// Bases at an end of the reads that have most of the additional expected errors.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ExcessFacts {
    /// `start` or `end`.
    pub end: String,
    /// Number of bases.
    pub bases: usize,
    /// Fraction of all additional expected errors that is in them.
    pub fraction: f64,
}

impl ModelAloneFacts {
    pub(crate) fn of(alone: &ModelAlone) -> Self {
        let (warns, left_out_bases) = (alone.keeps_far_more(), alone.is_of_left_out_bases());
        let ModelAlone { reads, kept_alone, kept, why } = *alone;
        let excess = |Excess { at_end, bases, fraction }| {
            let end = if at_end { "end" } else { "start" }.to_owned();
            ExcessFacts { end, bases, fraction }
        };
        let why = why.map(|why| WhyFacts {
            left_out_bases,
            judged_fraction: why.judged,
            kept_by_judged: why.kept_by_judged,
            excess: why.excess.map(excess),
        });
        Self { reads, kept_alone, kept, warns, why }
    }
}
