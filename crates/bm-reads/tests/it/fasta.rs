//! The FASTA reader: formats that it takes, faults and their address, generated files.

use std::io::{self, Read};

use bm_reads::RecordSource;
use bm_reads::fasta::{Reader, UNKNOWN_QUALITY};
use bm_reads::fastq::{BatchSize, FastqError, Record, RecordBatch};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{Owned, Pieces};

type Outcome = (Vec<Owned>, Option<String>);

fn one_by_one(text: impl Read + Send) -> Outcome {
    let (mut reader, mut record, mut records) = (Reader::new(text), Record::default(), Vec::new());
    loop {
        assert_eq!(reader.records(), records.len() as u64);
        match reader.read_record(&mut record) {
            Ok(true) => records.push(record.view().into()),
            Ok(false) => return (records, None),
            Err(fault) => return (records, Some(message(&fault))),
        }
    }
}

fn message(fault: &FastqError) -> String {
    match std::error::Error::source(fault) {
        Some(source) => format!("{fault}: {source}"),
        None => fault.to_string(),
    }
}

/// Returns the records of batches, the number in each, and the fault.
fn in_batches(text: impl Read + Send, size: BatchSize) -> (Outcome, Vec<usize>) {
    let (mut reader, mut batch) = (Reader::new(text), RecordBatch::default());
    let (mut records, mut sizes): (Vec<Owned>, _) = (Vec::new(), Vec::new());
    loop {
        let more = match reader.read_batch(&mut batch, size) {
            Ok(more) => more,
            Err(fault) => return ((records, Some(message(&fault))), sizes),
        };
        for i in 0..batch.len() {
            let address = batch.address(i).unwrap();
            assert_eq!(address.record, (records.len() + 1) as u64);
            records.push(batch.get(i).unwrap().into());
        }
        sizes.push(batch.len());
        assert_eq!(reader.records(), records.len() as u64);
        if !more {
            return ((records, None), sizes);
        }
    }
}

const SIZES: [BatchSize; 7] = [
    BatchSize::Bytes(0),
    BatchSize::Bytes(20),
    BatchSize::Bytes(usize::MAX),
    BatchSize::PairsInBytes(1),
    BatchSize::PairsInBytes(100),
    BatchSize::Records(3),
    BatchSize::RecordsUpTo { records: 5, bytes: 30 },
];

/// Expects that a text is read alike one by one, in batches, and in pieces of any size.
#[track_caller]
fn read(text: &[u8]) -> Outcome {
    let outcome = one_by_one(text);
    for pieces in [1, 2, 3, 7, 64] {
        assert!(one_by_one(Pieces(text, pieces)) == outcome, "{pieces}");
    }
    for size in SIZES {
        let (found, sizes) = in_batches(text, size);
        assert!(found == outcome, "{size:?}: {found:?}");
        if let BatchSize::PairsInBytes(_) = size {
            let last = if outcome.1.is_none() { 1 } else { 0 };
            let whole = sizes.len().saturating_sub(last);
            let even = |sizes: &[usize]| sizes.iter().all(|size| size.is_multiple_of(2));
            assert!(outcome.1.is_some() || even(&sizes[..whole]), "{sizes:?}");
        }
        assert!(sizes.iter().rev().skip(1).all(|size| *size > 0), "{sizes:?}");
    }
    outcome
}

fn owned(definition: &str, sequence: &str) -> Owned {
    Owned {
        definition: definition.into(),
        sequence: sequence.into(),
        quality_scores: vec![UNKNOWN_QUALITY; sequence.len()],
    }
}

#[test]
fn records_of_every_form_are_read() {
    for (text, records) in [
        ("", vec![]),
        ("\n\r\n", vec![]),
        (">a b\nACGT\n", vec![owned("a b", "ACGT")]),
        (">a\nACGT", vec![owned("a", "ACGT")]),
        (">a\r\nAC\r\nGT\r\n>b\r\nT\r\n", vec![owned("a", "ACGT"), owned("b", "T")]),
        (">a\nAC\r", vec![owned("a", "AC")]),
        (">a", vec![owned("a", "")]),
        (">", vec![owned("", "")]),
        (">a\n>b\n\n>c\nA\n", vec![owned("a", ""), owned("b", ""), owned("c", "A")]),
        (
            "\n>a\n\nAC\n\n\nGT\n\n>b\nacgtnRYu.-*\n",
            vec![owned("a", "ACGT"), owned("b", "acgtnRYu.-*")],
        ),
        (">a\tx >y\nA\n", vec![owned("a\tx >y", "A")]),
    ] {
        assert_eq!(read(text.as_bytes()), (records, None), "{text:?}");
    }
}

