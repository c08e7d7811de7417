//! Model packages: a folder, an embedded model, or a bare `.onnx` file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bm_encode::{AnyEncoder, Encodings};
use bm_evidence::Experience;
use bm_infer::{Digesting, InferError, ModelFile, Sha256, Variant};

use crate::golden::GoldenReads;
use crate::plain_file::{self, is_file_name};
use crate::{Domain, Facts, FailedCycles, KmerEvidence, Manifest, QualityError};

const MODEL: &str = "model.onnx";
const NEURAL_ENGINE_MODEL: &str = "model.ane.onnx";
const MANIFEST: &str = "manifest.json";
const GOLDEN: &str = "golden.json";
const CARD: &str = "README.md";
const EXPERIENCE: &str = "experience.json";
const EVIDENCE: &str = "evidence";

/// Bytes per read of a large file.
const BUFFER: usize = 256 * 1024;

/// Most bytes of a large file that are read after its content was found to be wrong.
const MOST_REST: u64 = 256 * 1024 * 1024;

/// Most bytes of a text file of a package, listed in the manifest or not.
const MAX_TEXT_BYTES: u64 = 16 * 1024 * 1024;

/// A model with its facts, checked, not yet on any engine.
pub struct ModelPackage {
    name: String,
    source: Source,
    facts: Facts,
    encodings: Encodings,
    encoder: AnyEncoder,
    manifest: Option<Manifest>,
    /// Set when it is first read: it is large, and all workers share it.
    evidence: OnceLock<Arc<KmerEvidence>>,
    /// Whether evidence that the package has is left alone.
    without_evidence: bool,
    /// Whether its user ignores the reported qualities.
    ignores_quality: bool,
}

/// The failed cycles of a package without a manifest.
static NO_CYCLES: FailedCycles = FailedCycles::none();

/// Where a package's files are.
enum Source {
    Folder(PathBuf),
    #[cfg(feature = "models")]
    Embedded(&'static bm_models::EmbeddedModel),
    Bare(Box<ModelFile>),
    Memory(PackageFiles),
}

/// The files of a package by name, not yet in a folder.
pub type PackageFiles = BTreeMap<String, Vec<u8>>;

impl ModelPackage {
    /// Opens a package folder, or a bare `.onnx` file with [`Facts::metadata`].
    ///
    /// # Errors
    ///
    /// If files are missing or unreadable, or if the manifest and the files do not agree.
    pub fn open(path: &Path) -> Result<Self, QualityError> {
        Self::open_with(&Encodings::shipped(), path)
    }

    /// Opens a package folder or a bare `.onnx` file of a model on one of these encodings, which
    /// may include your own.
    ///
    /// # Errors
    ///
    /// Those of [`ModelPackage::open`].
    pub fn open_with(encodings: &Encodings, path: &Path) -> Result<Self, QualityError> {
        let name = path.display().to_string();
        if path.is_dir() {
            let manifest =
                unlisted(&name, path, MANIFEST)?.ok_or_else(|| QualityError::NoFile {
                    package: name.clone(),
                    file: MANIFEST,
                    hint: "a model package is a folder with manifest.json and model.onnx",
                })?;
            Self::with_manifest(name, Source::Folder(path.to_owned()), &manifest, encodings)
        } else {
            Self::from_model_file_with(encodings, ModelFile::open(path)?)
        }
    }

    /// Opens a model file that has [`Facts::metadata`] and no package around it.
    ///
    /// # Errors
    ///
    /// If facts are missing from the metadata, or do not agree with the network.
    pub fn from_model_file(file: ModelFile) -> Result<Self, QualityError> {
        Self::from_model_file_with(&Encodings::shipped(), file)
    }

