//! Strict FASTQ reading.
//!
//! What a filter that must not lose a read needs: sequence and quality of equal length, valid
//! bytes, records cut off at the end of the file, blank lines, `+` lines that name another read,
//! and an address (record, byte, name) for every fault. Records may be wrapped into any number of
//! lines. The definition line is kept as it came, so that a record of four lines can be written
//! back byte for byte.
//!
//! Text is looked at where it was read into, and the parts of a record stay there:
//! [`Reader::read_batch`] copies nothing.
//!
//! ```
//! use bm_reads::fastq::{Reader, Record};
//!
//! let mut reader = Reader::new(&b"@r1 lane 1\nACGT\n+\nIIII\n@r2\nACGT\n+\nIII\n"[..]);
//! let mut record = Record::default();
//! assert!(reader.read_record(&mut record)?);
//! assert_eq!(record.name(), b"r1");
//! let error = reader.read_record(&mut record).unwrap_err();
//! assert_eq!(error.to_string(), "record 2 (read r2, byte 23): 4 bases but 3 quality scores");
//! # Ok::<(), bm_reads::fastq::FastqError>(())
//! ```

mod batch;
mod error;
mod parse;
mod record;
mod text;

use std::io::{self, Read};

pub use batch::{Address, BatchSize, RecordBatch};
pub use error::{FastqError, Fault};
use parse::{Found, LONGEST_RECORD};
pub use record::{Record, RecordRef};
use text::{Source, Text};

use crate::RecordSource;

/// Bytes that a reader of single records reads at once.
const CHUNK: usize = 64 * 1024;

/// What is added to the quality scores of a file to make them printable.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum QualityOffset {
    /// Phred + 33, as in all files since 2011.
    #[default]
    Phred33,
    /// Phred + 64, as Illumina wrote before; converted to Phred + 33 while reading.
    Phred64,
}

/// Reads FASTQ records and checks each.
pub struct Reader<R> {
    source: Source<R>,
    /// What was read and is in no record yet.
    text: Text,
    /// Records read.
    records: u64,
    /// Where the next record starts, in bytes of the (decompressed) stream.
    byte: u64,
    /// What is wrong after the batch that was read last.
    fault: Option<FastqError>,
    /// Whether quality scores are Phred + 64.
    phred64: bool,
}

impl<R: Read> Reader<R> {
    /// Returns a reader of the FASTQ text that `inner` gives. It reads ahead, and needs no buffer
    /// below it.
    pub fn new(inner: R) -> Self {
        Self {
            source: Source::new(inner),
            text: Text::default(),
            records: 0,
            byte: 0,
            fault: None,
            phred64: false,
        }
    }

    /// Reads quality scores as Phred + 64, as Illumina wrote them before 2011; records then have
    /// Phred + 33.
    #[must_use]
    pub fn phred64(self) -> Self {
        self.with_offset(QualityOffset::Phred64)
    }

    /// Reads quality scores with this offset; records have Phred + 33 in any case.
    #[must_use]
    pub fn with_offset(self, offset: QualityOffset) -> Self {
        Self { phred64: offset == QualityOffset::Phred64, ..self }
    }

    /// Returns the number of whole records read.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Reads the next record into `record`; returns `false` at the end of the file.
    ///
    /// Line ends are `\n` or `\r\n` and are not part of the record. Blank lines are allowed at the
    /// end of the file only.
    ///
    /// # Errors
    ///
    /// A [`FastqError`] with the record's number, where it starts and, where it has one, its name.
    /// Reading on after an error is not supported.
    pub fn read_record(&mut self, record: &mut Record) -> Result<bool, FastqError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        loop {
            match parse::record(self.text.rest(), self.source.is_at_end()) {
                Found::Record { span, bytes } => {
                    if self.phred64
                        && let Err(fault) = span.convert_phred64(self.text.rest())
                    {
                        let name = span.of(self.text.rest()).name().to_vec();
                        return Err(self.error(Some(name), fault));
                    }
                    record.copy(span.of(self.text.rest()));
                    self.text.consume(bytes);
                    self.count(1, bytes);
                    return Ok(true);
                }
                Found::Nothing => return Ok(false),
                Found::Fault { name, fault } => return Err(self.error(name, fault)),
                Found::Part => self.read_on(CHUNK)?,
            }
        }
    }

    /// Reads on without looking at the text, up to so many bytes, and returns why the stream
    /// failed, if it did.
    ///
    /// After a fault of the text this tells whether it is the stream that is damaged: what a
    /// decompressor hands out is often checked only at its end.
    pub fn stream_failure_within(&mut self, bytes: u64) -> Option<io::Error> {
        self.source.skip(bytes);
        self.source.failure()
    }

    /// Gets more of a record that is not all there: up to so many bytes, or as much again.
    fn read_on(&mut self, bytes: usize) -> Result<(), FastqError> {
        if let Some(error) = self.source.failure() {
            return Err(self.error(None, Fault::Io(error)));
        }
        if self.text.rest().len() > LONGEST_RECORD {
            return Err(self.error(None, Fault::LongRecord { longest: LONGEST_RECORD }));
        }
        // Twice as much each time, so that what is looked at again is never more than what is new.
        let bytes = bytes.max(2 * self.text.rest().len());
        self.source.fill(&mut self.text, bytes);
        Ok(())
    }

    fn count(&mut self, records: usize, bytes: usize) {
        self.records += records as u64;
        self.byte += bytes as u64;
    }

    fn error(&self, name: Option<Vec<u8>>, fault: Fault) -> FastqError {
        FastqError { record: self.records + 1, byte: self.byte, name, fault }
    }
}

impl<R: Read + Send> RecordSource for Reader<R> {
    fn read_batch(&mut self, batch: &mut RecordBatch, size: BatchSize) -> Result<bool, FastqError> {
        Self::read_batch(self, batch, size)
    }

    fn read_record(&mut self, record: &mut Record) -> Result<bool, FastqError> {
        Self::read_record(self, record)
    }

    fn records(&self) -> u64 {
        Self::records(self)
    }

    fn stream_failure_within(&mut self, bytes: u64) -> Option<io::Error> {
        Self::stream_failure_within(self, bytes)
    }
}
