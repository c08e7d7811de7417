//! Options for the model and the engine.

use std::path::PathBuf;

use bm_pipeline::{BackendChoice, EngineChoice};
use clap::ValueEnum;

/// A model and an engine.
#[derive(Debug, clap::Args)]
pub(crate) struct EngineArgs {
    /// Id of an embedded model, or path of a model package or .onnx file [default: read-error]
    #[arg(short, long, value_name = "MODEL", help_heading = "Model and engine")]
    model: Option<String>,
    #[command(flatten)]
    backend: BackendArgs,
}

/// What runs a network.
#[derive(Debug, clap::Args)]
pub(crate) struct BackendArgs {
    /// What runs the network. A named backend that is not there is an error
    #[arg(
        long,
        value_enum,
        value_name = "BACKEND",
        default_value_t,
        help_heading = "Model and engine"
    )]
    backend: BackendArg,
    /// The ONNX Runtime library [default: ORT_DYLIB_PATH, else the one that `cargo xtask
    /// fetch-runtime` fetched]
    #[arg(long, value_name = "FILE", help_heading = "Model and engine")]
    ort_lib: Option<PathBuf>,
}

/// [`BackendChoice`] on the command line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum BackendArg {
    /// The embedded engine; ONNX Runtime for a model that it cannot run, or if --ort-lib is given
    #[default]
    Auto,
    /// Pure Rust, nothing to install
    Embedded,
    /// ONNX Runtime on the CPU
    Onnxruntime,
    /// CoreML through ONNX Runtime, on macOS
    Coreml,
    /// A device in place of CoreML, for tests
    #[cfg(feature = "stand-in")]
    #[value(hide = true)]
    StandIn,
}

impl EngineArgs {
    /// Returns the choice of model and engine.
    pub(crate) fn choice(&self) -> EngineChoice {
        EngineChoice { model: self.model.clone(), ..self.backend.choice() }
    }
}

impl BackendArgs {
    /// Returns the choice of the engine, for the default model.
    pub(crate) fn choice(&self) -> EngineChoice {
        let backend = match self.backend {
            BackendArg::Auto => BackendChoice::Auto,
            BackendArg::Embedded => BackendChoice::Embedded,
            BackendArg::Onnxruntime => BackendChoice::OnnxRuntime,
            BackendArg::Coreml => BackendChoice::CoreMl,
            #[cfg(feature = "stand-in")]
            BackendArg::StandIn => BackendChoice::StandIn,
        };
        EngineChoice {
            model: None,
            backend,
            ort_library: self.ort_lib.clone(),
            ort_candidates: fetched_library(),
            coreml_cache: std::env::var_os("HOME")
                .map(PathBuf::from)
                // A variable that is set to nothing would mean the working folder.
                .filter(|home| home.is_absolute())
                .map(|home| home.join("Library/Caches/bm")),
        }
    }
}

/// Returns the paths at which `cargo xtask fetch-runtime` puts the library, if this program was built
/// in the checkout. The library is checked before it is loaded.
#[cfg(feature = "onnxruntime")]
fn fetched_library() -> Vec<PathBuf> {
    bm_infer::LibrarySource::fetched().candidates
}

#[cfg(not(feature = "onnxruntime"))]
fn fetched_library() -> Vec<PathBuf> {
    Vec::new()
}
