//! The exponential, and the hyperbolic tangent.
//!
//! Those of the system would give other probabilities on other systems, and cannot be vectorised. These
//! are plain operations, without branches and without fused multiply-add, so they compile to vector
//! instructions and round the same on every machine.

/// Returns eˣ to about one unit in the last place, as `expf` of Cephes does (Moshier): x = n ln 2 + r,
/// and a polynomial for eʳ.
///
/// Beyond ±87, near the limits of single precision, the result is that of ±87.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
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

/// Returns tanh x to about two units in the last place, as `tanhf` of Cephes does (Moshier): a
/// polynomial near zero, where the other formula would lose digits, and 1 − 2 / (e²ˣ + 1) beyond.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    const NEAR_ZERO: f32 = 0.625;

    let size = x.abs();
    let square = x * x;
    let mut p = -5.704_988_7e-3;
    for coefficient in [2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1] {
        p = p * square + coefficient;
    }
    let near = p * square * size + size;
    let far = 1.0 - 2.0 / (exp(size + size) + 1.0);
    // NaN is not below, and stays NaN.
    (if size < NEAR_ZERO { near } else { far }).copysign(x)
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
    fn the_hyperbolic_tangent_is_right_to_two_units_in_the_last_place() {
        let mut most = 0.0f64;
        for i in -200_000..=200_000 {
            // Also numbers near zero.
            for x in [i as f32 / 10_000.0, i as f32 * 1e-9] {
                let expected = f64::from(x).tanh();
                let off = (f64::from(tanh(x)) - expected).abs();
                most = most.max(off / expected.abs().max(1e-30));
                assert!(tanh(-x).to_bits() == (-tanh(x)).to_bits(), "tanh is odd: {x}");
            }
        }
        assert!(most < 2.0 * f64::from(f32::EPSILON), "off by {most}");
        let ends = [f32::NEG_INFINITY, -1e30, -0.0, 1e30, f32::INFINITY].map(tanh);
        assert_eq!(ends.map(f32::to_bits), [-1.0f32, -1.0, -0.0, 1.0, 1.0].map(f32::to_bits));
        assert!(tanh(f32::NAN).is_nan());
    }
}
