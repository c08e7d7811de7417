//! Whether the text of a `+` line names the read of its record.

use super::record::name;
use crate::mates;

/// Returns whether the text after `+` names the read with this definition.
///
/// Programs that rewrite names leave the `+` line as it was, or write it in their own way: without the
/// mate's number, with words after the name, with the name that the read had before as one of several
/// words (fastq-dump), or without what was added to the name after `_`, `/` or `#`.
pub(super) fn is_of(text: &[u8], definition: &[u8]) -> bool {
    // Nearly all are: nothing is searched before.
    if text.is_empty() || text == definition {
        return true;
    }
    let own = name(definition);
    if text == own {
        return true;
    }
    let first = words(text).next().unwrap_or_default();
    words(text).any(|word| are_alike(word, own))
        || words(definition).any(|word| are_alike(first, word) && !is_remark(word))
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty())
}

/// Returns whether a word of a definition is no name: `length=100`, `7`, or `1:N:0:ACGT`, which many reads
/// have.
fn is_remark(word: &[u8]) -> bool {
    word.contains(&b'=')
        || word.iter().all(u8::is_ascii_digit)
        || matches!(word, [b'1'..=b'4', b':', b'Y' | b'N', b':', ..])
}

/// Returns whether two names are of one read.
fn are_alike(one: &[u8], other: &[u8]) -> bool {
    let places = [one, other].map(mates::number);
    if let [Some(one), Some(other)] = places
        && one != other
    {
        return false;
    }
    let [one, other] = [one, other].map(mates::template);
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    let added = long.strip_prefix(short).filter(|_| !short.is_empty());
    matches!(added, Some([] | [b'_' | b'/' | b'#', ..]))
}

#[cfg(test)]
mod tests {
    fn is_of(text: &str, definition: &str) -> bool {
        super::is_of(text.as_bytes(), definition.as_bytes())
    }

    #[test]
    fn what_programs_write_is_of_the_read() {
        for (text, definition) in [
            ("", "r1"),
            ("r1", "r1 lane 2"),
            ("r1 lane 2", "r1 lane 2"),
            ("r1 ltrim=1", "r1"),
            ("r1/1 ltrim=1", "r1/1 x"),
            ("I:8:2:342:540", "I:8:2:342:540/1"),
            ("I:8:2:342:540/1", "I:8:2:342:540"),
            ("RUN1.1 I-D1:654:F:1 length=100", "I-D1:654:F:1_forward/1"),
            ("RUN1.7 7 length=36", "RUN1.7.1 7 length=36"),
            ("I:8:2:342", "SRR1.7 I:8:2:342 length=36"),
            ("A:1\t1:N:0:AC", "A:1 1:N:0:AC"),
        ] {
            assert!(is_of(text, definition), "{text} | {definition}");
        }
    }

    #[test]
    fn the_name_of_another_read_is_not() {
        for (text, definition) in [
            ("r2", "r1"),
            ("r1", "r10"),
            ("r10", "r1"),
            ("r1/2", "r1/1"),
            ("RUN1.2 2 length=100", "RUN1.1 1 length=100"),
            ("B:2 1:N:0:ACGT", "A:1 1:N:0:ACGT"),
            ("1:N:0:ACGT", "A:1 1:N:0:ACGT"),
            ("RUN1.7 length=100", "I:8:2:342:540 length=100"),
            ("A:1:2", "A:1:2:3"),
            (" ", "r1"),
        ] {
            assert!(!is_of(text, definition), "{text} | {definition}");
        }
    }
}
