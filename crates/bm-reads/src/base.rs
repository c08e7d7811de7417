//! Bases as small numbers. Only this module maps letters to bases.
//!
//! A file may hold bases in either case, RNA (U), unknown bases (`N`, `.`) and IUPAC letters for
//! several bases. [`code`] returns the base of a letter, [`dna_code`] the DNA base (U has none),
//! and [`is_unknown`] whether the letter means an unknown base.

/// Code of any letter other than A, C, G, T and U.
pub const UNKNOWN: u8 = 4;

/// The letters of the codes 0 to 3.
pub const LETTERS: [u8; 4] = *b"ACGT";

static TABLE: [u8; 256] = codes(b"AaCcGgTtUu");

const fn codes(letters: &[u8]) -> [u8; 256] {
    let mut codes = [UNKNOWN; 256];
    let mut i = 0;
    while i < letters.len() {
        let code = (i / 2) as u8;
        codes[letters[i] as usize] = if code > 3 { 3 } else { code };
        i += 1;
    }
    codes
}

/// Returns the code of a base: A 0, C 1, G 2, T and U 3, in either case, so that `3 - code` is the
/// complement; any other letter is [`UNKNOWN`].
#[inline(always)]
pub const fn code(base: u8) -> u8 {
    TABLE[base as usize]
}

/// Returns [`code`] of A, C, G and T in either case, for tables made at compile time; any other
/// letter, U included, is [`UNKNOWN`].
pub const fn dna_code(base: u8) -> u8 {
    match base {
        b'A' | b'a' => 0,
        b'C' | b'c' => 1,
        b'G' | b'g' => 2,
        b'T' | b't' => 3,
        _ => UNKNOWN,
    }
}

/// Returns the letter of a code: `N` for [`UNKNOWN`] and any other number above 3.
#[inline(always)]
pub fn letter(code: u8) -> u8 {
    LETTERS.get(usize::from(code)).copied().unwrap_or(b'N')
}

/// Returns the letter of the complementary base; `N` for any letter that is not a base.
#[inline(always)]
pub fn complement(base: u8) -> u8 {
    match code(base) {
        UNKNOWN => b'N',
        code => letter(3 - code),
    }
}

/// Returns whether a letter means an unknown base: `N`, `n` or `.`.
///
/// IUPAC letters for two or three bases are not unknown: they still exclude some bases.
#[inline(always)]
pub const fn is_unknown(base: u8) -> bool {
    matches!(base, b'N' | b'n' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_one_code() {
        for (letters, expected) in [("Aa", 0), ("Cc", 1), ("Gg", 2), ("TtUu", 3), ("NnRy.-*@", 4)] {
            assert!(letters.bytes().all(|letter| code(letter) == expected), "{letters}");
        }
        for letter in 0..=u8::MAX {
            let expected = if matches!(letter, b'U' | b'u') { UNKNOWN } else { code(letter) };
            assert_eq!(dna_code(letter), expected, "{letter}");
        }
    }

    #[test]
    fn complement_returns_the_base_of_the_other_strand() {
        let other: Vec<u8> = b"ACGTacguNR".iter().map(|base| complement(*base)).collect();
        assert_eq!(other, b"TGCATGCANN");
    }

    #[test]
    fn only_n_and_dot_are_unknown() {
        let unknown: Vec<u8> = (0..=u8::MAX).filter(|letter| is_unknown(*letter)).collect();
        assert_eq!(unknown, b".Nn");
    }
}
