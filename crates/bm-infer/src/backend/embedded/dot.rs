//! A layer with one output: the weighted sum of the positive values of each row.

use pulp::{Arch, Simd, WithSimd};

use super::lanes::{fitting, lanes};

/// `Relu` and a dense layer with one output, in one kernel: the last two steps of a network that
/// corrects a first guess.
#[derive(Debug)]
pub(super) struct ReluDot {
    arch: Arch,
    inputs: usize,
    /// Weights, padded with zeros to whole vectors.
    weights: Vec<f32>,
    bias: f32,
}

impl ReluDot {
    /// Returns the layer of `weights`, shape `[inputs]`, and `bias`.
    pub(super) fn new(arch: Arch, weights: &[f32], bias: f32) -> Self {
        let arch = fitting(arch, weights.len());
        let mut padded = weights.to_vec();
        padded.resize(weights.len().next_multiple_of(lanes(arch)), 0.0);
        Self { arch, inputs: weights.len(), weights: padded, bias }
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
        simd.reduce_sum_f32s(term(simd, values, weights)) + bias
    }

    /// Writes one number per row of `input`.
    ///
    /// **Shape:** `[rows, inputs]` to `[rows]`.
    pub(super) fn run(&self, input: &[f32], output: &mut [f32]) {
        self.arch.dispatch(Run { layer: self, input, output });
    }
}

struct Run<'a> {
    layer: &'a ReluDot,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let ReluDot { inputs, weights, bias, .. } = self.layer;
        let (weights, _) = S::as_simd_f32s(weights);
        for (row, out) in self.input.chunks_exact(*inputs).zip(self.output) {
            let (whole, rest) = S::as_simd_f32s(row);
            let mut sum = simd.splat_f32s(0.0);
            for (values, weights) in whole.iter().zip(weights) {
                sum = simd.add_f32s(sum, term(simd, *values, *weights));
            }
            if !rest.is_empty() {
                sum = simd
                    .add_f32s(sum, term(simd, simd.partial_load_f32s(rest), weights[whole.len()]));
            }
            *out = simd.reduce_sum_f32s(sum) + bias;
        }
    }
}

/// Returns the weighted positive values. Products are rounded before they are added, so that the
/// rounding is the same on every machine.
#[inline(always)]
fn term<S: Simd>(simd: S, values: S::f32s, weights: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    // Not `max`, which would return 0 for NaN: a value that overflowed must stay NaN.
    let negative = simd.less_than_or_equal_f32s(values, zero);
    simd.mul_f32s(simd.select_f32s(negative, zero, values), weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_is_the_weighted_sum_of_the_positive_values() {
        for arch in [Arch::new(), Arch::Scalar] {
            for inputs in [1, 3, 8, 16, 17, 40] {
                let weights: Vec<f32> = (0..inputs).map(|i| (i as f32 * 0.7).sin()).collect();
                let input: Vec<f32> = (0..5 * inputs).map(|i| (i as f32 * 1.3).cos()).collect();
                let mut output = [0.0; 5];
                ReluDot::new(arch, &weights, 0.25).run(&input, &mut output);
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
    fn nan_stays_nan() {
        for arch in [Arch::new(), Arch::Scalar] {
            let mut output = [0.0];
            ReluDot::new(arch, &[1.0, 1.0], 0.0).run(&[f32::NAN, 1.0], &mut output);
            assert!(output[0].is_nan());
        }
    }
}
