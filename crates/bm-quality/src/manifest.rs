//! `manifest.json`: the facts about a model, for machines.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{FailedCycles, RuleEntries};

/// The manifest of a model package.
///
/// Unknown fields are ignored, so a newer manifest of the same format still opens.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Manifest {
    /// Version of the manifest's own format.
    pub format: u32,
    /// The model's id.
    pub id: String,
    /// The model's version: changed predictions are a new version.
    pub version: u32,
    /// The model's purpose.
    pub task: String,
    /// One sentence for people.
    pub description: String,
    /// The encoding that the model was trained on.
    pub encoding: EncodingEntry,
    /// How the network's outputs become the probability of a read: one key per kind of model.
    #[serde(flatten)]
    pub rule: RuleEntries,
    /// The runs that the model applies to, if it states them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<DomainEntry>,
    /// The cycles that failed in the run that the model learned from.
    #[serde(default, skip_serializing_if = "FailedCycles::is_empty")]
    pub failed_cycles: FailedCycles,
    /// Lowest probabilities of a passing read.
    pub thresholds: Thresholds,
    /// The statement about a read whose probability the model predicts.
    pub label: LabelEntry,
    /// The input of `model.onnx`.
    pub input: TensorEntry,
    /// The output of `model.onnx`.
    pub output: TensorEntry,
    /// Digest and size of each file.
    pub files: BTreeMap<String, FileEntry>,
    /// Data, seed, settings and tools of the training.
    #[serde(default)]
    pub training: serde_json::Value,
    /// How well the model performs.
    #[serde(default)]
    pub metrics: serde_json::Value,
}

impl Manifest {
    /// The format that this version reads.
    pub const FORMAT: u32 = 1;
}

/// An encoding by name.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EncodingEntry {
    /// The rule's name.
    pub id: String,
    /// The rule's version.
    pub version: u32,
}

impl fmt::Display for EncodingEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.id, self.version)
    }
}

/// The runs that a model applies to; see [`crate::Domain`].
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DomainEntry {
    /// Smallest number of distinct quality values of a run.
    pub min_quality_values: usize,
    /// Highest Phred score.
    pub max_phred: u8,
    /// Highest median of a run's read lengths, in bases.
    pub max_median_length: usize,
}

/// Lowest probabilities of a passing read.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Thresholds {
    /// The threshold that is used if the user gives none.
    pub default: f32,
}

/// A label in words.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LabelEntry {
    /// Its name.
    pub name: String,
    /// Its exact definition.
    pub definition: String,
}

/// An input or output of a network.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TensorEntry {
    /// Its name in the file.
    pub name: String,
    /// Its dimensions: a number, or a name where any size is allowed.
    pub shape: Vec<serde_json::Value>,
}

impl TensorEntry {
    /// Returns the number of features or outputs, if it is a number: the last dimension of `[batch,
    /// n]`, the second of `[batch, n, 1, length]`.
    pub fn width(&self) -> Option<usize> {
        let width = if self.shape.len() == 4 { self.shape.get(1) } else { self.shape.last() };
        width.and_then(serde_json::Value::as_u64).and_then(|width| usize::try_from(width).ok())
    }
}

/// Digest and size of a file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FileEntry {
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}
