//! Scores by reported qualities alone, without a network: the sum of 10^(−Q/10).

use bm_reads::{Phred, ReadError, ReadRef, reported_errors};

use super::interface::ScoreReads;
use crate::{ErrorRule, Prediction, QualityError, Score};

/// The rule "expected errors" (Edgar & Flyvbjerg 2015, Bioinformatics 31:3476).
pub(crate) struct ReportedErrors {
    rule: ErrorRule,
}

impl ReportedErrors {
    pub(super) fn new(rule: ErrorRule) -> Self {
        Self { rule }
    }
}

impl ScoreReads for ReportedErrors {
    fn score<'a>(
        &mut self,
        reads: impl Iterator<Item = ReadRef<'a>> + Clone,
        predictions: &mut Vec<Prediction>,
        mut bases: Option<&mut Vec<f32>>,
    ) -> Result<(), QualityError> {
        predictions.extend(reads.map(|read| {
            if let Err(reason) = read.check_scorable() {
                return Prediction::Unscored(reason);
            }
            if let Some(bases) = &mut bases {
                let phred = read.quality_scores.iter().filter_map(|byte| Phred::from_byte(*byte));
                bases.extend(phred.map(|phred| phred.error_probability() as f32));
            }
            let errors = reported_errors(read.quality_scores);
            match self.rule.probability(errors, read.len()) {
                Some(probability) => Prediction::Scored(Score {
                    probability,
                    expected_errors: Some(errors as f32),
                    support: None,
                }),
                None => Prediction::Unscored(ReadError::EmptyRead),
            }
        }));
        Ok(())
    }
}
