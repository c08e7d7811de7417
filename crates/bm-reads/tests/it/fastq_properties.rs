//! Properties of the FASTQ reader, on generated files.

use std::io::{self, Read};

use bm_reads::fastq::{BatchSize, Fault, Reader, Record, RecordBatch};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::reference;
use crate::support::{Owned, Pieces, content, read_all, read_batches, read_text};

pub(crate) fn record() -> impl Strategy<Value = Owned> {
    let definition_byte =
        any::<u8>().prop_filter("no line end", |byte| !matches!(byte, b'\n' | b'\r'));
    (vec(definition_byte, 0..30), 0..200usize).prop_flat_map(|(definition, length)| {
        (
            Just(definition),
            vec(select(b"ACGTUNacgtuRYKMSWBDHV.-*".as_slice()), length),
            vec(b'!'..=b'~', length),
        )
            .prop_map(|(definition, sequence, quality_scores)| Owned {
                definition,
                sequence,
                quality_scores,
            })
    })
}

/// How a record is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// What the `+` line repeats: nothing, the name, the whole definition.
    plus: u8,
    ends: [&'static str; 4],
}

pub(crate) fn style() -> impl Strategy<Value = Style> {
    (0..3u8, prop::array::uniform4(select(vec!["\n", "\r\n"])))
        .prop_map(|(plus, ends)| Style { plus, ends })
}

pub(crate) fn write(text: &mut Vec<u8>, record: &Owned, Style { plus, ends }: Style) {
    let name =
        record.definition.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
    let repeated = [b"".as_slice(), name, &record.definition][usize::from(plus)];
    let lines: [(&[u8], &[u8]); 4] = [
        (b"@", &record.definition),
        (b"", &record.sequence),
        (b"+", repeated),
        (b"", &record.quality_scores),
    ];
    for ((sign, line), end) in lines.into_iter().zip(ends) {
        text.extend_from_slice(sign);
        text.extend_from_slice(line);
        text.extend_from_slice(end.as_bytes());
    }
}

/// Writes a record with at most `bases` bases and `scores` quality scores per line.
fn write_wrapped(
    text: &mut Vec<u8>,
    record: &Owned,
    style: Style,
    (bases, scores): (usize, usize),
) {
    if record.sequence.is_empty() {
        return write(text, record, style);
    }
    let [definition, sequence, plus, quality] = style.ends;
    text.extend_from_slice(&[b"@", &record.definition[..], definition.as_bytes()].concat());
    record
        .sequence
        .chunks(bases)
        .for_each(|line| text.extend_from_slice(&[line, sequence.as_bytes()].concat()));
    text.extend_from_slice(&[b"+", plus.as_bytes()].concat());
    record
        .quality_scores
        .chunks(scores)
        .for_each(|line| text.extend_from_slice(&[line, quality.as_bytes()].concat()));
}

