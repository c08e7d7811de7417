//! CoreML through ONNX Runtime, for Apple's Neural Engine.
//!
//! CoreML decides which unit computes; requesting the Neural Engine does not guarantee that it runs
//! there. What can be checked is checked here: the provider is available and runs every node (a node
//! that would fall back to the CPU is an error), and its outputs agree with those of the CPU within
//! half precision. What is laid out in blocks, and how, is in `fixed_shape.rs`, which the tests run
//! on another device.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use ort::ep;
use ort::ep::ExecutionProvider;
use ort::ep::coreml::{ComputeUnits, ModelFormat, SpecializationStrategy};
use ort::session::builder::SessionBuilder;

use super::fixed_shape::{self, Devices};
use super::ort_session::{OrtDevice, builder, failed};
use super::{Backend, Session, Variant};
use crate::runtime_library::{LibrarySource, Runtime};
use crate::{Alphabet, InferError, ModelFile, SequenceSession, self_check};

const NAME: &str = "coreml";

/// Only one thread loads a model at a time: the first one compiles it into the folder for compiled
/// models, which the provider writes and reads without a lock (`ModelBuilder` in ONNX Runtime's
/// `core/providers/coreml/builders/model_builder.cc`), and the others find it there.
///
/// Calls need no such lock. The provider holds one for each session until CoreML has answered
/// (`compute_func` in `core/providers/coreml/coreml_execution_provider.cc`), and every session has a
/// model of its own, as Apple's documentation of `MLModel` asks for: "Use an MLModel instance on only
/// one thread or one dispatch queue at a time". So there are as many calls in flight as workers.
static LOADING: Mutex<()> = Mutex::new(());

/// Runs a model through CoreML, which may use Apple's Neural Engine.
#[derive(Clone, Debug, Default)]
pub struct CoreMl {
    library: LibrarySource,
    cache: Option<PathBuf>,
    logs_plan: bool,
}

impl CoreMl {
    /// Returns the engine. `cache` is a folder for compiled models, created if needed; without it
    /// CoreML compiles the model at every start.
    pub fn new(library: LibrarySource, cache: Option<PathBuf>) -> Self {
        Self { library, cache, logs_plan: false }
    }

    /// Returns an engine that writes CoreML's plan for each model to stderr while it loads the model:
    /// a line for each operation, with the device that CoreML prefers. macOS 14.4 or later.
    pub fn logging_plan(library: LibrarySource) -> Self {
        Self { library, cache: None, logs_plan: true }
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
            Err(error) => Err(failed(NAME, &error)),
        }
    }

    fn provider(&self, runtime: &Runtime) -> ort::ep::ExecutionProviderDispatch {
        let mut provider = ep::CoreML::default()
            .with_model_format(ModelFormat::MLProgram)
            .with_compute_units(ComputeUnits::CPUAndNeuralEngine)
            .with_static_input_shapes(true)
            .with_profile_compute_plan(self.logs_plan)
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

    /// Loads a model on CoreML, and on the CPU to compare with.
    fn devices(&self, runtime: &Runtime, model: &ModelFile) -> Result<Devices, InferError> {
        let on_coreml = self.builder(runtime).map_err(|error| failed(NAME, &error))?;
        let on_cpu = builder(runtime).map_err(|error| failed(NAME, &error))?;
        let _lock = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        Ok([
            Box::new(OrtDevice::commit(NAME, on_coreml, model)?),
            Box::new(OrtDevice::commit(NAME, on_cpu, model)?),
        ])
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
        fixed_shape::rows(NAME, model, || self.devices(runtime, model))
    }

    fn load_sequences(
        &self,
        model: &ModelFile,
        alphabet: &Alphabet,
    ) -> Result<Box<dyn SequenceSession>, InferError> {
        let runtime = self.runtime()?;
        fixed_shape::sequences(NAME, model, alphabet, || self.devices(runtime, model))
    }
}
