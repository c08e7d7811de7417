//! A session of ONNX Runtime, for the two backends that use the library.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::TensorRef as OrtTensor;

use super::Session;
use super::fixed_batch::FixedBatch;
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

/// A session of ONNX Runtime.
pub(super) struct OrtSession {
    backend: &'static str,
    signature: Signature,
    fixed: Option<FixedBatch>,
    session: ort::session::Session,
}

impl OrtSession {
    /// Loads `model` into a session of `builder`.
    pub(super) fn commit(
        backend: &'static str,
        builder: SessionBuilder,
        model: &ModelFile,
    ) -> Result<Self, InferError> {
        let signature = model.signature().clone();
        if signature.layout == Layout::Sequences {
            return Err(InferError::ModelUnsupported {
                model: model.name().to_owned(),
                backend,
                reason: "it is a model of sequences, expected one of rows".to_owned(),
            });
        }
        Ok(Self {
            backend,
            fixed: FixedBatch::new(&signature),
            signature,
            session: commit(backend, builder, model)?,
        })
    }
}

/// Loads `model` into a session of `builder`.
pub(super) fn commit(
    backend: &'static str,
    mut builder: SessionBuilder,
    model: &ModelFile,
) -> Result<ort::session::Session, InferError> {
    let refused = |reason: String| InferError::ModelUnsupported {
        model: model.name().to_owned(),
        backend,
        reason,
    };
    // ONNX Runtime computes a negative output dimension for a kernel that is larger than its input,
    // and `ort` panics when it lists the outputs of such a session. The builder is not used again.
    catch_unwind(AssertUnwindSafe(|| builder.commit_from_memory(model.bytes())))
        .map_err(|_| refused("an input or output has an impossible shape".to_owned()))?
        .map_err(|error| refused(one_line(&error)))
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

impl Session for OrtSession {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn backend(&self) -> &'static str {
        self.backend
    }

    fn execute(&mut self, input: TensorRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
        let Self { signature, session, fixed, .. } = self;
        let outcome = match fixed {
            Some(fixed) => {
                let shape = fixed.shape();
                fixed.for_each(input, output, |block| run(session, signature, shape.clone(), block))
            }
            None => {
                let shape = input.shape().map(|n| n as i64).to_vec();
                run(session, signature, shape, input.values()).map(|values| output.extend(values))
            }
        };
        outcome.map_err(|error| InferError::Run {
            backend: self.backend,
            source: one_line(&error).into(),
        })
    }
}

/// Returns a message of the library, which has several lines, on one line.
pub(super) fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
