//! How good is this read?
//!
//! ```
//! use bm_quality::{ModelPackage, Prediction, QualityModel, ReadRef, backend::Embedded};
//!
//! let read = |name, quality_scores| ReadRef { name, sequence: &[b'A'; 100], quality_scores };
//! let reads = vec![read(b"good", &[b'I'; 100]), read(b"bad", &[b'#'; 100])];
//! let package = ModelPackage::embedded("read-error")?;
//! let (mut model, applicability) =
//!     QualityModel::for_reads(package, &Embedded::new(), reads.iter().copied())?;
//! let predictions = model.predict(&reads)?;
//! let verdict = |p: &Prediction| p.verdict(model.threshold()).name();
//! assert_eq!(predictions.iter().map(verdict).collect::<Vec<_>>(), ["pass", "fail"]);
//! assert!(applicability.applies());
//! # Ok::<(), bm_quality::QualityError>(())
//! ```
//!
//! A [`QualityModel`] is a model package opened on an engine. It encodes reads of any length, runs
//! the network in batches, and returns a [`Prediction`] for each read: the probability that the
//! read passes under the model's label, with the read's expected errors if the model counts errors,
//! or why the read cannot be scored. [`Criteria`] make a [`Verdict`] of a prediction; the simplest
//! criterion is a [`Threshold`] of the probability.
//!
//! # Runs to which a model does not apply
//!
//! [`QualityModel::for_reads`] does what `bm` does with the first reads of a run: it compares them
//! with the model's [`Domain`], the limits of its training data. For a run outside, such as one
//! whose qualities were thrown away, it returns a model that sums up the error probabilities that
//! the qualities report. [`Applicability`] has the reasons.
//!
//! # Many reads, several threads
//!
//! A model belongs to one worker. Open the [`ModelPackage`] once and make one model of it per
//! worker: [`QualityModel::new`] only prepares a session. A read's probability does not depend on
//! the other reads of the batch, so the predictions are the same however the reads are divided.
//!
//! ```
//! use std::sync::Arc;
//! use std::thread;
//!
//! use bm_quality::{ModelPackage, Prediction, QualityError, QualityModel, ReadRef};
//!
//! // Names, bases and qualities.
//! let owned: Vec<(String, String, String)> = (0..1000)
//!     .map(|i| (format!("r{i}"), "ACGTTGCA".repeat(12), "FFFFFF,I".repeat(12)))
//!     .collect();
//! let reads: Vec<_> = owned
//!     .iter()
//!     .map(|(name, bases, qualities)| ReadRef {
//!         name: name.as_bytes(),
//!         sequence: bases.as_bytes(),
//!         quality_scores: qualities.as_bytes(),
//!     })
//!     .collect();
//!
//! let package = Arc::new(ModelPackage::embedded("read-error")?);
//! let predictions = thread::scope(|scope| {
//!     let score = |reads: &[ReadRef<'_>]| {
//!         QualityModel::with_default_engine(Arc::clone(&package))?.predict(reads)
//!     };
//!     let workers: Vec<_> =
//!         reads.chunks(250).map(|part| scope.spawn(move || score(part))).collect();
//!     workers
//!         .into_iter()
//!         .map(|worker| worker.join().expect("a worker does not panic"))
//!         .collect::<Result<Vec<Vec<Prediction>>, QualityError>>()
//! })?;
//! assert_eq!(predictions.concat().len(), 1000);
//! # Ok::<(), QualityError>(())
//! ```
//!
//! # Errors of reads and of single bases
//!
//! A model that counts errors ([`Facts::counts_errors`]) returns the expected errors of a read and
//! the error probability of each base. [`PairRule`] makes one prediction of those for two mates.
//!
//! ```
//! use bm_quality::{ModelPackage, QualityModel, ReadRef};
//!
//! let package = ModelPackage::embedded("read-error")?;
//! let mut model = QualityModel::with_default_engine(package)?;
//! let mates = [
//!     ReadRef { name: b"r/1", sequence: &[b'A'; 100], quality_scores: &[b'I'; 100] },
//!     ReadRef { name: b"r/2", sequence: &[b'C'; 80], quality_scores: &[b'5'; 80] },
//! ];
//! let (mut predictions, mut bases) = (Vec::new(), Vec::new());
//! model.predict_bases_into(mates.into_iter(), &mut predictions, &mut bases)?;
//! assert_eq!(bases.len(), 180); // one probability per base, one read after the other
//! let errors: f32 = bases[..100].iter().sum();
//! assert!((errors - predictions[0].expected_errors().unwrap()).abs() < 1e-4);
//!
//! let pair = model.pair_rule().joint([&predictions[0], &predictions[1]], [100, 80]);
//! assert!(pair.expected_errors() > predictions[1].expected_errors());
//! # Ok::<(), bm_quality::QualityError>(())
//! ```
//!
//! # Your own model
//!
//! A package is a folder with a manifest; `cargo xtask train` writes one. A bare `.onnx` file is
//! enough if it has the facts as its metadata ([`Facts::metadata`]). Manifest and files are
//! checked: an unknown encoding, another shape and another digest are refused by name.
//!
//! ```
//! use std::path::Path;
//!
//! use bm_quality::{ModelPackage, QualityModel, backend::Embedded};
//!
//! let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
//! let folder = models.join("mean-q20");
//! let model = QualityModel::open(&folder, &Embedded::new())?;
//! let bare = QualityModel::open(&folder.join("model.onnx"), &Embedded::new())?;
//! assert_eq!((model.facts(), model.threshold().get()), (bare.facts(), 0.5));
//!
//! // Golden reads show whether an engine returns the predictions of the model's makers.
//! let package = ModelPackage::open(&folder)?;
//! let golden = package.golden()?.expect("a folder has golden reads");
//! let report = golden.compare(&mut QualityModel::open(&folder, &Embedded::new())?)?;
//! assert!(report.max_difference <= golden.tolerance && report.flips == 0);
//!
//! let refused = ModelPackage::open(&models.join("src"));
//! assert!(refused.is_err());
//! # Ok::<(), bm_quality::QualityError>(())
//! ```
//!
//! A model on an encoding of your own opens with [`ModelPackage::open_with`] and a registry that
//! has the encoding; the example `own_encoding` does so from end to end.
//!
//! # Vectors
//!
//! An [`Embedder`] returns a vector for each read in place of a prediction: reads that overlap, or are
//! of one genome, have alike vectors.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `embedded` (default) | the embedded engine, in pure Rust |
//! | `models` (default) | the models of bm, compiled in |
//! | `onnxruntime` | ONNX Runtime as engine, found at run time |
//! | `coreml` | CoreML as engine, through ONNX Runtime, on macOS |
//! | `ndarray` | predictions as arrays of the crate `ndarray` |

