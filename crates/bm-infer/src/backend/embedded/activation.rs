//! Activations: functions of single values.

use pulp::{Simd, WithSimd};

use super::exponential::{exp, tanh};
use super::instruction_set::InstructionSet;

/// A function that is applied to every value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Activation {
    Relu,
    /// Values below zero are multiplied by this number.
    LeakyRelu(f32),
    Sigmoid,
    Tanh,
    /// Values below the first bound become the first bound, then those above the second the second.
    Clip([f32; 2]),
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
        let Self { activation, values } = self;
        match activation {
            Activation::Relu => each(values, relu),
            Activation::LeakyRelu(slope) => each(values, |value| leaky_relu(value, slope)),
            Activation::Sigmoid => each(values, sigmoid),
            Activation::Tanh => each(values, tanh),
            Activation::Clip(bounds) => each(values, |value| clip(value, bounds)),
        }
    }
}

#[inline(always)]
fn each(values: &mut [f32], function: impl Fn(f32) -> f32) {
    values.iter_mut().for_each(|value| *value = function(*value));
}

/// Not `max`, which would return 0 for NaN: a value that overflowed must stay NaN.
#[inline(always)]
fn relu(value: f32) -> f32 {
    if value <= 0.0 { 0.0 } else { value }
}

#[inline(always)]
fn leaky_relu(value: f32, slope: f32) -> f32 {
    if value < 0.0 { value * slope } else { value }
}

#[inline(always)]
fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + exp(-value))
}

/// Not `clamp`, which panics where the bounds are the wrong way round; ONNX then returns the second.
#[inline(always)]
fn clip(value: f32, [least, most]: [f32; 2]) -> f32 {
    let value = if value < least { least } else { value };
    if value > most { most } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            for (activation, expected) in [
                (Activation::Relu, [0.0, 2.0]),
                (Activation::LeakyRelu(0.25), [-0.25, 2.0]),
                (Activation::Clip([-0.5, 1.5]), [-0.5, 1.5]),
                (Activation::Clip([3.0, 1.0]), [1.0, 1.0]),
            ] {
                let mut values = [-1.0, 2.0, f32::NAN];
                activation.apply(set, &mut values);
                assert!(values[..2] == expected && values[2].is_nan(), "{activation:?} {values:?}");
            }
            let mut values = [f32::NAN];
            Activation::Tanh.apply(set, &mut values);
            assert!(values[0].is_nan());
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let inputs: Vec<f32> = (-4000..4000).map(|i| i as f32 * 0.013).collect();
        for activation in [
            Activation::Relu,
            Activation::LeakyRelu(0.013),
            Activation::Sigmoid,
            Activation::Tanh,
            Activation::Clip([-3.1, 7.7]),
        ] {
            let bits = |set| {
                let mut values = inputs.clone();
                activation.apply(set, &mut values);
                values.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            for set in InstructionSet::all().into_iter().chain([InstructionSet::FourLanes]) {
                assert_eq!(bits(set), bits(InstructionSet::SCALAR), "{activation:?} {set:?}");
            }
        }
    }
}
