//! Bytes as FASTQ: the reader must return the records and the fault of the reference parser,
//! however the bytes arrive. noodles-fastq must return the same records of four lines.

use std::io::{self, Read};

use bm_reads::fastq::{BatchSize, FastqError, Reader, Record, RecordBatch};

use crate::message;
use crate::reference;
use crate::second_reader;
use crate::support::Owned;

/// Sizes of batches and of single reads from the stream: about one byte, a line, a record, and more
/// than the whole text. Each text is read with two of these sizes, chosen by its length; over many
/// texts, all sizes are tested, and each text takes less time.
const BYTES: [usize; 6] = [1, 7, 256, 2, 33, 1 << 18];

/// Reads a text in every supported way and compares the results with the reference parser.
///
/// # Panics
///
/// If the records or the record at fault differ from the reference, noodles-fastq returns another
/// record of four lines, or a message has control characters.
pub fn check(text: &[u8]) {
    let (records, fault) = reference::parse(text);
    let expected = Outcome { records, fault, message: None };
    let whole = one_by_one(Reader::new(text));
    expected.expect(&whole, "record by record");
    for &bytes in BYTES.iter().skip(text.len() % 3).step_by(3) {
        whole.expect(&one_by_one(Reader::new(Pieces(text, bytes))), "record by record, in pieces");
        for size in [
            BatchSize::Bytes(bytes),
            BatchSize::PairsInBytes(bytes),
            BatchSize::Records(bytes),
            BatchSize::RecordsUpTo { records: 3, bytes },
        ] {
            whole.expect(&in_batches(Reader::new(text), size), "in batches");
            whole.expect(
                &in_batches(Reader::new(Pieces(text, 1 + bytes / 3)), size),
                "in batches, in pieces",
            );
        }
    }
    let compared = second_reader::compare(text);
    assert_eq!(compared.same + compared.left_out, whole.records.len(), "noodles-fastq");
    let converted = expected.with_phred64();
    let whole = one_by_one(Reader::new(text).phred64());
    converted.expect(&whole, "Phred + 64");
    for bytes in [1, 33] {
        whole.expect(
            &in_batches(Reader::new(Pieces(text, bytes)).phred64(), BatchSize::Bytes(bytes)),
            "Phred + 64 in batches",
        );
    }
}

/// The result of reading a text.
struct Outcome {
    records: Vec<Owned>,
    /// The record at fault.
    fault: Option<u64>,
    /// The error message; the reference parser gives none.
    message: Option<String>,
}

impl Outcome {
    fn expect(&self, found: &Self, how: &str) {
        assert_eq!(found.records, self.records, "{how}");
        assert_eq!(found.fault, self.fault, "{how}: {:?}", found.message);
        if self.message.is_some() {
            assert_eq!(found.message, self.message, "{how}");
        }
    }

    fn end(&mut self, error: &FastqError) {
        (self.fault, self.message) = (Some(error.record), Some(message(error)));
    }

    /// Returns the expected result if the quality scores are Phred + 64.
    fn with_phred64(mut self) -> Self {
        if let Some(invalid) = self
            .records
            .iter()
            .position(|record| record.quality_scores.iter().any(|byte| *byte < 64))
        {
            self.records.truncate(invalid);
            self.fault = Some(invalid as u64 + 1);
        }
        self.records
            .iter_mut()
            .flat_map(|record| &mut record.quality_scores)
            .for_each(|byte| *byte -= 31);
        self
    }
}

fn one_by_one(mut reader: Reader<impl Read>) -> Outcome {
    let mut found = Outcome { records: Vec::new(), fault: None, message: None };
    let mut record = Record::default();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => found.records.push(Owned {
                definition: record.definition().to_vec(),
                sequence: record.sequence().to_vec(),
                quality_scores: record.quality_scores().to_vec(),
            }),
            Ok(false) => break,
            Err(error) => {
                found.end(&error);
                break;
            }
        }
    }
    assert_eq!(reader.records(), found.records.len() as u64);
    found
}

fn in_batches(mut reader: Reader<impl Read>, size: BatchSize) -> Outcome {
    let mut found = Outcome { records: Vec::new(), fault: None, message: None };
    let mut batch = RecordBatch::default();
    loop {
        match reader.read_batch(&mut batch, size) {
            Ok(more) => {
                assert!(!(more && batch.is_empty()), "a batch is empty before the end");
                if let BatchSize::Records(most) = size {
                    assert!(batch.len() <= most);
                }
                found.records.extend(batch.iter().map(|record| Owned {
                    definition: record.definition.to_vec(),
                    sequence: record.sequence.to_vec(),
                    quality_scores: record.quality_scores.to_vec(),
                }));
                if !more {
                    break;
                }
            }
            Err(error) => {
                assert!(batch.is_empty(), "a batch is left after a fault");
                found.end(&error);
                break;
            }
        }
    }
    found
}

/// A stream that returns at most this many bytes at a time.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(buf.len()).min(self.1);
        let (now, rest) = self.0.split_at(count);
        buf[..count].copy_from_slice(now);
        self.0 = rest;
        Ok(count)
    }
}
