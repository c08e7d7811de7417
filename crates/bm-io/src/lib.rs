//! Files of reads in and out.
//!
//! - [`Input`] opens a file or stdin, recognises its compression by content, and reads records
//!   from any [`RecordSource`](bm_reads::RecordSource).
//! - [`DivisibleFile`] divides a file into shards, which several machines read; [`Shard`] is one of them.
//! - [`Output`] writes a temporary file, compressed according to its final name; [`FolderOutput`]
//!   does the same for a folder. They get their names when all are complete and on the disk: all of
//!   them, or none ([`finish_all`], [`name_all`]).
//! - [`ordered_stages`] reads, processes and writes batches on any number of threads and keeps
//!   the order of the input; [`Tasks`] are small pieces of work (a block to compress or to inflate)
//!   that any of these threads takes in between.
//! - [`Cancellation`] ends a run from another thread, also while it waits for a pipe.
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

mod bgzf_header;
mod block_writer;
mod cancellation;
mod compression;
mod decompress;
mod destination;
mod divisible;
mod error;
mod fastq_block;
mod fastq_deflate;
mod file_state;
mod folder_output;
mod gzip_reader;
mod in_flight;
mod input;
mod naming;
pub mod number;
pub mod ordered_stages;
mod output;
mod part_of_file;
mod path;
mod positioned;
mod shard;
mod signals;
mod sink;
mod spool;
mod standard_streams;
mod stored_end;
mod stored_file;
mod system;
mod tasks;
mod text;
mod unfinished;
mod waiting;
mod walk;

pub use cancellation::{Cancellation, Cancelled};
pub use compression::{Compression, Format, LEVELS};
pub use divisible::{Between, DivisibleFile};
pub use error::IoError;
pub use file_state::FileState;
pub use folder_output::FolderOutput;
pub use in_flight::{Held, InFlight};
pub use input::{Input, ReadFormats};
pub use naming::{Complete, Durability, name_all};
pub use output::{Output, finish_all, is_stdout, refuse_twins};
pub use part_of_file::PartOfFile;
pub use path::{is_stdio, name};
pub use shard::{NoShard, Shard};
pub use signals::clean_up_on_signals;
pub use sink::{OutputStream, Sink};
pub use spool::Spool;
pub use standard_streams::{note_closed, stdin};
pub use stored_end::StoredEnd;
pub use tasks::{InOrder, Task, Tasks, Tools};
pub use text::{TextInput, open_file, open_text};
pub use unfinished::remove_unfinished;

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
