//! Broken input is an error that names the record.

use std::error::Error;
use std::fs;
use std::io::Write;

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
    assert!(message(FASTA, b"CRAM\x03\x00").contains("ends inside its header"));
    assert!(message(FASTA, b"@r1\nACGT\n+\nIIII\n").contains("looks like FASTQ"));
    assert!(message(FASTA, FASTA).contains("looks like FASTA"));
    assert!(
        message(FASTA, format!("{record}\n").as_bytes()).contains("names no reference sequence")
    );
    assert!(message(FASTA, b"\x1f\x8b\x08\x00\x00\x00\x00\x00").contains("ends inside its header"));
}

/// Returns the BGZF blocks of these bytes, with the end-of-file block.
fn bgzf(bytes: &[u8]) -> Vec<u8> {
    let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Returns a BAM file with these numbers of its header and this content after it.
fn bam(text: u32, sequences: u32, name: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"BAM\x01".to_vec();
    bytes.extend(text.to_le_bytes());
    bytes.extend(sequences.to_le_bytes());
    bytes.extend(name.to_le_bytes());
    bytes.extend(b"ref\0");
    bytes.extend(20_u32.to_le_bytes());
    bytes.extend(rest);
    bgzf(&bytes)
}

#[test]
fn lengths_beyond_any_file_are_refused() {
    let record = |length: u32, there: usize| [&length.to_le_bytes()[..], &vec![0; there]].concat();
    for (file, expected) in [
        (bam(0, 1, 4, &[]), None),
        (
            bam(u32::MAX, 1, 4, &[]),
            Some("header: the header has more than 67109376 bytes; is the file damaged?"),
        ),
        (
            bam(0, u32::MAX, 4, &[]),
            Some("header: lists 4294967295 reference sequences, the reference has 1; give the"),
        ),
        (
            bam(0, 1, u32::MAX, &[]),
            Some("header: the name of a reference sequence has more than 1048576 bytes; is"),
        ),
        (
            bam(0, 1, 4, &record(u32::MAX, 9)),
            Some("alignment record 1: the record has more than 67108864 bytes; is the file"),
        ),
        (
            bam(0, 1, 4, &record(60_000_000, 70_000)),
            Some("alignment record 1: states 60000000 bytes, the file ends after 70000"),
        ),
        (bam(0, 1, 4, &record(100, 50)), Some("alignment record 1: ")),
    ] {
        match expected {
            None => assert!(rows(FASTA, &file, Rules::default()).is_ok()),
            Some(expected) => {
                let message = message(FASTA, &file);
                assert!(message.starts_with(expected), "{message}");
            }
        }
    }
}

#[test]
fn a_long_record_is_read_like_a_short_one() {
    // Bases, qualities and a field of two million numbers, beyond what is passed on at once.
    let bases = 400_000;
    let mut block = Vec::new();
    block.extend((-1_i32).to_le_bytes());
    block.extend((-1_i32).to_le_bytes());
    block.extend([2, 255, 0x48, 0x12, 0, 0, 4, 0]);
    block.extend((bases as u32).to_le_bytes());
    block.extend([255; 8]);
    block.extend([0; 4]);
    block.extend(b"r\0");
    block.extend(vec![0x11; bases / 2]);
    block.extend(vec![30; bases]);
    block.extend(b"mvBc");
    block.extend(2_000_000_u32.to_le_bytes());
    block.extend(vec![1; 2_000_000]);
    let record = [&(block.len() as u32).to_le_bytes()[..], &block].concat();
    let file = bam(0, 1, 4, &record.repeat(3));
    let (rows, _) = rows(FASTA, &file, Rules::default()).unwrap();
    assert_eq!(rows.iter().map(|row| row.len).collect::<Vec<_>>(), [bases; 3]);
}

#[test]
fn endless_lines_are_refused() {
    let header = b"@HD\tVN:1.6\n@SQ\tSN:ref\tLN:20\n";
    let long = vec![b'x'; (1 << 24) + 1];
    for (file, expected) in [
        (
            [&header[..], b"@CO\t", &long].concat(),
            "header: a line of the header has more than 16777216 bytes; is the file damaged?",
        ),
        (
            [&header[..], &b"@CO\tx\n".repeat(100_002)].concat(),
            "header: the header has more than 100001 lines; is the file damaged?",
        ),
        (
            [&header[..], &[b"@CO\t", &long[..9 << 20], b"\n"].concat().repeat(8)].concat(),
            "header: the header has more than 67109376 bytes; is the file damaged?",
        ),
        (
            [&header[..], b"r\t0\tref\t1\t60\t1M\t*\t0\t0\tA\tI\n", &long.repeat(5)].concat(),
            "alignment record 2: the record has more than 67108864 bytes; is the file damaged?",
        ),
    ] {
        assert_eq!(message(FASTA, &file), expected);
        // The text of the header of a BAM file has the same limits.
        if expected.starts_with("header") {
            let length = (file.len() as u32).to_le_bytes();
            let file = bgzf(&[b"BAM\x01", &length[..], &file].concat());
            assert_eq!(message(FASTA, &file), expected);
        }
    }
    let fasta = [FASTA, b">", &long].concat();
    assert_eq!(
        message(&fasta, b""),
        "reference: sequence 2: a line with a name has more than 1048576 bytes; is the file damaged?"
    );
    // A sequence may be one line of any length.
    let fasta = [b">ref\n", &vec![b'A'; 3 << 20][..], b"\n>other\nACGT\n"].concat();
    assert!(message(&fasta, b"").contains("alignment is empty"));
}

#[test]
fn a_truncated_bam_file_is_refused() {
    let fasta = fs::read(testdata("hiseq_measles/ref.fa")).unwrap();
    let bam = fs::read(testdata("hiseq_measles/hiseq_measles.bam")).unwrap();
    let whole = message(&fasta, &bam[..bam.len() - 28]);
    assert_eq!(
        whole,
        "the file is truncated after record 2998: its end-of-file block is missing; copy or create it again"
    );
    for cut in [1, 27, 29, 1000, bam.len() / 2, bam.len() - 100, bam.len() - 4] {
        let message = message(&fasta, &bam[..bam.len() - cut]);
        let has_address = message.starts_with("alignment record ")
            || message.starts_with("header")
            || message.contains("truncated");
        assert!(has_address, "{cut}: {message}");
    }
}

#[test]
fn damaged_cram_is_refused() {
    let fasta = fs::read(testdata("hiseq_measles/ref.fa")).unwrap();
    let cram = fs::read(testdata("hiseq_measles/hiseq_measles.cram")).unwrap();
    for length in [4, 20, 40, 1000, cram.len() / 2, cram.len() - 40, cram.len() - 38] {
        let error = rows(&fasta, &cram[..length], Rules::default()).err();
        let message = error.map(|it| it.to_string()).unwrap_or_default();
        let starts = ["header", "alignment record ", "the file is truncated after record "];
        assert!(starts.iter().any(|it| message.starts_with(it)), "{length}: {message}");
    }
    for at in (26..cram.len()).step_by(cram.len() / 60) {
        let mut changed = cram.clone();
        changed[at] ^= 0x11;
        // Every block has a checksum.
        assert!(rows(&fasta, &changed, Rules::default()).is_err(), "byte {at}");
    }
    // Another reference: the bases of the reads would be others.
    let other: Vec<u8> = fasta.iter().map(|it| if *it == b'A' { b'C' } else { *it }).collect();
    assert!(rows(&other, &cram, Rules::default()).is_err());
}
