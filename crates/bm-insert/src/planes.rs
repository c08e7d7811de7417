//! The bases of a read as sets of positions, one bit per base.

use bm_reads::base::{UNKNOWN, code};

/// Number of bases in a word of bits.
pub(crate) const BITS: usize = u64::BITS as usize;

/// For each of the four bases, where a read has it: bit `i % 64` of word `i / 64` is base `i`. No bit
/// is set where the base is unknown, nor behind the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planes {
    length: usize,
    /// The words of A, C, G and T, and a word of zeros behind each.
    of_bases: [Vec<u64>; 4],
    /// The positions in the read, known or not.
    inside: Vec<u64>,
}

impl Planes {
    /// Fills the planes with the bases of a read.
    pub(crate) fn fill(&mut self, sequence: &[u8]) {
        self.length = sequence.len();
        for plane in self.of_bases.iter_mut().chain([&mut self.inside]) {
            plane.clear();
        }
        for chunk in sequence.chunks(BITS) {
            let inside = u64::MAX >> (BITS - chunk.len());
            let bases = bits_of(chunk);
            for (plane, bits) in self.of_bases.iter_mut().zip(bases) {
                plane.push(bits & inside);
            }
            self.inside.push(inside);
        }
        for plane in self.of_bases.iter_mut().chain([&mut self.inside]) {
            plane.push(0);
        }
    }

    /// Returns the number of bases.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Returns the number of words with bases.
    pub(crate) fn words(&self) -> usize {
        self.inside.len().saturating_sub(1)
    }

    /// Returns the positions of word `word` at which the base `offset` (0 to 63) bases on is in the
    /// read and is not `base`.
    #[inline(always)]
    pub(crate) fn differs(&self, base: u8, offset: usize, word: usize) -> u64 {
        let plane = &self.of_bases[usize::from(base)];
        let other = |word: usize| !plane[word] & self.inside[word];
        if offset == 0 {
            return other(word);
        }
        other(word) >> offset | other(word + 1) << (BITS - offset)
    }

    /// Fills `low` and `high` with the bits of the bases' codes: A 00, C 01, T 10, G 11. A word of
    /// zeros follows.
    pub(crate) fn codes_into(&self, low: &mut Vec<u64>, high: &mut Vec<u64>) {
        let [_, c, g, t] = &self.of_bases;
        let both = |one: &Vec<u64>, plane: &mut Vec<u64>| {
            plane.clear();
            plane.extend(one.iter().zip(g).map(|(one, g)| one | g));
        };
        both(c, low);
        both(t, high);
    }

    /// Returns whether all bases are known.
    pub(crate) fn is_known(&self) -> bool {
        (0..self.words()).all(|word| self.known(word) == self.inside[word])
    }

    /// Returns whether some bases, at most 64, are in the read and known.
    pub(crate) fn are_known(&self, start: usize, bases: usize) -> bool {
        let end = start + bases;
        let is_known = |word: usize| {
            self.known(word) & Self::range(start, end, word) == Self::range(start, end, word)
        };
        end <= self.length && (start / BITS..=end / BITS).all(is_known)
    }

    fn known(&self, word: usize) -> u64 {
        self.of_bases.iter().fold(0, |known, plane| known | plane[word])
    }

    /// Returns the positions of a word that lie in `start..end`.
    pub(crate) fn range(start: usize, end: usize, word: usize) -> u64 {
        let below = |position: usize| {
            let bits = position.saturating_sub(word * BITS).min(BITS);
            if bits == BITS { u64::MAX } else { (1 << bits) - 1 }
        };
        below(end) & !below(start)
    }
}

/// Returns the positions of A, C, G and T among at most 64 letters; behind their end, any.
fn bits_of(letters: &[u8]) -> [u64; 4] {
    let mut padded = [b'A'; BITS];
    padded[..letters.len()].copy_from_slice(letters);
    // A loop without an early exit compiles to vector instructions.
    let all_known = padded.iter().fold(true, |known, letter| {
        known & matches!(letter & 0xdf, b'A' | b'C' | b'G' | b'T' | b'U')
    });
    if !all_known {
        let mut bases = [0; 4];
        for (at, letter) in letters.iter().enumerate() {
            let code = code(*letter);
            if code < UNKNOWN {
                bases[usize::from(code)] |= 1 << at;
            }
        }
        return bases;
    }
    // In ASCII, bits 1 and 2 tell the letters apart: A 00, C 01, T and U 10, G 11.
    let (mut low, mut high) = (0, 0);
    for (at, eight) in padded.as_chunks::<8>().0.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        low |= gathered(eight >> 1) << (8 * at);
        high |= gathered(eight >> 2) << (8 * at);
    }
    [!low & !high, low & !high, low & high, !low & high]
}

/// Returns the lowest bit of each of eight bytes, the first byte's in bit 0.
fn gathered(bytes: u64) -> u64 {
    // The product brings bit 0 of byte i to bit 56 + i, and no two of its terms meet above that.
    (bytes & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_tell_where_a_read_has_which_base() {
        for length in [0, 1, 7, 8, 63, 64, 65, 128, 150, 200] {
            for letters in [&b"ACGT"[..], b"GATTACAN", b"acgu", b"ARCN-.GT"] {
                let read: Vec<u8> =
                    (0..length).map(|i| letters[(i * i + i / 3) % letters.len()]).collect();
                let mut planes = Planes::default();
                planes.fill(b"what was there before");
                planes.fill(&read);
                assert_eq!((planes.length(), planes.words()), (length, length.div_ceil(64)));
                for (base, offset) in [(0, 0), (1, 1), (2, 11), (3, 63)] {
                    for word in 0..planes.words() {
                        let bits = planes.differs(base, offset, word);
                        for bit in 0..64 {
                            let there = read.get(word * 64 + bit + offset);
                            let differs = there.is_some_and(|letter| code(*letter) != base);
                            assert_eq!(bits >> bit & 1 == 1, differs, "{length} {base} {offset}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn ranges_are_cut_to_the_word() {
        assert_eq!(Planes::range(3, 6, 0), 0b111000);
        assert_eq!(Planes::range(60, 66, 0), 0xf << 60);
        assert_eq!(Planes::range(60, 66, 1), 0b11);
        assert_eq!(Planes::range(0, 64, 0), u64::MAX);
        assert_eq!(Planes::range(64, 70, 0), 0);
    }
}
