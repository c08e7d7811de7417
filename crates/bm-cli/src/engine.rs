//! Which model, on which engine.

use std::path::Path;
#[cfg(feature = "coreml")]
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use bm_infer::{Backend, InferError, backend};
use bm_quality::{ModelPackage, QualityError, QualityModel};

use crate::args::{BackendChoice, EngineArgs};

/// A model and the engine that runs it.
pub(crate) struct Engine {
    pub(crate) package: Arc<ModelPackage>,
    pub(crate) backend: Box<dyn Backend>,
    /// The model is ready already: whether an engine can run it is known when it has loaded it.
    first: Option<QualityModel>,
}

impl Engine {
    /// Opens the model and the engine that the user asked for.
    pub(crate) fn open(args: &EngineArgs) -> Result<Self> {
        Self::with(open_package(args.model.as_deref())?, args)
    }

    /// Opens the engine that the user asked for, for this model.
    pub(crate) fn with(package: ModelPackage, args: &EngineArgs) -> Result<Self> {
        let package = Arc::new(package);
        let choice = match args.backend {
            BackendChoice::Auto if args.ort_lib.is_some() => BackendChoice::Onnxruntime,
            choice => choice,
        };
        if choice != BackendChoice::Auto {
            return Self::on(package, named(choice, args)?);
        }
        match Self::on(Arc::clone(&package), Box::new(backend::Embedded::new())) {
            Err(error) if is_unsupported(&error) => {
                match Self::on(package, named(BackendChoice::Onnxruntime, args)?) {
                    Ok(engine) => {
                        crate::terminal::note(&format!(
                            "bm: note: {error:#}; using {}",
                            engine.backend.describe()
                        ));
                        Ok(engine)
                    }
                    // Why the first choice does not do, and not why the second is missing.
                    Err(_) => Err(error),
                }
            }
            outcome => outcome,
        }
    }

    fn on(package: Arc<ModelPackage>, backend: Box<dyn Backend>) -> Result<Self> {
        let first = QualityModel::new(Arc::clone(&package), backend.as_ref())?;
        Ok(Self { package, backend, first: Some(first) })
    }

    /// Returns a model for each of so many workers.
    pub(crate) fn models(&mut self, workers: usize) -> Result<Vec<QualityModel>> {
        let mut models: Vec<_> = self.first.take().into_iter().collect();
        while models.len() < workers {
            models.push(QualityModel::new(Arc::clone(&self.package), self.backend.as_ref())?);
        }
        Ok(models)
    }
}

/// Returns a backend by name, without fallback.
pub(crate) fn named(choice: BackendChoice, args: &EngineArgs) -> Result<Box<dyn Backend>> {
    match choice {
        BackendChoice::Auto | BackendChoice::Embedded => Ok(Box::new(backend::Embedded::new())),
        #[cfg(feature = "onnxruntime")]
        BackendChoice::Onnxruntime => Ok(Box::new(backend::OnnxRuntime::new(library(args)))),
        #[cfg(feature = "coreml")]
        BackendChoice::Coreml => Ok(Box::new(backend::CoreMl::new(library(args), coreml_cache()))),
        #[cfg(not(all(feature = "onnxruntime", feature = "coreml")))]
        _ => {
            let _ = args;
            anyhow::bail!(
                "this bm was built without that backend; build it with --features onnxruntime,coreml"
            )
        }
    }
}

/// Opens the model that the user named: an embedded id, or a path.
pub(crate) fn open_package(model: Option<&str>) -> Result<ModelPackage> {
    let model = model
        .or_else(|| ModelPackage::embedded_ids().next())
        .context("no model is embedded; name one with --model")?;
    let embedded = ModelPackage::embedded_ids().any(|id| id == model);
    let package = if embedded || !Path::new(model).exists() {
        ModelPackage::embedded(model)
    } else {
        ModelPackage::open(Path::new(model))
    };
    Ok(package?)
}

fn is_unsupported(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(QualityError::Infer(InferError::ModelUnsupported { .. })))
}

/// Where ONNX Runtime may be: what the user says, else what `cargo xtask fetch-runtime` fetched
/// into the build folder that this program is in.
#[cfg(feature = "onnxruntime")]
fn library(args: &EngineArgs) -> bm_infer::LibrarySource {
    const FETCHED: &str = "xtask/onnxruntime/1.28.0";
    let name = match std::env::consts::OS {
        "macos" => "libonnxruntime.1.28.0.dylib",
        "windows" => "onnxruntime.dll",
        _ => "libonnxruntime.so.1.28.0",
    };
    let program = std::env::current_exe().unwrap_or_default();
    let candidates =
        program.ancestors().skip(2).take(1).map(|target| target.join(FETCHED).join(name)).collect();
    bm_infer::LibrarySource { explicit: args.ort_lib.clone(), candidates }
}

/// Where CoreML keeps compiled models.
#[cfg(feature = "coreml")]
fn coreml_cache() -> Option<PathBuf> {
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join("Library/Caches/bm"))
}
