//! The bases of a stretch of a read packed into words of sixteen, one word per base and strand.

use crate::kmer::LONGEST;

/// Most k-mers of a stretch.
pub(crate) const BLOCK: usize = 480;

/// Bases per word.
pub(crate) const WORD: usize = 16;

/// Length of the arrays: the bases of a stretch, and the words read beyond the last of them.
pub(crate) const ROOM: usize = BLOCK + LONGEST + 4 * WORD + 1;

/// For each base, the word of the sixteen bases from it on. Bits beyond the last base are
/// unspecified.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    /// The first base in the highest two bits.
    pub(crate) forward: [u32; ROOM],
    /// The complements, the first base in the lowest two bits.
    pub(crate) backward: [u32; ROOM],
}

impl Packed {
    pub(crate) fn new() -> Self {
        Self { forward: [0; ROOM], backward: [0; ROOM] }
    }

    /// Packs bases, codes 0 to 3: at least one k-mer, at most [`BLOCK`] of them.
    ///
    /// Loops run over arrays without branches, so that a caller compiled for vector instructions
    /// gets them here too.
    #[inline(always)]
    pub(crate) fn fill(&mut self, codes: impl ExactSizeIterator<Item = u32>) {
        let Self { forward, backward } = self;
        let length = codes.len().min(BLOCK + LONGEST);
        for ((code, forward), backward) in codes.zip(&mut *forward).zip(&mut *backward) {
            *forward = code;
            *backward = 3 - code;
        }
        // Words of an earlier stretch have more bits than one base.
        forward[length..length + WORD].fill(0);
        backward[length..length + WORD].fill(0);
        join::<1>(
            forward,
            length,
            #[inline(always)]
            |one, next| one << 2 | next,
        );
        join::<1>(
            backward,
            length,
            #[inline(always)]
            |one, next| one | next << 2,
        );
        join::<2>(
            forward,
            length,
            #[inline(always)]
            |one, next| one << 4 | next,
        );
        join::<2>(
            backward,
            length,
            #[inline(always)]
            |one, next| one | next << 4,
        );
        join::<4>(
            forward,
            length,
            #[inline(always)]
            |one, next| one << 8 | next,
        );
        join::<4>(
            backward,
            length,
            #[inline(always)]
            |one, next| one | next << 8,
        );
        join::<8>(
            forward,
            length,
            #[inline(always)]
            |one, next| one << 16 | next,
        );
        join::<8>(
            backward,
            length,
            #[inline(always)]
            |one, next| one | next << 16,
        );
    }
}

/// Joins each of the first `length` values with the value `PLACES` positions after it.
#[inline(always)]
pub(crate) fn join<const PLACES: usize>(
    values: &mut [u32; ROOM],
    length: usize,
    join: impl Fn(u32, u32) -> u32,
) {
    for i in 0..length.min(ROOM - PLACES) {
        values[i] = join(values[i], values[i + PLACES]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmer::mix;

    #[test]
    fn words_are_the_next_bases_on_both_strands() {
        let mut packed = Packed::new();
        for length in [17, 18, 40, BLOCK, BLOCK + 30, 31] {
            let codes: Vec<u32> = (0..length as u64).map(|i| mix(i + 1) as u32 & 3).collect();
            packed.fill(codes.iter().copied());
            for at in 0..length {
                let bases = WORD.min(length - at);
                let (mut forward, mut backward) = (0_u64, 0_u64);
                for (i, code) in codes[at..at + bases].iter().enumerate() {
                    forward = forward << 2 | u64::from(*code);
                    backward |= u64::from(3 - code) << (2 * i);
                }
                assert_eq!(
                    u64::from(packed.forward[at]) >> (2 * (WORD - bases)),
                    forward,
                    "{at} of {length}"
                );
                assert_eq!(
                    u64::from(packed.backward[at]) & ((1 << (2 * bases)) - 1),
                    backward,
                    "{at} of {length}"
                );
            }
        }
    }
}