    /// Opens a model file of a model on one of these encodings, which may include your own.
    ///
    /// # Errors
    ///
    /// Those of [`ModelPackage::from_model_file`].
    pub fn from_model_file_with(
        encodings: &Encodings,
        file: ModelFile,
    ) -> Result<Self, QualityError> {
        let (facts, encoder) = Facts::from_metadata(&file, encodings)?;
        Ok(Self {
            name: file.name().to_owned(),
            source: Source::Bare(Box::new(file)),
            facts,
            encodings: encodings.clone(),
            encoder,
            manifest: None,
            evidence: OnceLock::new(),
            without_evidence: false,
            ignores_quality: false,
        })
    }

    /// Returns the ids of the embedded models, the default one first.
    #[cfg(feature = "models")]
    pub fn embedded_ids() -> impl Iterator<Item = &'static str> {
        let others =
            bm_models::ALL.iter().map(|model| model.id).filter(|id| *id != bm_models::DEFAULT);
        std::iter::once(bm_models::DEFAULT).chain(others)
    }

    /// Opens an embedded model by its id.
    ///
    /// # Errors
    ///
    /// [`QualityError::UnknownModel`] with the known ids.
    #[cfg(feature = "models")]
    pub fn embedded(id: &str) -> Result<Self, QualityError> {
        let model = bm_models::get(id).ok_or_else(|| QualityError::UnknownModel {
            id: id.to_owned(),
            known: Self::embedded_ids().collect::<Vec<_>>().join(", "),
        })?;
        let encodings = Encodings::shipped();
        Self::with_manifest(id.to_owned(), Source::Embedded(model), model.manifest, &encodings)
    }

    /// Opens a package whose files are in memory; messages use `name`.
    ///
    /// # Errors
    ///
    /// Those of [`ModelPackage::open`].
    pub fn from_files(name: impl Into<String>, files: PackageFiles) -> Result<Self, QualityError> {
        Self::from_files_with(&Encodings::shipped(), name, files)
    }

    /// Opens a package whose files are in memory, of a model on one of these encodings, which may
    /// include your own.
    ///
    /// # Errors
    ///
    /// Those of [`ModelPackage::open`].
    pub fn from_files_with(
        encodings: &Encodings,
        name: impl Into<String>,
        files: PackageFiles,
    ) -> Result<Self, QualityError> {
        let name = name.into();
        let missing = || QualityError::NoFile {
            package: name.clone(),
            file: MANIFEST,
            hint: "a package needs one",
        };
        let manifest = memory_text(&name, &files, MANIFEST)?.ok_or_else(missing)?;
        Self::with_manifest(name, Source::Memory(files), &manifest, encodings)
    }

    /// Returns the files of the package, checked against the digests of the manifest, without the
    /// evidence of the run's k-mers, which is of no use to another run.
    ///
    /// # Errors
    ///
    /// If a file is missing or does not match the manifest, or if the package is a bare file.
    pub fn files(&self) -> Result<PackageFiles, QualityError> {
        let mut files = self.files_with_manifest()?;
        if let Some(manifest) =
            self.manifest.as_ref().filter(|manifest| manifest.files.contains_key(EVIDENCE))
        {
            let mut manifest = manifest.clone();
            manifest.files.remove(EVIDENCE);
            if let Some(metrics) = manifest.metrics.as_object_mut() {
                metrics.remove(EVIDENCE);
            }
            let text = serde_json::to_vec_pretty(&manifest)
                .map_err(|error| self.refused(format!("{MANIFEST}: {error}")))?;
            files.insert(MANIFEST.to_owned(), text);
            files.remove(EVIDENCE);
        }
        Ok(files)
    }

