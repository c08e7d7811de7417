//! FASTQ by the book, on a whole text at once: what the reader is compared with.
//!
//! Nothing here is shared with the reader: no buffers, no stream, lines cut from a text that is all there.

use crate::support::Owned;

/// Returns the records of `text` up to the first fault, and the number of the record at fault.
pub(crate) fn parse(text: &[u8]) -> (Vec<Owned>, Option<u64>) {
    let mut records = Vec::new();
    let mut rest = text;
    // Blank lines, and nothing else, may follow the last record.
    while rest.iter().any(|byte| !matches!(byte, b'\n' | b'\r')) {
        match record(rest) {
            Some((record, length)) => {
                records.push(record);
                rest = &rest[length..];
            }
            None => return (records.clone(), Some(records.len() as u64 + 1)),
        }
    }
    (records, None)
}

/// Returns the record that `text` starts with, and its length.
fn record(text: &[u8]) -> Option<(Owned, usize)> {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let (definition, sequence, plus) = (lines.next()?, lines.next()?, lines.next()?);
    let quality = match lines.next() {
        Some(line) => line,
        // An empty last line has no bytes of its own: it is there if the line before it ended.
        None if plus.ends_with(b"\n") => b"",
        None => return None,
    };
    let length = definition.len() + sequence.len() + plus.len() + quality.len();
    let definition = without_end(definition).strip_prefix(b"@")?;
    let (sequence, plus, quality) = (without_end(sequence), without_end(plus).strip_prefix(b"+")?, without_end(quality));
    let name = definition.split(|byte| matches!(byte, b' ' | b'\t')).next()?;
    let sound = !definition.contains(&b'\r')
        && (plus.is_empty() || plus == definition || plus == name)
        && sequence.iter().all(|byte| byte.is_ascii_alphabetic() || b".-*".contains(byte))
        && quality.iter().all(|byte| (b'!'..=b'~').contains(byte))
        && sequence.len() == quality.len();
    let record = Owned { definition: definition.into(), sequence: sequence.into(), quality_scores: quality.into() };
    sound.then_some((record, length))
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
