//! The embedded engine: small networks in pure Rust.
//!
//! A small classifier is a graph of few layers, which needs no general engine. The
//! sums of a row are always computed in the same order and with the same rounding, so the result of a
//! row is the same to the bit in every batch, on every worker and on every processor (tested on x86-64).

mod activation;
mod combine;
mod convolution;
mod corrected;
mod dense;
mod dot;
mod exponential;
mod fuse;
mod fused;
mod instruction_set;
mod name;
mod nodes;
mod normalisation;
mod pool;
mod rows;
mod sequence;
mod sequence_graph;
mod softmax;
mod step;
mod tables;
#[cfg(test)]
mod tests;
mod windows;

use self::instruction_set::InstructionSet;
use self::name::NAME;
use self::rows::EmbeddedRows;
use self::sequence::EmbeddedSequences;
use super::{Backend, Session};
#[cfg(test)]
use crate::Layout;
use crate::{Alphabet, InferError, ModelFile, SequenceSession};

/// Runs small networks over rows and over sequences, without a library.
///
/// [`operators::OPERATORS`](crate::onnx::operators::OPERATORS) has the operators and the operator sets for
/// which they were checked; the README of this crate says which of them go with which models.
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
        Ok(Box::new(EmbeddedRows::new(model, self.instructions)?))
    }

    fn load_sequences(
        &self,
        model: &ModelFile,
        alphabet: &Alphabet,
    ) -> Result<Box<dyn SequenceSession>, InferError> {
        Ok(Box::new(EmbeddedSequences::new(model, alphabet, self.instructions)?))
    }
}