#[test]
fn faults_have_an_address() {
    for (text, whole, said) in [
        (
            "ACGT\n",
            0,
            "record 1 (byte 0): expected `>` and a read name, found `ACGT\\n`: this is not a FASTA record",
        ),
        (
            "\n\n@a\nA\n+\nI\n",
            0,
            "record 1 (byte 2): expected `>` and a read name, found `@a\\nA\\n+\\nI`: this looks like FASTQ",
        ),
        (
            "\u{feff}>a\nA\n",
            0,
            "record 1 (byte 0): expected `>` and a read name, found `\\xef\\xbb\\xbf>a\\nA\\n`: a byte order mark; save the file as plain ASCII text",
        ),
        (
            "\0\0\0",
            0,
            "record 1 (byte 0): expected `>` and a read name, found `\\x00\\x00\\x00`: this is not a FASTA record",
        ),
        (
            ">a\nAC\n>b x\nAC\nG\0T\n>c\nA\n",
            1,
            "record 2 (read b, byte 6): byte 0x00 at position 3 of the sequence is not a base",
        ),
        (
            ">a\nAC GT\n",
            0,
            "record 1 (read a, byte 0): byte 0x20 at position 2 of the sequence is not a base",
        ),
        (
            ">a\nAC\rGT\n",
            0,
            "record 1 (read a, byte 0): byte 0x0d at position 2 of the sequence is not a base",
        ),
        (
            ">a\nAC\r\r\n",
            0,
            "record 1 (read a, byte 0): byte 0x0d at position 2 of the sequence is not a base",
        ),
        (
            ">a\rb\nAC\n",
            0,
            "record 1 (read a\\rb, byte 0): a carriage return inside the line with the read's name; lines end in `\\n` or `\\r\\n`",
        ),
        (
            ">a\nACGT\n;comment\n",
            0,
            "record 1 (read a, byte 0): byte 0x3b at position 4 of the sequence is not a base",
        ),
        (
            ">a\nACGT>b\nA\n",
            0,
            "record 1 (read a, byte 0): byte 0x3e at position 4 of the sequence is not a base",
        ),
    ] {
        let (records, fault) = read(text.as_bytes());
        assert_eq!((records.len(), fault.as_deref()), (whole, Some(said)), "{text:?}");
    }
}

#[test]
fn text_without_line_ends_does_not_fill_the_memory() {
    let endless = |start: &'static [u8], byte: u8| start.chain(io::repeat(byte));
    let (records, fault) = one_by_one(endless(b">", b'x'));
    assert!(records.is_empty());
    assert_eq!(
        fault.as_deref(),
        Some(
            "record 1 (byte 0): the line with the read's name has more than 67108864 bytes; is this FASTA?"
        )
    );
    let (_, fault) = one_by_one(endless(b">a\n", b'A'));
    let said =
        "record 1 (read a, byte 0): the sequence has more than 268435456 bases, which no read has";
    assert_eq!(fault.as_deref(), Some(said));
}

#[test]
fn a_long_line_is_one_read() {
    let length = 10_000_000;
    let text = b">long\n".chain(io::repeat(b'A').take(length)).chain(&b"\n>next\nC\n"[..]);
    let (records, fault) = one_by_one(text);
    assert_eq!((records.len(), fault), (2, None));
    assert_eq!(records[0].sequence.len() as u64, length);
}

#[test]
fn an_error_of_the_stream_comes_after_the_records_before_it() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let (records, fault) = one_by_one(b">a\nAC\n>b\nAC".chain(Broken));
    assert_eq!(records, [owned("a", "AC")]);
    let said = "record 2 (byte 6): reading the input failed: the disk is gone";
    assert_eq!(fault.as_deref(), Some(said));
}

fn record() -> impl Strategy<Value = Owned> {
    let definition_byte =
        any::<u8>().prop_filter("no line end", |byte| !matches!(byte, b'\n' | b'\r'));
    let sequence = vec(select(b"ACGTUNacgtuRYKMSWBDHV.-*".as_slice()), 0..200);
    (vec(definition_byte, 0..30), sequence).prop_map(|(definition, sequence)| Owned {
        quality_scores: vec![UNKNOWN_QUALITY; sequence.len()],
        definition,
        sequence,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        records in vec((record(), 1..80usize, select(vec!["\n", "\r\n", "\n\n"])), 0..12),
        final_end in any::<bool>(),
    ) {
        let mut text = Vec::new();
        for (record, width, end) in &records {
            text.push(b'>');
            text.extend_from_slice(&record.definition);
            text.extend_from_slice(end.as_bytes());
            for line in record.sequence.chunks(*width) {
                text.extend_from_slice(line);
                text.extend_from_slice(end.as_bytes());
            }
        }
        if !final_end {
            while text.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                text.pop();
            }
        }
        let expected: Vec<Owned> = records.into_iter().map(|(record, ..)| record).collect();
        prop_assert_eq!(read(&text), (expected, None));
    }

    /// No text makes the reader panic, and every reading of it says the same.
    #[test]
    fn any_text_is_read_alike_in_every_way(
        text in vec(prop_oneof![4 => select(b">ACGTn\n\r@+ \0;".as_slice()), 1 => any::<u8>()], 0..300),
    ) {
        let (records, fault) = read(&text);
        let bases: usize = records.iter().map(|record| record.sequence.len()).sum();
        prop_assert!(bases + records.len() <= text.len());
        prop_assert!(fault.is_none_or(|fault| fault.starts_with("record ")));
    }
}
