//! A real run: every column of every read equals an independently made table.

use std::collections::HashMap;
use std::fs;
use std::io::Read;

use bm_truth::Rules;
use flate2::read::MultiGzDecoder;

use crate::support::{rows, testdata};

#[test]
fn the_measles_table_is_reproduced() {
    let mut text = String::new();
    let table = fs::File::open(testdata("hiseq_measles/hiseq_measles.truth.tsv.gz")).unwrap();
    MultiGzDecoder::new(table).read_to_string(&mut text).unwrap();
    let key = |line: &str| line.split('\t').take(2).collect::<Vec<_>>().join(" ");
    let expected: HashMap<_, _> = text.lines().skip(1).map(|line| (key(line), line)).collect();
    assert!(bm_truth::HEADER.trim_end() == text.lines().next().unwrap());

    let fasta = fs::read(testdata("hiseq_measles/ref.fa")).unwrap();
    let bam = fs::read(testdata("hiseq_measles/hiseq_measles.bam")).unwrap();
    let (rows, mask) = rows(&fasta, &bam, Rules::default()).unwrap();
    assert_eq!((rows.len(), expected.len(), mask.positions()), (2998, 2998, 88));
    for row in rows {
        let mut line = Vec::new();
        row.write_to(&mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(Some(&line.trim_end_matches('\n')), expected.get(&key(&line)));
    }
}
