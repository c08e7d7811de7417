//! The k-mers of a sequencing run: counted exactly in bounded memory, then looked up.
//!
//! A [`Counter`] is shown every read and counts k-mers of both strands as one. [`Counter::finish`]
//! makes an [`Index`] of those that were seen at least twice. [`Hashes`] are the hashes of all
//! k-mers of one read, computed with vector instructions, to look them up in the index.
//!
//! ```
//! use bm_kmers::{Counter, Hashes};
//! use bm_reads::base;
//!
//! let read = b"ACGGTCATTGCAGGACTTACCGATGGCATTCAGGACC";
//! let mut counter = Counter::new(21, 64 << 20);
//! counter.observe(read);
//! counter.observe(read);
//! let index = counter.finish();
//! assert_eq!((index.k(), index.kmers()), (21, 17));
//!
//! let codes: Vec<u8> = read.iter().map(|base| base::code(*base)).collect();
//! let mut hashes = Hashes::default();
//! hashes.fill(&codes, index.k());
//! let first = hashes.at(0).expect("its 21 bases are known");
//! assert_eq!(index.count(first), 2);
//! ```
//!
//! Counts are exact while there is memory. Beyond it, k-mers that were seen once are dropped if
//! they are mostly errors; otherwise every second k-mer is, by its hash ([`Index::share`]). The
//! result does not depend on the number of threads.

mod counter;
mod error;
mod hashes;
mod index;
pub mod kmer;
mod memory;
mod packed;
mod superkmer;
mod table;

pub use counter::Counter;
pub use error::KmerError;
pub use hashes::Hashes;
pub use index::{Index, is_sampled, read_u32, read_u64};

/// The examples of the README, to be tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
