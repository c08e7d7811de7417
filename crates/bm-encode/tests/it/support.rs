//! What several modules need.

use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::PathBuf;

use bm_encode::fastq::{FastqError, Reader, Record};
use flate2::bufread::MultiGzDecoder;

/// Capacities of the buffer below the reader. The parser works on what a buffer holds, so lines and line ends must be cut by
/// buffers at every place.
pub(crate) const CAPACITIES: [usize; 6] = [1, 2, 3, 7, 64, 8192];

/// A record, owned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Owned {
    pub(crate) definition: Vec<u8>,
    pub(crate) sequence: Vec<u8>,
    pub(crate) quality_scores: Vec<u8>,
}

/// A file's records, and the fault that ended them.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) records: Vec<Owned>,
    pub(crate) fault: Option<FastqError>,
}

impl Outcome {
    /// The fault's message, with what caused it.
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

pub(crate) fn read_all(input: impl BufRead) -> Outcome {
    let (mut reader, mut record, mut records) = (Reader::new(input), Record::default(), Vec::new());
    loop {
        assert_eq!(reader.records(), records.len() as u64);
        match reader.read_record(&mut record) {
            Ok(true) => records.push(Owned {
                definition: record.definition().to_vec(),
                sequence: record.sequence().to_vec(),
                quality_scores: record.quality_scores().to_vec(),
            }),
            Ok(false) => return Outcome { records, fault: None },
            Err(fault) => return Outcome { records, fault: Some(fault) },
        }
    }
}

/// Reads `text` through buffers of every capacity, expects the same of each, and returns it.
pub(crate) fn read_text(text: &[u8]) -> Outcome {
    same_through_every_buffer(|| text)
}

/// Reads what `open` gives through buffers of every capacity, expects the same of each, and returns it.
pub(crate) fn same_through_every_buffer<R: Read>(open: impl Fn() -> R) -> Outcome {
    let whole = read_all(BufReader::with_capacity(1 << 24, open()));
    for capacity in CAPACITIES {
        let found = read_all(BufReader::with_capacity(capacity, open()));
        assert!(found.records == whole.records, "{} and {} records, buffer {capacity}", found.records.len(), whole.records.len());
        assert_eq!(found.message(), whole.message(), "buffer {capacity}");
    }
    whole
}

/// The path of a file of the repository's test data.
pub(crate) fn testdata(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../testdata", file].iter().collect()
}

pub(crate) fn content(file: &str) -> Vec<u8> {
    let path = testdata(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns a stream of the text of `content`: decompressed if it is gzip, whatever the file's name.
pub(crate) fn text_of(content: &[u8]) -> Box<dyn Read + '_> {
    if content.starts_with(&[0x1f, 0x8b]) { Box::new(MultiGzDecoder::new(content)) } else { Box::new(Cursor::new(content)) }
}
