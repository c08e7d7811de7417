//! Which bases of a sequencing read are of the sample, and which are adapters or other tails.
//!
//! Where a molecule is shorter than the read, the read goes on into the adapter behind it, and
//! behind that into nothing. [`InsertModel::learn`] learns from the first reads of a run how long
//! its inserts are, and what the sample is likely to go on with. [`Finder`] then gives, for each
//! read or pair, the places where the sample may end, with their probabilities:
//!
//! - *prior*: the lengths of the run's inserts, and those of the tails of reads that were cut before,
//!   by expectation and maximisation;
//! - *adapters*: how well the bases from a place on agree with an adapter, by their qualities; a
//!   base of the adapter may be lost or gained in its synthesis, and what is behind an adapter may
//!   be anything;
//! - *the sample*: how likely the run's own words of twelve bases go on in this way;
//! - *mates*: the two reads of a pair are the two strands of one molecule.
//!
//! Runs of G, which instruments with two colours call where there is no signal, and of A, the tails
//! of RNA, are tails too where a run has them; so are unknown bases. A run's library may have other
//! bases at the ends of reads, such as identifiers, barcodes and primers
//! ([`InsertModel::structures`]), and may turn bases into others ([`InsertModel::conversion`]).
//!
//! ```
//! use bm_insert::{Adapter, Finder, InsertModel};
//! use bm_reads::ReadRef;
//!
//! # let mixed = |i: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61) as usize;
//! # let genome: Vec<u8> = (0..9000).map(|i| b"ACGT"[mixed(i * i + i) % 4]).collect();
//! // Molecules of 40 to 119 bases, read over 100 bases.
//! let texts: Vec<Vec<u8>> = (0..400)
//!     .map(|i| {
//!         let molecule = &genome[20 * i..][..40 + i % 80];
//!         let mut read = [molecule, b"AGATCGGAAGAGCACACGTCTGAACTCCAGTCA"].concat();
//!         read.resize(100, b'G');
//!         read
//!     })
//!     .collect();
//! let scores = [b'I'; 100];
//! let reads: Vec<[ReadRef<'_>; 1]> = texts
//!     .iter()
//!     .map(|sequence| [ReadRef { name: b"read", sequence, quality_scores: &scores }])
//!     .collect();
//! let templates: Vec<&[ReadRef<'_>]> = reads.iter().map(|read| &read[..]).collect();
//!
//! // The adapter as probabilities of A, C, G and T.
//! let truseq = b"AGATCGGAAGAGCACACGTCTGAACTCCAGTCA";
//! let columns = truseq.map(|base| b"ACGT".map(|other| if other == base { 0.97 } else { 0.01 }));
//! let model = InsertModel::learn(&templates, [vec![Adapter::new(&columns)], vec![]]);
//!
//! let mut finder = Finder::default();
//! finder.find(&model, templates[7], true);
//! let end = finder.ends(0)[0];
//! assert!(end.at == 47 && end.probability > 0.99);
//! ```

mod adapter;
mod candidates;
mod conversion;
mod damage;
mod end;
mod finder;
mod inserts;
mod layout;
mod learn;
mod lengths;
mod library;
mod mate_inserts;
mod merging;
mod model;
mod molecules;
mod overlap;
mod overlay;
mod planes;
mod runs;
mod sample;
mod structure;
mod support;
mod tails;
#[cfg(test)]
mod testing;

pub use adapter::Adapter;
pub use finder::Finder;
pub use inserts::{End, Insert, Inserts, Tail};
pub use mate_inserts::MateInserts;
pub use merging::PairInsert;
pub use model::InsertModel;
pub use structure::{Part as StructurePart, Place, Structure};

/// The examples of the README, to be tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
