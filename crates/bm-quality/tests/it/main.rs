//! Tests of the public interface of bm-quality, on real reads.

// A test stops where it panics, and prints why it is skipped.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod agreement;
#[cfg(feature = "ndarray")]
mod arrays;
mod embedding;
mod evidence;
#[cfg(feature = "stand-in")]
mod fixed_shape;
mod long_evidence;
mod mutants;
mod own_encoding;
mod packages;
mod predictor;
mod rules;
mod unlearned;

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
