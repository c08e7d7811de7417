//! What was done, for people (summary) and for machines (JSON).

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use bm_adapt::{Choice, EvidenceFindings, Findings, RunEvidence};
use serde::{Serialize, Serializer};

use crate::changes::ChangeFacts;
use crate::decide::Decider;
use crate::engine::Engine;
use crate::fit::Fit;
use crate::learn::{self, Learned};
use crate::output::Output;
use crate::reasons::Reason;
use crate::source::Layout;
use crate::tally::Tally;
use crate::{criteria, input};

/// Version of the report's own format.
const FORMAT: u32 = 1;

/// A report; its keys are a contract.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    format: u32,
    program: &'static str,
    version: &'static str,
    pub(crate) command: &'static str,
    pub(crate) inputs: Vec<String>,
    /// The main one first.
    outputs: Vec<String>,
    pub(crate) reads: Reads,
    /// Of how many reads that are not kept this is why; of several reasons the first counts, so
    /// they add up.
    #[serde(serialize_with = "by_name")]
    pub(crate) reasons: Vec<(Reason, u64)>,
    /// How pairs were judged, if there are pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pairs: Option<Pairs>,
    pub(crate) bases: Bases,
    /// The table of scores, where no model judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<String>,
    model: Option<Model>,
    pub(crate) domain: Option<Domain>,
    /// What was learned of the run before it was judged, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    adaptation: Option<AdaptationFacts>,
    /// What the k-mers of the run changed, if they were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<ChangeFacts>,
    criteria: Passed,
    engine: Option<EngineFacts>,
    time: Time,
    #[serde(skip)]
    workers: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Reads {
    pub(crate) r#in: u64,
    pub(crate) kept: u64,
    pub(crate) discarded: u64,
    pub(crate) unscored: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Pairs {
    pub(crate) judged: &'static str,
    r#in: u64,
    kept: u64,
    /// Reads that are kept without their mate; they are among the reads that are kept.
    singles: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Bases {
    pub(crate) r#in: u64,
    pub(crate) kept: u64,
}

#[derive(Debug, Serialize)]
struct Model {
    id: String,
    version: u32,
    encoding: String,
    label: String,
    /// The one that was used, as in `criteria`.
    threshold: Option<f32>,
    sha256: String,
}

impl Model {
    fn of(engine: &Engine, threshold: Option<f32>) -> Result<Self> {
        let facts = engine.package.facts();
        Ok(Self {
            id: facts.id.clone(),
            version: facts.version,
            encoding: facts.encoding.to_string(),
            label: facts.label.clone(),
            threshold,
            sha256: engine.package.model_file(engine.backend.variant())?.sha256().to_string(),
        })
    }
}

/// Whether the model applies to the run, and what judged.
#[derive(Debug, Serialize)]
pub(crate) struct Domain {
    #[serde(skip)]
    pub(crate) words: Option<String>,
    applies: bool,
    pub(crate) reasons: Vec<String>,
    judged_by: &'static str,
}

/// What a read had to reach; what was not asked for is null.
#[derive(Debug, Serialize)]
struct Passed {
    #[serde(skip)]
    words: String,
    threshold: Option<f32>,
    max_ee: Option<f64>,
    max_ee_rate: Option<f64>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    max_n: Option<f64>,
    min_complexity: Option<f64>,
    max_poly_g: Option<usize>,
}

#[derive(Debug, Serialize)]
struct EngineFacts {
    backend: &'static str,
    description: String,
    workers: usize,
}

#[derive(Debug, Serialize)]
struct Time {
    wall_s: f64,
    reads_per_s: f64,
}

/// What a command did.
pub(crate) struct Done<'a> {
    pub(crate) command: &'static str,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) layout: Layout,
    pub(crate) tally: Tally,
    pub(crate) decider: Decider,
    /// The table of scores, where no model judged.
    pub(crate) scores: Option<String>,
    /// The model that judged, whether it suits, and what it learned before.
    pub(crate) judged: Option<(&'a Engine, &'a Fit, Option<&'a Learned>)>,
    pub(crate) workers: usize,
    pub(crate) wall: Duration,
}

impl Report {
    /// Returns the report of what was done.
    pub(crate) fn new(done: Done<'_>) -> Result<Self> {
        let Tally { counts, changes, .. } = done.tally;
        let Decider { rules, criteria, mode, .. } = done.decider;
        let threshold = criteria.threshold.map(|threshold| threshold.get());
        let wall_s = done.wall.as_secs_f64();
        Ok(Self {
            format: FORMAT,
            program: "bm",
            version: env!("CARGO_PKG_VERSION"),
            command: done.command,
            inputs: done.inputs,
            outputs: done.outputs,
            reads: Reads {
                r#in: counts.r#in,
                kept: counts.kept,
                discarded: counts.discarded,
                unscored: counts.unscored,
            },
            reasons: counts.reasons().collect(),
            pairs: (done.layout != Layout::Single).then(|| Pairs {
                judged: mode.name(),
                r#in: counts.pairs_in,
                kept: counts.pairs_kept,
                singles: counts.alone,
            }),
            bases: Bases { r#in: counts.bases_in, kept: counts.bases_kept },
            scores: done.scores,
            model: done.judged.map(|(engine, ..)| Model::of(engine, threshold)).transpose()?,
            domain: done.judged.map(|(engine, fit, _)| Domain {
                words: fit.words(&engine.package.facts().id),
                applies: fit.applies(),
                reasons: fit.reasons().to_vec(),
                judged_by: fit.judged_by(),
            }),
            adaptation: done.judged.and_then(|(.., learned)| learned).map(AdaptationFacts::of),
            evidence: changes.facts(),
            criteria: Passed {
                words: criteria::words(&criteria),
                threshold,
                max_ee: criteria.max_expected_errors,
                max_ee_rate: criteria.max_expected_error_rate,
                min_length: rules.min_length,
                max_length: rules.max_length,
                max_n: rules.max_n,
                min_complexity: rules.min_complexity,
                max_poly_g: rules.max_poly_g,
            },
            engine: done.judged.map(|(engine, ..)| EngineFacts {
                backend: engine.backend.name(),
                description: engine.backend.describe(),
                workers: done.workers,
            }),
            time: Time {
                wall_s,
                reads_per_s: if wall_s > 0.0 { counts.r#in as f64 / wall_s } else { 0.0 },
            },
            workers: done.workers,
        })
    }

    /// Writes the report as JSON.
    pub(crate) fn write(&self, output: Output) -> Result<()> {
        write_json(self, output)
    }

    /// Returns what judged, in lines.
    pub(crate) fn about(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(Model { id, version, label, .. }) = &self.model {
            lines.push(format!("model {id} version {version}, {} ({label})", self.criteria.words));
        }
        if let Some(scores) = &self.scores {
            let words = if self.criteria.words.is_empty() {
                "as decided when they were made"
            } else {
                &self.criteria.words
            };
            lines.push(format!("scores of {scores}, {words}"));
        }
        lines.extend(self.engine.as_ref().map(|engine| format!("engine {}", engine.description)));
        lines.extend(self.domain.as_ref().and_then(|domain| domain.words.clone()));
        lines.extend(self.adaptation.as_ref().map(|adaptation| adaptation.words.clone()));
        lines.extend(self.evidence.map(|facts| facts.words()));
        lines
    }

    /// Returns the summary: the same facts in some lines.
    pub(crate) fn summary(&self) -> String {
        let Reads { r#in, kept, discarded, unscored } = self.reads;
        let mut lines = vec![format!(
            "{in} reads in: {kept} kept{}, {discarded} discarded, {unscored} unscored",
            percent(kept, r#in)
        )];
        if let Some(Pairs { judged, r#in, kept, singles }) = self.pairs {
            let singles = if singles > 0 {
                format!(", {singles} reads kept without their mate")
            } else {
                String::new()
            };
            lines.push(format!(
                "{in} pairs in, judged {judged}: {kept} kept{}{singles}",
                percent(kept, r#in)
            ));
        }
        // Where the score alone decided, the first line has said it all.
        let told =
            |reason: Reason| matches!(reason, Reason::Empty | Reason::OnlyN | Reason::Probability);
        if self.reasons.iter().any(|(reason, _)| !told(*reason)) {
            let reasons: Vec<_> = self
                .reasons
                .iter()
                .map(|(reason, count)| format!("{count} {}", reason.name()))
                .collect();
            lines.push(format!("not kept for: {}", reasons.join(", ")));
        }
        let workers = if self.workers == 1 {
            "1 worker".to_owned()
        } else {
            format!("{} workers", self.workers)
        };
        lines.push(format!(
            "{:.2} s, {:.0} reads/s with {workers}",
            self.time.wall_s, self.time.reads_per_s
        ));
        lines.extend(self.about());
        lines.join("\n")
    }
}

fn by_name<S: Serializer>(reasons: &[(Reason, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(reasons.iter().map(|(reason, count)| (reason.name(), count)))
}

/// Returns a share in brackets, if there is one.
fn percent(part: u64, all: u64) -> String {
    if all > 0 { format!(" ({:.2} %)", 100.0 * part as f64 / all as f64) } else { String::new() }
}

/// What was learned of a run; its keys are a contract.
#[derive(Debug, Serialize)]
struct AdaptationFacts {
    #[serde(skip)]
    words: String,
    choice: Choice,
    doubts: Vec<String>,
    findings: Findings,
    /// What the run's k-mers say, if they were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<EvidenceFacts>,
}

/// What was seen of a run's k-mers; its keys are a contract.
#[derive(Debug, Serialize)]
struct EvidenceFacts {
    testifies: bool,
    doubts: Vec<String>,
    #[serde(flatten)]
    findings: EvidenceFindings,
}

impl EvidenceFacts {
    fn of(evidence: &RunEvidence) -> Self {
        Self {
            testifies: evidence.evidence.is_some(),
            doubts: evidence.doubts.iter().map(ToString::to_string).collect(),
            findings: evidence.findings,
        }
    }
}

impl AdaptationFacts {
    fn of(learned: &Learned) -> Self {
        let adaptation = &learned.adaptation;
        Self {
            words: learn::words(learned),
            choice: adaptation.choice,
            doubts: adaptation.doubts.iter().map(ToString::to_string).collect(),
            findings: adaptation.findings.clone(),
            evidence: learned.evidence.as_ref().map(EvidenceFacts::of),
        }
    }
}

/// The report of `bm adapt`; its keys are a contract.
#[derive(Debug, Serialize)]
pub(crate) struct AdaptReport {
    format: u32,
    program: &'static str,
    version: &'static str,
    command: &'static str,
    inputs: Vec<String>,
    output: String,
    adaptation: AdaptationFacts,
    wall_s: f64,
}

impl AdaptReport {
    /// Returns the report of what was learned.
    pub(crate) fn new(inputs: &[&Path], output: &Path, learned: &Learned, wall: Duration) -> Self {
        Self {
            format: FORMAT,
            program: "bm",
            version: env!("CARGO_PKG_VERSION"),
            command: "adapt",
            inputs: inputs.iter().map(|path| input::name(path)).collect(),
            output: output.display().to_string(),
            adaptation: AdaptationFacts::of(learned),
            wall_s: wall.as_secs_f64(),
        }
    }

    /// Writes the report as JSON.
    pub(crate) fn write(&self, output: Output) -> Result<()> {
        write_json(self, output)
    }
}

pub(crate) fn write_json(report: &impl Serialize, mut output: Output) -> Result<()> {
    serde_json::to_writer_pretty(&mut output, report).with_context(|| output.name())?;
    output.write_all(b"\n").with_context(|| output.name())?;
    output.finish()
}
