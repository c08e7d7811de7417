//! Error rates of long reads, by their qualities and by the other reads of their sequencing run.
//!
//! Reported qualities count the errors of long reads well in sum, and rank the reads badly. Where
//! some ten reads lie over each other, the k-mers that a read shares with others rank them better.
//!
//! - A [`LongRead`] looks a read up in the k-mers of its run ([`bm_kmers::Index`]) and returns its
//!   [`Support`]: how many k-mers could be tested, how many of them other reads have, and the depth
//!   there.
//! - [`Scale::fit`] learns from the support of some reads how the qualities of the run relate to
//!   errors.
//! - [`LongRead::error_rate`] joins qualities and k-mers of a read into the error rate of its
//!   bases.
//! - [`ReadEvidence`] holds the k-mers and the scale of a run, in memory and in a file.
//! - [`Traits`] tell runs of long reads from others.
//! - [`Ends`] are the adapters, barcodes and tails that most reads of a run have at their ends.
//!
//! Reads that nobody overlaps keep their reported error rate. Nothing is said about single bases.
//! `research/long-reads` has the definitions in Python, where the constants come from, and how good
//! the result is on runs with known errors.
//!
//! # Quick start
//!
//! ```
//! use bm_kmers::{Counter, kmer};
//! use bm_long::{LongRead, Scale};
//!
//! # let random = |i: usize| kmer::mix(i as u64 + 1) as usize;
//! # let genome: Vec<u8> = (0..3000).map(|i| b"ACGT"[random(i) % 4]).collect();
//! // Sixty reads of a run. All qualities are the same, but every second read has more errors.
//! let reads: Vec<Vec<u8>> = (0..60)
//!     .map(|number| {
//!         let mut read = genome[random(number) % 1500..][..1500].to_vec();
//!         let every = if number % 2 == 0 { 200 } else { 30 };
//!         for base in read.iter_mut().step_by(every) {
//!             *base = if *base == b'A' { b'C' } else { b'A' };
//!         }
//!         read
//!     })
//!     .collect();
//! let probabilities = vec![0.02; 1500];
//!
//! // First pass over the reads: count their k-mers.
//! let mut counter = Counter::new(17, 64 << 20);
//! reads.iter().for_each(|read| counter.observe(read));
//! let index = counter.finish();
//!
//! // Some reads of the run: their support, and the scale.
//! let mut read = LongRead::default();
//! let supports: Vec<_> =
//!     reads.iter().map(|bases| read.look_up(&index, bases, &probabilities)).collect();
//! let scale = Scale::fit(&supports);
//!
//! // Second pass over the reads: their error rates.
//! let mut rate = |bases: &Vec<u8>| {
//!     let support = read.look_up(&index, bases, &probabilities);
//!     read.error_rate(&scale, &support, &probabilities)
//! };
//! let (good, bad) = (rate(&reads[0]), rate(&reads[1]));
//! assert!(bad > 2.0 * good, "{good} {bad}");
//! ```

mod counts;
mod depth;
mod ends;
mod error;
mod explain;
mod long_read;
mod read_evidence;
mod scale;
mod support;
mod tested;
mod traits;

/// Length of the k-mers of a run that this crate was measured with: longer ones have too many
/// errors, shorter ones occur by chance.
pub const K: usize = 17;

pub use ends::Ends;
pub use error::LongError;
pub use long_read::LongRead;
pub use read_evidence::ReadEvidence;
pub use scale::Scale;
pub use support::Support;
pub use traits::Traits;

/// The examples of the README, to be tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
