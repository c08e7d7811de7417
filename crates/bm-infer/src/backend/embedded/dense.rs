//! One dense layer: packed weights and the kernel that multiplies them.
//!
//! The kernel, [`tile`], keeps the sums of some rows × two vectors of outputs in registers and goes
//! through the inputs once, with multiply-adds that round once (`fused.rs`). Weights are stored in
//! panels of two vectors of outputs, rows in blocks of a tile, both in the order in which they are
//! read. An output is always summed over its inputs from first to last, in every tile.

use pulp::{Simd, WithSimd};

use super::fused::mul_add;
use super::instruction_set::InstructionSet;

/// Vectors of outputs in a tile.
const VECTORS: usize = 2;

/// A dense layer, packed for one instruction set.
#[derive(Debug)]
pub(super) struct Dense {
    inputs: usize,
    outputs: usize,
    /// `[panels, inputs, panel width]`, padded with zeros after the last output.
    weights: Vec<f32>,
    /// `[panels, panel width]`.
    biases: Vec<f32>,
}

impl Dense {
    /// Returns the layer of `weights`, shape `[outputs, inputs]` in C order, and `biases`, shape
    /// `[outputs]`.
    pub(super) fn new(
        instructions: InstructionSet,
        [outputs, inputs]: [usize; 2],
        weights: &[f32],
        biases: &[f32],
    ) -> Self {
        let width = VECTORS * instructions.lanes();
        let panels = outputs.div_ceil(width);
        let mut packed = vec![0.0; panels * inputs * width];
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            let panel = &mut packed[output / width * inputs * width..];
            for (input, weight) in row.iter().enumerate() {
                panel[input * width + output % width] = *weight;
            }
        }
        let mut padded = vec![0.0; panels * width];
        padded[..outputs].copy_from_slice(biases);
        Self { inputs, outputs, weights: packed, biases: padded }
    }

    /// Writes the outputs of the layer for every row of `input` to `output`.
    ///
    /// **Shape:** `[rows, inputs]` to `[rows, outputs]`. `packed` is scratch memory.
    pub(super) fn run(
        &self,
        instructions: InstructionSet,
        input: &[f32],
        output: &mut Vec<f32>,
        packed: &mut Vec<f32>,
    ) {
        output.resize(input.len() / self.inputs * self.outputs, 0.0);
        instructions.dispatch(Run { layer: self, input, output, packed });
    }
}

struct Run<'a> {
    layer: &'a Dense,
    input: &'a [f32],
    output: &'a mut [f32],
    packed: &'a mut Vec<f32>,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.layer.outputs == 1 {
            return self.column(simd);
        }
        // Rows per tile: sums, weights and one value must fit into the registers.
        match S::REGISTER_COUNT {
            32.. => self.blocks::<S, 12>(simd),
            _ => self.blocks::<S, 6>(simd),
        }
    }
}

impl Run<'_> {
    /// Computes a layer with one output, with a vector of rows: a vector of outputs would hold only
    /// one.
    #[inline(always)]
    fn column<S: Simd>(self, simd: S) {
        let Run { layer: Dense { inputs, weights, biases, .. }, input, output, packed } = self;
        let panel_width = weights.len() / inputs;
        packed.clear();
        packed.resize(inputs * S::F32_LANES, 0.0);
        for (rows, out) in input.chunks(inputs * S::F32_LANES).zip(output.chunks_mut(S::F32_LANES))
        {
            for (lane, row) in rows.chunks_exact(*inputs).enumerate() {
                for (column, value) in packed.chunks_exact_mut(S::F32_LANES).zip(row) {
                    column[lane] = *value;
                }
            }
            let (columns, _) = S::as_simd_f32s(packed);
            let mut sum = simd.splat_f32s(0.0);
            for (values, weights) in columns.iter().zip(weights.chunks_exact(panel_width)) {
                sum = mul_add(simd, *values, simd.splat_f32s(weights[0]), sum);
            }
            simd.partial_store_f32s(out, simd.add_f32s(sum, simd.splat_f32s(biases[0])));
        }
    }

    #[inline(always)]
    fn blocks<S: Simd, const ROWS: usize>(self, simd: S) {
        let Run { layer: Dense { inputs, outputs, .. }, input, output, packed } = self;
        let (inputs, outputs) = (*inputs, *outputs);
        let blocked = input.len() / inputs / ROWS * ROWS;
        let (blocks, single) = input.split_at(blocked * inputs);
        let (block_outputs, single_outputs) = output.split_at_mut(blocked * outputs);
        pack::<ROWS>(blocks, inputs, packed);

        let (weights, _) = S::as_simd_f32s(&self.layer.weights);
        let (biases, _) = S::as_simd_f32s(&self.layer.biases);
        let (biases, _) = biases.as_chunks::<VECTORS>();
        // The outer loop is over panels: a panel stays in the first-level cache for all rows.
        for (i, (panel, bias)) in weights.chunks_exact(inputs * VECTORS).zip(biases).enumerate() {
            let first = i * VECTORS * S::F32_LANES;
            for (rows, out) in packed
                .chunks_exact(ROWS * inputs)
                .zip(block_outputs.chunks_exact_mut(ROWS * outputs))
            {
                let sums = tile::<S, ROWS>(simd, rows, panel);
                for (sum, out) in sums.into_iter().zip(out.chunks_exact_mut(outputs)) {
                    store(simd, sum, bias, &mut out[first..]);
                }
            }
            for (row, out) in
                single.chunks_exact(inputs).zip(single_outputs.chunks_exact_mut(outputs))
            {
                let [sum] = tile::<S, 1>(simd, row, panel);
                store(simd, sum, bias, &mut out[first..]);
            }
        }
    }
}

