//! The steps of a network over sequences, and the slots between them.

use super::activation::Activation;
use super::corrected::Corrected;
use super::dense::Dense;
use super::dot::ReluDot;
use super::tables::Tables;

/// One step of the network. The last field is the slot that the step writes; slots are numbered.
#[derive(Debug)]
pub(super) enum Step {
    /// A convolution over the codes.
    Tables(Tables, usize),
    /// Every output is a weighted sum of all values of its position.
    Dense(Dense, usize, usize),
    /// `Relu` and a weighted sum with one output, from the slot before the `Relu`.
    ReluDot(ReluDot, usize, usize),
    /// The same function on every value.
    Activation(Activation, usize, usize),
    /// The sum of two slots.
    Add(usize, usize, usize),
    /// A convolution over the codes, the correction that it gives, and the sum with a guess.
    Corrected(Box<Corrected>, usize),
}

impl Step {
    /// Returns the slot that the step writes.
    pub(super) fn out(&self) -> usize {
        match self {
            Step::Tables(_, out)
            | Step::Dense(_, _, out)
            | Step::ReluDot(_, _, out)
            | Step::Activation(_, _, out)
            | Step::Add(_, _, out)
            | Step::Corrected(_, out) => *out,
        }
    }

    /// Returns the slots that the step reads.
    pub(super) fn reads(&self) -> [Option<usize>; 2] {
        match self {
            Step::Tables(..) | Step::Corrected(..) => [None, None],
            Step::Dense(_, from, _) | Step::ReluDot(_, from, _) | Step::Activation(_, from, _) => {
                [Some(*from), None]
            }
            Step::Add(a, b, _) => [Some(*a), Some(*b)],
        }
    }
}

/// A network over sequences.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) steps: Vec<Step>,
    /// Values per position of each slot.
    pub(super) widths: Vec<usize>,
    /// The slot that holds the output.
    pub(super) output: usize,
}
