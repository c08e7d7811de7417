//! Learns what the errors of a sequencing run look like from the run itself: no reference, no
//! labels.
//!
//! A run tells on itself. Where many of its reads overlap, a base that hardly any of them has is an
//! error ([`Labels`]), and from a share of the reads ([`RunSample`], bounded in memory whatever the
//! size of the file) enough of them are seen to learn what a reported quality is worth in this run,
//! where in the read, and after which bases. [`Adaptation::learn`] trains the network of
//! `read-error` on them for some seconds, compares it on reads that were held out with the model
//! that it started from and with the reported qualities, and returns the package of the one to use;
//! and why, if it is not the new one ([`Doubt`]).
//!
//! What must not be taught: both alleles of a heterozygous site are right, as many reads have
//! either; where something between few and many is seen (a rare variant, a repeat, a systematic
//! error), nothing is said; and what stands by its own kind in another place (a strain, a copy of a
//! repeat) is right. A variant in at most 3 % of the reads of a place, and in at most 20 of them,
//! cannot be told from an error, and is taken for one. Mates that overlap settle what other reads
//! do not see.
//!
//! Everything is deterministic: the same reads in the same order, with the same seed, give the same
//! bytes, on any number of threads.
//!
//! ```
//! use bm_adapt::{Adaptation, Choice, Labels, RunSample, Settings};
//! use bm_reads::ReadRef;
//! use bm_quality::ModelPackage;
//!
//! let mut sample = RunSample::new(RunSample::ROOM);
//! # let genome: Vec<u8> = (0..3000u64).map(|i| b"ACGT"[(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61) as usize % 4]).collect();
//! for start in 0..600 {
//!     // Reads of your run.
//!     let sequence = &genome[4 * start..4 * start + 100];
//!     sample.observe(ReadRef { name: b"read", sequence, quality_scores: &[b'F'; 100] })?;
//! }
//! let labels = Labels::of(&sample, 2);
//! let adaptation = Adaptation::learn(&sample, &labels, &ModelPackage::embedded("read-error")?, &Settings::default())?;
//! // There are no errors in these reads, so there is nothing to learn; the package is read-error as it was.
//! assert_eq!(adaptation.choice, Choice::Start);
//! assert!(adaptation.doubts[0].to_string().contains("contradict only 0 of the"));
//! let package = ModelPackage::from_files("this run", adaptation.files)?;
//! # assert_eq!(package.facts().id, "read-error");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adaptation;
mod calibration;
mod card;
mod contradiction;
mod error;
mod evidence;
mod examples;
mod findings;
mod gate;
mod judge;
mod kmer;
mod labels;
mod network;
mod package;
mod parallel;
mod sample;
mod standing;
mod train;

pub use adaptation::{Adaptation, Choice, Settings};
pub use contradiction::Contradiction;
pub use error::AdaptError;
pub use evidence::{EvidenceFindings, RunEvidence};
pub use findings::{Findings, HeldOut, Row};
pub use gate::Doubt;
pub use judge::{Figures, Gain};
pub use labels::{Label, LabelledRead, Labels};
pub use sample::RunSample;
