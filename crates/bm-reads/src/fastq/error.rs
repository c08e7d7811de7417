//! Faults in a FASTQ file, with their address.

use std::{fmt, io};

use thiserror::Error;

use crate::bam::BamFault;
use crate::{Phred, ReadError};

/// A fault in a FASTQ file and its address.
#[derive(Debug)]
pub struct FastqError {
    /// Number of the record, from 1.
    pub record: u64,
    /// Start of the record, in bytes of the decompressed stream, from 0.
    pub byte: u64,
    /// Name of the read, if it was read before the fault.
    pub name: Option<Vec<u8>>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for FastqError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.fault, Fault::LooksLikePhred64 { .. }) {
            // Not a fault of one record.
            return self.fault.fmt(f);
        }
        write!(f, "record {} (", self.record)?;
        if let Some(name) = &self.name {
            write!(f, "read {}, ", Shown(name))?;
        }
        write!(f, "byte {}): {}", self.byte, self.fault)
    }
}

impl std::error::Error for FastqError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message already contains the fault, so the chain continues after it.
        self.fault.source()
    }
}

/// What is wrong with a FASTQ record.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The record does not start with `@`.
    #[error("expected `@` and a read name, found `{}`{}", Shown(.found), hint(.found))]
    NoDefinition {
        /// The first bytes found.
        found: Vec<u8>,
    },
    /// No line with `+` follows the sequence.
    #[error("expected a line with `+` after the sequence, found `{}`{}", Shown(.found), hint_of_header(.found))]
    NoPlus {
        /// The first bytes found.
        found: Vec<u8>,
    },
    /// The `+` line repeats a name, but not this read's.
    #[error("the `+` line names another read, `{}`", Shown(.found))]
    PlusNamesAnother {
        /// The text after `+`.
        found: Vec<u8>,
    },
    /// The file ends between two lines of the record.
    #[error("the file ends inside the record, after {after}")]
    Cut {
        /// The last complete part.
        after: &'static str,
    },
    /// The file ends inside the quality string.
    #[error("the file ends inside the record, after {quality_scores} of {sequence} quality scores")]
    CutInQuality {
        /// Bases in the sequence.
        sequence: usize,
        /// Quality scores before the end of the file.
        quality_scores: usize,
    },
    /// The line with the read's name is too long.
    #[error("the line with the read's name has more than {longest} bytes; is this FASTQ?")]
    LongDefinition {
        /// Longest line allowed, in bytes.
        longest: usize,
    },
    /// The record is too long.
    #[error("the record has more than {longest} bytes, which no read has; is this FASTQ?")]
    LongRecord {
        /// Longest record allowed, in bytes.
        longest: usize,
    },
    /// A carriage return that is not part of a line end.
    #[error(
        "a carriage return inside the line with the read's name; lines end in `\\n` or `\\r\\n`"
    )]
    CarriageReturn,
    /// Text follows a blank line.
    #[error("a blank line before it; blank lines are allowed at the end of the file only")]
    BlankLine,
    /// A byte of the sequence is not a base.
    #[error("byte {byte:#04x} at position {position} of the sequence is not a base")]
    InvalidBase {
        /// Position in the read, from 0.
        position: usize,
        /// The byte found.
        byte: u8,
    },
    /// A quality byte is not Phred + 64, in a file read as Phred + 64.
    #[error("byte {byte:#04x} at position {position} of the quality is no Phred + 64")]
    NotPhred64 {
        /// Position in the read, from 0.
        position: usize,
        /// The byte found.
        byte: u8,
    },
    /// A record of FASTA does not start with `>`.
    #[error("expected `>` and a read name, found `{}`{}", Shown(.found), hint_of_fasta(.found))]
    NoFastaDefinition {
        /// The first bytes found.
        found: Vec<u8>,
    },
    /// The line with the read's name is too long.
    #[error("the line with the read's name has more than {longest} bytes; is this FASTA?")]
    LongFastaDefinition {
        /// Longest line allowed, in bytes.
        longest: usize,
    },
    /// The sequence of a record of FASTA is too long.
    #[error("the sequence has more than {longest} bases, which no read has")]
    LongSequence {
        /// Longest sequence allowed, in bases.
        longest: usize,
    },
    /// Nobody stated the offset of the quality scores, and the first reads look like Phred + 64, or
    /// like Solexa's scores, which have the same offset.
    #[error(
        "the quality bytes of the first {reads} reads are `{}` to `{}`, which looks like {}; \
         --phred33 reads them as they are, as Q{} to Q{}",
        char::from(*.lowest),
        char::from(*.highest),
        look_of(*.lowest),
        .lowest.saturating_sub(Phred::OFFSET),
        .highest.saturating_sub(Phred::OFFSET)
    )]
    LooksLikePhred64 {
        /// Reads that were looked at.
        reads: u64,
        /// Their lowest quality byte.
        lowest: u8,
        /// Their highest quality byte.
        highest: u8,
    },
    /// A record of BAM is damaged, or none of a read.
    #[error(transparent)]
    Bam(BamFault),
    /// A quality score of a record of BAM is higher than FASTQ can encode.
    #[error("the quality at position {position} is Q{score}, and the highest is Q93")]
    HighQuality {
        /// Position in the read, from 0.
        position: usize,
        /// The score found.
        score: u8,
    },
    /// The record is well-formed text but not a valid read.
    #[error(transparent)]
    Read(ReadError),
    /// The stream could not be read or decompressed.
    #[error("reading the input failed")]
    Io(#[source] io::Error),
}

/// Lowest byte of Phred + 64. Solexa's scores begin below it.
const LOWEST_PHRED64: u8 = b'@';

/// Returns what quality scores with this lowest byte look like, and what to do.
fn look_of(lowest: u8) -> &'static str {
    if lowest < LOWEST_PHRED64 {
        "Solexa's format, older than Phred+64, which bm does not read: convert the file to Phred+33"
    } else {
        "Phred+64: --phred64 converts them"
    }
}

/// Prints unknown bytes escaped and on one line, at most 80 of them.
struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 80;
        let cut = &self.0[..self.0.len().min(MOST)];
        write!(f, "{}{}", cut.escape_ascii(), if cut.len() < self.0.len() { "…" } else { "" })
    }
}

/// Returns the end of a message: what a file that is no FASTA looks like.
fn hint_of_fasta(found: &[u8]) -> &'static str {
    match found {
        [b'@', ..] => ": this looks like FASTQ",
        [b'>', ..] | [b'+', ..] => "",
        _ => match hint(found) {
            ": this is not a FASTQ record" => ": this is not a FASTA record",
            hint => hint,
        },
    }
}

/// Returns the end of a message: what the file looks like.
fn hint(found: &[u8]) -> &'static str {
    match found {
        [b'>', ..] => ": this looks like FASTA, which has no qualities",
        [0xef, 0xbb, 0xbf, ..] => ": a byte order mark; save the file as plain ASCII text",
        [0x1f, 0x8b, ..] => ": gzip inside gzip; decompress the file once more",
        [b'<', ..] => ": this looks like HTML, perhaps a failed download",
        [b'B', b'A', b'M', 1, ..] => ": this is BAM; convert it with samtools fastq",
        _ => ": this is not a FASTQ record",
    }
}

/// Returns the end of a message if the line found instead of `+` is a SAM header line: SAM headers
/// begin with `@`, too.
fn hint_of_header(found: &[u8]) -> &'static str {
    match found {
        [b'@', b'A'..=b'Z', b'A'..=b'Z', b'\t', ..] => {
            ": this looks like SAM; convert it with samtools fastq"
        }
        _ => "",
    }
}
