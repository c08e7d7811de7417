//! Strict FASTQ reading.
//!
//! The parsing is noodles-fastq's. What a filter that must not lose a read needs beside it is here: sequence and quality of
//! equal length, valid bytes, records cut off at the end of the file, blank lines, `+` lines that name another read, and an
//! address (record, byte, name) for every fault. The definition line is kept as it came, so that a record can be written back
//! byte for byte.
//!
//! ```
//! use bm_encode::fastq::{Reader, Record};
//!
//! let mut reader = Reader::new(&b"@r1 lane 1\nACGT\n+\nIIII\n@r2\nACGT\n+\nIII\n"[..]);
//! let mut record = Record::default();
//! assert!(reader.read_record(&mut record)?);
//! assert_eq!(record.name(), b"r1");
//! let error = reader.read_record(&mut record).unwrap_err();
//! assert_eq!(error.to_string(), "record 2 (read r2, byte 23): 4 bases but 3 quality scores");
//! # Ok::<(), bm_encode::fastq::FastqError>(())
//! ```

mod batch;
mod error;
mod record;
mod tap;

use std::io::BufRead;

pub use batch::RecordBatch;
pub use error::{FastqError, Fault};
pub use record::{Record, RecordRef};
use tap::Tap;

use crate::EncodeError;
use crate::read::check_quality;

/// Reads FASTQ records and checks each.
pub struct Reader<R> {
    inner: noodles_fastq::io::Reader<Tap<R>>,
    /// Records read, with the one that is being read.
    records: u64,
    /// Where the current record starts, in bytes of the (decompressed) stream.
    record_start: u64,
}

impl<R: BufRead> Reader<R> {
    /// Returns a reader of the FASTQ text that `inner` gives.
    pub fn new(inner: R) -> Self {
        Self { inner: noodles_fastq::io::Reader::new(Tap::new(inner)), records: 0, record_start: 0 }
    }

    /// Returns the number of whole records read.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Reads the next record into `record`; returns `false` at the end of the file.
    ///
    /// Line ends are `\n` or `\r\n` and are not part of the record. Blank lines are allowed at the end of the file only.
    ///
    /// # Errors
    ///
    /// A [`FastqError`] with the record's number, where it starts and, where it has one, its name. Reading on after an error is
    /// not supported.
    pub fn read_record(&mut self, record: &mut Record) -> Result<bool, FastqError> {
        self.inner.get_mut().start_record();
        self.record_start = self.inner.get_ref().position();
        if !self.find_record().map_err(|fault| self.error(fault, None))? {
            return Ok(false);
        }
        let outcome = self.inner.read_record(&mut record.inner);
        let tap = self.inner.get_mut();
        record.definition.clear();
        record.definition.extend_from_slice(trim_line_end(tap.line(0)).get(1..).unwrap_or_default());
        let fault = match outcome {
            Ok(_) => check(tap, record).err(),
            Err(source) => Some(parse_fault(tap, source)),
        };
        if let Some(fault) = fault {
            return Err(self.error(fault, Some(record.name())));
        }
        self.records += 1;
        Ok(true)
    }

    /// Returns whether a record starts here, after the blank lines that may only end a file.
    fn find_record(&mut self) -> Result<bool, Fault> {
        let tap = self.inner.get_mut();
        let mut blank = false;
        loop {
            let next = tap.peek().map_err(Fault::Io)?;
            match next.first() {
                None => return Ok(false),
                Some(b'\n' | b'\r') => {
                    blank = true;
                    tap.consume(1);
                }
                Some(_) if blank => return Err(Fault::BlankLine),
                Some(b'@') => return Ok(true),
                Some(_) => return Err(Fault::NoDefinition { found: tap.excerpt(EXCERPT) }),
            }
        }
    }

    fn error(&self, fault: Fault, name: Option<&[u8]>) -> FastqError {
        FastqError { record: self.records + 1, byte: self.record_start, name: name.map(Vec::from), fault }
    }
}

/// Bytes of a line that a message shows.
const EXCERPT: usize = 8;

/// What noodles could not parse, in this crate's words.
fn parse_fault<R: BufRead>(tap: &mut Tap<R>, source: std::io::Error) -> Fault {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match source.kind() {
        // The tap knows whether the stream below failed (a truncated gzip, say) or just ended.
        _ if tap.failed() => Fault::Io(source),
        UnexpectedEof => Fault::Cut { after: if tap.line_count() < 2 { "its definition" } else { "its sequence" } },
        InvalidData => {
            // noodles took the first byte of the line only.
            tap.excerpt(EXCERPT - 1);
            Fault::NoPlus { found: tap.line(2).iter().copied().take(EXCERPT).collect() }
        }
        _ => Fault::Io(source),
    }
}

/// Checks what noodles does not.
fn check<R: BufRead>(tap: &Tap<R>, record: &mut Record) -> Result<(), Fault> {
    // Only the end of the file ends a record before its fourth line end.
    let at_end = !(tap.line_count() == 4 && tap.ends_with_newline());
    if at_end && !tap.ends_with_newline() && record.inner.quality_scores().ends_with(b"\r") {
        // A `\r\n` file that ends in the middle of its last line end.
        record.inner.quality_scores_mut().pop();
    }
    let (bases, scores) = (record.sequence().len(), record.quality_scores().len());
    // An empty read's empty quality line may lack its end, but then the line before it has one.
    if at_end && scores == 0 && (bases > 0 || tap.line_count() < 4 && !tap.ends_with_newline()) {
        return Err(Fault::Cut { after: "its `+` line" });
    }
    if at_end && scores < bases && !tap.ends_with_newline() {
        return Err(Fault::CutInQuality { sequence: bases, quality_scores: scores });
    }
    if record.definition().contains(&b'\r') {
        return Err(Fault::CarriageReturn);
    }
    let plus = trim_line_end(tap.line(2)).get(1..).unwrap_or_default();
    if !plus.is_empty() && plus != record.definition() && plus != record.name() {
        return Err(Fault::PlusNamesAnother { found: plus.to_vec() });
    }
    if let Some((position, &byte)) = record.sequence().iter().enumerate().find(|(_, b)| !is_base(**b)) {
        return Err(Fault::InvalidBase { position, byte });
    }
    check_quality(record.quality_scores()).map_err(Fault::Read)?;
    if bases != scores {
        return Err(Fault::Read(EncodeError::LengthMismatch { sequence: bases, quality_scores: scores }));
    }
    Ok(())
}

/// A base is a letter (IUPAC codes, either case, U), or one of the signs that files in use have for unknown, gap and stop.
fn is_base(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'-' | b'*')
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
