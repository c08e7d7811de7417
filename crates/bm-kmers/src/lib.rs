//! The k-mers of a sequencing run: counted in bounded memory, then looked up.
//!
//! A [`Counter`] observes every read and counts the k-mers of both strands as one.
//! [`Counter::finish`] returns an [`Index`] of the k-mers seen at least twice. [`Hashes`] holds the
//! hashes of all k-mers of one read, to look them up in the index.
//!
//! # Quick start
//!
//! ```
//! use bm_kmers::{Counter, Hashes};
//! use bm_reads::base;
//!
//! // Count 21-mers, in at most 64 MB of tables.
//! let read = b"ACGGTCATTGCAGGACTTACCGATGGCATTCAGGACC";
//! let mut counter = Counter::new(21, 64 << 20);
//! counter.observe(read);
//! counter.observe(read);
//! let index = counter.finish();
//! assert_eq!((index.k(), index.kmers()), (21, 17));
//!
//! // Look up the first k-mer of a read.
//! let codes: Vec<u8> = read.iter().map(|base| base::code(*base)).collect();
//! let mut hashes = Hashes::default();
//! hashes.fill(&codes, index.k());
//! let first = hashes.at(0).expect("all 21 bases are known");
//! assert_eq!(index.count(first), 2);
//! ```
//!
//! # Bounded memory
//!
//! Counts are exact while the memory lasts. When it is full, k-mers seen once are dropped if they
//! are mostly errors; otherwise every second k-mer is dropped, by its hash ([`Index::fraction`]). Of reads
//! with an error in most of their k-mers, those that are rare beside the others
//! ([`Counter::of_many_errors`]).
//! [`Counter::split`] spreads the counting over threads; the result does not depend on their
//! number.
//!
//! # Parts of a run
//!
//! [`Counter::write_counts`] writes the k-mers of a part of a run, a [`Survey`] of the counts of all parts
//! makes of them the same index as one counter of the whole run. Where the k-mers of a run do not fit in
//! memory, a counter takes a [`Share`] of them.

mod counter;
mod counts;
mod error;
mod hashes;
mod index;
pub mod kmer;
mod memory;
mod packed;
mod rare;
mod share;
mod superkmer;
mod table;

pub use counter::Counter;
pub use counts::{Counts, Survey};
pub use error::KmerError;
pub use hashes::Hashes;
pub use index::{Index, is_sampled, read_u32, read_u64};
pub use share::Share;

/// The examples of the README, to be tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
