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

/// Appends the [`code`]s of letters: the same without a table, many letters at once.
pub fn push_codes(codes: &mut Vec<u8>, letters: &[u8]) {
    const CASE: u8 = b'a' ^ b'A';
    codes.extend(letters.iter().map(|letter| {
        let upper = letter & !CASE;
        let is = |base: u8| u8::from(upper == base);
        UNKNOWN - 4 * is(b'A') - 3 * is(b'C') - 2 * is(b'G') - (is(b'T') | is(b'U'))
    }));
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

/// Returns the bases that an IUPAC letter stands for, in either case: bit `1 << code` for each, so
/// that `N` is 15. 0 for anything that is no IUPAC letter.
pub const fn bases_of(letter: u8) -> u8 {
    const A: u8 = 1;
    const C: u8 = 2;
    const G: u8 = 4;
    const T: u8 = 8;
    match letter.to_ascii_uppercase() {
        b'A' => A,
        b'C' => C,
        b'G' => G,
        b'T' | b'U' => T,
        b'R' => A | G,
        b'Y' => C | T,
        b'S' => C | G,
        b'W' => A | T,
        b'K' => G | T,
        b'M' => A | C,
        b'B' => C | G | T,
        b'D' => A | G | T,
        b'H' => A | C | T,
        b'V' => A | C | G,
        b'N' => A | C | G | T,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_one_code() {
        for (letters, expected) in [("Aa", 0), ("Cc", 1), ("Gg", 2), ("TtUu", 3), ("NnRy.-*@", 4)] {
            assert!(letters.bytes().all(|letter| code(letter) == expected), "{letters}");
        }
        let (letters, mut codes) = ((0..=u8::MAX).collect::<Vec<_>>(), vec![9]);
        push_codes(&mut codes, &letters);
        assert!(codes[1..].iter().eq(letters.iter().map(|letter| &TABLE[usize::from(*letter)])));
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
    fn an_iupac_letter_and_its_complement_stand_for_complementary_bases() {
        for (letter, other) in
            [(b'A', b'T'), (b'R', b'Y'), (b'S', b'S'), (b'K', b'M'), (b'B', b'V'), (b'D', b'H')]
        {
            assert_eq!(bases_of(letter).reverse_bits() >> 4, bases_of(other));
            assert_eq!(bases_of(letter.to_ascii_lowercase()), bases_of(letter));
        }
        let letters = (0..=u8::MAX).filter(|letter| bases_of(*letter) > 0);
        assert_eq!(letters.clone().count(), 32);
        for letter in letters.filter(|letter| code(*letter) < UNKNOWN) {
            assert_eq!(bases_of(letter), 1 << code(letter));
        }
        assert_eq!((bases_of(b'N'), bases_of(b'.'), bases_of(b'-')), (15, 0, 0));
    }

    #[test]
    fn only_n_and_dot_are_unknown() {
        let unknown: Vec<u8> = (0..=u8::MAX).filter(|letter| is_unknown(*letter)).collect();
        assert_eq!(unknown, b".Nn");
    }
}
