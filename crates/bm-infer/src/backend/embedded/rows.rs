//! Runs a network of rows, in blocks of rows.

mod arithmetic;
mod axes;
mod batch;
mod builder;
mod compile;
mod convolutions;
mod layer;
mod list;
mod lists;
mod normalisations;
mod plan;
mod pools;
mod products;
mod selections;
mod shapes;
mod step;

use self::compile::compile;
use self::plan::Network;
use super::convolution::Scratch;
use super::instruction_set::InstructionSet;
use super::name::{self, NAME};
use crate::{InferError, Layout, ModelFile, Session, Signature, TensorRef};

/// A session of the embedded engine for rows.
pub(super) struct EmbeddedRows {
    signature: Signature,
    instructions: InstructionSet,
    network: Network,
    /// Values between the steps, one row per case.
    buffers: Vec<Vec<f32>>,
    scratch: Scratch,
}

impl EmbeddedRows {
    pub(super) fn new(model: &ModelFile, instructions: InstructionSet) -> Result<Self, InferError> {
        let unsupported = |reason| name::unsupported(model, reason);
        if model.signature().layout == Layout::Sequences {
            return Err(unsupported("it is a model of sequences, expected one of rows".to_owned()));
        }
        let network = compile(model, instructions).map_err(unsupported)?;
        Ok(Self {
            signature: model.signature().clone(),
            instructions,
            buffers: vec![Vec::new(); network.buffers],
            network,
            scratch: Scratch::default(),
        })
    }
}

impl Session for EmbeddedRows {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn backend(&self) -> &'static str {
        NAME
    }

    fn execute(&mut self, input: TensorRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
        let Self { network, buffers, scratch, instructions, .. } = self;
        for rows in input.values().chunks(network.rows * input.columns()) {
            buffers[0].clear();
            buffers[0].extend_from_slice(rows);
            for step in &network.steps {
                step.run(*instructions, buffers, scratch);
            }
            output.extend_from_slice(&buffers[network.output]);
        }
        Ok(())
    }
}
