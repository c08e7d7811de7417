//! The two traits that every engine has, and the engines, one per file beside this one.

#[cfg(feature = "coreml")]
mod coreml;
#[cfg(feature = "embedded")]
mod embedded;
#[cfg(feature = "onnxruntime")]
mod fixed_batch;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
#[cfg(feature = "onnxruntime")]
mod ort_sequences;
#[cfg(feature = "onnxruntime")]
mod ort_session;

#[cfg(feature = "coreml")]
pub use coreml::CoreMl;
#[cfg(feature = "embedded")]
pub use embedded::Embedded;
#[cfg(feature = "onnxruntime")]
pub use onnxruntime::OnnxRuntime;

use crate::{Alphabet, InferError, ModelFile, SequenceSession, Signature, TensorRef};

/// Which file of a model package an engine takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Variant {
    /// `model.onnx`: single precision, any batch size.
    Portable,
    /// `model.ane.onnx`: half precision inside, one batch size, the Neural Engine's layout.
    NeuralEngine,
}

/// An inference engine.
pub trait Backend: Send + Sync {
    /// Returns the engine's name, as users write it.
    fn name(&self) -> &'static str;

    /// Returns engine, version and device in words, for people and reports.
    fn describe(&self) -> String;

    /// Returns which file of a model package the engine takes.
    fn variant(&self) -> Variant {
        Variant::Portable
    }

    /// Returns how far a probability may be from that of another engine of full precision.
    fn tolerance(&self) -> f32 {
        1e-6
    }

    /// Checks that the engine can run on this machine.
    ///
    /// # Errors
    ///
    /// [`InferError::BackendUnavailable`] with what is missing.
    fn check(&self) -> Result<(), InferError>;

    /// Prepares a model. The session is for one worker; load again for another.
    ///
    /// # Errors
    ///
    /// [`InferError::ModelUnsupported`] or [`InferError::ModelInvalid`] if this engine cannot run
    /// the model, else what [`Backend::check`] says.
    fn load(&self, model: &ModelFile) -> Result<Box<dyn Session>, InferError>;

    /// Prepares a model of sequences ([`crate::Layout::Sequences`]) for sequences over `alphabet`.
    ///
    /// # Errors
    ///
    /// As [`Backend::load`]; an engine that runs no such models says so.
    fn load_sequences(
        &self,
        model: &ModelFile,
        _alphabet: &Alphabet,
    ) -> Result<Box<dyn SequenceSession>, InferError> {
        self.check()?;
        Err(InferError::ModelUnsupported {
            model: model.name().to_owned(),
            backend: self.name(),
            reason: "it runs no models of sequences".to_owned(),
        })
    }
}

/// A model that is ready to run.
pub trait Session: Send {
    /// Returns what goes in and what comes out.
    fn signature(&self) -> &Signature;

    /// Returns the engine's name.
    fn backend(&self) -> &'static str;

    /// Runs the engine on input that [`Session::run`] has checked, at least one row; appends to
    /// `output`.
    ///
    /// # Errors
    ///
    /// [`InferError::Run`] or [`InferError::OutputMismatch`].
    fn execute(&mut self, input: TensorRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError>;

    /// Maps every row of `input` to one row of `output`, which is emptied first.
    ///
    /// **Shape:** `[rows, features]` to `[rows, outputs]`, C order. No rows give no output.
    ///
    /// # Errors
    ///
    /// Input of another width or that is not finite is refused before the engine sees it; else what
    /// the engine says.
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
