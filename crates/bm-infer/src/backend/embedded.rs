//! The embedded engine: dense networks in pure Rust.
//!
//! A small classifier is a chain of dense layers and activations, which needs no general engine. The
//! sums of a row are always computed in the same order, so the result of a row is the same to the
//! bit in every batch and on every worker.

mod activation;
mod corrected;
mod dense;
mod dot;
mod fuse;
mod graph;
mod lanes;
mod name;
mod node;
mod sequence;
mod sequence_graph;
mod step;
mod tables;

use pulp::Arch;

use self::graph::Step;
use self::name::NAME;
use self::sequence::EmbeddedSequences;
use super::{Backend, Session};
use crate::{Alphabet, InferError, Layout, ModelFile, SequenceSession, Signature, TensorRef};

/// Number of rows that run through all layers together: the values between two layers fit into the
/// second-level cache.
const BLOCK: usize = 192;

/// Runs dense networks, and networks over sequences, without a library.
///
/// Operators: `Gemm` or `MatMul` and `Add` with constant weights, `Relu`, `Sigmoid`, and `Identity`,
/// `Dropout`, `Flatten`, which have no effect here. The instruction set is chosen at run time.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    arch: Arch,
}

impl Embedded {
    /// Returns the engine for the instruction set of this machine.
    pub fn new() -> Self {
        Self { arch: Arch::new() }
    }

    /// Returns the engine without vector instructions: the reference for the others.
    ///
    /// Without fused multiply-add, each step of a sum is rounded twice, so results may differ from
    /// [`Embedded::new`] by some units in the last place.
    pub fn scalar() -> Self {
        Self { arch: Arch::Scalar }
    }
}

impl Default for Embedded {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for Embedded {
    fn name(&self) -> &'static str {
        NAME
    }

    fn describe(&self) -> String {
        format!(
            "{NAME} {}, CPU, vectors of {} floats",
            env!("CARGO_PKG_VERSION"),
            lanes::lanes(self.arch)
        )
    }

    fn check(&self) -> Result<(), InferError> {
        Ok(())
    }

    fn load(&self, model: &ModelFile) -> Result<Box<dyn Session>, InferError> {
        let unsupported = |reason| name::unsupported(model, reason);
        let signature = model.signature().clone();
        if signature.layout == Layout::Sequences {
            return Err(unsupported("it is a model of sequences, expected one of rows".to_owned()));
        }
        if signature.layout != Layout::Rows || signature.batch.is_some() {
            return Err(unsupported(
                "it takes one batch size only, expected [batch, n] for any batch".to_owned(),
            ));
        }
        let steps = graph::compile(model, self.arch).map_err(unsupported)?;
        Ok(Box::new(EmbeddedSession {
            signature,
            steps,
            arch: self.arch,
            front: Vec::new(),
            back: Vec::new(),
            packed: Vec::new(),
        }))
    }

    fn load_sequences(
        &self,
        model: &ModelFile,
        alphabet: &Alphabet,
    ) -> Result<Box<dyn SequenceSession>, InferError> {
        Ok(Box::new(EmbeddedSequences::new(model, alphabet, self.arch)?))
    }
}

/// A dense network, with the memory to run it.
struct EmbeddedSession {
    signature: Signature,
    steps: Vec<Step>,
    arch: Arch,
    /// Output of the last step, one row per case.
    front: Vec<f32>,
    /// Output of the current step.
    back: Vec<f32>,
    /// Rows, in the order in which the kernel reads them.
    packed: Vec<f32>,
}

impl Session for EmbeddedSession {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn backend(&self) -> &'static str {
        NAME
    }

    fn execute(&mut self, input: TensorRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
        for rows in input.values().chunks(BLOCK * input.columns()) {
            self.front.clear();
            self.front.extend_from_slice(rows);
            for step in &self.steps {
                match step {
                    Step::Dense(layer) => {
                        layer.run(self.arch, &self.front, &mut self.back, &mut self.packed);
                        std::mem::swap(&mut self.front, &mut self.back);
                    }
                    Step::Activation(activation) => activation.apply(self.arch, &mut self.front),
                }
            }
            output.extend_from_slice(&self.front);
        }
        Ok(())
    }
}
