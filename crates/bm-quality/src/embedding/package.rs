//! Packages of models that return vectors: a folder, or the model that bm ships.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bm_encode::{AnyEncoder, Encoder, Encodings};
use bm_infer::{InferError, ModelFile, Sha256, Variant};
use serde::Deserialize;

use super::GoldenVectors;
use crate::manifest::{EncodingEntry, FileEntry, TensorEntry};
use crate::{QualityError, plain_file};

const MANIFEST: &str = "manifest.json";
const GOLDEN: &str = "golden.json";

/// The task of such a model, in its manifest and in the metadata of its files.
const TASK: &str = "read-embedding";

/// Most bytes of a text file of a package.
const MAX_TEXT_BYTES: u64 = 16 * 1024 * 1024;

/// The manifest of a model that returns vectors. Unknown fields are ignored.
#[derive(Clone, Debug, Deserialize)]
pub struct EmbeddingManifest {
    /// Version of the manifest's own format.
    pub format: u32,
    /// The model's id.
    pub id: String,
    /// The model's version: changed vectors are a new version.
    pub version: u32,
    /// The model's purpose: `read-embedding`.
    pub task: String,
    /// One sentence for people.
    pub description: String,
    /// The encoding that the model was trained on.
    pub encoding: EncodingEntry,
    /// The input of `model.onnx`.
    pub input: TensorEntry,
    /// The output of `model.onnx`.
    pub output: TensorEntry,
    /// Digest and size of each file.
    pub files: BTreeMap<String, FileEntry>,
}

/// A package of a model that returns vectors, checked, not yet on any engine.
pub struct EmbeddingPackage {
    name: String,
    source: Source,
    manifest: EmbeddingManifest,
    encoder: Arc<dyn Encoder>,
}

/// Where a package's files are.
enum Source {
    Folder(PathBuf),
    #[cfg(feature = "models")]
    Shipped(&'static bm_models::EmbeddedModel),
}

impl EmbeddingPackage {
    /// The format of manifests that this version reads.
    pub const FORMAT: u32 = 1;

    /// Opens the model that bm ships.
    ///
    /// # Errors
    ///
    /// If its manifest is not valid, which the tests of bm rule out.
    #[cfg(feature = "models")]
    pub fn shipped() -> Result<Self, QualityError> {
        let model = &bm_models::EMBEDDING;
        Self::with_manifest(model.id.to_owned(), Source::Shipped(model), model.manifest)
    }

    /// Returns the card of the model that bm ships, if this is its id.
    #[cfg(feature = "models")]
    pub fn shipped_card(id: &str) -> Option<&'static str> {
        (id == bm_models::EMBEDDING.id).then_some(bm_models::EMBEDDING.card)
    }

    /// Opens a package folder.
    ///
    /// # Errors
    ///
    /// If the manifest cannot be read, is not that of such a model, or names an encoding that is not
    /// known.
    pub fn open(folder: &Path) -> Result<Self, QualityError> {
        let name = folder.display().to_string();
        let manifest = read(&name, folder, MANIFEST, MAX_TEXT_BYTES)?;
        let manifest = String::from_utf8_lossy(&manifest).into_owned();
        Self::with_manifest(name, Source::Folder(folder.to_owned()), &manifest)
    }

    fn with_manifest(name: String, source: Source, manifest: &str) -> Result<Self, QualityError> {
        let refused = |reason: String| QualityError::Manifest { package: name.clone(), reason };
        let manifest: EmbeddingManifest = serde_json::from_str(manifest)
            .map_err(|error| refused(format!("{MANIFEST}: {error}")))?;
        let EmbeddingManifest { format, task, encoding, .. } = &manifest;
        if *format != Self::FORMAT {
            let expected = Self::FORMAT;
            return Err(refused(format!("{MANIFEST} is of format {format}, expected {expected}")));
        }
        if task != TASK {
            return Err(refused(format!("{MANIFEST} is of the task {task}, expected {TASK}")));
        }
        if manifest.id.is_empty() || manifest.id.chars().any(char::is_control) {
            return Err(refused(format!("{MANIFEST}: its id is `{}`, expected text", manifest.id)));
        }
        let encodings = Encodings::shipped();
        let encoder = match encodings.find(&encoding.id, encoding.version) {
            Some(AnyEncoder::Rows(encoder)) => Arc::clone(encoder),
            _ => {
                return Err(QualityError::UnknownEncoding {
                    package: name,
                    encoding: encoding.to_string(),
                    known: encodings.to_string(),
                });
            }
        };
        Ok(Self { name, source, manifest, encoder })
    }