    fn files_with_manifest(&self) -> Result<PackageFiles, QualityError> {
        let manifest = match &self.source {
            Source::Bare(_) => return Err(self.no_file(MANIFEST)),
            Source::Folder(folder) => {
                unlisted(&self.name, folder, MANIFEST)?.ok_or_else(|| self.no_file(MANIFEST))?
            }
            #[cfg(feature = "models")]
            Source::Embedded(model) => model.manifest.to_owned(),
            Source::Memory(files) => return Ok(files.clone()),
        };
        let golden = self.golden_text()?.ok_or_else(|| self.no_file(GOLDEN))?;
        let mut files = PackageFiles::from([
            (MANIFEST.to_owned(), manifest.into_bytes()),
            (GOLDEN.to_owned(), golden.into_owned().into_bytes()),
            (CARD.to_owned(), self.card()?.unwrap_or_default().into_bytes()),
        ]);
        if let Some(experience) = self.experience_text()? {
            files.insert(EXPERIENCE.to_owned(), experience.into_owned().into_bytes());
        }
        for variant in [Variant::Portable, Variant::NeuralEngine] {
            files.insert(file_name(variant).to_owned(), self.model_file(variant)?.bytes().to_vec());
        }
        Ok(files)
    }

    fn with_manifest(
        name: String,
        source: Source,
        manifest: &str,
        encodings: &Encodings,
    ) -> Result<Self, QualityError> {
        let refused = |reason: String| QualityError::Manifest { package: name.clone(), reason };
        let manifest: Manifest = serde_json::from_str(manifest)
            .map_err(|error| refused(format!("{MANIFEST}: {error}")))?;
        if manifest.format != Manifest::FORMAT {
            return Err(refused(format!(
                "{MANIFEST} is of format {}, expected {}",
                manifest.format,
                Manifest::FORMAT
            )));
        }
        if let Some(path) = manifest.files.keys().find(|file| !is_file_name(file)) {
            return Err(refused(format!(
                "{MANIFEST} lists `{path}`, expected names of files in the package's folder"
            )));
        }
        let (facts, encoder) = Facts::from_manifest(&name, &manifest, encodings)?;
        Ok(Self {
            name,
            source,
            facts,
            encodings: encodings.clone(),
            encoder,
            manifest: Some(manifest),
            evidence: OnceLock::new(),
            without_evidence: false,
            ignores_quality: false,
        })
    }

    /// Returns the name of the package in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the facts needed to use the model.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Returns the encoder that makes the network's input.
    pub fn encoder(&self) -> &AnyEncoder {
        &self.encoder
    }

