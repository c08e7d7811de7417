//! The files of a model package: networks, manifest, golden reads, card.

use std::collections::BTreeMap;
use std::io;

use bm_encode::{BaseQualityPlace, CodeEncoder};
use bm_infer::onnx::{ModelProto, StringStringEntryProto};
use bm_infer::{Digesting, Sha256, Variant};
use bm_kmers::kmer::mix;
use bm_quality::{
    Domain, DomainEntry, EncodingEntry, ErrorRule, Facts, FailedCycles, FileEntry, GoldenRead,
    GoldenReads, LabelEntry, Manifest, ModelPackage, PackageFiles, ReadRule, TensorEntry,
    Thresholds,
};
use bm_reads::{Phred, ReadRef};
use prost::Message;
use serde_json::json;

use crate::card;
use crate::doubts::Doubt;
use crate::error::AdaptError;
use crate::evidence::RunEvidence;
use crate::findings::Findings;
use crate::network::{Network, Reference};
use crate::sample::RunSample;
use crate::settings::{Choice, Settings};

/// Rows and columns of a block of the model file for the Neural Engine, as in the shipped model: see
/// `ANE_SHAPE` in `research/read-error/package.py`.
const NEURAL_ENGINE_SHAPE: [usize; 2] = [16, 4096];

/// Tolerance of an engine of full precision on golden reads.
const TOLERANCE: f32 = 1e-6;

/// Lengths of the golden reads, in bases.
const GOLDEN_LENGTHS: [usize; 16] =
    [1, 2, 3, 5, 8, 9, 21, 50, 51, 100, 101, 150, 151, 250, 300, 1000];

const TASK: &str = "read-error";

/// The sources of a package, beside its network.
pub(crate) struct Origin<'a> {
    /// The base model.
    pub(crate) start: &'a ModelPackage,
    pub(crate) sample: &'a RunSample,
    pub(crate) findings: &'a Findings,
    pub(crate) settings: &'a Settings,
    pub(crate) failed_cycles: &'a FailedCycles,
}

/// Returns the files of the package of the chosen model, which has the given network.
pub(crate) fn files(
    choice: Choice,
    network: &Network,
    doubts: &[Doubt],
    origin: &Origin<'_>,
) -> Result<PackageFiles, AdaptError> {
    let mut files = match choice {
        Choice::Start => origin.start.files()?,
        Choice::Adapted => made(network, &ADAPTED, origin)?,
        Choice::Table => made(network, &TABLE, origin)?,
        Choice::Reported => made(network, &REPORTED, origin)?,
    };
    if choice == Choice::Start {
        set_failed_cycles(&mut files, origin.failed_cycles)?;
    }
    let old = if choice == Choice::Start { files.remove(CARD) } else { None };
    let old = old.and_then(|old| String::from_utf8(old).ok());
    let card = card::card(
        choice,
        origin.start.facts(),
        doubts,
        origin.findings,
        origin.failed_cycles,
        old.as_deref(),
    );
    files.insert(CARD.to_owned(), card.into_bytes());
    Ok(files)
}

/// Writes the failed cycles of the run to the manifest of the base model, in place of those of another
/// run.
fn set_failed_cycles(files: &mut PackageFiles, cycles: &FailedCycles) -> Result<(), AdaptError> {
    let mut manifest = manifest_of(files)?;
    if manifest.failed_cycles == *cycles {
        return Ok(());
    }
    manifest.failed_cycles = cycles.clone();
    set_manifest(files, &manifest)
}

fn manifest_of(files: &PackageFiles) -> Result<Manifest, AdaptError> {
    let manifest = files.get(MANIFEST).map_or(&[][..], Vec::as_slice);
    serde_json::from_slice(manifest).map_err(|source| AdaptError::Json { file: MANIFEST, source })
}

fn set_manifest(files: &mut PackageFiles, manifest: &Manifest) -> Result<(), AdaptError> {
    let text = serde_json::to_vec_pretty(manifest)
        .map_err(|source| AdaptError::Json { file: MANIFEST, source })?;
    files.insert(MANIFEST.to_owned(), text);
    Ok(())
}

