//! Files of reads in and out.
//!
//! - [`Input`] opens a file or stdin, recognises its compression by content, and reads records
//!   from any [`RecordSource`](bm_reads::RecordSource).
//! - [`Output`] writes a temporary file, compressed according to its final name, and renames it
//!   when all outputs are complete ([`finish_all`]); [`FolderOutput`] does the same for a folder.
//! - [`ordered_stages`] reads, processes and writes batches on any number of threads and keeps
//!   the order of the input; [`Tasks`] are small pieces of work (a block to compress or to inflate)
//!   that any of these threads takes in between.
//!
//! No output byte depends on the number of threads.
//!
//! ```
//! use std::io::Write;
//!
//! use bm_io::{Compression, Input, Output, Tasks};
//! use bm_reads::fastq::{BatchSize, QualityOffset, RecordBatch};
//!
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("reads.fastq.gz");
//! let mut output = Output::create(&path, &[], &Compression::on_this_thread(None))?;
//! output.write_all(b"@r1\nACGT\n+\nIIII\n")?;
//! output.finish()?;
//!
//! let mut input = Input::open(&path, QualityOffset::Phred33, &Tasks::for_workers(0))?;
//! let mut batch = RecordBatch::default();
//! while input.read_batch(&mut batch, BatchSize::Bytes(256 * 1024))? {}
//! assert_eq!((batch.len(), input.records()), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod block_writer;
mod compression;
mod decompress;
mod error;
mod folder_output;
mod gzip_reader;
mod in_flight;
mod input;
mod interrupted;
pub mod number;
pub mod ordered_stages;
mod output;
mod path;
mod sink;
mod tasks;

pub use compression::{Compression, Format, LEVELS};
pub use error::IoError;
pub use folder_output::FolderOutput;
pub use in_flight::{Held, InFlight};
pub use input::{Input, open_file, open_text};
pub use interrupted::{clean_up_on_signals, remove_unfinished};
pub use output::{Output, finish_all, refuse_twins};
pub use path::{is_stdio, name};
pub use sink::{OutputStream, Sink};
pub use tasks::{InOrder, Task, Tasks, Tools};

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
