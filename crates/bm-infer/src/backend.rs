//! The two traits that every engine implements. Each engine is a file in this folder.

#[cfg(feature = "stand-in")]
mod blank;
#[cfg(feature = "coreml")]
mod coreml;
#[cfg(feature = "embedded")]
mod embedded;
#[cfg(feature = "onnxruntime")]
mod fixed_batch;
#[cfg(feature = "onnxruntime")]
mod fixed_shape;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
#[cfg(feature = "onnxruntime")]
mod ort_sequences;
#[cfg(feature = "onnxruntime")]
mod ort_session;
#[cfg(feature = "onnxruntime")]
mod packing;
#[cfg(feature = "stand-in")]
mod stand_in;

#[cfg(feature = "stand-in")]
pub use blank::Blank;
#[cfg(feature = "coreml")]
pub use coreml::CoreMl;
#[cfg(feature = "embedded")]
pub use embedded::Embedded;
#[cfg(feature = "onnxruntime")]
pub use onnxruntime::OnnxRuntime;
#[cfg(feature = "stand-in")]
pub use stand_in::{Counts, Fault, StandIn};

use crate::{Alphabet, Filling, InferError, ModelFile, SequenceSession, Signature, TensorRef};

/// The file of a model package that an engine loads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Variant {
    /// `model.onnx`: single precision, any batch size.
    Portable,
    /// `model.ane.onnx`: half precision, one batch size, the layout of the Neural Engine.
    NeuralEngine,
}

/// An inference engine.
pub trait Backend: Send + Sync {
    /// Returns the name of the engine, as on the command line.
    fn name(&self) -> &'static str;

    /// Returns engine, version and device as text for people and reports.
    fn describe(&self) -> String;

    /// Returns the file of a model package that the engine loads.
    fn variant(&self) -> Variant {
        Variant::Portable
    }

    /// Returns how much a probability may differ from that of an engine of full precision.
    fn tolerance(&self) -> f32 {
        1e-6
    }

    /// Checks that the engine can run on this machine.
    ///
    /// # Errors
    ///
    /// [`InferError::BackendUnavailable`] with what is missing.
    fn check(&self) -> Result<(), InferError>;

    /// Returns a session for a model. A session is for one worker thread; load one for each.
    ///
    /// # Errors
    ///
    /// [`InferError::ModelUnsupported`] or [`InferError::ModelInvalid`] if this engine cannot run
    /// the model; the errors of [`Backend::check`].
    fn load(&self, model: &ModelFile) -> Result<Box<dyn Session>, InferError>;

    /// Returns a session for a model of sequences over `alphabet`: of the layout
    /// [`crate::Layout::Sequences`], or [`crate::Layout::Columns`] for a device that takes one shape.
    ///
    /// # Errors
    ///
    /// As [`Backend::load`]; [`InferError::ModelUnsupported`] if the engine runs no such models.
    fn load_sequences(
        &self,
        model: &ModelFile,
        _alphabet: &Alphabet,
    ) -> Result<Box<dyn SequenceSession>, InferError> {
        self.check()?;
        Err(unsupported(self.name(), model, "it runs no models of sequences".to_owned()))
    }
}

/// Returns the error for a model that an engine does not run, for this reason.
fn unsupported(backend: &'static str, model: &ModelFile, reason: String) -> InferError {
    InferError::ModelUnsupported { model: model.name().to_owned(), backend, reason }
}

/// A model that is loaded and ready to run.
pub trait Session: Send {
    /// Returns the model's input and output.
    fn signature(&self) -> &Signature;

    /// Returns the name of the engine.
    fn backend(&self) -> &'static str;

    /// Returns how the blocks so far were filled; `None` for an engine that takes any shape.
    fn filling(&self) -> Option<Filling> {
        None
    }

    /// Runs the engine on input that [`Session::run`] has checked, at least one row, and appends the
    /// results to `output`.
    ///
    /// # Errors
    ///
    /// [`InferError::Run`] or [`InferError::OutputMismatch`].
    fn execute(&mut self, input: TensorRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError>;

    /// Writes one row of `output` for every row of `input`, replacing its content.
    ///
    /// **Shape:** `[rows, features]` to `[rows, outputs]`, C order. No rows give no output.
    ///
    /// # Errors
    ///
    /// [`InferError::ShapeMismatch`] or [`InferError::NonFinite`] for input of another width or with
    /// numbers that are not finite, before the engine runs; otherwise the error of the engine.
    fn run(&mut self, input: TensorRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
        output.clear();
        self.signature().check_input(&input)?;
        if input.rows() == 0 {
            return Ok(());
        }
        self.execute(input, output)?;
        InferError::check_output(self.backend(), input.rows() * self.signature().outputs, output)
    }
}
