//! Helpers of several test modules.

use std::io::{self, Cursor, Read};
use std::path::PathBuf;

use bm_reads::fastq::{BatchSize, FastqError, Reader, Record, RecordBatch, RecordRef};
use flate2::bufread::MultiGzDecoder;

/// Sizes of batches and of the pieces of a stream, in bytes. They cut lines and line ends at every
/// place, because the parser works on incomplete text.
const SIZES: [usize; 6] = [1, 2, 3, 7, 64, 8192];

/// An owned record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Owned {
    pub(crate) definition: Vec<u8>,
    pub(crate) sequence: Vec<u8>,
    pub(crate) quality_scores: Vec<u8>,
}

/// The records of a file, and the fault that ended reading.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) records: Vec<Owned>,
    pub(crate) fault: Option<FastqError>,
}

impl Outcome {
    /// Returns the message of the fault with its causes.
    pub(crate) fn message(&self) -> Option<String> {
        let fault = self.fault.as_ref()?;
        let mut message = fault.to_string();
        let mut source = std::error::Error::source(fault);
        while let Some(cause) = source {
            message += &format!(": {cause}");
            source = cause.source();
        }
        Some(message)
    }
}

impl From<RecordRef<'_>> for Owned {
    fn from(record: RecordRef<'_>) -> Self {
        let RecordRef { definition, sequence, quality_scores, .. } = record;
        Self {
            definition: definition.to_vec(),
            sequence: sequence.to_vec(),
            quality_scores: quality_scores.to_vec(),
        }
    }
}

pub(crate) fn read_all(input: impl Read) -> Outcome {
    let (mut reader, mut record, mut records) = (Reader::new(input), Record::default(), Vec::new());
    loop {
        assert_eq!(reader.records(), records.len() as u64);
        match reader.read_record(&mut record) {
            Ok(true) => records.push(record.view().into()),
            Ok(false) => return Outcome { records, fault: None },
            Err(fault) => return Outcome { records, fault: Some(fault) },
        }
    }
}

/// Reads in batches of this many bytes.
pub(crate) fn read_batches(input: impl Read, bytes: usize) -> Outcome {
    let (mut reader, mut batch, mut records) =
        (Reader::new(input), RecordBatch::default(), Vec::new());
    loop {
        let more = reader.read_batch(&mut batch, BatchSize::Bytes(bytes));
        assert!(
            batch.len() <= 1 || batch.bytes() <= bytes,
            "{} records of {} bytes",
            batch.len(),
            batch.bytes()
        );
        assert_eq!(batch.iter().len(), batch.len());
        records.extend(batch.iter().map(Owned::from));
        assert_eq!(reader.records(), records.len() as u64);
        match more {
            Ok(true) => assert!(!batch.is_empty(), "batches without end"),
            Ok(false) => return Outcome { records, fault: None },
            Err(fault) => {
                assert!(batch.is_empty());
                return Outcome { records, fault: Some(fault) };
            }
        }
    }
}

/// A stream that returns at most this many bytes per read.
pub(crate) struct Pieces<R>(pub(crate) R, pub(crate) usize);

impl<R: Read> Read for Pieces<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = buf.len().min(self.1);
        self.0.read(&mut buf[..most])
    }
}

/// Reads `text` in pieces of every size, checks that all outcomes are equal, and returns one.
pub(crate) fn read_text(text: &[u8]) -> Outcome {
    same_in_all_pieces(|| text)
}

/// Reads the stream of `open` record by record and in batches of every size, checks that all
/// outcomes are equal, and returns one.
pub(crate) fn same_in_all_pieces<R: Read>(open: impl Fn() -> R) -> Outcome {
    let whole = read_all(open());
    for size in SIZES {
        for found in
            [read_all(Pieces(open(), size)), read_batches(Pieces(open(), 1 + size / 2), size)]
        {
            assert!(
                found.records == whole.records,
                "{} and {} records, {size} bytes",
                found.records.len(),
                whole.records.len()
            );
            assert_eq!(found.message(), whole.message(), "{size} bytes");
        }
    }
    whole
}

/// Returns the path of a file in the repository's test data.
pub(crate) fn testdata(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../testdata", file].iter().collect()
}

pub(crate) fn content(file: &str) -> Vec<u8> {
    let path = testdata(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns a stream of the text of `content`, decompressed if it is gzip.
pub(crate) fn text_of(content: &[u8]) -> Box<dyn Read + '_> {
    if content.starts_with(&[0x1f, 0x8b]) {
        Box::new(MultiGzDecoder::new(content))
    } else {
        Box::new(Cursor::new(content))
    }
}
