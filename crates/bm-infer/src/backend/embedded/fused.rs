//! Multiplication and addition with one rounding, on every instruction set.

use pulp::Simd;

/// Returns a × b + c, rounded once.
///
/// Without vector instructions the processor may have no such operation; the result is the same.
#[inline(always)]
pub(super) fn mul_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    if S::IS_SCALAR {
        // The sum of a vector of one lane is the lane.
        let [a, b, c] = [a, b, c].map(|vector| simd.reduce_sum_f32s(vector));
        simd.splat_f32s(rounded_once(a, b, c))
    } else {
        // Not `mul_add_e_f32s`, which rounds twice where two roundings are faster.
        simd.mul_add_f32s(a, b, c)
    }
}

/// Returns a × b + c, rounded once, by operations that every processor has.
///
/// `f32::mul_add` would call the system's library on processors without the instruction: a call per
/// weight, and as exact as that library. In double precision, the product is exact, and the sum is
/// rounded to 53 digits. Rounding it again, to the 24 digits of a float, gives another result than one
/// rounding only if the sum seems to be halfway between two floats.
#[inline(always)]
fn rounded_once(a: f32, b: f32, c: f32) -> f32 {
    /// The digits that a double has and a float has not; halfway is the first of them alone.
    const BEYOND: u64 = (1 << 29) - 1;
    const HALFWAY: u64 = 1 << 28;

    let product = f64::from(a) * f64::from(b);
    let sum = product + f64::from(c);
    // Numbers below the first have fewer digits as a float. Not so for NaN, which stays NaN either way.
    if sum.to_bits() & BEYOND != HALFWAY && sum.abs() >= f64::from(f32::MIN_POSITIVE) {
        sum as f32
    } else {
        rounded_to_odd(product, f64::from(c)) as f32
    }
}

/// Returns the sum rounded to odd: where it is not exact, its last bit is set.
///
/// Rounding it again to at most half of the digits then gives what one rounding would (Boldo &
/// Melquiond 2008).
#[cold]
fn rounded_to_odd(a: f64, b: f64) -> f64 {
    let sum = a + b;
    // What the sum has lost, exactly (Knuth, The Art of Computer Programming 2, §4.2.2). NaN where
    // the sum is infinite or NaN, which then stays as it is.
    let added = sum - a;
    let lost = (a - (sum - added)) + (b - added);
    // NaN is not above 0.
    let is_inexact = lost.abs() > 0.0;
    let bits = sum.to_bits();
    if !is_inexact || bits & 1 == 1 {
        return sum;
    }
    // The neighbour on the side of the exact value. The bits of a double are in the order of its
    // absolute value, and zero is exact.
    f64::from_bits(if (lost > 0.0) == (sum > 0.0) { bits + 1 } else { bits - 1 })
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::backend::embedded::instruction_set::InstructionSet;

    /// Numbers at the borders of what a float can hold, and of rounding.
    const SPECIAL: [f32; 24] = [
        0.0,
        f32::from_bits(1),
        f32::from_bits(2),
        f32::from_bits(3),
        f32::from_bits(0x007f_ffff),
        f32::MIN_POSITIVE,
        f32::from_bits(0x0080_0001),
        1e-30,
        1e-20,
        f32::EPSILON / 2.0,
        f32::EPSILON,
        0.5,
        1.0 - f32::EPSILON / 2.0,
        1.0,
        1.0 + f32::EPSILON,
        1.5,
        2.0 - f32::EPSILON,
        3.0,
        16_777_215.0,
        16_777_217.0,
        1e19,
        1e38,
        f32::MAX,
        f32::INFINITY,
    ];

    /// Returns reproducible words (Steele & others 2014, splitmix64).
    fn words(seed: u64) -> impl Iterator<Item = u64> {
        (1u64..).map(move |i| {
            let mut word = seed.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ (word >> 31)
        })
    }

    /// Calls `check` with numbers of many kinds: some 18 million cases.
    fn each(mut check: impl FnMut(f32, f32, f32)) {
        let signed = || SPECIAL.into_iter().flat_map(|x| [x, -x]).chain([f32::NAN]);
        for a in signed() {
            for b in signed() {
                for c in signed() {
                    check(a, b, c);
                }
            }
        }
        let mut word = words(7);
        let mut next = move || word.next().unwrap_or(0);
        for _ in 0..2_000_000 {
            let (one, two) = (next(), next());
            // Any bits: every exponent, subnormal numbers, infinities and NaN.
            let [a, b, c] = [one, one >> 32, two].map(|bits| f32::from_bits(bits as u32));
            check(a, b, c);
            // Numbers of one size, as in a network.
            let [x, y, z] =
                [a, b, c].map(|x| f32::from_bits(x.to_bits() & 0x80ff_ffff | 0x3f00_0000));
            check(x, y, z);
            // Cancellation: all digits of the product but the last ones.
            check(x, y, -(x * y));
            check(x, y, f32::from_bits((-(x * y)).to_bits() ^ (two >> 60) as u32));
            // A product far below the last digit of the sum, or half of it: ties and near ties.
            let shift = ((two >> 32) % 60) as i32;
            check(x * 0.5f32.powi(shift), 1.0, z);
            check(f32::from_bits(x.to_bits() & 0xfff0_0000), 0.5f32.powi(shift), z);
            // Sums that are subnormal, and sums that overflow.
            check(x * 1e-20, y * 1e-20, z * 1e-38);
            check(x * 1e-20, y * 1e-22, f32::from_bits(two as u32 & 0x8000_ffff));
            check(x * 1e19, y * 1e19, z * 2e38);
        }
    }

    /// Whether two results are the same to the bit; NaN has no bits of interest.
    fn same(a: f32, b: f32) -> bool {
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
    }

    #[test]
    fn it_is_rounded_as_by_one_instruction() {
        let mut different = 0u64;
        each(|a, b, c| {
            different += u64::from(a.mul_add(b, c).to_bits() != (a * b + c).to_bits());
            let (found, expected) = (rounded_once(a, b, c), a.mul_add(b, c));
            assert!(
                same(found, expected),
                "{a:e} × {b:e} + {c:e}: {found:e}, expected {expected:e}"
            );
        });
        assert!(different > 1_000_000, "two roundings differ in {different} cases only");
    }

    #[test]
    fn every_instruction_set_rounds_once() {
        struct Once([f32; 3]);
        impl WithSimd for Once {
            type Output = f32;
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) -> f32 {
                let [a, b, c] = self.0.map(|x| simd.splat_f32s(x));
                let mut lanes = [0.0; 16];
                simd.partial_store_f32s(&mut lanes[..S::F32_LANES], mul_add(simd, a, b, c));
                lanes[S::F32_LANES - 1]
            }
        }
        for set in InstructionSet::all().into_iter().chain([InstructionSet::FourLanes]) {
            for (a, b, c) in [
                // 1 − ε² / 4: two roundings give 0, ε² / 4 is what one keeps.
                (1.0 + f32::EPSILON, 1.0 - f32::EPSILON, -1.0),
                (1.0 / 3.0, 3.0, -1.0),
                (0.1, 10.0, -1.0),
            ] {
                let (found, expected) = (set.dispatch(Once([a, b, c])), a.mul_add(b, c));
                assert!(expected != a * b + c, "two roundings give the same");
                assert!(same(found, expected), "{set:?}: {found:e}, expected {expected:e}");
            }
        }
    }
}
