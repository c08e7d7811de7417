//! What scored the reads of a run or of a part of one, on which engine, and how long it took.

use bm_pipeline::Engine;
use bm_quality::{Applicability, LongReads, ScoredBy};
use serde::{Deserialize, Serialize};

use crate::error::ReportError;

/// The model that scored the reads.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ModelFacts {
    /// Id of the model.
    pub id: String,
    /// Version of the model.
    pub version: u32,
    /// Encoding of the model's input.
    pub encoding: String,
    /// The event that the model predicts the probability of.
    pub label: String,
    /// The threshold of the run, as in the criteria.
    pub threshold: Option<f32>,
    /// SHA-256 of the model's file, in lower-case hexadecimal.
    pub sha256: String,
    /// The same of the file of k-mer evidence, if the package has one and it was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_sha256: Option<String>,
}

impl ModelFacts {
    pub(crate) fn of(engine: &Engine, threshold: Option<f32>) -> Result<Self, ReportError> {
        let facts = engine.package.facts();
        let file = engine.package.model_file(engine.backend.variant())?;
        Ok(Self {
            id: facts.id.clone(),
            version: facts.version,
            encoding: facts.encoding.to_string(),
            label: facts.label.clone(),
            threshold,
            sha256: file.sha256().to_string(),
            evidence_sha256: engine.package.evidence_sha256().map(str::to_owned),
        })
    }
}

/// Whether the model applies to the run, and what scored the reads.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Domain {
    /// Whether the model applies.
    pub applies: bool,
    /// Why the model does not apply; empty if it does.
    pub reasons: Vec<String>,
    /// What scored the reads: `model` or `reported-errors`.
    pub scored_by: String,
    /// The limit for the reads, if they are long and their reported qualities scored them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_reads: Option<LongReadFacts>,
}

/// The limit for long reads that their reported qualities scored.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LongReadFacts {
    /// Probabilities are those of at most this error rate. Unit: errors per base.
    pub max_error_rate: f64,
    /// Whether it also was the limit on the expected errors per base, as no criterion was given.
    pub decided: bool,
    /// Fraction of the first reads that report an error rate of at most 1 %, which chose the limit.
    pub accurate_fraction: f64,
    /// The same in words.
    pub reason: String,
}

impl LongReadFacts {
    fn of(long: &LongReads, decided: bool) -> Self {
        let LongReads { max_error_rate, accurate_fraction } = *long;
        Self { max_error_rate, decided, accurate_fraction, reason: long.to_string() }
    }
}

impl Domain {
    /// Value of `scored_by` if the reported qualities scored the reads.
    pub(crate) const REPORTED_ERRORS: &str = ScoredBy::ReportedErrors.name();

    pub(crate) fn of(applicability: &Applicability, decided: bool) -> Self {
        let long_reads = applicability.long_reads();
        Self {
            long_reads: long_reads.map(|long| LongReadFacts::of(&long, decided)),
            applies: applicability.applies(),
            reasons: applicability.reasons().collect(),
            scored_by: applicability.scored_by().name().to_owned(),
        }
    }
}

/// The engine that ran the model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct EngineFacts {
    /// Name of the engine.
    pub backend: String,
    /// Version and device of the engine.
    pub description: String,
}

/// Duration and speed of a run.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Time {
    /// Duration, in seconds.
    pub wall_s: f64,
    /// Reads per second.
    pub reads_per_s: f64,
    /// Number of threads.
    pub threads: usize,
}
