//! `bm score` without a table: the caller gets every read with its scores.

use crate::PipelineError;
use crate::decide::ScoredTemplate;
use crate::fate::Decision;
use crate::first_pass::Decisions;
use crate::observer::Observer;
use crate::run::{Done, Job, RunSettings};
use crate::splitting::Splitting;

/// Returns what a run did, after calling `visit` with every template, its predictions and the
/// decision about it, in input order. No file is written.
///
/// Scores and decisions are those of [`Score`](crate::Score) with the same settings, to the bit:
/// [`Done::source`] says whether the model applies and what scored the reads. Reads are scored on
/// [`RunSettings::threads`] threads; `visit` is called on any of these, one template at a time, so it
/// should only store what it needs. [`RunSettings::level`] has no effect.
///
/// ```
/// use bm_pipeline::{Inputs, RunSettings, ScoreSource, Silent, score_reads};
///
/// let reads = "@good\nACGTTGCATC\n+\nIIIIIIIIII\n@unknown\nNNNN\n+\n!!!!\n";
/// let settings = RunSettings::new(Inputs::text(reads));
/// let mut scores = Vec::new();
/// let done = score_reads(&settings, &Silent, |scored, decision| {
///     for (mate, fate) in scored.template.mates().iter().zip(decision.fates()) {
///         let errors = scored.prediction(mate).expected_errors();
///         scores.push((mate.record.name().to_vec(), errors, fate.verdict.name()));
///     }
/// })?;
/// assert!(scores[0].1.is_some_and(|errors| errors < 1.0));
/// assert_eq!(scores[1], (b"unknown".to_vec(), None, "unscored"));
/// assert_eq!(done.totals.reads.r#in, 2);
/// let ScoreSource::Model { applicability, .. } = &done.source else { unreachable!() };
/// assert_eq!(applicability.scored_by().name(), "model");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// If an input is broken, or the model or its engine cannot be used. Templates before a fault may
/// have been visited by then.
pub fn score_reads(
    settings: &RunSettings,
    observer: &dyn Observer,
    visit: impl FnMut(&ScoredTemplate<'_>, &Decision) + Send,
) -> Result<Done, PipelineError> {
    let job = Job {
        settings,
        compression: &settings.compression(),
        keeps_singles: false,
        recalibrates: false,
        merges: false,
        splitting: Splitting::NONE,
        names_adapters: true,
        observer,
    };
    job.run(Vec::new(), Some(Box::new(visit)), |_, _| Ok(Decisions))?.commit()
}
