//! Tests of bm-quality from outside, on real reads.

// A test that cannot go on should say where it stopped, and one that is skipped should say so.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod agreement;
mod evidence;
mod mutants;
mod packages;
mod predictor;
mod rules;

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use bm_reads::fastq::{Reader, Record};
use flate2::bufread::MultiGzDecoder;

/// The repository's test data; a crate from a registry does not have them.
fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// All records of a gzip file of the test data.
fn records(name: &str) -> Vec<Record> {
    let file = File::open(testdata(name)).unwrap();
    let mut reader = Reader::new(BufReader::new(MultiGzDecoder::new(BufReader::new(file))));
    let (mut records, mut record) = (Vec::new(), Record::default());
    while reader.read_record(&mut record).unwrap() {
        records.push(record.clone());
    }
    assert!(!records.is_empty(), "{name} is empty");
    records
}
