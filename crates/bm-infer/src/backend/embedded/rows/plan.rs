//! From layers to steps: which buffers they use, and how many rows they take together.

use super::layer::{Layer, Work};
use super::step::{Kernel, Step};
use crate::backend::embedded::convolution::Convolution;
use crate::backend::embedded::dense::Dense;
use crate::backend::embedded::instruction_set::InstructionSet;

/// Maximum number of rows that run through all steps together: the values between two layers fit into
/// the second-level cache.
const MOST_ROWS: usize = 192;

/// Numbers in all buffers, if one row does not need more: some 30 MB.
const BUFFERED: usize = 1 << 23;

/// A network of rows.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) steps: Vec<Step>,
    /// Number of buffers. The first one has the input.
    pub(super) buffers: usize,
    /// The buffer that has the output.
    pub(super) output: usize,
    /// Rows that run through all steps together.
    pub(super) rows: usize,
}

/// Returns the steps that make the value `output`; `sizes` has the size of each value for a row, the
/// input's first.
pub(super) fn plan(
    instructions: InstructionSet,
    layers: Vec<Layer>,
    sizes: &[usize],
    output: usize,
) -> Network {
    let layers = needed(layers, output);
    let mut last_read = vec![0; sizes.len()];
    for (i, layer) in layers.iter().enumerate() {
        layer.reads.iter().for_each(|value| last_read[*value] = i);
    }
    last_read[output] = layers.len();
    // The buffer of each value, the size of each buffer, and those that are free.
    let mut buffers = vec![0; sizes.len()];
    let mut widths = vec![sizes[0]];
    let mut free: Vec<usize> = vec![];
    let mut steps = Vec::with_capacity(layers.len());
    for (i, Layer { work, reads, out }) in layers.into_iter().enumerate() {
        let is_done = |value: usize| last_read[value] == i;
        let in_place = work.is_in_place() && is_done(reads[0]);
        let buffer = if in_place {
            buffers[reads[0]]
        } else {
            free.pop().unwrap_or_else(|| {
                widths.push(0);
                widths.len() - 1
            })
        };
        buffers[out] = buffer;
        widths[buffer] = widths[buffer].max(sizes[out]);
        let from: Vec<usize> = reads.iter().map(|value| buffers[*value]).collect();
        for value in reads.iter().filter(|value| is_done(**value) && !in_place) {
            if !free.contains(&buffers[*value]) {
                free.push(buffers[*value]);
            }
        }
        let kernel = prepared(instructions, work, sizes[reads[0]]);
        steps.push(Step { kernel, reads: from, out: buffer });
    }
    let width = widths.iter().sum::<usize>().max(1);
    Network {
        steps,
        buffers: widths.len(),
        output: buffers[output],
        rows: (BUFFERED / width).clamp(1, MOST_ROWS),
    }
}

/// Returns the layers that the value `output` needs.
fn needed(layers: Vec<Layer>, output: usize) -> Vec<Layer> {
    let mut wanted = std::collections::HashSet::from([output]);
    let mut kept: Vec<_> = layers
        .into_iter()
        .rev()
        .filter(|layer| {
            let is_wanted = wanted.contains(&layer.out);
            if is_wanted {
                wanted.extend(&layer.reads);
            }
            is_wanted
        })
        .collect();
    kept.reverse();
    kept
}

/// Returns the kernel of a layer whose input has `size` numbers per row.
fn prepared(instructions: InstructionSet, work: Work, size: usize) -> Kernel {
    match work {
        Work::Dense { inputs, of } => Kernel::Dense(Dense::new(
            instructions,
            [of.biases.len(), inputs],
            &of.weights,
            &of.biases,
        )),
        Work::Convolution { groups, channels, size, windows, of } => {
            Kernel::Convolution(Convolution::new(
                instructions,
                [groups, channels, size],
                &windows,
                &of.weights,
                &of.biases,
            ))
        }
        Work::Activation(activation) => Kernel::Activation(activation),
        Work::Softmax(softmax) => Kernel::Softmax(softmax),
        Work::Pool(pool) => Kernel::Pool(pool),
        Work::WithConstant(with) => Kernel::WithConstant(with),
        Work::OfTwo(operation) => Kernel::OfTwo(operation),
        Work::Pick(index) => Kernel::Pick { index, size },
        Work::Concat(sizes) => Kernel::Concat(sizes),
    }
}
