//! A simple FASTQ parser of a whole text in memory, with which the reader is compared.
//!
//! It has no code in common with the reader: no buffers and no stream, only lines of a complete
//! text.

use std::cmp::Ordering;

use crate::support::Owned;

/// Returns the records of `text` up to the first fault, and the number of the faulty record.
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
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let definition = without_end(lines.first()?).strip_prefix(b"@")?;
    // The line with `+` is the third one, unless more lines of bases come before it.
    let is_sequence =
        |line: &&[u8]| !without_end(line).is_empty() && without_end(line).iter().all(is_base);
    let wrapped = lines.get(1..)?.iter().take_while(|line| is_sequence(line)).count();
    let plus_at = 1 + wrapped.max(1);
    let plus_line = lines.get(plus_at)?;
    let plus = without_end(plus_line).strip_prefix(b"+")?;
    let sequence: Vec<u8> =
        lines[1..plus_at].iter().flat_map(|line| without_end(line)).copied().collect();
    let (mut quality_scores, mut end) = (Vec::new(), plus_at + 1);
    match lines.get(end) {
        // An empty last line has no bytes: it counts as present if the `+` line has a line end.
        None if !plus_line.ends_with(b"\n") => return None,
        None => {}
        Some(_) if wrapped > 1 => {
            while quality_scores.len() < sequence.len() {
                let line = without_end(lines.get(end)?);
                if line.is_empty() {
                    return None;
                }
                quality_scores.extend_from_slice(line);
                end += 1;
            }
        }
        Some(line) => {
            quality_scores.extend_from_slice(without_end(line));
            end += 1;
            // Wrapped quality scores of a sequence on one line: whole lines, and a record behind them.
            let mut all = quality_scores.clone();
            let lines_of_all = lines[end..].iter().take_while(|line| {
                let more = all.len() < sequence.len() && !all.is_empty();
                let is_taken = more && !without_end(line).is_empty();
                if is_taken {
                    all.extend_from_slice(without_end(line));
                }
                is_taken
            });
            let after = end + lines_of_all.count();
            let follows = lines.get(after).is_none_or(|line| b"@\r\n".contains(&line[0]));
            if all.len() == sequence.len() && follows {
                (quality_scores, end) = (all, after);
            }
        }
    }
    let length = lines[..end.min(lines.len())].iter().map(|line| line.len()).sum();
    let words = |line: &[u8]| -> Vec<Vec<u8>> {
        line.split(|byte| matches!(byte, b' ' | b'\t')).map(<[u8]>::to_vec).collect()
    };
    let (names, of_plus) = (words(definition), words(plus));
    let is_named = of_plus.iter().any(|word| are_alike(word, &names[0]))
        || names.iter().any(|word| are_alike(&of_plus[0], word));
    let sound = !definition.contains(&b'\r')
        && (plus.is_empty() || plus == definition || plus == names[0] || is_named)
        && sequence.iter().all(is_base)
        && quality_scores.iter().all(|byte| (b'!'..=b'~').contains(byte))
        && sequence.len() == quality_scores.len();
    sound.then_some((Owned { definition: definition.into(), sequence, quality_scores }, length))
}

/// Returns whether two words are the name of one read: without the number of a mate, the same, or one
/// with something after `_`, `/` or `#`.
fn are_alike(one: &[u8], other: &[u8]) -> bool {
    let template = |name: &[u8]| match name {
        [template @ .., b'/', b'1' | b'2'] => template.to_vec(),
        _ => name.to_vec(),
    };
    let (one, other) = (template(one), template(other));
    let goes_on = |long: &[u8], short: &[u8]| {
        !short.is_empty() && long.starts_with(short) && b"_/#".contains(&long[short.len()])
    };
    match one.len().cmp(&other.len()) {
        Ordering::Less => goes_on(&other, &one),
        Ordering::Equal => one == other && !one.is_empty(),
        Ordering::Greater => goes_on(&one, &other),
    }
}

fn is_base(byte: &u8) -> bool {
    byte.is_ascii_alphabetic() || b".-*".contains(byte)
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
