//! Model packages: a folder, an embedded model, or a bare `.onnx` file.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use bm_encode::Encoder;
use bm_infer::{InferError, ModelFile, Sha256, Variant};

use crate::golden::GoldenReads;
use crate::{Combination, Manifest, QualityError, Threshold, WindowRule};

const MANIFEST: &str = "manifest.json";
const GOLDEN: &str = "golden.json";
const CARD: &str = "README.md";

/// Most bytes of a package's text files.
const MAX_TEXT_BYTES: u64 = 16 * 1024 * 1024;

/// What one must know of a model to use it.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The model's id.
    pub id: String,
    /// The model's version.
    pub version: u32,
    /// What the probability is the probability of.
    pub label: String,
    /// How reads of any length are judged.
    pub window: WindowRule,
    /// The probability from which on a read passes, where the user names none.
    pub threshold: Threshold,
}

/// A model with its facts, checked, not yet on any engine.
pub struct ModelPackage {
    name: String,
    source: Source,
    facts: Facts,
    encoder: &'static dyn Encoder,
    manifest: Option<Manifest>,
}

/// Where a package's files are.
enum Source {
    Folder(PathBuf),
    #[cfg(feature = "models")]
    Embedded(&'static bm_models::EmbeddedModel),
    Bare(Box<ModelFile>),
}

impl ModelPackage {
    /// Opens a package folder, or a bare `.onnx` file whose metadata say what it needs.
    ///
    /// # Errors
    ///
    /// If files are missing or unreadable, or if what the manifest says is not what is there.
    pub fn open(path: &Path) -> Result<Self, QualityError> {
        let name = path.display().to_string();
        if path.is_dir() {
            let manifest = text(&name, path, MANIFEST)?.ok_or_else(|| QualityError::NoFile {
                package: name.clone(),
                file: MANIFEST,
                hint: "a model package is a folder with manifest.json and model.onnx",
            })?;
            Self::with_manifest(name, Source::Folder(path.to_owned()), &manifest)
        } else {
            let file = ModelFile::open(path)?;
            let (facts, encoder) = from_metadata(&file)?;
            Ok(Self { name, source: Source::Bare(Box::new(file)), facts, encoder, manifest: None })
        }
    }

    /// Returns the ids of the embedded models, the default one first.
    #[cfg(feature = "models")]
    pub fn embedded_ids() -> impl Iterator<Item = &'static str> {
        let others = bm_models::ALL.iter().map(|model| model.id).filter(|id| *id != bm_models::DEFAULT);
        std::iter::once(bm_models::DEFAULT).chain(others)
    }

    /// Opens an embedded model by its id.
    ///
    /// # Errors
    ///
    /// [`QualityError::UnknownModel`] with the ids there are.
    #[cfg(feature = "models")]
    pub fn embedded(id: &str) -> Result<Self, QualityError> {
        let model = bm_models::get(id).ok_or_else(|| QualityError::UnknownModel {
            id: id.to_owned(),
            known: Self::embedded_ids().collect::<Vec<_>>().join(", "),
        })?;
        Self::with_manifest(id.to_owned(), Source::Embedded(model), model.manifest)
    }

    fn with_manifest(name: String, source: Source, manifest: &str) -> Result<Self, QualityError> {
        let refused = |reason: String| QualityError::Manifest { package: name.clone(), reason };
        let manifest: Manifest = serde_json::from_str(manifest).map_err(|error| refused(format!("{MANIFEST}: {error}")))?;
        if manifest.format != Manifest::FORMAT {
            return Err(refused(format!("{MANIFEST} is of format {}, expected {}", manifest.format, Manifest::FORMAT)));
        }
        let encoder = encoder(&name, &manifest.encoding.id, manifest.encoding.version)?;
        let facts = Facts {
            id: manifest.id.clone(),
            version: manifest.version,
            label: manifest.label.definition.clone(),
            window: window_rule(encoder, manifest.window.length, &manifest.window.rule).map_err(refused)?,
            threshold: Threshold::new(manifest.thresholds.default).map_err(|error| refused(error.to_string()))?,
        };
        Ok(Self { name, source, facts, encoder, manifest: Some(manifest) })
    }

