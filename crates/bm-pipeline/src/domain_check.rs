//! Whether the model applies to the run, and what scores the reads where it does not.

use std::sync::Arc;

use bm_adapt::Contradiction;
use bm_quality::QualityModel;
use bm_reads::ReadRef;
use serde::{Deserialize, Serialize};

use crate::PipelineError;
use crate::engine::Engine;

/// What scores the reads.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScoredBy {
    /// The model.
    Model,
    /// The errors that the qualities report.
    ReportedErrors,
}

/// What the first reads of a run show about the model.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DomainCheck {
    /// Why the model does not apply, one sentence per reason; empty if it applies.
    pub reasons: Vec<String>,
    /// What scores the reads: always the model where the user named it.
    pub scored_by: ScoredBy,
}

impl DomainCheck {
    /// Checks a model, which the user has `named` or not, against the first reads of a run. These are
    /// the same for any number of workers, and so is the result.
    pub(crate) fn of<'a>(
        engine: &Engine,
        named: bool,
        reads: impl Iterator<Item = ReadRef<'a>> + Clone,
    ) -> Result<Self, PipelineError> {
        let facts = engine.package.facts();
        let misfits = facts.domain.map_or_else(Vec::new, |domain| domain.misfits(reads.clone()));
        let mut reasons: Vec<String> = misfits.iter().map(ToString::to_string).collect();
        // Qualities without information cannot be contradicted.
        if reasons.is_empty() && facts.domain.is_some() {
            let contradiction = Contradiction::of(reads, &engine.package)?;
            reasons.extend(contradiction.map(|contradiction| contradiction.to_string()));
        }
        let falls_back = !reasons.is_empty() && !named && facts.counts_errors();
        let scored_by = if falls_back { ScoredBy::ReportedErrors } else { ScoredBy::Model };
        Ok(Self { reasons, scored_by })
    }

    /// Returns the result for a model that is known to suit the run.
    pub(crate) fn certain() -> Self {
        Self { reasons: Vec::new(), scored_by: ScoredBy::Model }
    }

    /// Returns a scorer for each of this many workers.
    pub(crate) fn models(
        &self,
        engine: &mut Engine,
        workers: usize,
    ) -> Result<Vec<QualityModel>, PipelineError> {
        match self.scored_by {
            ScoredBy::Model => engine.models(workers),
            ScoredBy::ReportedErrors => Ok((0..workers)
                .filter_map(|_| QualityModel::by_reported_errors(Arc::clone(&engine.package)))
                .collect()),
        }
    }

    /// Returns a line for the user; `None` if the model applies.
    pub fn words(&self, model: &str) -> Option<String> {
        if self.reasons.is_empty() {
            return None;
        }
        let consequence = match self.scored_by {
            ScoredBy::ReportedErrors => format!(
                "reads were scored by the errors that their qualities report (EE); -m {model} uses \
                 the model all the same, --adapt a model that learns the run"
            ),
            ScoredBy::Model => "it scored the reads all the same, as it was named".to_owned(),
        };
        let reasons = self.reasons.join("; ");
        Some(format!("model {model} does not apply: {reasons}; {consequence}"))
    }
}