/// Packs blocks of `ROWS` rows in the order in which the kernel reads them: the first inputs of all
/// rows, then the second ones, and so on.
fn pack<const ROWS: usize>(input: &[f32], inputs: usize, packed: &mut Vec<f32>) {
    packed.resize(input.len(), 0.0);
    for (block, packed) in
        input.chunks_exact(ROWS * inputs).zip(packed.chunks_exact_mut(ROWS * inputs))
    {
        for (row, values) in block.chunks_exact(inputs).enumerate() {
            for (packed, value) in packed.as_chunks_mut::<ROWS>().0.iter_mut().zip(values) {
                packed[row] = *value;
            }
        }
    }
}

/// Returns the sums of `ROWS` packed rows over one panel.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize>(
    simd: S,
    rows: &[f32],
    panel: &[S::f32s],
) -> [[S::f32s; VECTORS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for (values, weights) in rows.as_chunks::<ROWS>().0.iter().zip(panel.as_chunks::<VECTORS>().0) {
        for (sums, value) in sums.iter_mut().zip(values) {
            let value = simd.splat_f32s(*value);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = mul_add(simd, value, *weights, *sum);
            }
        }
    }
    sums
}

/// Adds the biases and writes the outputs of a panel, without the padding.
#[inline(always)]
fn store<S: Simd>(simd: S, sums: [S::f32s; VECTORS], biases: &[S::f32s; VECTORS], out: &mut [f32]) {
    for ((sum, bias), out) in sums.into_iter().zip(biases).zip(out.chunks_mut(S::F32_LANES)) {
        simd.partial_store_f32s(out, simd.add_f32s(sum, *bias));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the outputs by the definition of a dense layer, in double precision.
    fn reference(outputs: usize, weights: &[f32], biases: &[f32], input: &[f32]) -> Vec<f64> {
        let inputs = weights.len() / outputs;
        let row = |row: &[f32]| -> Vec<f64> {
            let sum = |(w, b): (&[f32], &f32)| {
                w.iter().zip(row).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>()
                    + f64::from(*b)
            };
            weights.chunks_exact(inputs).zip(biases).map(sum).collect()
        };
        input.chunks_exact(inputs).flat_map(row).collect()
    }

    /// Reproducible numbers in −1..1.
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn every_shape_agrees_with_the_definition_on_every_instruction_set() {
        for set in InstructionSet::all().into_iter().chain([InstructionSet::FourLanes]) {
            for (inputs, outputs) in
                [(1, 1), (3, 1), (7, 31), (300, 128), (128, 64), (64, 1), (5, 33)]
            {
                let (weights, biases) = (numbers(inputs * outputs, 1), numbers(outputs, 2));
                let layer = Dense::new(set, [outputs, inputs], &weights, &biases);
                for rows in [1, 2, 11, 12, 13, 25] {
                    let input = numbers(rows * inputs, 3);
                    let mut output = vec![9.0; 5];
                    layer.run(set, &input, &mut output, &mut Vec::new());
                    let expected = reference(outputs, &weights, &biases, &input);
                    assert_eq!(output.len(), expected.len());
                    for (found, expected) in output.iter().zip(expected) {
                        let bound = 1e-6 * (inputs as f64 + 1.0);
                        assert!(
                            (f64::from(*found) - expected).abs() < bound,
                            "{inputs} to {outputs}, {rows} rows: {found}, {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbours_to_the_bit() {
        let set = InstructionSet::new();
        let layer = Dense::new(set, [128, 300], &numbers(300 * 128, 1), &numbers(128, 2));
        let input = numbers(40 * 300, 3);
        let run = |input: &[f32]| {
            let mut output = Vec::new();
            layer.run(set, input, &mut output, &mut Vec::new());
            output.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let together = run(&input);
        for rows in [1, 2, 7, 12, 13, 39] {
            let apart: Vec<u32> = input.chunks(rows * 300).flat_map(run).collect();
            assert_eq!(apart, together, "{rows} rows at once");
        }
    }
}
