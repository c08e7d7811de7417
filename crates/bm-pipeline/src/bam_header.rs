//! The header of BAM outputs: that of the inputs, and a line for this program.

use std::collections::BTreeSet;
use std::sync::Arc;

use bm_reads::bam::{Header, MAGIC};

use crate::PipelineError;

/// The id of this program in `@PG` lines.
const ID: &str = "bm";

/// The first line where no input has one.
const FIRST: &str = "@HD\tVN:1.6\tSO:unknown";

/// Returns the bytes of the header of an output: of the headers of BAM inputs, if there are some, with a
/// `@PG` line for the program that was called by this command line.
///
/// The lines of several inputs are joined; those that are the same are written once.
///
/// # Errors
///
/// If read groups of different inputs have one id.
pub(crate) fn bytes(
    inputs: &[Arc<Header>],
    version: &str,
    command_line: &str,
) -> Result<Vec<u8>, PipelineError> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for input in inputs {
        join(&mut lines, &input.text)?;
    }
    match lines.first_mut() {
        Some(first) if first.starts_with(b"@HD") => {
            // Records of several files are in no order.
            if inputs.len() > 1 {
                let kept = first
                    .split(|byte| *byte == b'\t')
                    .filter(|field| !field.starts_with(b"SO:") && !field.starts_with(b"GO:"));
                let kept: Vec<&[u8]> = kept.chain([&b"SO:unknown"[..]]).collect();
                *first = kept.join(&b'\t');
            }
        }
        _ => lines.insert(0, FIRST.into()),
    }
    let ids: BTreeSet<Vec<u8>> = fields(&lines, b"ID:").collect();
    let previous: BTreeSet<Vec<u8>> = fields(&lines, b"PP:").collect();
    let last = fields(&lines, b"ID:").filter(|id| !previous.contains(id)).last();
    let id =
        (0..).map(|number: u32| if number == 0 { ID.to_owned() } else { format!("{ID}.{number}") });
    let id = id.into_iter().find(|id| !ids.contains(id.as_bytes())).unwrap_or_default();
    let mut line = format!("@PG\tID:{id}\tPN:bm\tVN:{version}").into_bytes();
    if let Some(last) = last {
        line.extend_from_slice(b"\tPP:");
        line.extend_from_slice(&last);
    }
    if !command_line.is_empty() {
        let shown = |letter: char| if letter.is_control() { ' ' } else { letter };
        let words: String = command_line.chars().map(shown).collect();
        line.extend_from_slice(format!("\tCL:{words}").as_bytes());
    }
    lines.push(line);
    let text: Vec<u8> = lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect();
    // Reads have no place on a reference; those of one input are kept, as its text names them.
    let references = match inputs {
        [input] => &input.references[..],
        _ => &[0; 4],
    };
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&text);
    bytes.extend_from_slice(references);
    Ok(bytes)
}

/// Returns the value of a field of every `@PG` line that has it.
fn fields<'a>(lines: &'a [Vec<u8>], name: &'a [u8]) -> impl Iterator<Item = Vec<u8>> + 'a {
    let lines = lines.iter().filter(|line| line.starts_with(b"@PG\t"));
    lines.filter_map(move |line| field(line, name).map(<[u8]>::to_vec))
}

fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    line.split(|byte| *byte == b'\t').find_map(|field| field.strip_prefix(name))
}

