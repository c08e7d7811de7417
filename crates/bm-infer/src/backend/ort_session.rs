//! A session of ONNX Runtime, for the backends that use the library.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::TensorRef as OrtTensor;

use super::fixed_shape::{Device, FixedRows, check_rows};
use super::{Session, unsupported};
use crate::runtime_library::Runtime;
use crate::{InferError, Layout, ModelFile, Signature, TensorRef};

/// Returns a builder with the settings of all sessions.
pub(super) fn builder(runtime: &Runtime) -> Result<SessionBuilder, ort::Error> {
    // One thread per session: the workers already run in parallel, and a small network has too
    // little work for two threads.
    Ok(ort::session::Session::builder(&runtime.environment)?
        .with_optimization_level(GraphOptimizationLevel::Level3)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?)
}

/// Returns a session of `builder` for a model of rows.
pub(super) fn rows(
    backend: &'static str,
    builder: SessionBuilder,
    model: &ModelFile,
) -> Result<Box<dyn Session>, InferError> {
    match (model.signature().layout, model.signature().batch) {
        (Layout::Sequences, _) => Err(unsupported(
            backend,
            model,
            "it is a model of sequences, expected one of rows".to_owned(),
        )),
        (Layout::Rows, None) => Ok(Box::new(OrtSession {
            backend,
            signature: model.signature().clone(),
            session: commit(backend, builder, model)?,
        })),
        (layout, _) => {
            if layout != Layout::Rows {
                check_rows(backend, model)?;
            }
            let device = Box::new(OrtDevice::commit(backend, builder, model)?);
            Ok(Box::new(FixedRows::new(backend, model, device)?))
        }
    }
}

/// A session of ONNX Runtime for rows of any number.
struct OrtSession {
    backend: &'static str,
    signature: Signature,
    session: ort::session::Session,
}

impl Session for OrtSession {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn backend(&self) -> &'static str {
        self.backend
    }

    fn execute(&mut self, input: TensorRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
        let shape = input.shape().map(|n| n as i64).to_vec();
        let values = run(&mut self.session, &self.signature, shape, input.values());
        output.extend(values.map_err(|error| failed(self.backend, &error))?);
        Ok(())
    }
}

/// A session of ONNX Runtime for blocks of one shape.
pub(super) struct OrtDevice {
    backend: &'static str,
    signature: Signature,
    shape: Vec<i64>,
    session: ort::session::Session,
}

impl OrtDevice {
    /// Loads a model with a fixed shape into a session of `builder`.
    pub(super) fn commit(
        backend: &'static str,
        builder: SessionBuilder,
        model: &ModelFile,
    ) -> Result<Self, InferError> {
        let signature = model.signature().clone();
        let shape = match (signature.layout, signature.batch) {
            (Layout::Columns { rows, columns }, _) => vec![1, signature.features, rows, columns],
            (Layout::Rows, Some(batch)) => vec![batch, signature.features],
            _ => {
                let reason = "it takes any shape, expected one".to_owned();
                return Err(unsupported(backend, model, reason));
            }
        };
        let shape = shape.into_iter().map(|size| size as i64).collect();
        let session = commit(backend, builder, model)?;
        Ok(Self { backend, signature, shape, session })
    }
}

impl Device for OrtDevice {
    fn call(&mut self, block: &[f32]) -> Result<Vec<f32>, InferError> {
        run(&mut self.session, &self.signature, self.shape.clone(), block)
            .map_err(|error| failed(self.backend, &error))
    }
}

/// Loads `model` into a session of `builder`.
pub(super) fn commit(
    backend: &'static str,
    mut builder: SessionBuilder,
    model: &ModelFile,
) -> Result<ort::session::Session, InferError> {
    // ONNX Runtime computes a negative output dimension for a kernel that is larger than its input,
    // and `ort` panics when it lists the outputs of such a session. The builder is not used again.
    catch_unwind(AssertUnwindSafe(|| builder.commit_from_memory(model.bytes())))
        .map_err(|_| "an input or output has an impossible shape".to_owned())
        .and_then(|session| session.map_err(|error| one_line(&error)))
        .map_err(|reason| unsupported(backend, model, reason))
}

/// Runs a session on one tensor and returns its one output.
pub(super) fn run(
    session: &mut ort::session::Session,
    signature: &Signature,
    shape: Vec<i64>,
    values: &[f32],
) -> Result<Vec<f32>, ort::Error> {
    let tensor = OrtTensor::from_array_view((shape, values))?;
    let outputs = session.run(ort::inputs![signature.input.as_str() => tensor])?;
    let (_, values) = outputs[signature.output.as_str()].try_extract_tensor::<f32>()?;
    Ok(values.to_vec())
}

/// Returns an error of the library as one of the engine.
pub(super) fn failed(backend: &'static str, error: &dyn std::fmt::Display) -> InferError {
    InferError::Run { backend, source: one_line(error).into() }
}

/// Returns a message of the library, which has several lines, on one line.
fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
