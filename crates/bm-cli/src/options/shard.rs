//! Options for one of several machines.

use bm_pipeline::Shard;

/// Which part of the reads a machine treats.
#[derive(Debug, clap::Args)]
pub(crate) struct ShardArgs {
    /// Only this part of the reads, to divide a run among machines: 2/4 is the second of four. The
    /// outputs of all parts, in their order, are those of the whole run. IN is a file, plain or BGZF
    #[arg(long, value_name = "I/N", help_heading = "Running")]
    pub(crate) shard: Option<Shard>,
}