mod applicability;
#[cfg(feature = "ndarray")]
mod arrays;
mod domain;
mod embedding;
mod error;
mod error_rule;
mod facts;
mod failed_cycles;
mod golden;
mod golden_report;
mod kind;
mod kmer_evidence;
mod long_reads;
mod manifest;
mod metadata;
mod model;
mod package;
mod pair;
mod plain_file;
mod prediction;
mod probability;
mod verdict;

/// The crates whose types are in this crate's interface, and what is needed of them to score reads.
pub use bm_encode::{self, Encodings};
pub use bm_infer::{self, Backend, backend};
pub use bm_reads::{self, PlacedRead, ReadError, ReadRef};

pub use applicability::{Applicability, ScoredBy};
#[cfg(feature = "ndarray")]
pub use arrays::{BaseArrays, PredictionArrays};
pub use domain::{Domain, Misfit};
pub use embedding::{Embedder, EmbeddingManifest, EmbeddingPackage, GoldenVector, GoldenVectors};
pub use error::QualityError;
pub use error_rule::{ErrorRule, ReadRuleEntry};
pub use facts::Facts;
pub use failed_cycles::{FailedCycle, FailedCycles};
pub use golden::{GoldenRead, GoldenReads};
pub use golden_report::GoldenReport;
pub use kind::{ChoosePart, Combination, ReadRule, RuleEntries, WindowEntry, WindowRule};
pub use kmer_evidence::KmerEvidence;
pub use long_reads::LongReads;
pub use manifest::{
    DomainEntry, EncodingEntry, FileEntry, LabelEntry, Manifest, TensorEntry, Thresholds,
};
pub use model::QualityModel;
pub use package::{ModelPackage, PackageFiles};
pub use pair::PairRule;
pub use prediction::{KmerSupport, Prediction, Score};
pub use probability::Probability;
pub use verdict::{Criteria, Shortfall, Threshold, Verdict};

/// The examples of the README, to be tested.
#[cfg(all(doctest, feature = "embedded", feature = "models"))]
#[doc = include_str!("../README.md")]
struct Readme;
