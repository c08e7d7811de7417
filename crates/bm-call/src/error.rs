//! Why variants cannot be called.

use thiserror::Error;

/// Why variants cannot be called.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// A record is before the one that precedes it in the file.
    #[error(
        "is before the record that precedes it; sort the file: samtools sort -o sorted.bam FILE"
    )]
    Unsorted,
    /// A record of VCF cannot be made or written.
    #[error("the VCF record of {sequence}:{position}")]
    Vcf {
        /// The reference sequence.
        sequence: String,
        /// 1-based position.
        position: usize,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A region is not of the reference.
    #[error("region {region}: {reason}")]
    Region {
        /// The region as it was given.
        region: String,
        /// What is wrong.
        reason: String,
    },
}
