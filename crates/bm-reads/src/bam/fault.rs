//! What may be wrong with a record of BAM.

use thiserror::Error;

/// What is wrong with a record of BAM.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BamFault {
    /// The file ends inside the record.
    #[error("the file ends inside the record, after {found} of {expected} bytes")]
    Cut {
        /// Bytes of the record in the file.
        found: usize,
        /// Bytes that the record has by its size.
        expected: usize,
    },
    /// The stated size is more than any read has.
    #[error("states a size of {size} bytes, which no read has; the file is damaged")]
    Long {
        /// The stated size.
        size: usize,
    },
    /// The parts of the record do not fit into its size.
    #[error("has {size} bytes, and its {part} more than that; the file is damaged")]
    Layout {
        /// The stated size.
        size: usize,
        /// The first part that does not fit.
        part: &'static str,
    },
    /// The name is not 1 to 254 printable characters.
    #[error("its name is not one of printable characters that ends in a zero byte")]
    Name,
    /// The tags cannot be read.
    #[error("its tags cannot be read from {tag} on; the file is damaged")]
    Tags {
        /// The tag, escaped.
        tag: String,
    },
    /// The read is aligned, or part of an alignment.
    #[error(
        "{what} (flag {flags:#x}), and bm reads unaligned BAM: `samtools reset` makes that of an \
         aligned file, and `samtools collate -uO FILE | samtools fastq` makes FASTQ"
    )]
    Aligned {
        /// What the flags say.
        what: &'static str,
        /// The flags.
        flags: u16,
    },
    /// The record has no quality scores.
    #[error(
        "the read has no qualities; `samtools fasta` makes FASTA, which bm reads with --ignore-quality"
    )]
    NoQualities,
}
