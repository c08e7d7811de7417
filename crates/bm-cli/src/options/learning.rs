//! Options for learning a run.

use crate::options::values;

/// Whether to learn the run first.
#[derive(Debug, clap::Args)]
pub(crate) struct LearningArgs {
    /// Learn the run from the input first, as `bm adapt --evidence` does, and use what was learned:
    /// two passes over the file
    #[arg(long, help_heading = "Learning the run")]
    adapt: bool,
    /// Most memory for learning; if the k-mers of the run do not fit, a sample of them is used
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "2G",
        requires = "adapt",
        value_parser = values::learning_bytes,
        help_heading = "Learning the run"
    )]
    max_memory: u64,
}

/// Memory for k-mers, if they are counted.
#[derive(Debug, clap::Args)]
pub(crate) struct MemoryArgs {
    /// Most memory for learning; if the k-mers do not fit, a sample of them is used
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "2G",
        requires = "evidence",
        value_parser = values::learning_bytes,
        help_heading = "Learning"
    )]
    pub(crate) max_memory: u64,
}

impl LearningArgs {
    /// Returns the memory for learning, in bytes; `None` if the run is not learned.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.adapt.then_some(self.max_memory)
    }
}
