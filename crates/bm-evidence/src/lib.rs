//! Error probabilities of bases, updated by the k-mers of their sequencing run.
//!
//! Where many reads of a run overlap, they support each other. A base that other reads have after
//! the same bases is probably right. A base that no other read has, where others continue with
//! another base, is probably wrong.
//!
//! - A [`Counter`](bm_kmers::Counter) counts the k-mers of all reads in bounded memory and makes an
//!   [`Index`](bm_kmers::Index) of them.
//! - [`ReadSupport`] looks up a [`PreparedRead`] in the index and returns the [`BaseSupport`] of
//!   each base.
//! - [`Fit`] estimates the weight of each kind of support in the run: the factor on the odds that a
//!   base is wrong. It starts from runs with known errors ([`Experience`]) and needs no labels.
//! - [`Evidence`] is the index with the weights. It turns the error probability that a model gives
//!   a base (the prior) into the probability given the k-mers of the run (the posterior).
//!
//! Probabilities rise only where other reads contradict a base. A place that was read once, of a
//! rare strain or at the end of a genome, keeps its prior.
//!
//! # Quick start
//!
//! ```
//! use bm_evidence::{Evidence, Experience, Fit, PreparedRead, ReadSupport};
//! use bm_kmers::{Counter, kmer};
//!
//! # let genome: Vec<u8> = (0..3000u64).map(|i| b"ACGT"[kmer::mix(i + 1) as usize % 4]).collect();
//! // Count the k-mers of all reads of a run.
//! let reads: Vec<&[u8]> = (0..600).map(|start| &genome[4 * start..4 * start + 100]).collect();
//! let mut counter = Counter::new(21, 64 << 20);
//! reads.iter().for_each(|read| counter.observe(read));
//! let index = counter.finish();
//!
//! # let json = r#"{"format": 1, "statements": 2, "depths": [1.0], "some": [], "all": [
//! #   {"statement": 5, "wrong": [0.01], "right": [0.99]},
//! #   {"statement": 225, "wrong": [0.5], "right": [0.00001]}]}"#;
//! // Without bases of the run to fit to, the weights are those of earlier runs.
//! let experience = Experience::from_json(json)?;
//! let weights = Fit::new(&experience).weights(&experience, true);
//! let evidence = Evidence::new(index, weights);
//!
//! // A read with one wrong base: its error probability rises, all others fall.
//! let mut read = reads[300].to_vec();
//! read[50] = if read[50] == b'A' { b'C' } else { b'A' };
//! let mut probabilities = vec![0.01; read.len()];
//! let mut prepared = PreparedRead::default();
//! evidence.prepare(&mut prepared, &read);
//! let (mut support, uncounted) = (ReadSupport::default(), std::iter::empty());
//! let covered = evidence.apply(&mut support, &prepared, uncounted, &mut probabilities);
//! assert_eq!(covered, read.len());
//! assert!(probabilities.iter().enumerate().all(|(at, p)| (*p > 0.9) == (at == 50)));
//! # Ok::<(), bm_evidence::EvidenceError>(())
//! ```

mod base_support;
mod error;
mod evidence;
mod experience;
mod explain;
mod fit;
mod read_support;
mod walk;

pub use base_support::BaseSupport;
pub use error::EvidenceError;
pub use evidence::Evidence;
pub use experience::{Experience, Frequency};
pub use fit::{Fit, Weights};
pub use read_support::{PreparedRead, ReadSupport};

/// The examples of the README, to be tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
