//! Broken input is an error that names the record.

use std::error::Error;
use std::fs;

use bm_truth::Rules;

use crate::support::{line, rows, sam, testdata};

const FASTA: &[u8] = b">ref\nACGTTGCAAGCTTAGGCATC\n";

fn message(fasta: &[u8], alignment: &[u8]) -> String {
    let error = rows(fasta, alignment, Rules::default()).expect_err("refused");
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[test]
fn inconsistent_records_are_refused() {
    let good = line(0, 1, "10M", "ACGTTGCAAG");
    let cases = [
        (line(0, 1, "11M", "ACGTTGCAAG"), "(read r): its CIGAR uses 11 bases, the read has 10"),
        (
            line(0, 15, "10M", "ACGTTGCAAG"),
            "(read r): ends at 24 of ref, which has 20 bases; give the reference",
        ),
        (line(0, 1, "10M90000000D", "ACGTTGCAAG"), "(read r): ends at 90000010 of ref"),
        (line(0, 1, "*", "ACGTTGCAAG"), "(read r): is flagged as mapped, but has no CIGAR"),
        (line(0, 0, "10M", "ACGTTGCAAG"), "(read r): is flagged as mapped, but has no position"),
        ("r\t0\tref\t1\t60\t10M\t*\t0\t0\t*\t*".to_owned(), "(read r): has no bases; "),
        ("r\t0\tother\t1\t60\t4M\t*\t0\t0\tACGT\tIIII".to_owned(), ": "),
        ("r\t0\tref\t1\t60\t4M\t*\t0\t0\tACGT".to_owned(), ": "),
        ("r\t0\tref\t1\t60\t4M\t*\t0\t0\tACGT\tIII".to_owned(), ""),
        ("r\t0\tref\t1\t60\t4Q\t*\t0\t0\tACGT\tIIII".to_owned(), ": "),
    ];
    for (record, expected) in cases {
        let message = message(FASTA, &sam(20, &[&good, &record]));
        assert!(
            message.starts_with("alignment record 2") && message.contains(expected),
            "{record}: {message}"
        );
    }
}

#[test]
fn headers_that_do_not_fit_the_reference_are_refused() {
    let record = line(0, 1, "10M", "ACGTTGCAAG");
    assert!(
        message(b">other\nACGT\n", &sam(20, &[&record]))
            .contains("names the sequence ref, which the reference does not have")
    );
    assert!(
        message(b">ref\nACGT\n", &sam(20, &[&record]))
            .contains("gives ref 20 bases, the reference has 4")
    );
    assert!(message(FASTA, b"").contains("is empty"));
    assert!(message(FASTA, b"CRAM\x03\x00").contains("is CRAM"));
    assert!(message(FASTA, b"@r1\nACGT\n+\nIIII\n").starts_with("header"));
    assert!(
        message(FASTA, format!("{record}\n").as_bytes()).contains("names no reference sequence")
    );
    assert!(message(FASTA, b"\x1f\x8b\x08\x00\x00\x00\x00\x00").starts_with("header"));
}

#[test]
fn a_truncated_bam_file_is_refused() {
    let fasta = fs::read(testdata("hiseq_measles/ref.fa")).unwrap();
    let bam = fs::read(testdata("hiseq_measles/hiseq_measles.bam")).unwrap();
    let whole = message(&fasta, &bam[..bam.len() - 28]);
    assert_eq!(
        whole,
        "the BAM file is truncated after record 2998: its end-of-file block is missing; copy or create it again"
    );
    for cut in [1, 27, 29, 1000, bam.len() / 2, bam.len() - 100, bam.len() - 4] {
        let message = message(&fasta, &bam[..bam.len() - cut]);
        let has_address = message.starts_with("alignment record ")
            || message.starts_with("header")
            || message.contains("truncated");
        assert!(has_address, "{cut}: {message}");
    }
}