/// Texts that are nearly FASTQ, where parsers are likely to fail.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"@",
        b"+",
        b"\n",
        b"\r\n",
        b"\r",
        b"A",
        b"N",
        b"I",
        b"!",
        b"~",
        b" ",
        b"\t",
        b"\0",
        b"\x80",
        b">",
        b"@r1\n",
        b"@r2 x\n",
        b"ACGT\n",
        b"+\n",
        b"+r1\n",
        b"+r2 x\n",
        b"IIII\n",
        b"@r1\nAC\n+\nII\n",
        b"@r2 x\r\nA\r\n+r2\r\nI\r\n",
        b"@r3\n\n+\n\n",
        b"@r4\nAC\nGT\n+\nI@\n+I\n",
        b"ACG\n+\n@+\nI\n",
        b"@r5\nACGT\n+r5 x=1\n@I\n+I\n",
    ];
    vec(select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

/// Reads `text` with all buffer sizes and compares the outcome with the reference: the same
/// records, or a fault in the same record.
fn check_against_reference(text: &[u8]) -> Result<(), TestCaseError> {
    let found = read_text(text);
    let (records, fault) = reference::parse(text);
    prop_assert_eq!(&found.records, &records, "{}", text.escape_ascii());
    prop_assert_eq!(
        found.fault.as_ref().map(|fault| fault.record),
        fault,
        "{}: {:?}",
        text.escape_ascii(),
        found.message()
    );
    if let Some(message) = found.message() {
        prop_assert!(!message.contains(|c: char| c.is_control()), "{:?}", message);
    }
    if let Some(fault) = found.fault {
        // The text before the named byte holds exactly the records before the fault.
        let (before, none) = reference::parse(&text[..usize::try_from(fault.byte).unwrap()]);
        prop_assert_eq!((before, none), (records, None), "{}", text.escape_ascii());
    }
    Ok(())
}

proptest! {
    #[test]
    fn written_records_are_read_back(
        records in vec(record(), 0..8),
        suffix in select(vec!["", " p=0.9731"]),
    ) {
        let mut text = Vec::new();
        for record in &records {
            write(&mut text, record, Style { plus: 0, ends: ["\n"; 4] });
        }
        let (mut reader, mut record, mut copy) = (Reader::new(&text[..]), Record::default(), Vec::new());
        let mut expected = records.clone();
        while reader.read_record(&mut record).unwrap() {
            record.write_to(&mut copy, suffix.as_bytes()).unwrap();
        }
        if suffix.is_empty() {
            prop_assert_eq!(copy.escape_ascii().to_string(), text.escape_ascii().to_string());
        }
        expected.iter_mut().for_each(|record| record.definition.extend_from_slice(suffix.as_bytes()));
        let found = read_all(&copy[..]);
        prop_assert!(found.fault.is_none(), "{:?}", found.message());
        prop_assert_eq!(found.records, expected);
    }

    #[test]
    fn line_ends_and_the_plus_line_are_not_part_of_a_record(
        records in vec((record(), style()), 0..8),
        final_newline in any::<bool>(),
        blank in select(vec!["", "\n", "\n\n\n", "\r\n", "\r\n\n"]),
    ) {
        let mut text = Vec::new();
        for (record, style) in &records {
            write(&mut text, record, *style);
        }
        match records.last() {
            // The last line end cannot be removed after an empty quality line: the line would
            // vanish.
            Some((last, _)) if !final_newline && !last.sequence.is_empty() => {
                text.truncate(text.len() - if text.ends_with(b"\r\n") { 2 } else { 1 });
            }
            _ => text.extend_from_slice(blank.as_bytes()),
        }
        let found = read_text(&text);
        prop_assert!(found.fault.is_none(), "{:?}", found.message());
        prop_assert_eq!(found.records, records.into_iter().map(|(record, _)| record).collect::<Vec<_>>());
    }

    #[test]
    fn batch_ends_depend_only_on_the_text(text in soup(), bytes in 1..80usize, piece in 1..20usize) {
        let one_by_one = read_all(&text[..]);
        let found = read_batches(&text[..], bytes);
        prop_assert_eq!(found.records, one_by_one.records);
        prop_assert_eq!(
            found.fault.map(|fault| fault.to_string()),
            one_by_one.fault.map(|fault| fault.to_string())
        );

        let (mut whole, mut pieces) = (Reader::new(&text[..]), Reader::new(Pieces(&text[..], piece)));
        let (mut batch, mut twin) = (RecordBatch::default(), RecordBatch::default());
        while let Ok(true) = whole.read_batch(&mut batch, BatchSize::Bytes(bytes)) {
            prop_assert!(pieces.read_batch(&mut twin, BatchSize::Bytes(bytes)).is_ok());
            prop_assert_eq!((twin.len(), twin.bytes()), (batch.len(), batch.bytes()));
        }
    }

    #[test]
    fn wrapped_records_equal_unwrapped_ones(
        records in vec((record(), style()), 0..6),
        widths in (1..90usize, 1..90usize),
        final_newline in any::<bool>(),
    ) {
        let mut text = Vec::new();
        for (record, style) in &records {
            write_wrapped(&mut text, record, *style, widths);
        }
        if !final_newline && records.last().is_some_and(|(last, _)| !last.sequence.is_empty()) {
            text.truncate(text.len() - if text.ends_with(b"\r\n") { 2 } else { 1 });
        }
        check_against_reference(&text)?;
        let found = read_text(&text);
        prop_assert!(found.fault.is_none(), "{:?}", found.message());
        prop_assert_eq!(found.records, records.into_iter().map(|(record, _)| record).collect::<Vec<_>>());
    }

    #[test]
    fn the_reader_agrees_with_the_reference_on_random_bytes(text in vec(any::<u8>(), 0..300)) {
        check_against_reference(&text)?;
    }

    #[test]
    fn the_reader_agrees_with_the_reference_on_random_bytes_after_an_at(
        text in vec(select(b"@+\n\r\n\nACI! r\x00\xff".as_slice()), 0..60),
    ) {
        check_against_reference(&[b"@", &text[..]].concat())?;
    }

    #[test]
    fn the_reader_agrees_with_the_reference_on_a_file_with_a_changed_byte(
        records in vec((record(), style()), 1..5),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut text = Vec::new();
        for (record, style) in &records {
            write(&mut text, record, *style);
        }
        let length = text.len();
        text[place.index(length)] = byte;
        check_against_reference(&text)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_reader_agrees_with_the_reference_on_nearly_valid_fastq(text in soup()) {
        check_against_reference(&text)?;
    }
}

#[test]
fn a_file_cut_anywhere_is_refused_or_has_exactly_its_complete_records() {
    let lf =
        b"@r1 a\nACGT\n+\nIIII\n@r2\n\n+\n\n@r3\nAC\n+r3\n@+\n@r4 b c\nA\n+r4 b c\n!\n".to_vec();
    let crlf = lf
        .iter()
        .flat_map(|byte| if *byte == b'\n' { b"\r\n".to_vec() } else { vec![*byte] })
        .collect();
    for text in [lf, crlf, content("broken/crlf.fastq"), content("broken/mixed_line_ends.fastq")] {
        let (whole, _) = reference::parse(&text);
        for end in 0..=text.len() {
            let cut = &text[..end];
            let found = read_text(cut);
            let (expected, fault) = reference::parse(cut);
            assert_eq!(found.records, expected, "{end} bytes");
            assert_eq!(
                found.fault.as_ref().map(|f| f.record),
                fault,
                "{end} bytes: {:?}",
                found.message()
            );
            // The records found are the first ones of the whole file.
            assert_eq!(found.records, whole[..found.records.len()], "{end} bytes");
            if let Some(fault) = found.fault {
                let cut = matches!(fault.fault, Fault::Cut { .. } | Fault::CutInQuality { .. });
                assert!(
                    cut || matches!(fault.fault, Fault::PlusNamesAnother { .. }),
                    "{end} bytes: {fault}"
                );
            } else {
                let rest: usize =
                    cut.len() - text_length(&text, found.records.len()).min(cut.len());
                assert_eq!(
                    rest, 0,
                    "{end} bytes: {rest} of them are in no record and no fault is named"
                );
            }
        }
    }
}

/// Returns the length in bytes of the first records of a text, at four lines per record.
fn text_length(text: &[u8], records: usize) -> usize {
    text.split_inclusive(|byte| *byte == b'\n').take(4 * records).map(<[u8]>::len).sum()
}

#[test]
fn a_record_cut_after_its_plus_is_cut_even_if_the_read_is_empty() {
    let found = read_text(b"@r1\n\n+");
    assert!(
        matches!(found.fault, Some(ref fault) if matches!(fault.fault, Fault::Cut { .. })),
        "{found:?}"
    );
    // With a line end after `+`, the empty quality line is present, and the read is complete.
    assert_eq!(read_text(b"@r1\n\n+\n").records.len(), 1);
}

/// At the end of a definition, such a carriage return would look like part of a line end in the
/// output.
#[test]
fn a_carriage_return_inside_the_definition_is_refused() {
    for text in [&b"@r1\r\r\nA\n+\nI\n"[..], b"@r1\ra\nA\n+\nI\n"] {
        let found = read_text(text);
        let message = found.message().unwrap_or_default();
        assert!(
            found.records.is_empty() && message.contains("carriage return"),
            "{}: {message}",
            text.escape_ascii()
        );
    }
}

#[test]
fn messages_stay_short_for_any_file() {
    let long = "x".repeat(64 * 1024);
    for text in [
        format!("@{long}\nA\n+\n!!\n"),
        format!("@r\nA\n+{long}\nI\n"),
        long.clone(),
        format!("@r\nA\n{long}\n"),
    ] {
        let message = read_text(text.as_bytes()).message().unwrap();
        assert!(message.len() < 400, "{} bytes", message.len());
    }
}

#[test]
fn a_read_of_a_million_bases_is_read() {
    const BASES: usize = 1 << 20;
    let mut text = b"@long\n".to_vec();
    text.extend((0..BASES).map(|i| b"ACGT"[i * 7 % 4]));
    text.extend_from_slice(b"\n+\n");
    text.extend((0..BASES).map(|i| b'!' + (i % 94) as u8));
    text.extend_from_slice(b"\n@next\nA\n+\nI\n");
    for found in [
        read_all(Pieces(&text[..], 4321)),
        read_batches(&text[..], 1 << 18),
        read_batches(&text[..], 1),
    ] {
        assert!(found.fault.is_none(), "{:?}", found.message());
        assert_eq!(found.records.iter().map(|r| r.sequence.len()).collect::<Vec<_>>(), [BASES, 1]);
        assert!(found.records[0].sequence == text[6..6 + BASES]);
        assert!(found.records[0].quality_scores == text[BASES + 9..2 * BASES + 9]);
    }
    // Without one quality score.
    text.remove(BASES + 9);
    let message = read_all(&text[..]).message().unwrap();
    assert!(
        message
            .starts_with("record 1 (read long, byte 0): 1048576 bases but 1048575 quality scores"),
        "{message}"
    );
}

#[test]
fn a_name_of_64_kb_is_kept() {
    let name = "n".repeat(64 * 1024);
    let found = read_text(format!("@{name} d\nA\n+{name}\nI\n@r2\nA\n+\nI\n").as_bytes());
    assert!(found.fault.is_none(), "{:?}", found.message());
    assert_eq!(found.records[0].definition, format!("{name} d").as_bytes());
    assert_eq!(found.records.len(), 2);
}

/// A stream that fails at its end, or is interrupted before each read.
struct Failing<'a> {
    text: &'a [u8],
    interrupt: bool,
    interrupted: bool,
}

impl Read for Failing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.interrupted = self.interrupt && !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.text.is_empty() && !self.interrupt {
            return Err(io::Error::other("the disk is gone"));
        }
        let count = self.text.len().min(buf.len()).min(1);
        let (now, rest) = self.text.split_at(count);
        buf[..count].copy_from_slice(now);
        self.text = rest;
        Ok(count)
    }
}

