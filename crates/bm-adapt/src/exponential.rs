//! The exponential function, with the same bits on every system.
//!
//! What is learned of a run must not depend on the processor, and the exponentials of two systems may
//! differ in the last bit, even those of one C library on two processors.

/// Returns eˣ, rounded correctly but for some 80 of a million numbers.
///
/// After Nagy, *optimized-routines* (Arm, 2017), as in glibc from 2.27 on: x = (32 n + i + r) ln 2 / 32,
/// eˣ = 2ⁿ 2^(i/32) 2^(r/32), with a polynomial for the last factor, in double precision. glibc uses
/// fused multiply-add where the processor has it. Here the remainder r is as exact without it, because
/// the factor is in two parts. For every float, the result is that of glibc 2.36 with fused
/// multiply-add.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// 32 / ln 2 in two parts: the first has 29 digits, so that its product with a float is exact.
    const HIGH: f64 = 46.166_241_288_185_12;
    const LOW: f64 = 2.026_170_875_524_258e-8;
    /// 1.5 × 2⁵²: adding it rounds to an integer, which is then in the last bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    /// Beyond, eˣ is infinity or 0 as a float.
    const LIMIT: f32 = 110.0;
    /// ln 2 / 32, and about its square by two and its cube by six.
    const POLYNOMIAL: [f64; 3] =
        [2.166_084_939_661_313_4e-2, 2.345_980_978_950_900_4e-4, 1.693_835_925_092_021_2e-6];

    // Comparisons, not `clamp`, keep NaN.
    let x = if x > LIMIT { LIMIT } else { x };
    let x = f64::from(if x < -LIMIT { -LIMIT } else { x });
    let rounded = (HIGH + LOW) * x + ROUND;
    let r = (HIGH * x - (rounded - ROUND)) + LOW * x;
    let bits = rounded.to_bits();
    let power = ROOTS[(bits % 32) as usize].to_bits().wrapping_add(bits >> 5 << 52);
    let [first, second, third] = POLYNOMIAL;
    let polynomial = (third * r + second) * (r * r) + (first * r + 1.0);
    (polynomial * f64::from_bits(power)) as f32
}

/// 2^(i/32).
const ROOTS: [f64; 32] = [
    1.0,
    1.0218971486541166,
    1.0442737824274138,
    1.0671404006768237,
    1.0905077326652577,
    1.1143867425958924,
    1.1387886347566916,
    1.1637248587775775,
    1.189207115002721,
    1.215247359980469,
    1.241857812073484,
    1.2690509571917332,
    1.2968395546510096,
    1.3252366431597413,
    1.3542555469368927,
    1.383909881963832,
    std::f64::consts::SQRT_2,
    1.4451808069770467,
    1.4768261459394993,
    1.5091644275934228,
    1.5422108254079407,
    1.5759808451078865,
    1.6104903319492543,
    1.645755478153965,
    1.681792830507429,
    1.718619298122478,
    1.7562521603732995,
    1.7947090750031072,
    1.8340080864093424,
    1.8741676341103,
    1.9152065613971474,
    1.9571441241754002,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `step`-th float.
    fn floats(step: usize) -> impl Iterator<Item = f32> {
        (0..=u32::MAX).step_by(step).map(f32::from_bits)
    }

    #[test]
    fn results_are_rounded_correctly_with_few_exceptions() {
        let (mut all, mut wrong) = (0, 0);
        for x in floats(1009).filter(|x| x.abs() < 87.0) {
            let exact = f64::from(x).exp();
            let off = (f64::from(exp(x)) - exact).abs() / exact;
            // Half a unit in the last place, and a little more.
            assert!(off < 0.502 * f64::from(f32::EPSILON), "exp({x}) is {}, not {exact}", exp(x));
            (all, wrong) = (all + 1, wrong + usize::from(exp(x) != exact as f32));
        }
        assert!(all > 2_000_000 && wrong < all / 10_000, "{wrong} of {all}");
    }

    #[test]
    fn the_ends_are_zero_and_infinity_and_nan_stays_nan() {
        let ends = [f32::NEG_INFINITY, -1e30, -104.0, 0.0, -0.0, 89.0, 1e30, f32::INFINITY];
        let infinity = f32::INFINITY;
        assert_eq!(ends.map(exp), [0.0, 0.0, 0.0, 1.0, 1.0, infinity, infinity, infinity]);
        assert!(exp(f32::NAN).is_nan() && exp(-103.0) > 0.0 && exp(88.7) < infinity);
    }

    /// Models learned before must be learned again, to the bit.
    #[test]
    fn results_have_not_changed() {
        let numbers = floats(10_007).filter(|x| !x.is_nan());
        let digest = numbers.fold(0xcbf2_9ce4_8422_2325, |digest: u64, x| {
            (digest ^ u64::from(exp(x).to_bits())).wrapping_mul(0x0100_0000_01b3)
        });
        assert_eq!(format!("{digest:016x}"), "3a1d116bc138fa4b");
    }

    /// Where a fused multiply-add and two operations give other results: 1.4e14 and 3.9e-28.
    #[test]
    fn results_are_those_of_a_processor_with_fused_multiply_add() {
        let bits = [0x4202_422f, 0xc27c_65d9].map(|bits| exp(f32::from_bits(bits)).to_bits());
        assert_eq!(bits, [0x56fc_9f1c, 0x11fa_2993]);
    }
}
