//! A layer with one output: the weighted sum of the positive values of each row.
//!
//! The order of the sum is the same for every length of vectors: [`LANES`] partial sums, the first
//! one of inputs 0, [`LANES`], 2 × [`LANES`] and so on; then the partial sums are added in halves.

use pulp::{Simd, WithSimd};

use super::instruction_set::InstructionSet;

/// Number of partial sums: a vector of AVX2.
const LANES: usize = 8;

/// Floats in the longest vector.
const LONGEST: usize = 16;

/// `Relu` and a dense layer with one output, in one kernel: the last two steps of a network that
/// corrects a first guess.
#[derive(Debug)]
pub(super) struct ReluDot {
    instructions: InstructionSet,
    inputs: usize,
    /// Weights, padded with zeros to whole vectors of any length.
    weights: Vec<f32>,
    bias: f32,
}

impl ReluDot {
    /// Returns the layer of `weights`, shape `[inputs]`, and `bias`.
    pub(super) fn new(instructions: InstructionSet, weights: &[f32], bias: f32) -> Self {
        let mut padded = weights.to_vec();
        padded.resize(weights.len().next_multiple_of(LONGEST), 0.0);
        Self { instructions, inputs: weights.len(), weights: padded, bias }
    }

    /// Returns the weights of the first vector of inputs, and the bias.
    #[inline(always)]
    pub(super) fn first_vector<S: Simd>(&self) -> (S::f32s, f32) {
        let (weights, _) = S::as_simd_f32s(&self.weights);
        (weights[0], self.bias)
    }

    /// Returns the output if one vector holds all `values`, by the same operations in the same order
    /// as [`ReluDot::run`].
    #[inline(always)]
    pub(super) fn of_one_vector<S: Simd>(
        simd: S,
        values: S::f32s,
        (weights, bias): (S::f32s, f32),
    ) -> f32 {
        let zero = simd.splat_f32s(0.0);
        // Not `max`, which would return 0 for NaN: a value that overflowed must stay NaN.
        let negative = simd.less_than_or_equal_f32s(values, zero);
        let terms = simd.mul_f32s(simd.select_f32s(negative, zero, values), weights);
        let sum = if S::F32_LANES >= LANES {
            // It adds the halves of the vector, of the half, and so on: a test compares.
            simd.reduce_sum_f32s(terms)
        } else {
            // With short vectors it adds neighbours.
            let mut sums = [0.0; LANES];
            simd.partial_store_f32s(&mut sums[..S::F32_LANES], terms);
            in_halves(sums)
        };
        sum + bias
    }

    /// Writes one number per row of `input`.
    ///
    /// **Shape:** `[rows, inputs]` to `[rows]`.
    pub(super) fn run(&self, input: &[f32], output: &mut [f32]) {
        self.instructions.dispatch(Run { layer: self, input, output });
    }
}

struct Run<'a> {
    layer: &'a ReluDot,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    /// Plain loops, which compile to vector instructions of the instruction set in use.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let ReluDot { inputs, weights, bias, .. } = self.layer;
        let (weights, _) = weights.as_chunks::<LANES>();
        for (row, out) in self.input.chunks_exact(*inputs).zip(self.output) {
            let (whole, rest) = row.as_chunks::<LANES>();
            let mut last = [0.0; LANES];
            last[..rest.len()].copy_from_slice(rest);
            let vectors = whole.iter().chain((!rest.is_empty()).then_some(&last));
            let mut terms = vectors.zip(weights).map(|(values, weights)| terms(values, weights));
            let mut sums = terms.next().unwrap_or_default();
            for terms in terms {
                for (sum, term) in sums.iter_mut().zip(terms) {
                    *sum += term;
                }
            }
            *out = in_halves(sums) + bias;
        }
    }
}

/// Returns the weighted positive values. Products are rounded before they are added, so that the
/// rounding is the same on every machine.
#[inline(always)]
fn terms(values: &[f32; LANES], weights: &[f32; LANES]) -> [f32; LANES] {
    // Not `max`, as above.
    std::array::from_fn(|i| if values[i] <= 0.0 { 0.0 } else { values[i] } * weights[i])
}

/// Returns the sum of all partial sums: the second half is added to the first, and again.
#[inline(always)]
fn in_halves(sums: [f32; LANES]) -> f32 {
    let [a, b, c, d, e, f, g, h] = sums;
    let [a, b, c, d] = [a + e, b + f, c + g, d + h];
    (a + c) + (b + d)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instruction_sets() -> Vec<InstructionSet> {
        InstructionSet::all().into_iter().chain([InstructionSet::FourLanes]).collect()
    }

    fn weights(inputs: usize) -> Vec<f32> {
        (0..inputs).map(|i| (i as f32 * 0.7).sin()).collect()
    }

    fn values(count: usize) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * 1.3).cos()).collect()
    }

    #[test]
    fn the_output_is_the_weighted_sum_of_the_positive_values() {
        for set in instruction_sets() {
            for inputs in [1, 3, 8, 16, 17, 40] {
                let (weights, input) = (weights(inputs), values(5 * inputs));
                let mut output = [0.0; 5];
                ReluDot::new(set, &weights, 0.25).run(&input, &mut output);
                for (found, row) in output.iter().zip(input.chunks_exact(inputs)) {
                    let terms = row
                        .iter()
                        .zip(&weights)
                        .map(|(x, w)| f64::from(x.max(0.0)) * f64::from(*w));
                    let expected = terms.sum::<f64>() + 0.25;
                    assert!(
                        (f64::from(*found) - expected).abs() < 1e-5,
                        "{inputs} inputs: {found}, expected {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_adds_in_the_same_order() {
        for inputs in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100] {
            let (weights, input) = (weights(inputs), values(50 * inputs));
            let mut expected = None;
            for set in instruction_sets() {
                let mut output = [0.0; 50];
                ReluDot::new(set, &weights, 0.25).run(&input, &mut output);
                let bits = output.map(f32::to_bits);
                assert_eq!(*expected.get_or_insert(bits), bits, "{inputs} inputs, {set:?}");
            }
        }
    }

    #[test]
    fn one_vector_is_added_in_the_same_order_as_rows() {
        struct OneVector<'a>(&'a ReluDot, &'a [f32]);
        impl WithSimd for OneVector<'_> {
            type Output = f32;
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) -> f32 {
                let values = simd.partial_load_f32s(self.1);
                ReluDot::of_one_vector(simd, values, self.0.first_vector::<S>())
            }
        }
        for set in instruction_sets() {
            for inputs in 1..=set.lanes() {
                let layer = ReluDot::new(set, &weights(inputs), 0.25);
                for row in values(50 * inputs).chunks_exact(inputs) {
                    let mut expected = [0.0];
                    layer.run(row, &mut expected);
                    let found = set.dispatch(OneVector(&layer, row));
                    assert_eq!(found.to_bits(), expected[0].to_bits(), "{inputs} inputs, {set:?}");
                }
            }
        }
    }

    #[test]
    fn nan_stays_nan() {
        for set in instruction_sets() {
            let mut output = [0.0];
            ReluDot::new(set, &[1.0, 1.0], 0.0).run(&[f32::NAN, 1.0], &mut output);
            assert!(output[0].is_nan());
        }
    }
}