/// A failure anywhere is reported as a failure of the stream, not as the end of the file, and gives
/// no extra record.
#[test]
fn a_failing_stream_is_not_the_end_of_the_file() {
    let text = b"@r1\nAC\n+\nII\n@r2\r\n\r\n+r2\r\n\r\n";
    for end in 0..=text.len() {
        let found = read_all(Failing { text: &text[..end], interrupt: false, interrupted: false });
        let message = found.message().unwrap_or_default();
        assert!(
            message.ends_with("reading the input failed: the disk is gone"),
            "{end} bytes: {message}"
        );
        assert!(found.records.len() <= end / 12, "{end} bytes: {} records", found.records.len());
    }
}

#[test]
fn a_stream_failure_after_a_fault_in_the_text_is_found() {
    let mut text = b"@r1\nAC\n+\nII\n@r2\nA?\n+\nII\n".to_vec();
    text.resize(300_000, b'x');
    for (interrupt, bytes, expected) in [
        (false, u64::MAX, Some("the disk is gone")),
        (false, 1_000, None),
        (false, 0, None),
        (true, u64::MAX, None),
    ] {
        let mut reader = Reader::new(Failing { text: &text, interrupt, interrupted: false });
        let mut record = Record::default();
        assert!(reader.read_record(&mut record).unwrap());
        assert!(matches!(
            reader.read_record(&mut record).unwrap_err().fault,
            Fault::InvalidBase { .. }
        ));
        let failure = reader.stream_failure_within(bytes).map(|error| error.to_string());
        assert_eq!(failure.as_deref(), expected, "{bytes} bytes");
    }
}

#[test]
fn reading_continues_after_an_interruption() {
    let text = b"@r1 d\nAC\n+\nII\n@r2\r\n\r\n+r2\r\n\r\n";
    let found = read_all(Failing { text, interrupt: true, interrupted: false });
    assert!(found.fault.is_none(), "{:?}", found.message());
    assert_eq!(found.records, reference::parse(text).0);
}

#[test]
fn a_fault_names_its_cause_once() {
    let found = read_text(b"@r1\nA\n+\n \n");
    let fault = found.fault.unwrap();
    assert!(
        matches!(
            &fault.fault,
            Fault::Read(bm_reads::ReadError::InvalidQuality { position: 0, byte: b' ' })
        ),
        "{fault:?}"
    );
    assert!(std::error::Error::source(&fault).is_none(), "said twice");
}
