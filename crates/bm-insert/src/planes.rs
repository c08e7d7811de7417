//! The bases of a read as sets of positions, one bit per base.

use bm_reads::base::{UNKNOWN, code};

/// Number of bases in a word of bits.
pub(crate) const BITS: usize = u64::BITS as usize;

/// Number of words that are looked at together.
pub(crate) const LANES: usize = 4;

/// For each of the four bases, where a read has another one, or an unknown one: bit `i % 64` of word
/// `i / 64` is base `i`. No bit is set behind the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planes {
    length: usize,
    /// The words of A, C, G and T, a multiple of [`LANES`] of them, and a word of zeros behind each.
    others: [Vec<u64>; 4],
}

impl Planes {
    /// Fills the planes with the bases of a read.
    pub(crate) fn fill(&mut self, sequence: &[u8]) {
        self.length = sequence.len();
        let words = self.blocks() * LANES + 1;
        for plane in &mut self.others {
            plane.clear();
            plane.resize(words, 0);
        }
        for (word, chunk) in sequence.chunks(BITS).enumerate() {
            let inside = u64::MAX >> (BITS - chunk.len());
            let bases = bits_of(chunk);
            for (plane, bits) in self.others.iter_mut().zip(bases) {
                plane[word] = !bits & inside;
            }
        }
    }

    /// Returns the number of bases.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Returns the number of blocks of [`LANES`] words.
    pub(crate) fn blocks(&self) -> usize {
        self.length.div_ceil(BITS * LANES)
    }

    /// Returns the words of a block and those behind each of them, by base.
    #[inline(always)]
    pub(crate) fn block(&self, block: usize) -> [[[u64; LANES]; 2]; 4] {
        self.others.each_ref().map(|plane| {
            let words = &plane[block * LANES..][..LANES + 1];
            [std::array::from_fn(|lane| words[lane]), std::array::from_fn(|lane| words[lane + 1])]
        })
    }

    /// Returns the positions of a block at which the base `offset` (0 to 63) bases on is in the read
    /// and is not the base of the words.
    #[inline(always)]
    pub(crate) fn differs([words, behind]: &[[u64; LANES]; 2], offset: u32) -> [u64; LANES] {
        if offset == 0 {
            return *words;
        }
        std::array::from_fn(|lane| words[lane] >> offset | behind[lane] << (u64::BITS - offset))
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

/// A number for each position of a block, up to 15, or more.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counters {
    bits: [[u64; LANES]; 5],
}

impl Counters {
    /// Adds one at these positions.
    #[inline(always)]
    pub(crate) fn add(&mut self, positions: [u64; LANES]) {
        for lane in 0..LANES {
            let mut carry = positions[lane];
            for bits in &mut self.bits[..4] {
                let both = bits[lane] & carry;
                bits[lane] ^= carry;
                carry = both;
            }
            self.bits[4][lane] |= carry;
        }
    }

    /// Returns the positions of a word with 12 or less.
    pub(crate) fn at_most_twelve(&self, lane: usize) -> u64 {
        let [ones, twos, fours, eights, more] = self.bits.map(|bits| bits[lane]);
        !(more | eights & fours & (ones | twos))
    }
}

/// The codes of the bases of a read, a bit per base in each of two planes: A 00, C 01, T and U 10, G
/// 11, the lower bit first; A for an unknown base. A word of zeros follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Codes {
    pub(crate) planes: [Vec<u64>; 2],
    /// Where bases are unknown; empty if all are known.
    unknown: Vec<u64>,
    length: usize,
}

