//! The instruction sets of the kernels, and which one fits a layer.

use pulp::{Arch, Simd, WithSimd};

/// An instruction set of this machine.
///
/// Results do not depend on it, to the bit: see [`super::Embedded`].
#[derive(Clone, Copy, Debug)]
pub(super) enum InstructionSet {
    /// One that the library for vector instructions knows.
    Known(Arch),
    /// Vectors of four floats in portable code, as on processors without tests here (NEON).
    #[cfg(test)]
    FourLanes,
}

impl InstructionSet {
    /// No vector instructions.
    pub(super) const SCALAR: Self = Self::Known(Arch::Scalar);

    /// Returns the best instruction set of this machine.
    pub(super) fn new() -> Self {
        Self::Known(Arch::new())
    }

    /// Returns every instruction set of this machine, the best one first, [`Self::SCALAR`] last.
    pub(super) fn all() -> Vec<Self> {
        let best = Arch::new();
        let mut all = vec![best];
        #[cfg(target_arch = "x86_64")]
        if let (Arch::V4(_), Some(narrower)) = (best, pulp::x86::V3::try_new()) {
            all.push(Arch::V3(narrower));
        }
        if !matches!(best, Arch::Scalar) {
            all.push(Arch::Scalar);
        }
        all.into_iter().map(Self::Known).collect()
    }

    /// Runs a kernel, compiled for this instruction set.
    #[inline(always)]
    pub(super) fn dispatch<Kernel: WithSimd>(self, kernel: Kernel) -> Kernel::Output {
        match self {
            Self::Known(arch) => arch.dispatch(kernel),
            #[cfg(test)]
            Self::FourLanes => kernel.with_simd(pulp::Scalar128b),
        }
    }

    /// Returns how many floats one vector holds.
    pub(super) fn lanes(self) -> usize {
        struct Lanes;
        impl WithSimd for Lanes {
            type Output = usize;
            fn with_simd<S: Simd>(self, _: S) -> usize {
                S::F32_LANES
            }
        }
        self.dispatch(Lanes)
    }

    /// Returns the instruction set for a layer with `width` outputs per position: one with shorter
    /// vectors if the long ones would be half empty, because the padding has to be loaded from the
    /// cache too.
    pub(super) fn fitting(self, width: usize) -> Self {
        match self {
            _ if width == 1 => Self::SCALAR,
            #[cfg(target_arch = "x86_64")]
            Self::Known(Arch::V4(_)) if width <= 8 => {
                pulp::x86::V3::try_new().map_or(self, |narrower| Self::Known(Arch::V3(narrower)))
            }
            this => this,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_not_much_wider_than_the_layer() {
        let best = InstructionSet::new();
        for width in [1, 2, 7, 8, 9, 16, 17, 100] {
            let lanes = best.fitting(width).lanes();
            assert!(
                lanes <= width.next_multiple_of(8).max(lanes.min(8)) && (width > 1 || lanes == 1),
                "{width}: {lanes}"
            );
        }
        assert_eq!(InstructionSet::SCALAR.fitting(64).lanes(), 1);
        assert_eq!(best.fitting(64).lanes(), best.lanes());
    }

    #[test]
    fn all_instruction_sets_are_listed_once_from_wide_to_narrow() {
        let lanes: Vec<usize> =
            InstructionSet::all().into_iter().map(InstructionSet::lanes).collect();
        assert!(lanes.is_sorted_by(|a, b| a > b), "{lanes:?}");
        assert_eq!((lanes[0], lanes[lanes.len() - 1]), (InstructionSet::new().lanes(), 1));
    }
}
