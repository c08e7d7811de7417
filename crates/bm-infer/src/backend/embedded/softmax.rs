//! Softmax along one axis.

use pulp::{Simd, WithSimd};

use super::exponential::exp;
use super::instruction_set::InstructionSet;

/// Values along one axis become positive, with the sum 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Softmax {
    /// Number of values along the axis.
    pub(super) length: usize,
    /// Distance of two neighbours along the axis.
    pub(super) stride: usize,
}

impl Softmax {
    /// Replaces the values.
    ///
    /// **Shape:** `[any, length, stride]`.
    pub(super) fn apply(self, instructions: InstructionSet, values: &mut [f32]) {
        instructions.dispatch(Apply { softmax: self, values });
    }
}

struct Apply<'a> {
    softmax: Softmax,
    values: &'a mut [f32],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    /// Plain loops. The sum goes from first to last, so that it is the same on every machine.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Softmax { length, stride } = self.softmax;
        for block in self.values.chunks_exact_mut(length * stride) {
            for first in 0..stride {
                let along = || (first..length * stride).step_by(stride);
                // Without the largest value, no exponential overflows. NaN is never larger, and makes
                // the sum NaN.
                let mut most = f32::NEG_INFINITY;
                for i in along() {
                    most = if block[i] > most { block[i] } else { most };
                }
                along().for_each(|i| block[i] = exp(block[i] - most));
                let mut sum = 0.0;
                along().for_each(|i| sum += block[i]);
                along().for_each(|i| block[i] /= sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_along_the_axis_have_the_sum_one_on_every_instruction_set() {
        let inputs: Vec<f32> = (0..60).map(|i| (i as f32 * 1.7).sin() * 20.0).collect();
        for (length, stride) in [(3, 1), (3, 4), (60, 1), (1, 5), (5, 12)] {
            let mut first = None;
            for set in InstructionSet::all().into_iter().chain([InstructionSet::FourLanes]) {
                let mut values = inputs.clone();
                Softmax { length, stride }.apply(set, &mut values);
                for (block, of) in
                    values.chunks_exact(length * stride).zip(inputs.chunks_exact(length * stride))
                {
                    for i in 0..stride {
                        let exact = |k: usize| f64::from(of[k * stride + i]).exp();
                        let sum: f64 = (0..length).map(exact).sum();
                        for k in 0..length {
                            let off = f64::from(block[k * stride + i]) - exact(k) / sum;
                            assert!(off.abs() < 1e-6, "[{length}, {stride}]: off by {off}");
                        }
                    }
                }
                let bits: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
                assert_eq!(*first.get_or_insert(bits.clone()), bits, "{set:?}");
            }
        }
    }

    #[test]
    fn large_values_do_not_overflow_and_nan_stays_nan() {
        let mut values = [3e38, 3e38, -3e38, 0.0, f32::NAN, 1.0];
        Softmax { length: 3, stride: 1 }.apply(InstructionSet::new(), &mut values);
        assert_eq!(values[..2], [0.5, 0.5]);
        assert!(values[2] < 1e-37 && values[3..].iter().all(|value| value.is_nan()), "{values:?}");
    }
}