impl Codes {
    /// Fills the planes with the bases of a read.
    pub(crate) fn fill(&mut self, sequence: &[u8]) {
        self.length = sequence.len();
        let [low, high] = &mut self.planes;
        low.clear();
        high.clear();
        self.unknown.clear();
        // A loop without an early exit compiles to vector instructions.
        let all_known = sequence.iter().fold(true, |known, letter| known & is_base(*letter));
        for chunk in sequence.chunks(BITS) {
            let [low_bits, high_bits] = if all_known {
                let mut padded = [b'A'; BITS];
                padded[..chunk.len()].copy_from_slice(chunk);
                codes_of(&padded)
            } else {
                let [a, c, g, t] = bits_of(chunk);
                self.unknown.push(!(a | c | g | t) & u64::MAX >> (BITS - chunk.len()));
                [c | g, t | g]
            };
            low.push(low_bits);
            high.push(high_bits);
        }
        low.push(0);
        high.push(0);
    }

    /// Returns whether all bases are known.
    pub(crate) fn is_known(&self) -> bool {
        self.unknown.is_empty()
    }

    /// Returns whether some bases, at most 64, are in the read and known.
    pub(crate) fn are_known(&self, start: usize, bases: usize) -> bool {
        let end = start + bases;
        let is_known = |word: usize| {
            self.unknown.get(word).is_none_or(|bits| bits & Planes::range(start, end, word) == 0)
        };
        end <= self.length && (start / BITS..end.div_ceil(BITS)).all(is_known)
    }
}

/// Returns whether a letter is a known base.
#[inline(always)]
fn is_base(letter: u8) -> bool {
    matches!(letter & 0xdf, b'A' | b'C' | b'G' | b'T' | b'U')
}

/// Returns the positions of A, C, G and T among at most 64 letters; behind their end, any.
fn bits_of(letters: &[u8]) -> [u64; 4] {
    let mut padded = [b'A'; BITS];
    padded[..letters.len()].copy_from_slice(letters);
    // A loop without an early exit compiles to vector instructions.
    let all_known = padded.iter().fold(true, |known, letter| known & is_base(*letter));
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
    let [low, high] = codes_of(&padded);
    [!low & !high, low & !high, low & high, !low & high]
}

/// Returns the lower and the higher bits of the codes of known bases.
fn codes_of(letters: &[u8; BITS]) -> [u64; 2] {
    // In ASCII, bits 1 and 2 tell the letters apart: A 00, C 01, T and U 10, G 11.
    let (mut low, mut high) = (0, 0);
    for (at, eight) in letters.as_chunks::<8>().0.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        low |= gathered(eight >> 1) << (8 * at);
        high |= gathered(eight >> 2) << (8 * at);
    }
    [low, high]
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
        for length in [0, 1, 7, 8, 63, 64, 65, 128, 150, 200, 256, 257, 600] {
            for letters in [&b"ACGT"[..], b"GATTACAN", b"acgu", b"ARCN-.GT"] {
                let read: Vec<u8> =
                    (0..length).map(|i| letters[(i * i + i / 3) % letters.len()]).collect();
                let mut planes = Planes::default();
                planes.fill(b"what was there before");
                planes.fill(&read);
                assert_eq!((planes.length(), planes.blocks()), (length, length.div_ceil(256)));
                for (base, offset) in [(0, 0), (1, 1), (2, 11), (3, 63)] {
                    for block in 0..planes.blocks() {
                        let words = &planes.block(block)[usize::from(base)];
                        let bits = Planes::differs(words, offset);
                        for bit in 0..256 {
                            let there = read.get(block * 256 + bit + offset as usize);
                            let differs = there.is_some_and(|letter| code(*letter) != base);
                            assert_eq!(bits[bit / 64] >> (bit % 64) & 1 == 1, differs);
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

    #[test]
    fn counters_tell_twelve_from_more() {
        let mut counters = Counters::default();
        for number in 0..40 {
            // Position i is counted i times.
            let above = u64::MAX.checked_shl(number + 1).unwrap_or(0);
            counters.add([above, 0, !0, 1]);
        }
        assert_eq!(counters.at_most_twelve(0), (1 << 13) - 1);
        assert_eq!([1, 2, 3].map(|lane| counters.at_most_twelve(lane)), [!0, 0, !1]);
    }
}
