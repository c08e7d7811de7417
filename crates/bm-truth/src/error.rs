//! Errors in an alignment, a reference or a pair of files, each with its location.

use std::{fmt, io};

use thiserror::Error;

/// Why true errors cannot be counted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TruthError {
    /// The reference cannot be used.
    #[error("reference: {0}")]
    Reference(String),
    /// The reference cannot be read.
    #[error("reference: sequence {sequence}")]
    ReferenceRead {
        /// Which sequence, from 1.
        sequence: usize,
        /// The cause.
        source: io::Error,
    },
    /// The alignment has another format, or a header that does not fit the reference.
    #[error("header: {0}")]
    Header(String),
    /// The header cannot be read.
    #[error("header")]
    HeaderRead(#[source] io::Error),
    /// An alignment record cannot be read.
    #[error("alignment record {record}")]
    Read {
        /// Which record, from 1.
        record: u64,
        /// The cause.
        source: io::Error,
    },
    /// An alignment record is inconsistent, or does not lie on the reference.
    #[error("alignment record {record} (read {}): {fault}", Shown(.name))]
    Record {
        /// Which record, from 1.
        record: u64,
        /// The read's name.
        name: Vec<u8>,
        /// What is wrong.
        fault: Fault,
    },
    /// A BAM or CRAM file ends without its end-of-file block.
    #[error(
        "the file is truncated after record {records}: its end-of-file block is missing; copy or create it again"
    )]
    Truncated {
        /// Records read.
        records: u64,
    },
    /// The two passes over the alignment read different numbers of records.
    #[error("the alignment changed between the two passes over it: {first} records, then {second}")]
    Changed {
        /// Records of the first pass.
        first: u64,
        /// Records of the second.
        second: u64,
    },
}

/// What is wrong with one alignment record.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The record has no name.
    #[error("has no name")]
    NoName,
    /// The record is mapped and lacks a reference sequence, a position or a CIGAR.
    #[error("is flagged as mapped, but has no {0}")]
    NoPlace(&'static str),
    /// The primary record has no bases.
    #[error("has no bases; align with a program that writes them into the primary record")]
    NoBases,
    /// The CIGAR and the read have different numbers of bases.
    #[error("its CIGAR uses {cigar} bases, the read has {bases}")]
    ReadLength {
        /// Bases that the CIGAR uses.
        cigar: usize,
        /// Bases of the read.
        bases: usize,
    },
    /// The read does not have one quality score per base.
    #[error("{bases} bases but {scores} quality scores")]
    Qualities {
        /// Bases of the read.
        bases: usize,
        /// Quality scores of the read.
        scores: usize,
    },
    /// A quality score is above 93.
    #[error("quality score {score} at position {position} is above 93")]
    InvalidQuality {
        /// The score.
        score: u8,
        /// Position in the record, from 0.
        position: usize,
    },
    /// The alignment extends past the end of its reference sequence.
    #[error(
        "ends at {end} of {sequence}, which has {length} bases; give the reference that the reads were aligned to"
    )]
    PastTheEnd {
        /// Last position of the alignment, from 1.
        end: usize,
        /// Name of the reference sequence.
        sequence: String,
        /// Length of the reference sequence.
        length: usize,
    },
}

/// A name with control characters escaped, for messages.
struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}
