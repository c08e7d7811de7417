//! Whether the model applies to the run at hand, and what judges where it does not.

use std::sync::Arc;

use anyhow::Result;
use bm_adapt::Contradiction;
use bm_quality::QualityModel;
use bm_reads::ReadRef;

use crate::engine::Engine;

/// What the first reads of a run say of the model.
pub(crate) struct Fit {
    /// Why the model does not apply, a sentence each.
    reasons: Vec<String>,
    /// Whether reported qualities judge instead: never where the user named the model.
    falls_back: bool,
}

impl Fit {
    /// Looks at the first reads, for a model that the user `named` or did not. They are the same
    /// whatever the number of workers, and so is what follows from them.
    pub(crate) fn of<'a>(
        engine: &Engine,
        named: bool,
        reads: impl Iterator<Item = ReadRef<'a>> + Clone,
    ) -> Result<Self> {
        let facts = engine.package.facts();
        let misfits = facts.domain.map_or_else(Vec::new, |domain| domain.misfits(reads.clone()));
        let mut reasons: Vec<String> = misfits.iter().map(ToString::to_string).collect();
        // Qualities that say nothing have nothing to contradict.
        if reasons.is_empty() && facts.domain.is_some() {
            reasons.extend(
                Contradiction::of(reads, &engine.package)?
                    .map(|contradiction| contradiction.to_string()),
            );
        }
        Ok(Self { falls_back: !reasons.is_empty() && !named && facts.counts_errors(), reasons })
    }

    /// For a model that is known to suit the run.
    pub(crate) fn certain() -> Self {
        Self { reasons: Vec::new(), falls_back: false }
    }

    /// Returns what judges, for so many workers.
    pub(crate) fn models(&self, engine: &mut Engine, workers: usize) -> Result<Vec<QualityModel>> {
        if self.falls_back {
            return Ok((0..workers)
                .filter_map(|_| QualityModel::by_reported_errors(Arc::clone(&engine.package)))
                .collect());
        }
        engine.models(workers)
    }

    /// Returns whether the model applies, as far as its first reads tell.
    pub(crate) fn applies(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Says what judged, in a word for machines.
    pub(crate) fn judged_by(&self) -> &'static str {
        if self.falls_back { "reported-errors" } else { "model" }
    }

    /// Says why the model does not apply, a sentence a reason.
    pub(crate) fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// Returns a line for people, where there is something to say.
    pub(crate) fn words(&self, model: &str) -> Option<String> {
        let what = if self.falls_back {
            format!(
                "reads were judged by reported expected errors (EE); -m {model} asks for the model all the same, --adapt for one that \
                 learns the run"
            )
        } else {
            "it judged the reads all the same, as it was asked for by name".to_owned()
        };
        (!self.applies())
            .then(|| format!("model {model} does not apply: {}; {what}", self.reasons.join("; ")))
    }
}
