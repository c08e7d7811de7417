//! Decides whether the model applies to the run, and what scores the reads if it does not.

use std::sync::Arc;

use bm_adapt::Contradiction;
use bm_quality::{Applicability, QualityModel, ScoredBy};
use bm_reads::ReadRef;

use crate::PipelineError;
use crate::engine::Engine;

/// Checks a model, which the user has `named` or not, against the first reads of a run: by its
/// domain and, if the reads come from few positions, by comparing overlapping reads. The first
/// reads, and so the result, do not depend on the number of workers.
pub(crate) fn check<'a>(
    engine: &Engine,
    named: bool,
    reads: impl Iterator<Item = ReadRef<'a>> + Clone,
) -> Result<Applicability, PipelineError> {
    let facts = engine.package.facts();
    let mut applicability = Applicability::of(facts, reads.clone());
    // Reads cannot contradict qualities without information.
    if applicability.applies()
        && facts.domain.is_some()
        && let Some(contradiction) = Contradiction::of(reads, &engine.package)?
    {
        applicability = applicability.with_reason(contradiction);
    }
    Ok(if named { applicability.keeping_model() } else { applicability })
}

/// Returns the scorers for this many workers, one each.
pub(crate) fn models(
    applicability: &Applicability,
    engine: &mut Engine,
    workers: usize,
) -> Result<Vec<QualityModel>, PipelineError> {
    if applicability.scored_by() == ScoredBy::Model {
        return engine.models(workers);
    }
    let open = |_| applicability.open(Arc::clone(&engine.package), engine.backend.as_ref());
    Ok((0..workers).map(open).collect::<Result<_, _>>()?)
}