    /// Returns the manifest; a bare file has none.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Returns a model file, checked against the manifest.
    ///
    /// # Errors
    ///
    /// If the file is missing, or if its digest, input, output or metadata do not match the
    /// manifest.
    pub fn model_file(&self, variant: Variant) -> Result<ModelFile, QualityError> {
        let name = file_name(variant);
        let file = match &self.source {
            Source::Folder(folder) => {
                let bytes = self.listed(folder, name, ModelFile::MAX_BYTES)?;
                ModelFile::from_bytes(folder.join(name).display().to_string(), bytes)?
            }
            #[cfg(feature = "models")]
            Source::Embedded(model) => {
                let bytes = match variant {
                    Variant::Portable => model.model,
                    Variant::NeuralEngine => model.neural_engine_model,
                };
                ModelFile::from_bytes(format!("{}/{name}", model.id), bytes)?
            }
            Source::Memory(files) => {
                let bytes = files.get(name).ok_or_else(|| self.no_file(name))?;
                ModelFile::from_bytes(format!("{}/{name}", self.name), bytes.clone())?
            }
            Source::Bare(file) => {
                // No manifest to check it against. The engine checks the layout when it loads the
                // file.
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
    /// If they are missing or do not match the manifest.
    pub fn golden(&self) -> Result<Option<GoldenReads>, QualityError> {
        let Some(content) = self.golden_text()? else { return Ok(None) };
        GoldenReads::from_json(&content)
            .map(Some)
            .map_err(|error| self.refused(format!("{GOLDEN}: {error}")))
    }

    fn golden_text(&self) -> Result<Option<Cow<'_, str>>, QualityError> {
        let content: Cow<'_, str> = match &self.source {
            Source::Bare(_) => return Ok(None),
            Source::Folder(folder) => self.listed_text(folder, GOLDEN)?.into(),
            #[cfg(feature = "models")]
            Source::Embedded(model) => Cow::from(model.golden),
            Source::Memory(files) => {
                memory_text(&self.name, files, GOLDEN)?.ok_or_else(|| self.no_file(GOLDEN))?.into()
            }
        };
        self.check_digest(GOLDEN, content.as_bytes())?;
        Ok(Some(content))
    }

    /// Returns how k-mer support and errors were related in runs with known errors, checked against
    /// the manifest; `None` if the package has no such file.
    ///
    /// # Errors
    ///
    /// If the file is missing, does not match the manifest, or is of another version.
    pub fn experience(&self) -> Result<Option<Experience>, QualityError> {
        let Some(content) = self.experience_text()? else { return Ok(None) };
        let failed = |source| QualityError::Evidence {
            package: format!("{}/{EXPERIENCE}", self.name),
            source,
        };
        Experience::from_json(&content).map(Some).map_err(failed)
    }

    fn experience_text(&self) -> Result<Option<Cow<'_, str>>, QualityError> {
        if !self.lists(EXPERIENCE) {
            return Ok(None);
        }
        let content: Option<Cow<'_, str>> = match &self.source {
            Source::Bare(_) => None,
            Source::Folder(folder) => Some(self.listed_text(folder, EXPERIENCE)?.into()),
            #[cfg(feature = "models")]
            Source::Embedded(model) => model.experience.map(Cow::from),
            Source::Memory(files) => memory_text(&self.name, files, EXPERIENCE)?.map(Cow::from),
        };
        let content = content.ok_or_else(|| self.no_file(EXPERIENCE))?;
        self.check_digest(EXPERIENCE, content.as_bytes())?;
        Ok(Some(content))
    }

    /// Returns whether the package has the evidence of a run's k-mers, to be used.
    pub fn has_evidence(&self) -> bool {
        !self.without_evidence && (self.evidence.get().is_some() || self.lists(EVIDENCE))
    }

    /// Returns the SHA-256 of the file of the run's k-mer evidence, in lower-case hexadecimal, if the
    /// package has one and it is used.
    pub fn evidence_sha256(&self) -> Option<&str> {
        let manifest = self.manifest.as_ref().filter(|_| self.has_evidence())?;
        manifest.files.get(EVIDENCE).map(|file| file.sha256.as_str())
    }

    /// Leaves the evidence of the run's k-mers alone: reads are scored by the network.
    pub fn without_evidence(self) -> Self {
        Self { without_evidence: true, ..self }
    }

    /// Returns whether the model is for reads whose reported qualities are ignored: it learned from
    /// such reads, or its user ignores them. It then gets the same quality for every base.
    pub fn ignores_quality(&self) -> bool {
        let learned = |manifest: &Manifest| manifest.training["qualities"] == "ignored";
        self.ignores_quality || self.manifest.as_ref().is_some_and(learned)
    }

    /// Uses the model for reads whose reported qualities are ignored.
    pub fn ignoring_quality(self) -> Self {
        Self { ignores_quality: true, ..self }
    }

    /// Returns whether the qualities that the model gets say how good a read is: not if they have
    /// one value or two.
    pub(crate) fn has_telling_qualities(&self) -> bool {
        let few = |domain: Domain| domain.min_quality_values < Domain::TELLING_VALUES;
        !(self.ignores_quality() || self.facts.domain.is_some_and(few))
    }

    /// Adds the evidence of a run's k-mers, as if the package had a file of it.
    pub fn with_evidence(self, evidence: Arc<KmerEvidence>) -> Self {
        Self { evidence: OnceLock::from(evidence), ..self }
    }

    /// Returns the evidence of a run's k-mers, checked against the manifest; `None` if the package
    /// has none. The file is read once.
    ///
    /// # Errors
    ///
    /// If the file is missing, does not match the manifest, or is of another version.
    pub fn evidence(&self) -> Result<Option<Arc<KmerEvidence>>, QualityError> {
        if !self.has_evidence() {
            return Ok(None);
        }
        if let Some(evidence) = self.evidence.get() {
            return Ok(Some(Arc::clone(evidence)));
        }
        let failed = failure(&self.name, EVIDENCE);
        let (file, bytes): (Box<dyn Read + '_>, u64) = match &self.source {
            Source::Folder(folder) => {
                let (file, bytes) = self.open_listed(folder, EVIDENCE)?;
                (Box::new(file.take(bytes)), bytes)
            }
            Source::Memory(files) => {
                let bytes = files.get(EVIDENCE).ok_or_else(|| self.no_file(EVIDENCE))?;
                (Box::new(bytes.as_slice()), bytes.len() as u64)
            }
            // The manifests of these list no evidence.
            _ => return Err(self.no_file(EVIDENCE)),
        };
        // The file may be large, so it is read once, and its digest is checked after that. Where its
        // content is wrong, the digest shows whether it is damaged, if that takes no time.
        let mut file = BufReader::with_capacity(BUFFER, Digesting::new(file));
        let evidence = KmerEvidence::read(&mut file, bytes);
        let rest = io::copy(&mut (&mut file).take(MOST_REST), &mut io::sink()).map_err(failed)?;
        let (digest, read) = file.into_inner().finish();
        if rest < MOST_REST {
            self.check_entry(EVIDENCE, digest, read)?;
        }
        let failed = |source| QualityError::Evidence {
            package: format!("{}/{EVIDENCE}", self.name),
            source,
        };
        let evidence = evidence.map_err(failed)?;
        Ok(Some(Arc::clone(self.evidence.get_or_init(|| Arc::new(evidence)))))
    }

    /// Returns whether the manifest lists a file.
    fn lists(&self, file: &str) -> bool {
        self.manifest.as_ref().is_some_and(|manifest| manifest.files.contains_key(file))
    }

    /// Returns the cycles that failed in the run that the model learned from.
    pub fn failed_cycles(&self) -> &FailedCycles {
        self.manifest.as_ref().map_or(&NO_CYCLES, |manifest| &manifest.failed_cycles)
    }

    /// Returns the model card, if the package has one.
    ///
    /// # Errors
    ///
    /// If the file is there and cannot be read.
    pub fn card(&self) -> Result<Option<String>, QualityError> {
        match &self.source {
            Source::Bare(_) => Ok(None),
            Source::Folder(folder) => unlisted(&self.name, folder, CARD),
            #[cfg(feature = "models")]
            Source::Embedded(model) => Ok(Some(model.card.to_owned())),
            Source::Memory(files) => memory_text(&self.name, files, CARD),
        }
    }

    /// Opens a file of the folder that the manifest lists; returns it with its size in bytes, which
    /// is the one in the manifest.
    fn open_listed(&self, folder: &Path, name: &'static str) -> Result<(File, u64), QualityError> {
        let listed = self
            .manifest
            .as_ref()
            .and_then(|manifest| manifest.files.get(name))
            .ok_or_else(|| self.no_digest(name))?;
        let (file, bytes) = plain_file::open(folder, name)
            .map_err(failure(&self.name, name))?
            .ok_or_else(|| self.no_file(name))?;
        self.check_size(name, listed.bytes, bytes)?;
        Ok((file, bytes))
    }

    /// Reads a file of the folder that the manifest lists: no more bytes than the manifest gives,
    /// and at most `limit`.
    fn listed(
        &self,
        folder: &Path,
        name: &'static str,
        limit: u64,
    ) -> Result<Vec<u8>, QualityError> {
        let (file, bytes) = self.open_listed(folder, name)?;
        if bytes > limit {
            return Err(self.refused(format!("{name} has {bytes} bytes, expected at most {limit}")));
        }
        let mut content = Vec::new();
        file.take(bytes).read_to_end(&mut content).map_err(failure(&self.name, name))?;
        Ok(content)
    }

    /// Reads a text file of the folder that the manifest lists.
    fn listed_text(&self, folder: &Path, name: &'static str) -> Result<String, QualityError> {
        into_text(&self.name, name, self.listed(folder, name, MAX_TEXT_BYTES)?)
    }

    fn check(&self, file: &ModelFile, name: &'static str) -> Result<(), QualityError> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        self.check_digest(name, file.bytes())?;
        let (facts, _) = Facts::from_metadata(file, &self.encodings)?;
        if facts != self.facts {
            return Err(self.refused(format!(
                "the metadata of {name} ({facts}) and {MANIFEST} ({}) do not agree",
                self.facts
            )));
        }
        let signature = file.signature();
        for (entry, name, width) in [
            (&manifest.input, &signature.input, signature.features),
            (&manifest.output, &signature.output, signature.outputs),
        ] {
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
        self.check_entry(name, Sha256::of(bytes), bytes.len() as u64)
    }

    fn check_entry(&self, name: &str, actual: Sha256, bytes: u64) -> Result<(), QualityError> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        let entry = manifest.files.get(name).ok_or_else(|| self.no_digest(name))?;
        let actual = actual.to_string();
        if entry.sha256 != actual {
            let model = format!("{}/{name}", self.name);
            return Err(InferError::DigestMismatch {
                model,
                expected: entry.sha256.clone(),
                actual,
            }
            .into());
        }
        self.check_size(name, entry.bytes, bytes)
    }

    fn check_size(&self, name: &str, expected: u64, actual: u64) -> Result<(), QualityError> {
        if expected != actual {
            return Err(self.refused(format!(
                "{name} has {actual} bytes, {MANIFEST} gives it {expected}; the package is damaged \
                 or was changed"
            )));
        }
        Ok(())
    }

    fn no_digest(&self, name: &str) -> QualityError {
        self.refused(format!("{MANIFEST} has no digest of {name}"))
    }

    fn refused(&self, reason: String) -> QualityError {
        QualityError::Manifest { package: self.name.clone(), reason }
    }

    fn no_file(&self, file: &'static str) -> QualityError {
        QualityError::NoFile {
            package: self.name.clone(),
            file,
            hint: "the manifest lists what belongs to a package",
        }
    }
}