/// Adds k-mer evidence to manifest and card: its SHA-256, findings and doubts.
pub(crate) fn add_evidence(
    files: &mut PackageFiles,
    evidence: &RunEvidence,
) -> Result<(), AdaptError> {
    let mut manifest = manifest_of(files)?;
    if let Some(evidence) = &evidence.evidence {
        let mut digest = Digesting::new(io::sink());
        evidence.write(&mut digest).map_err(AdaptError::Evidence)?;
        let (sha256, bytes) = digest.finish();
        manifest.files.insert(EVIDENCE.to_owned(), FileEntry { sha256: sha256.to_string(), bytes });
    }
    if let Some(metrics) = manifest.metrics.as_object_mut() {
        metrics.insert(
            "evidence".to_owned(),
            json!({"findings": evidence.findings, "doubts": evidence.doubts}),
        );
    }
    set_manifest(files, &manifest)?;
    if let Some(text) = files.get_mut(CARD) {
        text.extend(card::evidence(evidence).into_bytes());
    }
    Ok(())
}

const CARD: &str = "README.md";
const MANIFEST: &str = "manifest.json";
const EVIDENCE: &str = "evidence";
const EXPERIENCE: &str = "experience.json";

/// A kind of model made here.
struct Kind {
    id: &'static str,
    version: u32,
    description: &'static str,
    /// Whether expected errors are used as they are.
    unscaled: bool,
}

const ADAPTED: Kind = Kind {
    id: "read-error-adapted",
    version: 1,
    description: "Tells for every base how likely it is wrong, as the run that it learned from \
                  does, and for a read how many errors it has.",
    unscaled: false,
};
const TABLE: Kind = Kind {
    id: "measured-errors",
    version: 1,
    description: "Gives every base the error rate that its reported quality has in the run that it \
                  learned from.",
    unscaled: false,
};
const REPORTED: Kind = Kind {
    id: "reported-errors",
    version: 1,
    description: "Believes the reported qualities: a run taught nothing, and the model to start \
                  from does not apply to it.",
    unscaled: true,
};

fn made(network: &Network, kind: &Kind, origin: &Origin<'_>) -> Result<PackageFiles, AdaptError> {
    let Origin { start, sample, findings, settings, failed_cycles } = *origin;
    let Kind { id, version, description, unscaled } = *kind;
    let encoding = BaseQualityPlace.encoding();
    let from = start.facts();
    let mut label = from.label.clone();
    let rule = match from.rule {
        ReadRule::Errors(rule) if unscaled => match settings.reported_max_error_rate {
            Some(most) => {
                label = format!("pass: true error rate of the read <= {} %", 100.0 * most);
                rule.unscaled().with_max_error_rate(most).unwrap_or(rule.unscaled())
            }
            None => rule.unscaled(),
        },
        ReadRule::Errors(rule) => rule,
        _ => {
            return Err(AdaptError::OtherKind {
                package: start.name().to_owned(),
                reason: "the model does not predict errors of bases".to_owned(),
            });
        }
    };
    let facts = Facts {
        id: id.to_owned(),
        version,
        label,
        encoding: EncodingEntry { id: encoding.id.to_owned(), version: encoding.version },
        rule: ReadRule::Errors(rule),
        threshold: from.threshold,
        domain: Some(domain(sample)),
    };
    let correction = network.correction();
    let golden = golden(network, sample, &rule, settings.seed);
    let golden = serde_json::to_vec_pretty(&golden)
        .map_err(|source| AdaptError::Json { file: "golden.json", source })?;
    let mut files = PackageFiles::from([
        ("model.onnx".to_owned(), bytes(correction.to_model(), &facts, false)),
        (
            "model.ane.onnx".to_owned(),
            bytes(correction.to_half_model(NEURAL_ENGINE_SHAPE), &facts, true),
        ),
        ("golden.json".to_owned(), golden),
    ]);
    if let Some(experience) = start.files()?.remove(EXPERIENCE) {
        files.insert(EXPERIENCE.to_owned(), experience);
    }
    let mut training = json!({
        "program": concat!("bm-adapt ", env!("CARGO_PKG_VERSION")),
        "start": {
            "id": from.id,
            "version": from.version,
            "sha256": start.model_file(Variant::Portable)?.sha256().to_string(),
        },
        "seed": settings.seed,
    });
    if settings.ignores_quality {
        training["qualities"] = json!("ignored");
    }
    let shape =
        |channels: usize| ["batch".into(), channels.into(), 1.into(), "length".into()].to_vec();
    let manifest = Manifest {
        format: Manifest::FORMAT,
        id: facts.id.clone(),
        version,
        task: TASK.to_owned(),
        description: description.to_owned(),
        encoding: facts.encoding.clone(),
        rule: facts.rule.entries(),
        domain: facts.domain.map(|Domain { min_quality_values, max_phred, max_median_length }| {
            DomainEntry { min_quality_values, max_phred, max_median_length }
        }),
        failed_cycles: failed_cycles.clone(),
        thresholds: Thresholds { default: facts.threshold.get() },
        label: LabelEntry { name: "error-rate".to_owned(), definition: facts.label.clone() },
        input: TensorEntry { name: "features".to_owned(), shape: shape(encoding.channels) },
        output: TensorEntry { name: "error_probability".to_owned(), shape: shape(1) },
        files: digests(&files),
        training,
        metrics: json!({"own_labels": findings}),
    };
    set_manifest(&mut files, &manifest)?;
    Ok(files)
}

