//! A layer of a network of rows, as its graph describes it.

use crate::backend::embedded::activation::Activation;
use crate::backend::embedded::combine::{Operation, WithConstant};
use crate::backend::embedded::pool::Pool;
use crate::backend::embedded::softmax::Softmax;
use crate::backend::embedded::windows::Windows;

/// Outputs that the widest kernel computes together, padding included.
const PADDED: usize = 32;

/// What a layer does, what it reads and what it makes.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) work: Work,
    /// Numbers of the values that it reads.
    pub(super) reads: Vec<usize>,
    /// Number of the value that it makes.
    pub(super) out: usize,
}

/// Weights `[outputs, inputs]` in C order, and biases.
#[derive(Debug)]
pub(super) struct Weights {
    pub(super) weights: Vec<f32>,
    pub(super) biases: Vec<f32>,
}

/// What a layer does.
#[derive(Debug)]
pub(super) enum Work {
    /// Every output is a weighted sum of the values along the last axis.
    Dense {
        inputs: usize,
        of: Weights,
    },
    /// The same over windows of `size` values per channel: the weights are
    /// `[outputs, channels of a group, places]`.
    Convolution {
        groups: usize,
        channels: usize,
        size: usize,
        windows: Windows,
        of: Weights,
    },
    /// A function that is applied to every value.
    Activation(Activation),
    Softmax(Softmax),
    Pool(Pool),
    WithConstant(WithConstant),
    /// An operation on two values of the same shape.
    OfTwo(Operation),
    /// The index of each number of the output within the input.
    Pick(Vec<u32>),
    /// Several values one after the other, in parts of these sizes.
    Concat(Vec<usize>),
}

/// What a layer takes.
pub(super) struct Cost {
    /// Numbers that the kernel stores.
    pub(super) weights: usize,
    /// Multiplications per row.
    pub(super) products: usize,
}

impl Work {
    /// Returns what the layer takes if it returns `size` numbers per row.
    pub(super) fn cost(&self, size: usize) -> Cost {
        let dense = |inputs: usize, outputs: usize, times: usize| Cost {
            weights: inputs.saturating_mul(outputs.next_multiple_of(PADDED)),
            products: inputs.saturating_mul(outputs).saturating_mul(times),
        };
        match self {
            Work::Dense { inputs, of } => {
                dense(*inputs, of.biases.len(), size / of.biases.len().max(1))
            }
            Work::Convolution { groups, channels, windows, of, .. } => {
                let inputs = channels * windows.places();
                let outputs = of.biases.len() / groups;
                let of_group = dense(inputs, outputs, size / outputs.max(1) / groups);
                let count: usize = windows.counts().iter().product();
                let rows = count.saturating_mul(windows.places());
                Cost {
                    // The windows of a group are laid out before they are multiplied.
                    weights: of_group
                        .weights
                        .saturating_mul(*groups)
                        .saturating_add(rows.saturating_mul(channels + 1)),
                    products: of_group.products.saturating_mul(*groups),
                }
            }
            Work::Pool(pool) => Cost {
                weights: pool.table.len(),
                products: (size * pool.places).max(pool.table.len()),
            },
            Work::WithConstant(with) => Cost { weights: with.constant.len(), products: size },
            Work::Pick(index) => Cost { weights: index.len(), products: size },
            Work::Activation(_) | Work::Softmax(_) | Work::OfTwo(_) | Work::Concat(_) => {
                Cost { weights: 0, products: size }
            }
        }
    }

    /// Returns whether the layer changes every number where it is.
    pub(super) fn is_in_place(&self) -> bool {
        matches!(self, Work::Activation(_) | Work::Softmax(_) | Work::WithConstant(_))
    }
}
