//! `manifest.json`: facts about a model, for machines.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The manifest of a model package.
///
/// Fields that this version does not know are kept out of the way: a newer manifest of the same
/// format still opens.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Manifest {
    /// Version of the manifest's own format.
    pub format: u32,
    /// The model's id.
    pub id: String,
    /// The model's version: predictions that change are a new one.
    pub version: u32,
    /// What the model is for.
    pub task: String,
    /// One sentence for people.
    pub description: String,
    /// The encoding that the model was trained on.
    pub encoding: EncodingEntry,
    /// How reads of other lengths than the network's are judged, where it takes one length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowEntry>,
    /// How a read is judged by its bases, where the network tells of every base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_rule: Option<ReadRuleEntry>,
    /// Where the model applies, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<DomainEntry>,
    /// Probabilities from which on a read passes.
    pub thresholds: Thresholds,
    /// What the probability is the probability of.
    pub label: LabelEntry,
    /// What goes into `model.onnx`.
    pub input: TensorEntry,
    /// What comes out of it.
    pub output: TensorEntry,
    /// Digest and size of each file.
    pub files: BTreeMap<String, FileEntry>,
    /// Data, seed, settings and tools of the training.
    #[serde(default)]
    pub training: serde_json::Value,
    /// How well the model does.
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

/// A window rule by name.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WindowEntry {
    /// Bases that the network sees at once.
    pub length: usize,
    /// Name of the rule that combines windows.
    pub rule: String,
}

/// What the runs are like that the model learned from; see [`crate::Domain`].
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DomainEntry {
    /// Fewest quality values of a run.
    pub min_quality_values: usize,
    /// Highest quality.
    pub max_phred: u8,
    /// Highest median of a run's read lengths, in bases.
    pub max_median_length: usize,
}

/// A rule from the probabilities of a read's bases to that of the read; see [`crate::ErrorRule`].
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ReadRuleEntry {
    /// The rule's name.
    pub name: String,
    /// Errors for every expected one.
    pub mean_scale: f64,
    /// How much more than independent errors they vary.
    pub dispersion: f64,
    /// Highest error rate of a good read, in errors a base.
    pub max_error_rate: f64,
}

/// Probabilities from which on a read passes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Thresholds {
    /// The one that is used where none is given.
    pub default: f32,
}

/// A label in words.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LabelEntry {
    /// Its name.
    pub name: String,
    /// What it says exactly.
    pub definition: String,
}

/// An input or output of a network.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TensorEntry {
    /// Its name in the file.
    pub name: String,
    /// Its dimensions: numbers, and names for those that are open.
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