/// Returns the domain of the model: the properties of the run.
fn domain(sample: &RunSample) -> Domain {
    let mut seen = [false; 94];
    sample.scores.iter().for_each(|score| seen[usize::from(*score).min(93)] = true);
    let values = seen.iter().filter(|seen| **seen).count();
    Domain {
        // A part of the run may have fewer distinct values than all of it.
        min_quality_values: values.clamp(1, 3),
        max_phred: seen.iter().rposition(|seen| *seen).unwrap_or(0) as u8,
        max_median_length: sample.longest(),
    }
}

fn bytes(mut model: ModelProto, facts: &Facts, neural_engine: bool) -> Vec<u8> {
    let mut metadata = facts.metadata();
    metadata.push(("bm.task".to_owned(), TASK.to_owned()));
    if neural_engine {
        let graphs = model.graph.iter();
        let parts = graphs.flat_map(|graph| {
            let weights = graph.initializer.iter().flat_map(Message::encode_to_vec);
            weights.chain(graph.input.iter().flat_map(Message::encode_to_vec))
        });
        let parts: Vec<u8> = parts.collect();
        // CoreML caches the compiled model under this key, so it depends on the weights and on the
        // shape. At most 63 letters and digits.
        metadata.push((
            "COREML_CACHE_KEY".to_owned(),
            format!("readerror{:.40}", Sha256::of(&parts).to_string()),
        ));
    }
    model.metadata_props =
        metadata.into_iter().map(|(key, value)| StringStringEntryProto { key, value }).collect();
    model.encode_to_vec()
}

fn digests(files: &PackageFiles) -> BTreeMap<String, FileEntry> {
    files.iter().map(|(name, bytes)| (name.clone(), entry(bytes))).collect()
}

fn entry(bytes: &[u8]) -> FileEntry {
    FileEntry { sha256: Sha256::of(bytes).to_string(), bytes: bytes.len() as u64 }
}

/// Returns reads of random bases with qualities of the run, and their probabilities by the network
/// in double precision.
///
/// They are not reads of the run: models are shared more freely than reads.
fn golden(network: &Network, sample: &RunSample, rule: &ErrorRule, seed: u64) -> GoldenReads {
    let reference = Reference::of(network);
    let mut state = mix(seed ^ 0x5851_f42d_4c95_7f2d);
    let mut draw = |below: usize| {
        state = mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
        (((u128::from(state)) * below.max(1) as u128) >> 64) as usize
    };
    let mut reads = Vec::new();
    for length in GOLDEN_LENGTHS {
        let letters = b"ACGT";
        let mut sequence: Vec<u8> = (0..length).map(|_| letters[draw(4)]).collect();
        if length >= 100 {
            sequence[length / 2] = b'N';
        }
        let score = |at: usize| sample.scores.get(at).map_or(b'I', |score| score + Phred::OFFSET);
        let quality: Vec<u8> = (0..length).map(|_| score(draw(sample.scores.len()))).collect();
        let mut codes = Vec::new();
        let read = ReadRef { name: b"", sequence: &sequence, quality_scores: &quality };
        if BaseQualityPlace.encode_into(read, &mut codes).is_err() {
            continue;
        }
        let expected: f64 = reference.probabilities(&codes).iter().sum();
        let Some(probability) = rule.probability(expected, length) else { continue };
        reads.push(GoldenRead {
            name: format!("drawn/{length}"),
            sequence: String::from_utf8_lossy(&sequence).into_owned(),
            quality: String::from_utf8_lossy(&quality).into_owned(),
            probability: probability.get(),
            expected_errors: Some(expected as f32),
        });
    }
    GoldenReads { format: 1, tolerance: TOLERANCE, reads }
}
