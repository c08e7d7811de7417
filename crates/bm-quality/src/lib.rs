//! How good is this read?
//!
//! A [`QualityModel`] is a model package opened on an engine. It encodes reads of any length, runs
//! the network in batches, and returns a [`Prediction`] for each: the probability that the read
//! passes under the model's label, with the errors that are expected in it if the model counts
//! errors, or why it cannot be judged. [`Criteria`] turn that into a [`Verdict`]; a [`Threshold`]
//! of the probability is the simplest.
//!
//! ```
//! use bm_reads::ReadRef;
//! use bm_infer::backend::Embedded;
//! use bm_quality::{QualityModel, Verdict};
//!
//! let mut model = QualityModel::embedded("read-error", &Embedded::new())?;
//! let reads = [
//!     ReadRef { name: b"good", sequence: &[b'A'; 100], quality_scores: &[b'I'; 100] },
//!     ReadRef { name: b"bad", sequence: &[b'A'; 100], quality_scores: &[b'#'; 100] },
//!     ReadRef { name: b"nothing known", sequence: &[b'N'; 100], quality_scores: &[b'I'; 100] },
//! ];
//! let verdicts: Vec<_> = model.predict(&reads)?.iter().map(|p| p.verdict(model.threshold())).collect();
//! assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail, Verdict::Unscored]);
//! # Ok::<(), bm_quality::QualityError>(())
//! ```
//!
//! # Many reads, several threads
//!
//! A model belongs to one worker. Open the [`ModelPackage`] once and make a model of it for each:
//! [`QualityModel::new`] only prepares a session. A read's probability does not depend on what else
//! is in the batch, so however reads are divided, the answers are the same.
//!
//! ```
//! use std::sync::Arc;
//! use std::thread;
//!
//! use bm_reads::ReadRef;
//! use bm_infer::backend::Embedded;
//! use bm_quality::{ModelPackage, Prediction, QualityError, QualityModel};
//!
//! // Name, bases, qualities: whatever holds them.
//! let owned: Vec<(String, String, String)> =
//!     (0..1000).map(|i| (format!("r{i}"), "ACGTTGCA".repeat(12), "FFFFFF,I".repeat(12))).collect();
//! let reads: Vec<_> = owned
//!     .iter()
//!     .map(|(name, bases, scores)| ReadRef { name: name.as_bytes(), sequence: bases.as_bytes(), quality_scores: scores.as_bytes() })
//!     .collect();
//!
//! let package = Arc::new(ModelPackage::embedded("read-error")?);
//! let predictions = thread::scope(|scope| {
//!     let judge = |reads: &[ReadRef<'_>]| QualityModel::new(Arc::clone(&package), &Embedded::new())?.predict(reads);
//!     let workers: Vec<_> = reads.chunks(250).map(|part| scope.spawn(move || judge(part))).collect();
//!     let parts = workers.into_iter().map(|worker| worker.join().expect("a worker does not panic"));
//!     parts.collect::<Result<Vec<Vec<Prediction>>, QualityError>>()
//! })?;
//! assert_eq!(predictions.concat().len(), 1000);
//! # Ok::<(), QualityError>(())
//! ```
//!
//! # Errors of reads and of single bases
//!
//! A model that counts errors ([`Facts::counts_errors`]) tells how many it expects in a read, and
//! the probability of one at each base; [`PairRule`] makes one answer of two mates.
//!
//! ```
//! use bm_reads::ReadRef;
//! use bm_infer::backend::Embedded;
//! use bm_quality::QualityModel;
//!
//! let mut model = QualityModel::embedded("read-error", &Embedded::new())?;
//! let mates = [
//!     ReadRef { name: b"r/1", sequence: &[b'A'; 100], quality_scores: &[b'I'; 100] },
//!     ReadRef { name: b"r/2", sequence: &[b'C'; 80], quality_scores: &[b'5'; 80] },
//! ];
//! let (mut predictions, mut bases) = (Vec::new(), Vec::new());
//! model.predict_bases_into(mates.into_iter(), &mut predictions, &mut bases)?;
//! assert_eq!(bases.len(), 180); // a probability a base, one read after the other
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
//! one too if its metadata tells what the manifest would ([`Facts::metadata`]). What it says must
//! be so: an encoding that does not exist, another shape or another digest are refused by name.
//!
//! ```
//! use std::path::Path;
//!
//! use bm_infer::backend::Embedded;
//! use bm_quality::{ModelPackage, QualityModel};
//!
//! let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
//! let folder = models.join("mean-q20");
//! let model = QualityModel::open(&folder, &Embedded::new())?;
//! let bare = QualityModel::open(&folder.join("model.onnx"), &Embedded::new())?;
//! assert_eq!((model.facts(), model.threshold().get()), (bare.facts(), 0.5));
//!
//! // Its golden reads tell whether an engine gives what its makers got.
//! let package = ModelPackage::open(&folder)?;
//! let golden = package.golden()?.expect("a folder has golden reads");
//! let report = golden.compare(&mut QualityModel::open(&folder, &Embedded::new())?)?;
//! assert!(report.max_difference <= golden.tolerance && report.flips == 0);
//!
//! let refused = ModelPackage::open(&models.join("src"));
//! assert!(refused.is_err());
//! # Ok::<(), bm_quality::QualityError>(())
//! ```

mod domain;
mod error;
mod error_rule;
mod facts;
mod golden;
mod manifest;
mod model;
mod package;
mod pair;
mod prediction;
mod verdict;
mod window;

pub use domain::{Domain, Misfit};
pub use error::QualityError;
pub use error_rule::ErrorRule;
pub use facts::{Facts, ReadRule};
pub use golden::{GoldenRead, GoldenReads, GoldenReport};
pub use manifest::{
    DomainEntry, EncodingEntry, FileEntry, LabelEntry, Manifest, ReadRuleEntry, TensorEntry,
    Thresholds,
};
pub use model::QualityModel;
pub use package::{ModelPackage, PackageFiles};
pub use pair::PairRule;
pub use prediction::{KmerSupport, Prediction, Probability, Score};
pub use verdict::{Criteria, Shortfall, Threshold, Verdict};
pub use window::{Combination, WindowRule};
