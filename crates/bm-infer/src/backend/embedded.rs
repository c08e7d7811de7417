//! The embedded engine: dense networks in pure Rust.
//!
//! A small classifier is a chain of dense layers and activations, which needs no general engine. The
//! sums of a row are always computed in the same order and with the same rounding, so the result of a
//! row is the same to the bit in every batch, on every worker and on every processor (tested on x86-64).

mod activation;
mod corrected;
mod dense;
mod dot;
mod fuse;
mod fused;
mod graph;
mod instruction_set;
mod name;
mod sequence;
mod sequence_graph;
mod step;
mod tables;
#[cfg(test)]
mod tests;

use self::graph::Step;
use self::instruction_set::InstructionSet;
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
/// `Dropout`, `Flatten`, which have no effect here.
///
/// The instruction set is chosen at run time: AVX-512, AVX2 with FMA, NEON, or none. Results do not
/// depend on it, to the bit: the order of every sum is independent of the length of vectors, and a
/// multiplication and addition that is rounded once is rounded once everywhere. The engine calls no
/// mathematical function of the system.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    instructions: InstructionSet,
}

impl Embedded {
    /// Returns the engine for the instruction set of this machine.
    pub fn new() -> Self {
        Self { instructions: InstructionSet::new() }
    }

    /// Returns the engine without vector instructions, as it runs on a processor without AVX2 and
    /// FMA: the same results to the bit, more slowly.
    pub fn scalar() -> Self {
        Self { instructions: InstructionSet::SCALAR }
    }

    /// Returns the engine for each instruction set of this machine: the one of [`Embedded::new`]
    /// first, [`Embedded::scalar`] last.
    pub fn all() -> Vec<Self> {
        InstructionSet::all().into_iter().map(|instructions| Self { instructions }).collect()
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
            self.instructions.lanes()
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
        let steps = graph::compile(model, self.instructions).map_err(unsupported)?;
        Ok(Box::new(EmbeddedSession {
            signature,
            steps,
            instructions: self.instructions,
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
        Ok(Box::new(EmbeddedSequences::new(model, alphabet, self.instructions)?))
    }
}

/// A dense network, with the memory to run it.
struct EmbeddedSession {
    signature: Signature,
    steps: Vec<Step>,
    instructions: InstructionSet,
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
                        layer.run(self.instructions, &self.front, &mut self.back, &mut self.packed);
                        std::mem::swap(&mut self.front, &mut self.back);
                    }
                    Step::Activation(activation) => {
                        activation.apply(self.instructions, &mut self.front)
                    }
                }
            }
            output.extend_from_slice(&self.front);
        }
        Ok(())
    }
}
