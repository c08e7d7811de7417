//! How good is this read?
//!
//! A [`QualityModel`] is a model package opened on an engine. It encodes reads of any length, runs the network in batches, and
//! returns a [`Prediction`] for each: the probability that the read passes under the model's label, with the errors that are
//! expected in it if the model counts errors, or why it cannot be judged. [`Criteria`] turn that into a [`Verdict`]; a
//! [`Threshold`] of the probability is the simplest.
//!
//! ```
//! use bm_encode::ReadRef;
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
//! A model belongs to one worker. Open the [`ModelPackage`] once and make a model of it for each worker:
//! [`QualityModel::new`] only prepares a session.

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
pub use manifest::{DomainEntry, EncodingEntry, FileEntry, LabelEntry, Manifest, ReadRuleEntry, TensorEntry, Thresholds};
pub use model::QualityModel;
pub use package::{ModelPackage, PackageFiles};
pub use pair::PairRule;
pub use prediction::{Prediction, Probability, Score, Testimony};
pub use verdict::{Criteria, Shortfall, Threshold, Verdict};
pub use window::{Combination, WindowRule};
