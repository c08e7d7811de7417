//! Where records come from: the trait that a format of reads implements.

use std::io;

use crate::fastq::{BatchSize, FastqError, Record, RecordBatch};

/// A stream of records, read in batches or one by one.
///
/// [`fastq::Reader`](crate::fastq::Reader) is one. Whatever reads another format of reads implements
/// this trait, and everything behind it (learning, scoring, filtering) stays as it is.
pub trait RecordSource: Send {
    /// Fills `batch`, after emptying it, with the next records; returns whether there may be more.
    ///
    /// # Errors
    ///
    /// The first fault, with its address, once the records before it were returned.
    fn read_batch(&mut self, batch: &mut RecordBatch, size: BatchSize) -> Result<bool, FastqError>;

    /// Reads the next record into `record`; returns `false` at the end.
    ///
    /// # Errors
    ///
    /// A fault, with its address.
    fn read_record(&mut self, record: &mut Record) -> Result<bool, FastqError>;

    /// Returns the number of whole records read.
    fn records(&self) -> u64;

    /// Reads on without looking at the records, up to this many bytes, and returns why the stream
    /// failed, if it did: after a fault of a record this shows whether the stream is damaged.
    fn stream_failure_within(&mut self, bytes: u64) -> Option<io::Error>;
}
