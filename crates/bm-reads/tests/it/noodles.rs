//! Our reader compared with noodles-fastq, on all test data and on generated files.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;

use crate::fastq_properties::{record, style, write};
use crate::second_reader::{Compared, Parts, compare};
use crate::support::{read_all, testdata, text_of};

/// Returns the records that noodles-fastq reads from a text as one stream, and the error that ended
/// it.
fn noodles(text: &[u8]) -> (Vec<Parts>, Option<io::Error>) {
    let mut reader = noodles_fastq::io::Reader::new(text);
    let mut records = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => records.push((&record).into()),
            Err(error) => return (records, Some(error)),
        }
    }
    (records, None)
}

/// Returns the paths of the FASTQ files in a folder, by their names.
fn fastq_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy();
        if path.is_dir() {
            files.extend(fastq_files(&path));
        } else if name.ends_with(".fastq") || name.ends_with(".fastq.gz") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn both_readers_return_the_same_records_of_every_well_formed_file() {
    let (mut files, mut total) = (0, Compared::default());
    for path in fastq_files(&testdata("")) {
        let content = std::fs::read(&path).unwrap();
        let mut text = Vec::new();
        if text_of(&content).read_to_end(&mut text).is_err() {
            continue;
        }
        let ours = read_all(&text[..]);
        if ours.fault.is_some() {
            continue;
        }
        let name = path.display();
        let compared = compare(&text);
        assert_eq!(compared.same + compared.left_out, ours.records.len(), "{name}");
        // Compared as one stream too, unless blank lines or wrapped records stop noodles-fastq.
        if compared.left_out == 0 && !text.ends_with(b"\n\n") {
            let (theirs, error) = noodles(&text);
            assert!(error.is_none(), "{name}: {error:?}");
            assert_eq!(theirs.len(), ours.records.len(), "{name}");
        }
        files += 1;
        total.same += compared.same;
        total.left_out += compared.left_out;
    }
    // The two wrapped files have 1,236 records.
    assert_eq!((files, total), (28, Compared { same: 25_084, left_out: 1_236 }));
}

proptest! {
    #[test]
    fn both_readers_return_the_same_records_of_a_generated_file(
        records in vec((record(), style()), 0..20),
    ) {
        let mut text = Vec::new();
        for (record, style) in &records {
            write(&mut text, record, *style);
        }
        prop_assert_eq!(compare(&text), Compared { same: records.len(), left_out: 0 });
        let (theirs, error) = noodles(&text);
        prop_assert!(error.is_none(), "{:?}", error);
        prop_assert_eq!(theirs.len(), records.len());
    }
}

/// Each line of the table in `second_reader.rs`: the number of records that each reader returns,
/// and whether it then finds a fault.
#[test]
fn the_readers_differ_only_as_documented() {
    for (text, ours, theirs) in [
        ("@a\nAC\nGT\n+\nII\nII\n", (1, false), (0, true)),
        ("@a\nAC\n+\nII\n\n\n", (1, false), (1, true)),
        ("@a\nAC\n+b\nII\n", (0, true), (1, false)),
        ("@a\nAC\n+\nIII\n", (0, true), (1, false)),
        ("@a\nA1\n+\nII\n", (0, true), (1, false)),
        ("@a\nAC\n+\nI \n", (0, true), (1, false)),
        ("@a\nAC\n+\n", (0, true), (1, false)),
    ] {
        let found = read_all(text.as_bytes());
        assert_eq!((found.records.len(), found.fault.is_some()), ours, "{text:?}");
        let (records, error) = noodles(text.as_bytes());
        assert_eq!((records.len(), error.is_some()), theirs, "{text:?}");
    }
    let text = b"@a\tb c\nAC\n+\nII\r";
    let ours = read_all(&text[..]).records.remove(0);
    let theirs = noodles_fastq::io::Reader::new(&text[..]).records().next().unwrap().unwrap();
    assert_eq!((&ours.definition[..], &ours.quality_scores[..]), (&b"a\tb c"[..], &b"II"[..]));
    assert_eq!(theirs.name(), "a");
    assert_eq!(theirs.description(), "b c");
    assert_eq!(theirs.quality_scores(), b"II\r");
}
