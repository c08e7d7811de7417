//! The sum of a read's error probabilities.

use pulp::{Arch, Simd, WithSimd};

/// Partial sums of a read's probabilities: enough that no addition waits for the one before it.
const SUMS: usize = 8;

/// Returns the sum of probabilities, always added in the same order; `None` if a value is not a
/// probability.
pub(super) fn sum(probabilities: &[f32]) -> Option<f64> {
    Arch::new().dispatch(Sum(probabilities))
}

/// [`sum`], in loops that compile to the vector instructions of the machine.
struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = Option<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<f64> {
        // Two loops, the first without an early exit.
        let is_wrong = |p: &f32| u32::from(!(0.0..=1.0).contains(p));
        let wrong = self.0.iter().fold(0, |wrong, p| wrong | is_wrong(p));
        let (whole, rest) = self.0.as_chunks::<SUMS>();
        let mut sums = [0.0; SUMS];
        for values in whole {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += f64::from(*value);
            }
        }
        let rest: f64 = rest.iter().map(|value| f64::from(*value)).sum();
        (wrong == 0).then_some(sums.iter().sum::<f64>() + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_include_all_values_and_refuse_values_that_are_no_probability() {
        for length in [0, 1, 7, 8, 9, 150, 1001] {
            let values: Vec<f32> = (0..length).map(|i| (i as f32 * 0.37).fract()).collect();
            let expected: f64 = values.iter().map(|value| f64::from(*value)).sum();
            assert!(sum(&values).is_some_and(|found| (found - expected).abs() < 1e-9), "{length}");
        }
        for wrong in [f32::NAN, -0.1, 1.1, f32::INFINITY] {
            assert_eq!(sum(&[0.5, 0.5, wrong, 0.5]), None);
        }
    }
}
