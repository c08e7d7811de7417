//! Options for threads, compression and messages.

use bm_io::{Compression, Durability, LEVELS};

/// Threads and summary.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Threads [default: one per core]
    #[arg(
        short = 'j',
        long,
        value_name = "N",
        env = "BM_THREADS",
        hide_env_values = true,
        value_parser = clap::value_parser!(u16).range(1..=1024),
        help_heading = "Running"
    )]
    threads: Option<u16>,
    /// No summary and no progress bar
    #[arg(short, long, help_heading = "Running")]
    pub(crate) quiet: bool,
}

impl RunArgs {
    /// Returns the number of threads.
    pub(crate) fn threads(&self) -> usize {
        self.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            usize::from,
        )
    }
}

/// How outputs are written.
#[derive(Debug, clap::Args)]
pub(crate) struct WritingArgs {
    /// Level of compression, 1 is fastest: up to 12 for gzip [default: 1], up to 19 for zstd
    /// [default: 3]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u8).range(LEVELS),
        help_heading = "Running"
    )]
    pub(crate) level: Option<u8>,
    #[command(flatten)]
    sync: SyncArgs,
}

/// Whether outputs are on the disk when they get their names.
#[derive(Debug, clap::Args)]
pub(crate) struct SyncArgs {
    /// Do not wait until outputs are on the disk; a power failure in the next half minute may then
    /// lose them
    #[arg(long, help_heading = "Running")]
    no_sync: bool,
}

impl SyncArgs {
    /// Returns whether outputs are on the disk when they get their names.
    pub(crate) fn durability(&self) -> Durability {
        if self.no_sync { Durability::InMemory } else { Durability::OnDisk }
    }
}

impl WritingArgs {
    /// Returns whether outputs are on the disk when they get their names.
    pub(crate) fn durability(&self) -> Durability {
        self.sync.durability()
    }

    /// Returns compression on the thread that writes.
    pub(crate) fn on_this_thread(&self) -> Compression {
        Compression::on_this_thread(self.level)
    }
}
