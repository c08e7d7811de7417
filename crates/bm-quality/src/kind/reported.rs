//! Scores by reported qualities alone, without a network: the sum of 10^(−Q/10).

use bm_reads::{Phred, PlacedRead, ReadError, ReadRef, reported_errors};

use super::interface::{ChoosePart, ScoreReads};
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
        reads: impl Iterator<Item = PlacedRead<'a>> + Clone,
        predictions: &mut Vec<Prediction>,
        mut bases: Option<&mut Vec<f32>>,
        mut choose: Option<&mut ChoosePart<'_>>,
    ) -> Result<(), QualityError> {
        let mut errors = Vec::new();
        predictions.extend(reads.enumerate().map(|(number, PlacedRead { read, .. })| {
            if let Err(reason) = read.check_scorable() {
                return Prediction::Unscored(reason);
            }
            let mut read = read;
            if bases.is_some() || choose.is_some() {
                errors.clear();
                errors.extend(reported(read));
            }
            if let Some(bases) = &mut bases {
                bases.extend_from_slice(&errors);
            }
            if let Some(choose) = &mut choose {
                let part = choose(number, &errors);
                read = read.window(part.start, part.len());
            }
            let errors = reported_errors(read.quality_scores);
            match self.rule.probability(errors, read.len()) {
                Some(probability) if !read.is_empty() => Prediction::Scored(Score {
                    probability,
                    expected_errors: Some(errors as f32),
                    support: None,
                }),
                _ => Prediction::Unscored(ReadError::EmptyRead),
            }
        }));
        Ok(())
    }
}

/// Returns the reported error probability of each base.
pub(super) fn reported(read: ReadRef<'_>) -> impl Iterator<Item = f32> {
    let phred = read.quality_scores.iter().filter_map(|byte| Phred::from_byte(*byte));
    phred.map(|phred| phred.error_probability() as f32)
}
