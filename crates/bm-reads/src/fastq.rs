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
mod reader;
mod record;
mod text;

pub use batch::{Address, BatchSize, RecordBatch};
pub use error::{FastqError, Fault};
pub use reader::{QualityOffset, Reader};
pub use record::{Record, RecordRef};
