//! A real run: every column of every read equals an independently made table.

use std::collections::HashMap;
use std::fs;
use std::io::Read;

use bm_truth::Rules;
use flate2::read::MultiGzDecoder;

use crate::support::{rows, testdata};

#[test]
fn the_measles_table_is_reproduced() {
    let expected = table();
    for name in ["hiseq_measles.bam", "hiseq_measles.cram"] {
        let alignment = fs::read(testdata(&format!("hiseq_measles/{name}"))).unwrap();
        let fasta = fs::read(testdata("hiseq_measles/ref.fa")).unwrap();
        let (rows, mask) = rows(&fasta, &alignment, Rules::default()).unwrap();
        assert_eq!((rows.len(), expected.len(), mask.positions()), (2998, 2998, 88), "{name}");
        for row in rows {
            let mut line = Vec::new();
            row.write_to(&mut line).unwrap();
            let line = String::from_utf8(line).unwrap();
            let line = line.trim_end_matches('\n');
            assert_eq!(Some(line), expected.get(&key(line)).map(String::as_str), "{name}");
        }
    }
}

/// Returns the file and the name of a read.
fn key(line: &str) -> String {
    line.split('\t').take(2).collect::<Vec<_>>().join(" ")
}

/// Returns the rows of the table.
fn table() -> HashMap<String, String> {
    let mut text = String::new();
    let table = fs::File::open(testdata("hiseq_measles/hiseq_measles.truth.tsv.gz")).unwrap();
    MultiGzDecoder::new(table).read_to_string(&mut text).unwrap();
    assert!(bm_truth::HEADER.trim_end() == text.lines().next().unwrap());
    text.lines().skip(1).map(|line| (key(line), line.to_owned())).collect()
}
