//! What the k-mers of a sequencing run say of each base of its reads.
//!
//! Where many reads of a run overlap, they bear support of each other: a base that others have
//! after the same bases is right, one that nobody else has where others go on with another is
//! wrong. A [`Counter`](bm_kmers::Counter) counts the k-mers of all reads, exactly while there is memory, and makes an
//! [`Index`](bm_kmers::Index) of them. A [`ReadSupport`] follows a [`PreparedRead`] along the index and makes a [`BaseSupport`]
//! of each base. What a statement is worth, by how much it multiplies the odds that the base is
//! wrong, is fitted to the run ([`Fit`]), starting from what runs with known errors taught
//! ([`Experience`]). Index and weights together are [`Evidence`]: it turns the probability of an
//! error that a model gives to each base (the prior) into the one after the run has testified (the
//! posterior).
//!
//! What nobody contradicts is not accused: a place that was read once, of a rare strain or at the
//! end of a genome, keeps its prior.
//!
//! ```
//! use bm_evidence::{Evidence, Experience, Fit, PreparedRead, ReadSupport};
//! use bm_kmers::{Counter, kmer};
//!
//! # let genome: Vec<u8> = (0..3000u64).map(|i| b"ACGT"[kmer::mix(i + 1) as usize % 4]).collect();
//! // Reads of your run.
//! let reads: Vec<&[u8]> = (0..600).map(|start| &genome[4 * start..4 * start + 100]).collect();
//! let mut counter = Counter::new(21, 64 << 20);
//! reads.iter().for_each(|read| counter.observe(read));
//! let index = counter.finish();
//!
//! # let json = r#"{"format": 1, "statements": 1, "depths": [1.0], "some": [], "all": [
//! #   {"statement": 5, "wrong": [0.01], "right": [0.99]}, {"statement": 586, "wrong": [0.5], "right": [0.00001]}]}"#;
//! // With nothing of the run itself to fit to, statements are worth what other runs taught.
//! let experience = Experience::from_json(json)?;
//! let weights = Fit::new(&experience).weights(&experience, true);
//! let evidence = Evidence::new(index, weights);
//!
//! let mut read = reads[300].to_vec();
//! read[50] = if read[50] == b'A' { b'C' } else { b'A' };
//! let mut probabilities = vec![0.01; read.len()];
//! let mut reading = PreparedRead::default();
//! evidence.prepare(&mut reading, &read);
//! let known = evidence.apply(&mut ReadSupport::default(), &reading, &mut probabilities);
//! assert_eq!(known, read.len());
//! assert!(probabilities.iter().enumerate().all(|(at, p)| (*p > 0.9) == (at == 50)));
//! # Ok::<(), bm_evidence::EvidenceError>(())
//! ```

mod base_support;
mod error;
mod evidence;
mod experience;
mod fit;
mod read_support;

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
