//! `word-spectrum` version 1: which fraction of a read's words is each word of a pattern.

use bm_reads::{ReadRef, base};

use crate::{EncodeError, Encoder, Encoding};

/// The patterns: which bases of a window, from its first one, a word consists of. A pattern is the same
/// from both sides, so that the other strand of a window has a word as well.
const PATTERNS: [&[u32]; 3] = [&[0, 1, 2, 3], &[0, 1, 2, 3, 4], &[0, 1, 4, 7, 8]];

/// Number of words of four bases, where a word and its other strand are one: 4⁴ words, of which 4² are
/// their own other strand.
const FOURS: usize = (256 + 16) / 2;
/// The same of five bases. None is its own other strand.
const FIVES: usize = 1024 / 2;

/// Columns of the row, before each pattern's and behind the last one's.
const STARTS: [usize; 4] = [0, FOURS, FOURS + FIVES, FOURS + 2 * FIVES];

static ENCODING: Encoding =
    Encoding { id: "word-spectrum", version: 1, window: usize::MAX, features: STARTS[3] };

/// Column of each word of four and of five bases among those of its pattern.
static COLUMNS_4: [u16; 256] = columns();
static COLUMNS_5: [u16; 1024] = columns();

/// Returns the column of each word: columns are in the order of the smaller one of a word and its other
/// strand. A word is a number to the base of four, whose first digit is the first base.
const fn columns<const WORDS: usize>() -> [u16; WORDS] {
    let mut table = [0; WORDS];
    let (mut word, mut next) = (0, 0);
    while word < WORDS {
        let (mut other, mut rest, mut left) = (0, word, WORDS);
        while left > 1 {
            other = other * 4 + (3 - rest % 4);
            rest /= 4;
            left /= 4;
        }
        if other < word {
            table[word] = table[other];
        } else {
            table[word] = next;
            next += 1;
        }
        word += 1;
    }
    table
}

/// The encoding `word-spectrum` version 1.
///
/// For each of three patterns, `1111`, `11111` and `110010011`, the fraction of the read's words that
/// each word is: 136, 512 and 512 features. A word consists of the bases of a window at the places
/// marked 1; it and its other strand are one, so both strands of a read have the same features. Words
/// with an unknown base are left out, and a pattern without words has zeros. A row is a whole read, of
/// any length. Qualities are not looked at, and need not be there.
#[derive(Clone, Copy, Debug, Default)]
pub struct WordSpectrum;

impl Encoder for WordSpectrum {
    fn encoding(&self) -> &Encoding {
        &ENCODING
    }

    fn encode_into(&self, read: ReadRef<'_>, row: &mut [f32]) -> Result<(), EncodeError> {
        if row.len() != ENCODING.features {
            return Err(EncodeError::RowWidth { expected: ENCODING.features, actual: row.len() });
        }
        row.fill(0.0);
        // The last sixteen bases, two bits each, and which of them are unknown.
        let (mut bases, mut unknown) = (0u32, u32::MAX);
        let mut found = [0u32; PATTERNS.len()];
        for byte in read.sequence {
            let code = u32::from(base::dna_code(*byte));
            bases = bases << 2 | code & 3;
            unknown = unknown << 1 | u32::from(code > 3);
            for (pattern, places) in PATTERNS.iter().enumerate() {
                let Some((word, column)) = word(bases, unknown, places) else { continue };
                found[pattern] += 1;
                let column = STARTS[pattern] + usize::from(column.get(word).copied().unwrap_or(0));
                if let Some(count) = row.get_mut(column) {
                    *count += 1.0;
                }
            }
        }
        for (pattern, found) in found.into_iter().enumerate().filter(|(_, found)| *found > 0) {
            if let Some(counts) = row.get_mut(STARTS[pattern]..STARTS[pattern + 1]) {
                counts.iter_mut().for_each(|count| *count /= found as f32);
            }
        }
        Ok(())
    }
}

/// Returns the word at these places of the window that ends with the last base, and the columns of
/// words as long; `None` if one of its bases is unknown.
#[inline(always)]
fn word(bases: u32, unknown: u32, places: &[u32]) -> Option<(usize, &'static [u16])> {
    let last = places.last()?;
    let (mut word, mut any) = (0, 0);
    for place in places {
        let back = last - place;
        word = word << 2 | bases >> (2 * back) & 3;
        any |= unknown >> back & 1;
    }
    let columns: &[u16] = if places.len() == 4 { &COLUMNS_4 } else { &COLUMNS_5 };
    (any == 0).then_some((word as usize, columns))
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn spectrum(sequence: &[u8]) -> Vec<f32> {
        let mut row = vec![f32::NAN; ENCODING.features];
        let read = ReadRef { name: b"r", sequence, quality_scores: b"" };
        WordSpectrum.encode_into(read, &mut row).unwrap();
        row
    }

    #[test]
    fn each_pattern_has_the_words_of_a_read() {
        // AAAAA: two words AAAA, one AAAAA; both are the first of their pattern.
        let row = spectrum(b"AAAAA");
        assert_eq!((row[0], row[FOURS], row[FOURS + FIVES]), (1.0, 1.0, 0.0));
        assert_eq!(row.iter().filter(|value| **value != 0.0).count(), 2);
        // AACC and ACCG are two words of four bases; the places 0, 1, 4, 7, 8 of the nine have ACGTT.
        let row = spectrum(b"AACCG");
        let of_four: Vec<_> = row[..FOURS].iter().filter(|value| **value > 0.0).collect();
        assert_eq!(of_four, [&0.5, &0.5]);
        let row = spectrum(b"ACTTGAATT");
        let word = [0, 1, 2, 3, 3].iter().fold(0, |word, code| word * 4 + code);
        assert_eq!(row[STARTS[2] + usize::from(COLUMNS_5[word])], 1.0);
    }

    #[test]
    fn both_strands_have_the_same_features() {
        let read = b"ACGTTGCAAGTNCCATGACCATTGACCTTAGGAC";
        let other: Vec<u8> = read
            .iter()
            .rev()
            .map(|base| match base {
                b'A' => b'T',
                b'C' => b'G',
                b'G' => b'C',
                b'T' => b'A',
                other => *other,
            })
            .collect();
        let (one, two) = (spectrum(read), spectrum(&other));
        assert_eq!(one, two);
        assert!(one.iter().any(|value| *value > 0.0));
    }

    #[test]
    fn words_with_unknown_bases_are_left_out() {
        assert_eq!(spectrum(b"AAAANAAAA"), {
            let mut row = vec![0.0; ENCODING.features];
            row[0] = 1.0;
            row
        });
        for nothing in [&b""[..], b"ACG", b"NNNNNNNNNNNN"] {
            assert!(spectrum(nothing).iter().all(|value| *value == 0.0));
        }
    }

    #[test]
    fn a_row_of_another_width_is_refused() {
        let read = ReadRef { name: b"r", sequence: b"ACGTACGT", quality_scores: b"" };
        let refused = WordSpectrum.encode_into(read, &mut [0.0; 3]);
        assert!(matches!(refused, Err(EncodeError::RowWidth { actual: 3, .. })));
    }
}