/// Adds the lines of a header that are not there yet. A `@PG` line whose id is taken gets another one.
fn join(lines: &mut Vec<Vec<u8>>, text: &[u8]) -> Result<(), PipelineError> {
    let is_first = lines.is_empty();
    let mut renamed: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if is_first {
            lines.push(line.to_vec());
            continue;
        }
        // The references of several inputs are left out, and the first input has the first line.
        let is_there = lines.iter().any(|known| known == line);
        if is_there || line.starts_with(b"@HD") || line.starts_with(b"@SQ") {
            continue;
        }
        let id = field(line, b"ID:").unwrap_or_default();
        let kind = &line[..line.len().min(3)];
        let has_id = |id: &[u8]| {
            lines.iter().any(|known| known.starts_with(kind) && field(known, b"ID:") == Some(id))
        };
        if kind == b"@RG" && has_id(id) {
            return PipelineError::refuse(format!(
                "two inputs have different read groups with the ID {}: give one of them another ID by \
                 `samtools addreplacerg`, or write each to a file of its own",
                id.escape_ascii()
            ));
        }
        let mut line = line.to_vec();
        if kind == b"@PG" {
            let old = id.to_vec();
            let mut new = old.clone();
            let mut number = 1_u32;
            while has_id(&new) {
                new = [&old[..], format!(".{number}").as_bytes()].concat();
                number += 1;
            }
            line = with_ids(&line, &new, &renamed);
            renamed.push((old, new));
        }
        lines.push(line);
    }
    if lines.len() > 1 && !is_first {
        lines.retain(|line| !line.starts_with(b"@SQ"));
    }
    Ok(())
}

/// Returns a `@PG` line with this id, and with the new id of the program before it.
fn with_ids(line: &[u8], id: &[u8], renamed: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let fields = line.split(|byte| *byte == b'\t').map(|field| {
        if field.starts_with(b"ID:") {
            return [b"ID:", id].concat();
        }
        match field.strip_prefix(b"PP:") {
            Some(before) => {
                let new =
                    renamed.iter().rev().find(|(old, _)| old == before).map(|(_, new)| &new[..]);
                [b"PP:", new.unwrap_or(before)].concat()
            }
            None => field.to_vec(),
        }
    });
    fields.collect::<Vec<_>>().join(&b'\t')
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn header(text: &str) -> Arc<Header> {
        Arc::new(Header { text: text.as_bytes().to_vec(), references: vec![0; 4] })
    }

    /// Returns the lines of the header of an output.
    fn lines(inputs: &[Arc<Header>]) -> Vec<String> {
        let bytes = bytes(inputs, "1.2", "bm filter\tx").unwrap();
        let length = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
        assert_eq!(bytes.len(), 8 + length + 4);
        let text = String::from_utf8(bytes[8..8 + length].to_vec()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn reads_of_fastq_get_a_header() {
        assert_eq!(
            lines(&[]),
            ["@HD\tVN:1.6\tSO:unknown", "@PG\tID:bm\tPN:bm\tVN:1.2\tCL:bm filter x"]
        );
    }

    #[test]
    fn the_header_of_an_input_is_kept_and_the_program_is_added_behind_the_last_one() {
        let text =
            "@HD\tVN:1.5\tSO:queryname\n@RG\tID:a\n@PG\tID:x\n@PG\tID:bm\tPP:x\n@CO\thello\n";
        let found = lines(&[header(text)]);
        assert!(text.lines().eq(found[..5].iter()));
        assert_eq!(found[5], "@PG\tID:bm.1\tPN:bm\tVN:1.2\tPP:bm\tCL:bm filter x");
    }

    #[test]
    fn headers_of_several_inputs_are_joined() {
        let one = "@HD\tVN:1.6\tSO:queryname\n@RG\tID:a\n@PG\tID:x\tCL:1\n@PG\tID:y\tPP:x\n";
        let other = "@HD\tVN:1.6\n@RG\tID:b\n@RG\tID:a\n@PG\tID:x\tCL:2\n@PG\tID:z\tPP:x\n";
        assert_eq!(
            lines(&[header(one), header(other)]),
            [
                "@HD\tVN:1.6\tSO:unknown",
                "@RG\tID:a",
                "@PG\tID:x\tCL:1",
                "@PG\tID:y\tPP:x",
                "@RG\tID:b",
                "@PG\tID:x.1\tCL:2",
                "@PG\tID:z\tPP:x.1",
                "@PG\tID:bm\tPN:bm\tVN:1.2\tPP:z\tCL:bm filter x"
            ]
        );
        let clash = header("@HD\tVN:1.6\n@RG\tID:a\tSM:other\n");
        let error = bytes(&[header(one), clash], "1", "").unwrap_err().to_string();
        assert!(error.contains("different read groups with the ID a"), "{error}");
    }
}
