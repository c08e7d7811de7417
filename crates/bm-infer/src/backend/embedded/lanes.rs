//! How many numbers a vector holds, and which instruction set fits a layer.

use pulp::{Arch, Simd, WithSimd};

/// Returns how many floats one vector of `arch` holds.
pub(super) fn lanes(arch: Arch) -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    arch.dispatch(Lanes)
}

/// Returns the instruction set for a layer with `width` outputs per position: one with shorter
/// vectors if the long ones would be half empty, because the padding has to be loaded from the cache
/// too.
pub(super) fn fitting(arch: Arch, width: usize) -> Arch {
    match arch {
        _ if width == 1 => Arch::Scalar,
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) if width <= 8 => pulp::x86::V3::try_new().map_or(arch, Arch::V3),
        arch => arch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_not_much_wider_than_the_layer() {
        let arch = Arch::new();
        for width in [1, 2, 7, 8, 9, 16, 17, 100] {
            let lanes = lanes(fitting(arch, width));
            assert!(
                lanes <= width.next_multiple_of(8).max(lanes.min(8)) && (width > 1 || lanes == 1),
                "{width}: {lanes}"
            );
        }
        assert_eq!(lanes(fitting(Arch::Scalar, 64)), 1);
        assert_eq!(lanes(fitting(arch, 64)), lanes(arch));
    }
}
