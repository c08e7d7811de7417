//! ONNX Runtime on the CPU.

use ort::session::builder::SessionBuilder;

use super::fixed_shape::PackedSequences;
use super::ort_sequences::OrtSequences;
use super::ort_session::{OrtDevice, builder, failed, rows};
use super::{Backend, Session};
use crate::runtime_library::LibrarySource;
use crate::{Alphabet, InferError, Layout, ModelFile, SequenceSession};

const NAME: &str = "onnxruntime";

/// Runs any ONNX model with one input and one output on the CPU, through the ONNX Runtime library.
#[derive(Clone, Debug, Default)]
pub struct OnnxRuntime {
    library: LibrarySource,
}

impl OnnxRuntime {
    /// Returns the engine; the library is loaded when it is first needed.
    pub fn new(library: LibrarySource) -> Self {
        Self { library }
    }

    fn builder(&self) -> Result<SessionBuilder, InferError> {
        let runtime = self.library.runtime(NAME)?;
        builder(runtime).map_err(|error| failed(NAME, &error))
    }
}

impl Backend for OnnxRuntime {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        match self.library.runtime(NAME) {
            Ok(runtime) => format!("{}, CPU", runtime.describe()),
            Err(error) => error.to_string(),
        }
    }

    fn check(&self) -> Result<(), InferError> {
        self.library.runtime(NAME).map(drop)
    }

    fn load(&self, model: &ModelFile) -> Result<Box<dyn Session>, InferError> {
        rows(NAME, self.builder()?, model)
    }

    fn load_sequences(
        &self,
        model: &ModelFile,
        alphabet: &Alphabet,
    ) -> Result<Box<dyn SequenceSession>, InferError> {
        let builder = self.builder()?;
        if matches!(model.signature().layout, Layout::Columns { .. }) {
            let device = Box::new(OrtDevice::commit(NAME, builder, model)?);
            return Ok(Box::new(PackedSequences::new(NAME, model, alphabet, device)?));
        }
        Ok(Box::new(OrtSequences::commit(NAME, builder, model, alphabet)?))
    }
}
