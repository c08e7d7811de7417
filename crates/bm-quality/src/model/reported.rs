//! Judging reads by what the instrument reports: the sum of 10^(−Q/10).

use bm_reads::{Phred, ReadRef, reported_errors};

use crate::{ErrorRule, Prediction, Score};

/// The rule "expected errors", Edgar & Flyvbjerg 2015, Bioinformatics 31:3476.
pub(super) struct ReportedErrors {
    rule: ErrorRule,
}

impl ReportedErrors {
    pub(super) fn new(rule: ErrorRule) -> Self {
        Self { rule }
    }

    /// Appends a prediction for every read, and to `probabilities` the error probability of every
    /// base of those that can be judged.
    pub(super) fn predict_into<'a>(
        &self,
        reads: impl Iterator<Item = ReadRef<'a>>,
        predictions: &mut Vec<Prediction>,
        mut probabilities: Option<&mut Vec<f32>>,
    ) {
        predictions.extend(reads.map(|read| {
            if let Err(reason) = read.check_scorable() {
                return Prediction::Unscored(reason);
            }
            if let Some(probabilities) = &mut probabilities {
                let phred = read.quality_scores.iter().filter_map(|byte| Phred::from_byte(*byte));
                probabilities.extend(phred.map(|phred| phred.error_probability() as f32));
            }
            let errors = reported_errors(read.quality_scores);
            match self.rule.probability(errors, read.len()) {
                Some(probability) => Prediction::Scored(Score {
                    probability,
                    expected_errors: Some(errors as f32),
                    support: None,
                }),
                None => Prediction::Unscored(bm_reads::ReadError::EmptyRead),
            }
        }));
    }
}
