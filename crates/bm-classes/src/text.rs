//! The bases of all references, two bits each, and where each sequence lies.

use bm_reads::base::UNKNOWN;

/// Bases of a word.
const BASES: usize = 32;

/// A stretch of known bases of a reference.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sequence {
    /// Place of the first base.
    pub(crate) start: u32,
    /// Bases.
    pub(crate) length: u32,
    /// Number of the class.
    pub(crate) class: u16,
}

impl Sequence {
    /// Returns the place after the last base.
    pub(crate) fn end(&self) -> usize {
        self.start as usize + self.length as usize
    }
}

/// The known bases of all references, one after the other.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Text {
    pub(crate) words: Vec<u64>,
    pub(crate) sequences: Vec<Sequence>,
    pub(crate) bases: usize,
}

impl Text {
    /// Appends the stretches of at least `shortest` known bases of a sequence; false, and some are
    /// missing, if the places do not fit in 32 bits.
    pub(crate) fn push(&mut self, codes: &[u8], class: u16, shortest: usize) -> bool {
        for stretch in codes.split(|code| *code >= UNKNOWN) {
            if stretch.len() < shortest {
                continue;
            }
            let fits = u32::try_from(self.bases + stretch.len()).is_ok();
            let (Ok(start), Ok(length), true) =
                (u32::try_from(self.bases), u32::try_from(stretch.len()), fits)
            else {
                return false;
            };
            self.sequences.push(Sequence { start, length, class });
            for code in stretch {
                if self.bases.is_multiple_of(BASES) {
                    self.words.push(0);
                }
                if let Some(word) = self.words.last_mut() {
                    *word |= u64::from(*code) << (2 * (self.bases % BASES));
                }
                self.bases += 1;
            }
        }
        true
    }

    /// Returns the code of the base at a place; that of A beyond the last one.
    #[inline(always)]
    pub(crate) fn base(&self, place: usize) -> u8 {
        let word = self.words.get(place / BASES).copied().unwrap_or(0);
        (word >> (2 * (place % BASES)) & 3) as u8
    }

    /// Returns the sequence that a place lies in.
    #[inline(always)]
    pub(crate) fn sequence_at(&self, place: u32) -> Option<&Sequence> {
        let after = self.sequences.partition_point(|sequence| sequence.start <= place);
        self.sequences.get(after.checked_sub(1)?)
    }

    /// Replaces `codes` by those of a sequence.
    pub(crate) fn codes_into(&self, sequence: &Sequence, codes: &mut Vec<u8>) {
        codes.clear();
        codes.extend((sequence.start as usize..sequence.end()).map(|place| self.base(place)));
    }

    /// Returns the bases of each class.
    pub(crate) fn sizes(&self, classes: usize) -> Vec<u64> {
        let mut sizes = vec![0; classes];
        for sequence in &self.sequences {
            if let Some(size) = sizes.get_mut(usize::from(sequence.class)) {
                *size += u64::from(sequence.length);
            }
        }
        sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_found_again() {
        let mut text = Text::default();
        let one: Vec<u8> = (0..70).map(|i| (i * i % 7 % 4) as u8).collect();
        assert!(text.push(&one, 0, 5));
        assert!(text.push(&[1, 2, 4, 3, 3, 3, 0, 1, 4, 4, 2], 1, 5));
        assert_eq!(text.sequences.len(), 2);
        assert_eq!(text.sizes(2), [70, 5]);
        let mut codes = Vec::new();
        text.codes_into(&text.sequences[0], &mut codes);
        assert_eq!(codes, one);
        text.codes_into(&text.sequences[1], &mut codes);
        assert_eq!(codes, [3, 3, 3, 0, 1]);
        assert_eq!(text.sequence_at(69), Some(&text.sequences[0]));
        assert_eq!(text.sequence_at(70), Some(&text.sequences[1]));
        assert_eq!(text.base(1_000_000), 0);
    }
}
