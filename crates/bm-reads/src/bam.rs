//! Strict reading of unaligned BAM (SAM/BAM specification, section 4.2).
//!
//! A file has a header, the names and lengths of references, and records: 36 bytes of numbers, the name,
//! the bases with four bits each, a Phred score per base, and tags. [`Reader`] takes the inflated bytes and
//! returns the same records as [`fastq::Reader`](crate::fastq::Reader), with [`BamFields`] beside them.
//! Every error has an address (record, byte, name).
//!
//! Reads that are aligned, on the reverse strand, secondary or supplementary are refused: their bases are
//! not those that the instrument read, or not all of them. A length that a file states takes no memory
//! before so many bytes have arrived.

mod fault;
mod fields;
mod header;
mod layout;
mod reader;
pub mod tags;

pub use fault::BamFault;
pub use fields::{BamFields, FLAGS};
pub use header::{Header, HeaderError};
pub use reader::Reader;

/// The first bytes of an inflated BAM file.
pub const MAGIC: &[u8] = b"BAM\x01";

/// Number of the bytes of a record before its name, without the size of the record.
pub const CORE: usize = 32;
