//! One base of one fragment at one position of the reference, in two bytes.

/// Number of bins of error probabilities.
pub(crate) const BINS: usize = 32;

/// Width of a bin, in units of Phred.
const PHRED_PER_BIN: f64 = 2.0;

/// Where and how often a base was seen. Each class has error rates of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    /// Once, inside of an alignment.
    Inside = 0,
    /// Near an end of the alignment or a gap of the read, where aligners err.
    NearEnd = 1,
    /// By both mates of a fragment, which agree.
    Twice = 2,
    /// By both mates, which disagree; the base is the one with the lower error probability.
    Disputed = 3,
}

impl Class {
    /// Number of classes.
    pub(crate) const COUNT: usize = 4;
}

/// An allele with its class and the bin of its error probability. Its 10 bits, and one for the strand,
/// are the key under which a column counts it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Observation(u16);

impl Observation {
    /// A position of which the read says nothing.
    pub(crate) const NONE: Self = Self(7 << 7);
    /// A position that is deleted from the read.
    pub(crate) const DELETED: Self = Self(4 << 7);
    /// Bit of the key for the reverse strand.
    const REVERSE: u16 = 1 << 10;

    /// Returns the observation of the base with this code, 0 to 3.
    pub(crate) fn base(code: usize, class: Class, bin: usize) -> Self {
        Self((code.min(3) as u16) << 7 | (class as u16) << 5 | bin.min(BINS - 1) as u16)
    }

    /// Returns the code of the base, 0 to 3; `None` for a deleted position and for nothing.
    pub(crate) fn code(self) -> Option<usize> {
        Some(usize::from(self.0 >> 7 & 7)).filter(|code| *code < 4)
    }

    /// Returns whether there is nothing.
    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Returns the index of the class.
    pub(crate) fn class(self) -> usize {
        usize::from(self.0 >> 5 & 3)
    }

    pub(crate) fn is_near_end(self) -> bool {
        self.class() == Class::NearEnd as usize
    }

    /// Returns the bin of the error probability.
    pub(crate) fn bin(self) -> usize {
        usize::from(self.0 & 31)
    }

    /// Returns the key of the observation on a strand.
    pub(crate) fn key(self, reverse: bool) -> u16 {
        self.0 | if reverse { Self::REVERSE } else { 0 }
    }

    /// Returns the observation of a key, and whether it is on the reverse strand.
    pub(crate) fn of_key(key: u16) -> (Self, bool) {
        (Self(key & !Self::REVERSE), key & Self::REVERSE != 0)
    }
}

/// Returns the bin of an error probability; bin 31 has all below 10^-6.2.
pub(crate) fn bin(probability: f64) -> usize {
    let phred = -10.0 * probability.clamp(1e-7, 1.0).log10();
    ((phred / PHRED_PER_BIN) as usize).min(BINS - 1)
}

/// Returns the error probability in the middle of a bin.
pub(crate) fn probability(bin: usize) -> f64 {
    10f64.powf(-(bin as f64 + 0.5) * PHRED_PER_BIN / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_holds_the_whole_observation() {
        for code in 0..4 {
            for class in [Class::Inside, Class::NearEnd, Class::Twice, Class::Disputed] {
                for at in [0, 17, BINS - 1] {
                    for reverse in [false, true] {
                        let observation = Observation::base(code, class, at);
                        let (again, strand) = Observation::of_key(observation.key(reverse));
                        assert_eq!((again, strand), (observation, reverse));
                        assert_eq!(again.code(), Some(code));
                        assert_eq!((again.class(), again.bin()), (class as usize, at));
                    }
                }
            }
        }
        assert!(Observation::NONE.code().is_none() && Observation::DELETED.code().is_none());
    }

    #[test]
    fn bins_hold_their_own_middle_and_any_probability() {
        (0..BINS).for_each(|at| assert_eq!(bin(probability(at)), at));
        assert_eq!((bin(1.0), bin(0.0), bin(2.0)), (0, BINS - 1, 0));
    }
}