fn file_name(variant: Variant) -> &'static str {
    match variant {
        Variant::Portable => MODEL,
        Variant::NeuralEngine => NEURAL_ENGINE_MODEL,
    }
}

/// Returns a function that makes the error of a file of a package, for `map_err`.
fn failure(package: &str, file: &str) -> impl FnOnce(io::Error) -> QualityError + Clone {
    let (package, file) = (package.to_owned(), file.to_owned());
    move |source| QualityError::Package { package, file, source }
}

/// Returns the content of a file of a package as text.
fn into_text(package: &str, name: &str, content: Vec<u8>) -> Result<String, QualityError> {
    String::from_utf8(content)
        .map_err(|error| failure(package, name)(io::Error::new(ErrorKind::InvalidData, error)))
}

/// Returns a text file of a package in memory; `None` if it is not there.
fn memory_text(
    package: &str,
    files: &PackageFiles,
    name: &str,
) -> Result<Option<String>, QualityError> {
    files.get(name).map(|bytes| into_text(package, name, bytes.clone())).transpose()
}

/// Reads a text file of a package folder that no manifest lists; `None` if it is not there.
fn unlisted(package: &str, folder: &Path, name: &str) -> Result<Option<String>, QualityError> {
    let failed = failure(package, name);
    let Some((file, _)) = plain_file::open(folder, name).map_err(failed.clone())? else {
        return Ok(None);
    };
    let mut content = Vec::new();
    file.take(MAX_TEXT_BYTES + 1).read_to_end(&mut content).map_err(failed.clone())?;
    if content.len() as u64 > MAX_TEXT_BYTES {
        return Err(failed(io::Error::other(format!(
            "it has more than {MAX_TEXT_BYTES} bytes, the most for such a file"
        ))));
    }
    into_text(package, name, content).map(Some)
}
