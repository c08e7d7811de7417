//! Options for copies of reads.

use crate::options::values;

const HEADING: &str = "Duplicates";

/// Whether copies of earlier reads are kept.
#[derive(Debug, clap::Args)]
pub(crate) struct DedupArgs {
    /// Keep the first of several reads with the same bases, or of several pairs in which both mates
    /// have the same bases, as fastp does; identifiers by --umi are among these bases. The others are
    /// not kept, for the reason `duplicate`. Qualities are not compared, and the first one is the
    /// first in the file even if it is not kept itself
    #[arg(long, conflicts_with = "shard", help_heading = HEADING)]
    dedup: bool,
    /// Most memory for --dedup, which takes 39 bytes for each different read or pair; bm ends without
    /// outputs if more is needed
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "2G",
        requires = "dedup",
        value_parser = values::count,
        help_heading = HEADING
    )]
    dedup_memory: u64,
}

impl DedupArgs {
    /// Returns the memory in bytes, if copies are looked for.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.dedup.then_some(self.dedup_memory)
    }
}
