//! The report of `bm adapt`.

use std::path::Path;
use std::time::Duration;

use bm_adapt::{Choice, EvidenceFindings, Findings, RunEvidence};
use bm_pipeline::Learned;
use bm_quality::FailedCycles;
use serde::{Deserialize, Serialize};

use crate::adapter_facts::MateAdapters;
use crate::format::{FORMAT, PROGRAM};
use crate::library_facts::LibraryFacts;

/// The report of `bm adapt`. Its keys are a contract.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AdaptReport {
    /// Version of the report's format.
    pub format: u32,
    /// `bm`.
    pub program: String,
    /// Version of the program.
    pub version: String,
    /// `adapt`.
    pub command: String,
    /// The files of the run.
    pub inputs: Vec<String>,
    /// The folder of the package.
    pub output: String,
    /// The adapters of each mate in the first reads of the first files, if they were looked for or
    /// told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adapters_found: Vec<MateAdapters>,
    /// What else of the reads is of the library, if anything was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<LibraryFacts>,
    /// The outcome of the adaptation.
    pub adaptation: AdaptationFacts,
    /// Duration of the run, in seconds.
    pub wall_s: f64,
}

/// The outcome of an adaptation.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AdaptationFacts {
    /// The qualities that are used: adapted model, base model or reported qualities.
    pub choice: Choice,
    /// Why the adapted model is not used; empty if it is.
    pub doubts: Vec<String>,
    /// Whether reported qualities were ignored. The findings then are of one quality for all bases.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignores_quality: bool,
    /// The cycles that failed in the run.
    #[serde(default, skip_serializing_if = "FailedCycles::is_empty")]
    pub failed_cycles: FailedCycles,
    /// What was measured.
    pub findings: Findings,
    /// The k-mer evidence, if k-mers were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceFacts>,
}

/// The k-mer evidence of a run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct EvidenceFacts {
    /// Whether k-mer evidence is used.
    pub in_use: bool,
    /// Why k-mer evidence is not used; empty if it is.
    pub doubts: Vec<String>,
    /// What was measured.
    #[serde(flatten)]
    pub findings: EvidenceFindings,
}

impl EvidenceFacts {
    fn of(evidence: &RunEvidence) -> Self {
        Self {
            in_use: evidence.evidence.is_some(),
            doubts: evidence.doubts.iter().map(ToString::to_string).collect(),
            findings: evidence.findings,
        }
    }
}

impl AdaptationFacts {
    /// Returns the facts of an adaptation.
    pub fn of(learned: &Learned) -> Self {
        let adaptation = &learned.adaptation;
        Self {
            choice: adaptation.choice,
            doubts: adaptation.doubts.iter().map(ToString::to_string).collect(),
            ignores_quality: adaptation.ignores_quality,
            failed_cycles: adaptation.failed_cycles.clone(),
            findings: adaptation.findings.clone(),
            evidence: learned.evidence.as_ref().map(EvidenceFacts::of),
        }
    }
}

impl AdaptReport {
    /// Returns the report of an adaptation to `inputs` that took `wall` and wrote `output`.
    pub fn new(inputs: &[&Path], output: &Path, learned: &Learned, wall: Duration) -> Self {
        Self {
            format: FORMAT,
            program: PROGRAM.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: "adapt".to_owned(),
            inputs: inputs.iter().map(|path| bm_io::name(path)).collect(),
            output: output.display().to_string(),
            adapters_found: MateAdapters::of(&learned.library),
            library: LibraryFacts::of(&learned.library),
            adaptation: AdaptationFacts::of(learned),
            wall_s: wall.as_secs_f64(),
        }
    }
}
