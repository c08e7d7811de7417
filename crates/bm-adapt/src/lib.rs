//! Adapts the error model of sequencing reads to a run, by the run's own reads: no reference, no
//! labels from outside.
//!
//! - [`Sampler`] keeps a sample of the reads in bounded memory, whatever the size of the file and the
//!   order of the reads: [`RunSample`].
//! - [`Labels`] lays the sample's reads over each other: where many reads overlap, a base that
//!   hardly any of them has is an error.
//! - [`Adaptation::learn`] trains the network of `read-error` on these labels. It learns what a
//!   reported quality means in this run, by position in the read and by the bases before. On
//!   held-out reads, the adapted model is compared with the base model and with the reported
//!   qualities. The result is the package of the model to use, and why it is not the adapted one if
//!   so ([`Doubt`]).
//! - [`Adaptation::weigh`] fits k-mer evidence to the run ([`RunEvidence`]).
//! - [`Adapters::find`] and [`Adapters::find_pairs`] find the adapters of a run in its reads.
//!
//! # Quick start
//!
//! ```
//! use bm_adapt::{Adaptation, Choice, Labels, RunSample, Sampler, Settings};
//! use bm_quality::ModelPackage;
//! use bm_reads::ReadRef;
//!
//! // Observe every read of the run.
//! let mut sampler = Sampler::new(RunSample::ROOM);
//! # let mixed = |i: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61) as usize;
//! # let genome: Vec<u8> = (0..3000).map(|i| b"ACGT"[mixed(i) % 4]).collect();
//! for start in 0..600 {
//!     let sequence = &genome[4 * start..4 * start + 100];
//!     let name = format!("read{start}");
//!     let name = name.as_bytes();
//!     sampler.observe(ReadRef { name, sequence, quality_scores: &[b'F'; 100] })?;
//! }
//!
//! // Label bases, learn, and choose a model.
//! let sample = sampler.finish();
//! let labels = Labels::of(&sample, 2);
//! let base = ModelPackage::embedded("read-error")?;
//! let adaptation = Adaptation::learn(&sample, &labels, &base, &Settings::default())?;
//!
//! // These reads have no errors, so nothing can be learned: the package is read-error, unchanged.
//! assert_eq!(adaptation.choice, Choice::Start);
//! assert!(adaptation.doubts[0].to_string().contains("contradict only 0 of the"));
//! let package = ModelPackage::from_files("this run", adaptation.files)?;
//! # assert_eq!(package.facts().id, "read-error");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits of the labels
//!
//! Both alleles of a heterozygous site are right, as many reads have each. A column with a base of
//! intermediate frequency (a rare variant, a repeat, a systematic error) gets no labels. A base is
//! right if it agrees with the reads of its own strain or repeat copy. A variant in at most 3 % of
//! the reads at a position, and in at most 20 of them, cannot be distinguished from an error and is
//! labelled wrong. Overlapping mates label bases that other reads do not cover.
//!
//! # Reproducibility
//!
//! The same reads with the same seed give the same bytes, in any order and on any number of threads.

mod adaptation;
mod adapters;
mod anchors;
mod calibration;
mod card;
mod contradiction;
mod cycles;
mod doubts;
mod error;
mod evidence;
mod examples;
mod findings;
mod fingerprint;
mod held_out;
mod labels;
mod mate_overlap;
mod network;
mod not_errors;
mod package;
mod parallel;
mod read_support;
mod read_weight;
mod sample;
mod sampler;
mod seen_reads;
mod settings;
mod train;

pub use adaptation::Adaptation;
pub use adapters::{Acceptance, Adapter, Adapters, GivenAdapter, KITS, Kit, Reason};
pub use contradiction::Contradiction;
pub use doubts::Doubt;
pub use error::AdaptError;
pub use evidence::RunEvidence;
pub use findings::{EvidenceFindings, Findings, HeldOut, Row};
pub use held_out::{Figures, Gain};
pub use labels::{Label, LabelledRead, Labels};
pub use sample::RunSample;
pub use sampler::Sampler;
pub use seen_reads::SeenReads;
pub use settings::{Choice, Settings};

/// The examples of the README, to be tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