    /// Returns the name of the package in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the manifest.
    pub fn manifest(&self) -> &EmbeddingManifest {
        &self.manifest
    }

    /// Returns the encoder that makes the network's input.
    pub fn encoder(&self) -> &Arc<dyn Encoder> {
        &self.encoder
    }

    /// Returns a model file, checked against the manifest.
    ///
    /// # Errors
    ///
    /// If the file is missing, or if its digest, input, output or metadata do not match the manifest.
    pub fn model_file(&self, variant: Variant) -> Result<ModelFile, QualityError> {
        let name = match variant {
            Variant::Portable => "model.onnx",
            Variant::NeuralEngine => "model.ane.onnx",
        };
        let bytes = self.content(name, ModelFile::MAX_BYTES)?;
        let file = ModelFile::from_bytes(format!("{}/{name}", self.name), bytes)?;
        let EmbeddingManifest { id, version, task, encoding, input, output, .. } = &self.manifest;
        let promised = [
            ("bm.id", id.clone()),
            ("bm.version", version.to_string()),
            ("bm.task", task.clone()),
            ("bm.encoding", encoding.id.clone()),
            ("bm.encoding_version", encoding.version.to_string()),
        ];
        for (key, expected) in promised {
            if file.metadata(key) != Some(&expected) {
                let found = file.metadata(key).unwrap_or("nothing");
                return Err(self.refused(format!(
                    "the metadata of {name} has {key} {found}, {MANIFEST} has {expected}"
                )));
            }
        }
        let (signature, features) = (file.signature(), self.encoder.encoding().features);
        let widths = [signature.features, signature.outputs].map(Some);
        if [input.width(), output.width()] != widths || signature.features != features {
            return Err(self.refused(format!(
                "{name} maps {} features to {} numbers, which does not agree with {MANIFEST} and the encoding",
                signature.features, signature.outputs
            )));
        }
        Ok(file)
    }

    /// Returns the golden vectors, checked against the manifest.
    ///
    /// # Errors
    ///
    /// If they are missing, do not match the manifest, or cannot be read.
    pub fn golden(&self) -> Result<GoldenVectors, QualityError> {
        let content = self.content(GOLDEN, MAX_TEXT_BYTES)?;
        serde_json::from_slice(&content).map_err(|error| self.refused(format!("{GOLDEN}: {error}")))
    }

    /// Returns the content of a file, checked against the manifest.
    fn content(&self, name: &str, limit: u64) -> Result<Vec<u8>, QualityError> {
        let content = match &self.source {
            Source::Folder(folder) => read(&self.name, folder, name, limit)?,
            #[cfg(feature = "models")]
            Source::Shipped(model) => match name {
                "model.onnx" => model.model.to_vec(),
                "model.ane.onnx" => model.neural_engine_model.to_vec(),
                _ => model.golden.as_bytes().to_vec(),
            },
        };
        let Some(entry) = self.manifest.files.get(name) else {
            return Err(self.refused(format!("{MANIFEST} has no digest of {name}")));
        };
        let actual = Sha256::of(&content).to_string();
        if entry.sha256 != actual {
            let model = format!("{}/{name}", self.name);
            let expected = entry.sha256.clone();
            return Err(InferError::DigestMismatch { model, expected, actual }.into());
        }
        Ok(content)
    }

    fn refused(&self, reason: String) -> QualityError {
        QualityError::Manifest { package: self.name.clone(), reason }
    }
}

/// Reads a file of a package folder: at most `limit` bytes, never through a link.
fn read(package: &str, folder: &Path, name: &str, limit: u64) -> Result<Vec<u8>, QualityError> {
    let failed = |source| QualityError::Package {
        package: package.to_owned(),
        file: name.to_owned(),
        source,
    };
    let Some((file, bytes)) = plain_file::open(folder, name).map_err(failed)? else {
        return Err(QualityError::NoFile {
            package: package.to_owned(),
            file: if name == MANIFEST { MANIFEST } else { "file that its manifest lists" },
            hint: "a model package is a folder with manifest.json and model.onnx",
        });
    };
    if bytes > limit {
        let reason = format!("{name} has {bytes} bytes, expected at most {limit}");
        return Err(QualityError::Manifest { package: package.to_owned(), reason });
    }
    let mut content = Vec::new();
    file.take(limit).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}
