//! Activations: functions of single values.

use pulp::{Simd, WithSimd};

use super::instruction_set::InstructionSet;

/// A function that is applied to every value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Activation {
    Relu,
    Sigmoid,
}

impl Activation {
    /// Applies the function to every value.
    pub(super) fn apply(self, instructions: InstructionSet, values: &mut [f32]) {
        instructions.dispatch(Apply { activation: self, values });
    }
}

struct Apply<'a> {
    activation: Activation,
    values: &'a mut [f32],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    /// Plain loops, which compile to vector instructions of the instruction set in use. They have no
    /// fused multiply-add, so the rounding is the same on every machine.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match self.activation {
            Activation::Relu => self.values.iter_mut().for_each(|value| *value = relu(*value)),
            Activation::Sigmoid => {
                self.values.iter_mut().for_each(|value| *value = sigmoid(*value))
            }
        }
    }
}

/// Not `max`, which would return 0 for NaN: a value that overflowed must stay NaN.
#[inline(always)]
fn relu(value: f32) -> f32 {
    if value <= 0.0 { 0.0 } else { value }
}

#[inline(always)]
fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + exp(-value))
}

/// Returns eˣ to about one unit in the last place, as `expf` of Cephes does (Moshier): x = n ln 2 + r,
/// and a polynomial for eʳ.
///
/// The exponential of the system would give other probabilities on other systems, and cannot be
/// vectorised. Beyond ±87, near the limits of single precision, the result is that of ±87.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const LIMIT: f32 = 87.0;
    /// 1.5 × 2²³: adding it rounds to an integer, which is then in the last bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts: the first has few digits, so that its product with n is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;

    // Comparisons compile to one instruction, unlike `clamp`, and keep NaN.
    let x = if x > LIMIT { LIMIT } else { x };
    let x = if x < -LIMIT { -LIMIT } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p * r + coefficient;
    }
    let power_of_two = rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    (p * r * r + r + 1.0) * f32::from_bits(power_of_two)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_two_units_in_the_last_place() {
        for i in -87_000..=87_000 {
            let x = i as f32 / 1000.0;
            let expected = f64::from(x).exp();
            let off = (f64::from(exp(x)) - expected).abs() / expected;
            assert!(off < 2.0 * f64::from(f32::EPSILON), "exp({x}): off by {off}");
        }
    }

    #[test]
    fn the_ends_are_probabilities_and_nan_stays_nan() {
        for set in InstructionSet::all() {
            let mut values =
                [f32::NEG_INFINITY, -1e30, -88.0, 0.0, 88.0, 1e30, f32::INFINITY, f32::NAN];
            Activation::Sigmoid.apply(set, &mut values);
            assert!(
                values[..7].is_sorted()
                    && values[0] >= 0.0
                    && values[0] < 1e-37
                    && values[6] == 1.0,
                "{values:?}"
            );
            assert_eq!(values[3], 0.5);
            assert!(values[7].is_nan());
            let mut values = [-1.0, 2.0, f32::NAN];
            Activation::Relu.apply(set, &mut values);
            assert!(values[..2] == [0.0, 2.0] && values[2].is_nan(), "{values:?}");
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let inputs: Vec<f32> = (-4000..4000).map(|i| i as f32 * 0.013).collect();
        let bits = |set| {
            let mut values = inputs.clone();
            Activation::Sigmoid.apply(set, &mut values);
            values.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        for set in InstructionSet::all().into_iter().chain([InstructionSet::FourLanes]) {
            assert_eq!(bits(set), bits(InstructionSet::SCALAR), "{set:?}");
        }
    }
}
