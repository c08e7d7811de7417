//! Whether the model applies to the run, and what scores the reads where it does not.

use std::sync::Arc;

use bm_adapt::Contradiction;
use bm_quality::{Applicability, QualityModel, ScoredBy};
use bm_reads::ReadRef;

use crate::PipelineError;
use crate::engine::Engine;

/// Checks a model, which the user has `named` or not, against the first reads of a run: by its domain
/// and, for reads of few positions, by what the reads say of each other. The first reads are the same
/// for any number of workers, and so is the result.
pub(crate) fn check<'a>(
    engine: &Engine,
    named: bool,
    reads: impl Iterator<Item = ReadRef<'a>> + Clone,
) -> Result<Applicability, PipelineError> {
    let facts = engine.package.facts();
    let mut applicability = Applicability::of(facts, reads.clone());
    // Qualities without information cannot be contradicted.
    if applicability.applies()
        && facts.domain.is_some()
        && let Some(contradiction) = Contradiction::of(reads, &engine.package)?
    {
        applicability = applicability.with_reason(contradiction);
    }
    Ok(if named { applicability.keeping_model() } else { applicability })
}

/// Returns what scores the reads, for each of this many workers.
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
