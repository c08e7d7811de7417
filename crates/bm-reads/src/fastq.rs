//! Strict FASTQ reading.
//!
//! The reader refuses sequence and quality of different lengths, invalid bytes, records cut off at
//! the end of the file, blank lines between records, and `+` lines that name another read. Every
//! error has an address (record, byte, name). Records may be wrapped into any number of lines. The
//! definition line is kept unchanged, so a record of four lines can be written back byte for byte.
//!
//! Quality scores are Phred + 33 or Phred + 64, as the caller states; where nobody did
//! ([`QualityOffset::Unstated`]), a file whose first reads look like Phred + 64 is refused.
//!
//! [`Reader::read_batch`] parses text in its read buffer and copies nothing: the parts of a record
//! are ranges of that buffer.
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
mod offset;
mod parse;
mod plus_line;
mod reader;
mod record;
pub(crate) mod text;

pub use batch::{Address, BatchSize, RecordBatch};
pub use error::{FastqError, Fault};
pub use offset::QualityOffset;
pub use reader::Reader;
pub use record::{Record, RecordRef};

pub(crate) use parse::{LONGEST_DEFINITION, LONGEST_RECORD, are_bases, is_base};
pub(crate) use record::name;
