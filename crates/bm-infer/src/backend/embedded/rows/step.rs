//! The steps of a network of rows, and the buffers between them.

use crate::backend::embedded::activation::Activation;
use crate::backend::embedded::combine::{Operation, WithConstant};
use crate::backend::embedded::convolution::{Convolution, Scratch};
use crate::backend::embedded::dense::Dense;
use crate::backend::embedded::instruction_set::InstructionSet;
use crate::backend::embedded::pool::Pool;
use crate::backend::embedded::softmax::Softmax;

/// One step: a kernel, the buffers that it reads and the one that it writes.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) kernel: Kernel,
    pub(super) reads: Vec<usize>,
    pub(super) out: usize,
}

/// A kernel.
#[derive(Debug)]
pub(super) enum Kernel {
    Dense(Dense),
    Convolution(Convolution),
    Activation(Activation),
    Softmax(Softmax),
    Pool(Pool),
    WithConstant(WithConstant),
    OfTwo(Operation),
    Pick { index: Vec<u32>, size: usize },
    Concat(Vec<usize>),
}

impl Step {
    /// Runs the step on all rows of its buffers.
    pub(super) fn run(
        &self,
        instructions: InstructionSet,
        buffers: &mut [Vec<f32>],
        scratch: &mut Scratch,
    ) {
        // Moved out while it is written, so that the other buffers can be read.
        let mut written = std::mem::take(&mut buffers[self.out]);
        let first = self.reads[0];
        let input = &buffers[first];
        match &self.kernel {
            Kernel::Dense(layer) => {
                layer.run(instructions, input, &mut written, &mut scratch.packed);
            }
            Kernel::Convolution(layer) => layer.run(instructions, input, &mut written, scratch),
            Kernel::Pool(pool) => pool.run(input, &mut written),
            Kernel::Pick { index, size } => {
                written.clear();
                for row in input.chunks_exact(*size) {
                    written.extend(index.iter().map(|at| row[*at as usize]));
                }
            }
            Kernel::Concat(sizes) => {
                written.clear();
                let mut parts: Vec<_> = self
                    .reads
                    .iter()
                    .zip(sizes)
                    .map(|(from, n)| buffers[*from].chunks_exact(*n))
                    .collect();
                while let Some(part) = parts[0].next() {
                    written.extend_from_slice(part);
                    parts[1..].iter_mut().for_each(|rest| {
                        written.extend_from_slice(rest.next().unwrap_or_default());
                    });
                }
            }
            in_place => {
                if first != self.out {
                    written.clear();
                    written.extend_from_slice(input);
                }
                match in_place {
                    Kernel::Activation(activation) => activation.apply(instructions, &mut written),
                    Kernel::Softmax(softmax) => softmax.apply(instructions, &mut written),
                    Kernel::WithConstant(with) => with.apply(&mut written),
                    Kernel::OfTwo(operation) => {
                        operation.with_values(&mut written, &buffers[self.reads[1]]);
                    }
                    _ => {}
                }
            }
        }
        buffers[self.out] = written;
    }
}