    /// Returns what messages call the package.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what one must know to use the model.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Returns the encoder that the model was trained on.
    pub fn encoder(&self) -> &'static dyn Encoder {
        self.encoder
    }

    /// Returns the manifest; a bare file has none.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Returns a model file, checked against the manifest.
    ///
    /// # Errors
    ///
    /// If it is missing, or if digest, input, output or metadata are not what the manifest says.
    pub fn model_file(&self, variant: Variant) -> Result<ModelFile, QualityError> {
        let name = file_name(variant);
        let file = match &self.source {
            Source::Folder(folder) => ModelFile::open(&folder.join(name)).map_err(|error| match error {
                InferError::ModelNotFound { source, .. } if source.kind() == ErrorKind::NotFound => self.no_file(name),
                error => error.into(),
            })?,
            #[cfg(feature = "models")]
            Source::Embedded(model) => {
                let bytes = match variant {
                    Variant::Portable => model.model,
                    Variant::NeuralEngine => model.neural_engine_model,
                };
                ModelFile::from_bytes(format!("{}/{name}", model.id), bytes)?
            }
            Source::Bare(file) => {
                // A bare file is whatever it is; the engine that is asked to load it judges its layout.
                return Ok(file.as_ref().clone());
            }
        };
        self.check(&file, name)?;
        Ok(file)
    }

    /// Returns the golden reads, checked against the manifest; `None` for a bare file.
    ///
    /// # Errors
    ///
    /// If they are missing or are not what the manifest says.
    pub fn golden(&self) -> Result<Option<GoldenReads>, QualityError> {
        let content = match &self.source {
            Source::Bare(_) => return Ok(None),
            Source::Folder(folder) => text(&self.name, folder, GOLDEN)?.ok_or_else(|| self.no_file(GOLDEN))?,
            #[cfg(feature = "models")]
            Source::Embedded(model) => model.golden.to_owned(),
        };
        self.check_digest(GOLDEN, content.as_bytes())?;
        serde_json::from_str(&content).map(Some).map_err(|error| self.refused(format!("{GOLDEN}: {error}")))
    }

    /// Returns the model card, if there is one.
    ///
    /// # Errors
    ///
    /// If it is there and cannot be read.
    pub fn card(&self) -> Result<Option<String>, QualityError> {
        match &self.source {
            Source::Bare(_) => Ok(None),
            Source::Folder(folder) => text(&self.name, folder, CARD),
            #[cfg(feature = "models")]
            Source::Embedded(model) => Ok(Some(model.card.to_owned())),
        }
    }

    fn check(&self, file: &ModelFile, name: &'static str) -> Result<(), QualityError> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        self.check_digest(name, file.bytes())?;
        let (facts, encoder) = from_metadata(file)?;
        if facts != self.facts || encoder.encoding() != self.encoder.encoding() {
            return Err(self.refused(format!(
                "the metadata of {name} ({}) and {MANIFEST} ({}) do not agree",
                summary(&facts, encoder),
                summary(&self.facts, self.encoder)
            )));
        }
        let signature = file.signature();
        for (entry, name, width) in
            [(&manifest.input, &signature.input, signature.features), (&manifest.output, &signature.output, signature.outputs)]
        {
            if entry.name != *name || entry.width() != Some(width) {
                return Err(self.refused(format!(
                    "{MANIFEST} promises {} of width {}, the file has {name} of width {width}",
                    entry.name,
                    entry.width().map_or("?".to_owned(), |width| width.to_string())
                )));
            }
        }
        Ok(())
    }

    fn check_digest(&self, name: &str, bytes: &[u8]) -> Result<(), QualityError> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        let entry = manifest.files.get(name).ok_or_else(|| self.refused(format!("{MANIFEST} has no digest of {name}")))?;
        let actual = Sha256::of(bytes).to_string();
        if entry.sha256 != actual {
            let model = format!("{}/{name}", self.name);
            return Err(InferError::DigestMismatch { model, expected: entry.sha256.clone(), actual }.into());
        }
        if entry.bytes != bytes.len() as u64 {
            return Err(self.refused(format!("{MANIFEST} gives {name} {} bytes, it has {}", entry.bytes, bytes.len())));
        }
        Ok(())
    }

    fn refused(&self, reason: String) -> QualityError {
        QualityError::Manifest { package: self.name.clone(), reason }
    }

    fn no_file(&self, file: &'static str) -> QualityError {
        QualityError::NoFile { package: self.name.clone(), file, hint: "the manifest lists what belongs to a package" }
    }
}

