//! Runs a network over sequences, in blocks of positions.

use super::instruction_set::InstructionSet;
use super::name::{self, NAME};
use super::sequence_graph::compile;
use super::step::{Network, Step};
use crate::sequence::check_alphabet;
use crate::{Alphabet, InferError, ModelFile, SequenceSession, SequencesRef, Signature};

/// Number of positions that run through all steps together. Only the first layer uses neighbours, and
/// it reads the codes, so a sequence may be cut anywhere, and memory does not depend on its length.
const BLOCK: usize = 1024;

/// A session of the embedded engine for sequences.
pub(super) struct EmbeddedSequences {
    signature: Signature,
    alphabet: Alphabet,
    instructions: InstructionSet,
    network: Network,
    /// Output of each step for the current block, `[positions, width]`.
    slots: Vec<Vec<f32>>,
    packed: Vec<f32>,
}

impl EmbeddedSequences {
    pub(super) fn new(
        model: &ModelFile,
        alphabet: &Alphabet,
        instructions: InstructionSet,
    ) -> Result<Self, InferError> {
        let unsupported = |reason| name::unsupported(model, reason);
        check_alphabet(model.signature(), alphabet).map_err(unsupported)?;
        let network = compile(model, alphabet, instructions).map_err(unsupported)?;
        Ok(Self {
            signature: model.signature().clone(),
            alphabet: alphabet.clone(),
            instructions,
            slots: vec![Vec::new(); network.widths.len()],
            network,
            packed: Vec::new(),
        })
    }

    /// Runs the steps on a block of parts of sequences.
    fn block(&mut self, parts: &[Part<'_>], output: &mut Vec<f32>) {
        let positions: usize = parts.iter().map(|(_, start, end)| end - start).sum();
        for step in &self.network.steps {
            let out = step.out();
            // Moved out while it is written, so that the other slots can be read.
            let mut written = std::mem::take(&mut self.slots[out]);
            let width = self.network.widths[out];
            written.resize(positions * width, 0.0);
            match step {
                Step::Tables(tables, _) => {
                    each(parts, width, &mut written, |sequence, start, part| {
                        tables.run(sequence, start, part)
                    });
                }
                Step::Corrected(corrected, _) => {
                    each(parts, width, &mut written, |sequence, start, part| {
                        corrected.run(sequence, start, part)
                    });
                }
                Step::Dense(layer, from, _) => {
                    layer.run(self.instructions, &self.slots[*from], &mut written, &mut self.packed)
                }
                Step::ReluDot(layer, from, _) => layer.run(&self.slots[*from], &mut written),
                Step::Activation(activation, from, _) => {
                    written.copy_from_slice(&self.slots[*from]);
                    activation.apply(self.instructions, &mut written);
                }
                Step::Add(a, b, _) => {
                    let sums = self.slots[*a].iter().zip(&self.slots[*b]).map(|(a, b)| a + b);
                    written.iter_mut().zip(sums).for_each(|(value, sum)| *value = sum);
                }
            }
            self.slots[out] = written;
        }
        output.extend_from_slice(&self.slots[self.network.output]);
    }
}

/// A sequence, and the start and end of a part of it.
type Part<'a> = (&'a [u16], usize, usize);

/// Calls `run` for each part, with its slice of the output.
fn each(
    parts: &[Part<'_>],
    width: usize,
    output: &mut [f32],
    mut run: impl FnMut(&[u16], usize, &mut [f32]),
) {
    let mut rest = output;
    for (sequence, start, end) in parts {
        let (part, others) = rest.split_at_mut((end - start) * width);
        run(sequence, *start, part);
        rest = others;
    }
}

impl SequenceSession for EmbeddedSequences {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn alphabet(&self) -> &Alphabet {
        &self.alphabet
    }

    fn backend(&self) -> &'static str {
        NAME
    }

    fn execute(
        &mut self,
        input: SequencesRef<'_>,
        output: &mut Vec<f32>,
    ) -> Result<(), InferError> {
        let mut parts = Vec::new();
        let mut room = BLOCK;
        for sequence in input.iter() {
            let mut start = 0;
            while start < sequence.len() {
                let end = sequence.len().min(start + room);
                parts.push((sequence, start, end));
                room -= end - start;
                start = end;
                if room == 0 {
                    self.block(&parts, output);
                    parts.clear();
                    room = BLOCK;
                }
            }
        }
        if !parts.is_empty() {
            self.block(&parts, output);
        }
        Ok(())
    }
}
