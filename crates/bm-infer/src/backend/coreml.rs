//! CoreML through ONNX Runtime, for Apple's Neural Engine.
//!
//! CoreML decides which unit computes; requesting the Neural Engine does not guarantee that it runs
//! there. What can be checked is checked here: the provider is available and runs every node (a node
//! that would fall back to the CPU is an error), and its outputs agree with those of the CPU within
//! half precision.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use ort::ep;
use ort::ep::ExecutionProvider;
use ort::ep::coreml::{ComputeUnits, ModelFormat, SpecializationStrategy};
use ort::session::builder::SessionBuilder;

use super::ort_session::{OrtSession, builder, one_line};
use super::{Backend, Session, Variant};
use crate::runtime_library::{LibrarySource, Runtime};
use crate::self_check::{self, Agreement};
use crate::{InferError, Layout, ModelFile, Signature, TensorRef};

const NAME: &str = "coreml";

/// Only one thread uses CoreML at a time: concurrent runs have crashed, and gain nothing on the one
/// Neural Engine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs a model through CoreML, which may use Apple's Neural Engine.
#[derive(Clone, Debug, Default)]
pub struct CoreMl {
    library: LibrarySource,
    cache: Option<PathBuf>,
}

impl CoreMl {
    /// Returns the engine. `cache` is a folder for compiled models, created if needed; without it
    /// CoreML compiles the model at every start.
    pub fn new(library: LibrarySource, cache: Option<PathBuf>) -> Self {
        Self { library, cache }
    }

    fn runtime(&self) -> Result<&'static Runtime, InferError> {
        let runtime = self.library.runtime(NAME)?;
        // ONNX Runtime registers an unknown provider as a warning and computes on the CPU.
        match ep::CoreML::is_available() {
            // Before 1.27 the provider does not run a Cast of the input, with which a model in half
            // precision starts.
            Ok(true) if !runtime.is_at_least(1, 27) => Err(InferError::BackendUnavailable {
                backend: NAME,
                reason: format!(
                    "{} is too old for CoreML in half precision, expected 1.27 or later",
                    runtime.describe()
                ),
                source: None,
            }),
            Ok(true) => Ok(runtime),
            Ok(false) => Err(InferError::BackendUnavailable {
                backend: NAME,
                reason: format!(
                    "{} has no CoreML: it needs macOS on Apple Silicon and a library built for it; use --backend embedded",
                    runtime.describe()
                ),
                source: None,
            }),
            Err(error) => Err(failed(&error)),
        }
    }

    fn provider(&self, runtime: &Runtime) -> ort::ep::ExecutionProviderDispatch {
        let mut provider = ep::CoreML::default()
            .with_model_format(ModelFormat::MLProgram)
            .with_compute_units(ComputeUnits::CPUAndNeuralEngine)
            .with_static_input_shapes(true)
            .with_specialization_strategy(SpecializationStrategy::FastPrediction);
        // A compiled model is valid for one version of the library. Without the folder the model is
        // compiled again, with the same results.
        if let Some(folder) = self
            .cache
            .as_ref()
            .map(|cache| cache.join(format!("onnxruntime-{}", runtime.version())))
            && std::fs::create_dir_all(&folder).is_ok()
        {
            provider = provider.with_model_cache_dir(folder.display());
        }
        provider.build().error_on_failure()
    }

    /// Returns a builder of sessions that fail unless every node runs on CoreML.
    fn builder(&self, runtime: &Runtime) -> Result<SessionBuilder, ort::Error> {
        Ok(builder(runtime)?
            .with_execution_providers([self.provider(runtime)])?
            .with_disable_cpu_fallback()?)
    }
}

impl Backend for CoreMl {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        match self.runtime() {
            Ok(runtime) => {
                format!("{}, CPU and Neural Engine requested from CoreML", runtime.describe())
            }
            Err(error) => error.to_string(),
        }
    }

    fn variant(&self) -> Variant {
        Variant::NeuralEngine
    }

    fn tolerance(&self) -> f32 {
        self_check::HALF_PRECISION.max_difference
    }

    fn check(&self) -> Result<(), InferError> {
        self.runtime().map(drop)
    }

    fn load(&self, model: &ModelFile) -> Result<Box<dyn Session>, InferError> {
        let runtime = self.runtime()?;
        let signature = model.signature();
        if signature.layout != Layout::Columns || signature.batch.is_none() {
            return Err(InferError::ModelUnsupported {
                model: model.name().to_owned(),
                backend: NAME,
                reason: "expected an input [1, features, 1, batch] with a fixed batch, as model.ane.onnx has".to_owned(),
            });
        }
        let on_coreml = self.builder(runtime).map_err(|error| failed(&error))?;
        let on_cpu = builder(runtime).map_err(|error| failed(&error))?;

        let lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut session = OrtSession::commit(NAME, on_coreml, model)?;
        let mut reference = OrtSession::commit(NAME, on_cpu, model)?;
        let agreement = Agreement::of(&mut session, &mut reference, signature.batch.unwrap_or(1))?;
        drop(lock);
        agreement
            .require(&self_check::HALF_PRECISION)
            .map_err(|reason| InferError::SelfCheck { backend: NAME, reason })?;
        Ok(Box::new(Serialised(session)))
    }
}

fn failed(error: &dyn std::fmt::Display) -> InferError {
    InferError::Run { backend: NAME, source: one_line(error).into() }
}

/// A session that runs while no other session of CoreML does.
struct Serialised(OrtSession);

impl Session for Serialised {
    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn backend(&self) -> &'static str {
        NAME
    }

    fn execute(&mut self, input: TensorRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
        let _lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.execute(input, output)
    }
}