fn file_name(variant: Variant) -> &'static str {
    match variant {
        Variant::Portable => "model.onnx",
        Variant::NeuralEngine => "model.ane.onnx",
    }
}

fn summary(facts: &Facts, encoder: &dyn Encoder) -> String {
    format!(
        "{} version {}, {}, {} over {} bases, threshold {}, {}",
        facts.id,
        facts.version,
        encoder.encoding(),
        facts.window.combination.name(),
        facts.window.length,
        facts.threshold.get(),
        facts.label
    )
}

/// Reads a text file of a package; `None` if it is not there.
fn text(package: &str, folder: &Path, name: &str) -> Result<Option<String>, QualityError> {
    let failed = |source| QualityError::Package { package: package.to_owned(), file: name.to_owned(), source };
    let file = match File::open(folder.join(name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let mut content = String::new();
    file.take(MAX_TEXT_BYTES + 1).read_to_string(&mut content).map_err(failed)?;
    if content.len() as u64 > MAX_TEXT_BYTES {
        return Err(failed(std::io::Error::other(format!("it is larger than {MAX_TEXT_BYTES} bytes"))));
    }
    Ok(Some(content))
}

fn encoder(package: &str, id: &str, version: u32) -> Result<&'static dyn Encoder, QualityError> {
    bm_encode::find(id, version).ok_or_else(|| QualityError::UnknownEncoding {
        package: package.to_owned(),
        encoding: format!("{id} version {version}"),
        known: bm_encode::encodings().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    })
}

fn window_rule(encoder: &dyn Encoder, length: usize, rule: &str) -> Result<WindowRule, String> {
    let expected = encoder.encoding().window;
    if length != expected {
        return Err(format!("a window of {length} bases, the encoding {} has {expected}", encoder.encoding()));
    }
    let combination = Combination::from_name(rule).ok_or_else(|| {
        let known: Vec<_> = Combination::ALL.iter().map(|rule| rule.name()).collect();
        format!("the window rule {rule}, there are: {}", known.join(", "))
    })?;
    Ok(WindowRule { length, combination })
}

/// Reads the facts off the file itself: they are in its ONNX metadata too.
fn from_metadata(file: &ModelFile) -> Result<(Facts, &'static dyn Encoder), QualityError> {
    let refused = |reason: String| QualityError::Manifest { package: file.name().to_owned(), reason };
    let entry = |key: &'static str| {
        file.metadata(key)
            .ok_or_else(|| refused(format!("no metadata `{key}`; expected a model of bm, or a package with a manifest")))
    };
    fn number<T: std::str::FromStr>(key: &str, value: &str) -> Result<T, String> {
        value.parse().map_err(|_| format!("metadata `{key}` is `{value}`, expected a number"))
    }
    let encoder = encoder(
        file.name(),
        entry("bm.encoding")?,
        number("bm.encoding_version", entry("bm.encoding_version")?).map_err(refused)?,
    )?;
    let length = number("bm.window_length", entry("bm.window_length")?).map_err(refused)?;
    let facts = Facts {
        id: entry("bm.id")?.to_owned(),
        version: number("bm.version", entry("bm.version")?).map_err(refused)?,
        label: entry("bm.label")?.to_owned(),
        window: window_rule(encoder, length, entry("bm.window_rule")?).map_err(refused)?,
        threshold: number("bm.threshold", entry("bm.threshold")?)
            .and_then(|value| Threshold::new(value).map_err(|error| error.to_string()))
            .map_err(refused)?,
    };
    let signature = file.signature();
    let features = encoder.encoding().features;
    if signature.features != features || signature.outputs != 1 {
        return Err(refused(format!(
            "maps {} features to {} numbers, expected {features} (encoding {}) to 1",
            signature.features,
            signature.outputs,
            encoder.encoding()
        )));
    }
    Ok((facts, encoder))
}
