//! Selection of the model and of the engine that runs it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bm_infer::{Backend, InferError, backend};
use bm_quality::{ModelPackage, QualityError, QualityModel};

use crate::PipelineError;

/// A choice of a backend.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BackendChoice {
    /// The embedded engine; ONNX Runtime for a model that it cannot run, or if a library is named.
    #[default]
    Auto,
    /// The embedded engine, in pure Rust.
    Embedded,
    /// ONNX Runtime on the CPU.
    OnnxRuntime,
    /// CoreML through ONNX Runtime, on macOS.
    CoreMl,
    /// A device in place of CoreML, for tests.
    #[cfg(feature = "stand-in")]
    StandIn,
}

impl BackendChoice {
    /// The engines, in the order in which they are checked.
    pub const ENGINES: [Self; 3] = [Self::Embedded, Self::OnnxRuntime, Self::CoreMl];

    /// Returns the name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Embedded => "embedded",
            Self::OnnxRuntime => "onnxruntime",
            Self::CoreMl => "coreml",
            #[cfg(feature = "stand-in")]
            Self::StandIn => "stand-in",
        }
    }
}

/// A choice of a model and of the engine that runs it.
#[derive(Clone, Debug, Default)]
pub struct EngineChoice {
    /// Id of an embedded model, or path of a model package or `.onnx` file; `None` for the default
    /// model, with reported errors as the fall-back.
    pub model: Option<String>,
    /// The backend. It is an error if a named backend is not available.
    pub backend: BackendChoice,
    /// The ONNX Runtime library.
    pub ort_library: Option<PathBuf>,
    /// Paths to try for the library if none is named: only the one that `cargo xtask fetch-runtime`
    /// fetches is loaded, from folders that no other user can write to.
    pub ort_candidates: Vec<PathBuf>,
    /// Folder in which CoreML keeps compiled models.
    pub coreml_cache: Option<PathBuf>,
}

impl EngineChoice {
    /// Returns a backend by name, without fallback.
    ///
    /// # Errors
    ///
    /// If this program was built without it.
    pub fn backend(&self, choice: BackendChoice) -> Result<Box<dyn Backend>, PipelineError> {
        match choice {
            BackendChoice::Auto | BackendChoice::Embedded => Ok(Box::new(backend::Embedded::new())),
            #[cfg(feature = "onnxruntime")]
            BackendChoice::OnnxRuntime => Ok(Box::new(backend::OnnxRuntime::new(self.library()))),
            #[cfg(feature = "coreml")]
            BackendChoice::CoreMl => {
                Ok(Box::new(backend::CoreMl::new(self.library(), self.coreml_cache.clone())))
            }
            #[cfg(feature = "stand-in")]
            BackendChoice::StandIn => Ok(Box::new(backend::StandIn::new(self.library()))),
            #[cfg(not(all(feature = "onnxruntime", feature = "coreml")))]
            _ => PipelineError::refuse(
                "this bm was built without that backend; build it with --features \
                 onnxruntime,coreml",
            ),
        }
    }

    /// Returns CoreML, which writes its plan for each model that it loads to stderr.
    ///
    /// # Errors
    ///
    /// If this program was built without it.
    pub fn coreml_logging_plan(&self) -> Result<Box<dyn Backend>, PipelineError> {
        #[cfg(feature = "coreml")]
        return Ok(Box::new(backend::CoreMl::logging_plan(self.library())));
        #[cfg(not(feature = "coreml"))]
        self.backend(BackendChoice::CoreMl)
    }

    /// Opens the model of the choice.
    ///
    /// # Errors
    ///
    /// As [`open_package`].
    pub fn package(&self) -> Result<ModelPackage, PipelineError> {
        open_package(self.model.as_deref())
    }

    #[cfg(feature = "onnxruntime")]
    fn library(&self) -> bm_infer::LibrarySource {
        bm_infer::LibrarySource {
            explicit: self.ort_library.clone(),
            candidates: self.ort_candidates.clone(),
        }
    }
}

/// Opens a model by an embedded id or a path; `None` is the default model.
///
/// # Errors
///
/// If there is no such model, or it does not match its manifest.
pub fn open_package(model: Option<&str>) -> Result<ModelPackage, PipelineError> {
    let default = || ModelPackage::embedded_ids().next();
    let Some(model) = model.or_else(default) else {
        return PipelineError::refuse("no model is embedded; name one with --model");
    };
    let is_embedded = ModelPackage::embedded_ids().any(|id| id == model);
    let package = if is_embedded || !Path::new(model).exists() {
        ModelPackage::embedded(model)
    } else {
        ModelPackage::open(Path::new(model))
    };
    Ok(package?)
}

/// A model and the engine that runs it.
pub struct Engine {
    /// The model.
    pub package: Arc<ModelPackage>,
    /// The engine.
    pub backend: Box<dyn Backend>,
    /// A remark on the choice of the engine, for the user.
    pub(crate) note: Option<String>,
    /// A loaded model: only loading shows whether the engine can run it.
    first: Option<QualityModel>,
}

impl Engine {
    /// Opens the engine of a choice for a model.
    pub(crate) fn open(
        package: ModelPackage,
        choice: &EngineChoice,
    ) -> Result<Self, PipelineError> {
        let package = Arc::new(package);
        let backend = match choice.backend {
            BackendChoice::Auto if choice.ort_library.is_some() => BackendChoice::OnnxRuntime,
            backend => backend,
        };
        if backend != BackendChoice::Auto {
            return Self::on(package, choice.backend(backend)?);
        }
        match Self::on(Arc::clone(&package), Box::new(backend::Embedded::new())) {
            Err(error) if is_unsupported(&error) => {
                match Self::on(package, choice.backend(BackendChoice::OnnxRuntime)?) {
                    Ok(engine) => {
                        let note =
                            format!("{}; using {}", error.with_causes(), engine.backend.describe());
                        Ok(Self { note: Some(note), ..engine })
                    }
                    Err(other) => Err(neither(error, &other)),
                }
            }
            outcome => outcome,
        }
    }

    pub(crate) fn on(
        package: Arc<ModelPackage>,
        backend: Box<dyn Backend>,
    ) -> Result<Self, PipelineError> {
        let first = QualityModel::new(Arc::clone(&package), backend.as_ref())?;
        Ok(Self { package, backend, note: None, first: Some(first) })
    }

    /// Returns loaded models for this many workers, one each.
    pub(crate) fn models(&mut self, workers: usize) -> Result<Vec<QualityModel>, PipelineError> {
        let mut models: Vec<_> = self.first.take().into_iter().collect();
        while models.len() < workers {
            models.push(QualityModel::new(Arc::clone(&self.package), self.backend.as_ref())?);
        }
        Ok(models)
    }
}

/// Adds to the error of the first engine, which cannot run the model, why the second one does not.
fn neither(error: PipelineError, other: &PipelineError) -> PipelineError {
    match error {
        PipelineError::Quality(QualityError::Infer(InferError::ModelUnsupported {
            model,
            backend,
            reason,
        })) => {
            let reason = format!("{reason}; {}", other.with_causes());
            InferError::ModelUnsupported { model, backend, reason }.into()
        }
        error => error,
    }
}

fn is_unsupported(error: &PipelineError) -> bool {
    matches!(
        error,
        PipelineError::Quality(QualityError::Infer(InferError::ModelUnsupported { .. }))
    )
}
