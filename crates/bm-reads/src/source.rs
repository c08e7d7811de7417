//! The trait that the reader of every read format implements.

use std::io;

use crate::fastq::{BatchSize, FastqError, Record, RecordBatch};

/// A stream of records, read in batches or one by one.
///
/// [`fastq::Reader`](crate::fastq::Reader) implements it. A reader of another format implements
/// this trait too; learning, scoring and filtering then work unchanged.
pub trait RecordSource: Send {
    /// Empties `batch` and fills it with the next records; returns whether there may be more.
    ///
    /// # Errors
    ///
    /// The first fault, with its address, after the records before it have been returned.
    fn read_batch(&mut self, batch: &mut RecordBatch, size: BatchSize) -> Result<bool, FastqError>;

    /// Reads the next record into `record`; returns `false` at the end.
    ///
    /// # Errors
    ///
    /// A fault, with its address.
    fn read_record(&mut self, record: &mut Record) -> Result<bool, FastqError>;

    /// Returns the number of whole records read.
    fn records(&self) -> u64;

    /// Reads up to this many more bytes without parsing them, and returns the error of the stream,
    /// if one occurs. After a fault in a record, this shows whether the stream itself is damaged.
    fn stream_failure_within(&mut self, bytes: u64) -> Option<io::Error>;
}
