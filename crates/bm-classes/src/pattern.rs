//! Patterns of seeds: which bases of a window are compared.

/// Longest window of a pattern, in bases.
pub(crate) const LONGEST: usize = 31;

/// Fewest compared bases: seeds of fewer are found everywhere.
const LIGHTEST: u32 = 8;

/// Patterns by the size of the references. A seed of `w` bases occurs by chance in `2 bases / 4^w` of
/// the positions. These keep it under one in eight; research/classes compares others.
const BY_BASES: [(u64, [&str; 2]); 3] = [
    (1_000_000, ["111010011110010111", "110010101101101010011"]),
    (30_000_000, ["1110100101111010010111", "110110001001101100100011011"]),
    (u64::MAX, ["111010010111111010010111", "11011000101011011010100011011"]),
];

/// The bases of a window that a seed compares: spaced, so that neighbouring seeds have few bases in
/// common and one change spoils few of them (PatternHunter: Ma, Tromp & Li 2002).
///
/// A pattern is its own mirror image. So a seed has the same compared bases on both strands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern {
    span: usize,
    /// Two bits for each base that is compared.
    mask: u64,
}

impl Pattern {
    /// Returns the pattern of a text of `1` (compared) and `0` (any base), which is its own mirror
    /// image, begins with `1` and has at most 31 places and at least 8 ones; `None` for any other.
    pub fn parse(text: &str) -> Option<Self> {
        let places = text.as_bytes();
        let ones = places.iter().filter(|place| **place == b'1').count();
        let is_pattern = places.len() <= LONGEST
            && ones >= LIGHTEST as usize
            && places.first() == Some(&b'1')
            && places.iter().all(|place| matches!(place, b'0' | b'1'))
            && places.iter().eq(places.iter().rev());
        let mask = |mask, place: &u8| mask << 2 | if *place == b'1' { 3u64 } else { 0 };
        is_pattern.then(|| Self { span: places.len(), mask: places.iter().fold(0, mask) })
    }

    /// Returns the patterns for references of so many bases in sum.
    pub fn for_bases(bases: u64) -> Vec<Self> {
        let texts = BY_BASES.iter().find(|(most, _)| bases <= *most).map_or([""; 2], |by| by.1);
        texts.iter().filter_map(|text| Self::parse(text)).collect()
    }

    /// Returns the bases of the window.
    pub fn span(&self) -> usize {
        self.span
    }

    /// Returns the number of bases that are compared.
    pub fn weight(&self) -> usize {
        self.mask.count_ones() as usize / 2
    }

    /// Returns the two bits of each compared base.
    pub(crate) fn mask(&self) -> u64 {
        self.mask
    }

    /// Returns the pattern of a window and a mask from a file, if there is one.
    pub(crate) fn of(span: u32, mask: u64) -> Option<Self> {
        let place = |at: u32| if mask >> (2 * at) & 3 == 3 { '1' } else { '0' };
        let text: String = (0..span.min(LONGEST as u32)).map(place).collect();
        Self::parse(&text).filter(|pattern| pattern.mask == mask && pattern.span == span as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_chosen_by_size() {
        for (bases, weight) in [(0, 12), (1_000_000, 12), (1_000_001, 14), (3_000_000_000, 16)] {
            let patterns = Pattern::for_bases(bases);
            assert_eq!(patterns.len(), 2, "{bases}");
            for pattern in patterns {
                assert_eq!(pattern.weight(), weight);
                assert_eq!(Pattern::of(pattern.span() as u32, pattern.mask()), Some(pattern));
            }
        }
    }

    #[test]
    fn other_texts_are_no_patterns() {
        for text in ["", "1111111", "0111111110", "11101111011", "1111a11111", &"1".repeat(32)] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
        assert_eq!(Pattern::of(u32::MAX, u64::MAX), None);
        assert_eq!(Pattern::of(0, 0), None);
    }
}
