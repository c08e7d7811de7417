//! Checks by name whether two reads are mates.

/// Why two reads are not mates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mismatch {
    /// Their names differ, so they come from different templates.
    Names,
    /// The first read is marked as the second mate.
    Order,
    /// Both are marked as the same mate.
    SameNumber,
}

/// Returns why two reads are not first and second mate, by their definitions; `None` if they are.
pub fn check(first: &[u8], second: &[u8]) -> Option<Mismatch> {
    let (one, other) = (Parts::of(first), Parts::of(second));
    if one.template != other.template {
        return Some(Mismatch::Names);
    }
    // If the index reads are written as reads too, the mates are numbers 1 and 3.
    match (one.mate?, other.mate?) {
        (one, other) if one > other => Some(Mismatch::Order),
        (one, other) if one == other => Some(Mismatch::SameNumber),
        _ => None,
    }
}

/// Returns the name that both mates have in common: `name` without a final `/1` or `/2` (older
/// Illumina files), also if a molecular identifier follows it (`x/1:ACGT`, as fastp writes it), or
/// without the `.1` or `.2` of fastq-dump, whose names contain another dot (`SRR1.7.1`).
pub fn template(name: &[u8]) -> &[u8] {
    split(name).0
}

/// Splits a name into that of the template and the number of the mate, as an ASCII digit.
fn split(name: &[u8]) -> (&[u8], Option<u8>) {
    match without_identifier(name) {
        [template @ .., b'/', mate @ (b'1' | b'2')] => (template, Some(*mate)),
        [template @ .., b'.', mate @ (b'1' | b'2')] if template.contains(&b'.') => {
            (template, Some(*mate))
        }
        _ => (name, None),
    }
}

/// Returns a name without the molecular identifier behind its last `/1:` or `/2:`, if it has one.
fn without_identifier(name: &[u8]) -> &[u8] {
    let letters = name.iter().rev().take_while(|byte| {
        matches!(byte.to_ascii_uppercase(), b'A' | b'C' | b'G' | b'T' | b'N' | b'_' | b'-' | b'+')
    });
    match name.split_at(name.len() - letters.count()) {
        ([start @ .., b':'], [_, ..]) if matches!(start, [.., b'/', b'1' | b'2']) => start,
        _ => name,
    }
}

/// Returns the number of the mate, by its definition: 1 or 2, from `/1` at the end of the name or of the
/// word after it, or Illumina's `1:N:0:ATCACG` there; `None` if the definition has none. If the index
/// reads are written as reads too, the second mate is number 3 or 4.
pub fn number(definition: &[u8]) -> Option<u8> {
    Parts::of(definition).mate.map(|digit| if digit == b'1' { 1 } else { 2 })
}

/// The template and the mate number in a definition.
struct Parts<'a> {
    template: &'a [u8],
    /// The mate number, as an ASCII digit; `None` if the definition has none.
    mate: Option<u8>,
}

impl<'a> Parts<'a> {
    fn of(definition: &'a [u8]) -> Self {
        let end = definition
            .iter()
            .position(|byte| matches!(byte, b' ' | b'\t'))
            .unwrap_or(definition.len());
        let (name, description) = definition.split_at(end);
        let (template, mate) = split(name);
        let mate = mate.or(match description {
            // Illumina's format: `1:N:0:ATCACG`.
            [_, mate @ b'1'..=b'4', b':', b'Y' | b'N', b':', ..] => Some(*mate),
            [_, rest @ ..] => in_first_word(rest),
            [] => None,
        });
        Self { template, mate }
    }
}

/// Returns the number of the mate at the end of the first word of a description, as archives write the
/// name that a read had before: `SRR1.7 7/1`.
fn in_first_word(description: &[u8]) -> Option<u8> {
    let word = description.split(|byte| matches!(byte, b' ' | b'\t')).next()?;
    match word {
        [_, .., b'/', mate @ (b'1' | b'2')] => Some(*mate),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mates_are_recognised_in_every_naming_scheme() {
        for (first, second) in [
            ("r", "r"),
            ("r/1", "r/2"),
            ("r/1 x", "r/2 y"),
            ("r", "r/2"),
            ("SRR1.7.1 7 length=100", "SRR1.7.2 7 length=100"),
            ("SRR1.7 7/1", "SRR1.7 7/2"),
            ("A:1:2 1:N:0:AC", "A:1:2 2:N:0:AC"),
            ("A:1:2\t1:N:0:AC", "A:1:2\t3:Y:0:AC"),
            ("", ""),
            ("x/1:ACGT", "x/2:ACGT"),
            ("x/1:ACGT_TTN y", "x/2:ACGT_TTN y"),
            ("A:1:ACGT 1:N:0:AC", "A:1:ACGT 2:N:0:AC"),
        ] {
            assert_eq!(check(first.as_bytes(), second.as_bytes()), None, "{first} {second}");
        }
    }

    #[test]
    fn reads_with_other_names_or_in_the_wrong_order_are_not_mates() {
        for (first, second) in [
            ("r", "s"),
            ("SRR1.1", "SRR1.2"),
            ("r/1", "s/2"),
            ("A:1:1", "A:1:2"),
            ("r_1", "r_2"),
            ("r", ""),
            ("x/1:ACGT", "y/2:ACGT"),
            ("x/1:8", "x/2:8"),
            ("A:1:ACGT", "A:1:ACGA"),
        ] {
            assert_eq!(
                check(first.as_bytes(), second.as_bytes()),
                Some(Mismatch::Names),
                "{first} {second}"
            );
        }
        for (first, second) in [
            ("r/2", "r/1"),
            ("A:1:2 2:N:0:AC", "A:1:2 1:N:0:AC"),
            ("S.7.2", "S.7.1"),
            ("x/2:ACGT", "x/1:ACGT"),
            ("SRR1.7 7/2", "SRR1.7 7/1"),
            ("SRR1.7 A:1:2/2 length=9", "SRR1.7 A:1:2/1 length=9"),
        ] {
            assert_eq!(
                check(first.as_bytes(), second.as_bytes()),
                Some(Mismatch::Order),
                "{first} {second}"
            );
        }
        for name in ["r/1", "r/2 x", "A 1:N:0:", "S.7.1", "x/1:ACGT", "SRR1.7 7/1"] {
            let found = check(name.as_bytes(), name.as_bytes());
            assert_eq!(found, Some(Mismatch::SameNumber), "{name}");
        }
    }
}
