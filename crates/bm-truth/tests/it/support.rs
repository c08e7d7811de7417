//! Functions that several test modules use.

use std::path::{Path, PathBuf};

use bm_truth::{Aligned, Alignment, Mask, Pileup, Reference, Row, Rules, TruthError};

/// Returns the path of a file of test data.
pub(crate) fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// Returns all rows of an alignment, in two passes as `bm truth` makes them.
pub(crate) fn rows(
    fasta: &[u8],
    alignment: &[u8],
    rules: Rules,
) -> Result<(Vec<Row>, Mask), TruthError> {
    let reference = Reference::read(fasta)?;
    let mut aligned = Aligned::default();
    let mut pileup = Pileup::new(&reference, rules);
    let mut first = Alignment::open(alignment, &reference)?;
    while first.read(&reference, &mut aligned)? {
        pileup.add(&reference, &aligned);
    }
    let mask = pileup.mask(&reference);
    let mut second = Alignment::open(alignment, &reference)?;
    let mut rows = Vec::new();
    while second.read(&reference, &mut aligned)? {
        rows.push(aligned.row(&reference, &mask, &rules));
    }
    Ok((rows, mask))
}

/// Returns SAM text with one sequence `ref`.
pub(crate) fn sam(length: usize, records: &[&str]) -> Vec<u8> {
    let mut text = format!("@HD\tVN:1.6\n@SQ\tSN:ref\tLN:{length}\n");
    for record in records {
        text.push_str(record);
        text.push('\n');
    }
    text.into_bytes()
}

/// Returns a SAM line on `ref`.
pub(crate) fn line(flags: u16, start: usize, cigar: &str, bases: &str) -> String {
    let scores = "I".repeat(bases.len());
    format!("r\t{flags}\tref\t{start}\t60\t{cigar}\t*\t0\t0\t{bases}\t{scores}")
}

/// Returns the columns from `alnlen` on of a row, with a blank between them; without `ee`.
pub(crate) fn shown(row: &Row) -> String {
    let mut text = Vec::new();
    row.write_to(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let columns: Vec<_> = text.trim_end_matches('\n').split('\t').collect();
    [&columns[5..14], &columns[15..]].concat().join(" ").trim_end().to_owned()
}
