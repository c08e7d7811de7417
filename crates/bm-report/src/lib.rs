//! Reports on a run: JSON, sentences, HTML pages and MultiQC files.
//!
//! A [`Report`] has numbers and names. It is written as JSON and read back, and those of the parts of
//! a run are merged to that of the run ([`Report::merge`]). [`words`] makes sentences from it,
//! [`FilterPage`] and the other pages make HTML, [`multiqc`] makes a file for MultiQC.
//!
//! ```
//! use bm_pipeline::{Filter, Inputs, Silent};
//! use bm_report::{Report, words};
//!
//! # let testdata = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata");
//! # let folder = tempfile::tempdir()?;
//! let reads = format!("{testdata}/novaseq_A00129_800.fastq.gz");
//! let filter = Filter::new(Inputs::single(reads), folder.path().join("kept.fastq"));
//! let report = Report::new("filter", filter.run(&Silent)?.done())?;
//! assert!(words::summary(&report).starts_with("800 reads in: "));
//!
//! let text = serde_json::to_string(&report)?;
//! let back: Report = serde_json::from_str(&text)?;
//! assert_eq!(back.totals, report.totals);
//!
//! let mut lane_2 = back;
//! lane_2.inputs = vec!["lane_2.fastq.gz".to_owned()];
//! let lanes = [("1.json".to_owned(), report), ("2.json".to_owned(), lane_2)];
//! assert_eq!(Report::merge(&lanes)?.totals.reads.r#in, 1600);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adapt_report;
mod adapter_facts;
mod class_facts;
mod error;
mod format;
mod html;
mod json;
mod library_facts;
mod lines;
mod loss_facts;
mod merge;
pub mod multiqc;
mod part_facts;
mod parts;
mod report;
mod run_facts;
mod stored;
mod text;
pub mod words;

pub use adapt_report::{AdaptReport, AdaptationFacts, EvidenceFacts};
pub use adapter_facts::{Accepted, AdapterFacts, MateAdapters, NotOfSample};
pub use class_facts::{AbundanceFacts, ClassCountFacts, ClassFacts, ErrorProbabilities};
pub use error::ReportError;
pub use html::{AdaptPage, FilterPage, TunePage};
pub use json::write_json;
pub use library_facts::{ConversionFacts, LibraryFacts, StructureFacts};
pub use loss_facts::{
    ExcessFacts, LooserFacts, LossFacts, ModelAloneFacts, TrimTrialFacts, WhyFacts,
};
pub use part_facts::{PartFacts, ShardFacts};
pub use report::{CriteriaFacts, Report, TrimFacts};
pub use run_facts::{Domain, EngineFacts, LongReadFacts, ModelFacts, Time};

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
