//! Filters, scores and learns FASTQ files: the program `bm` as a library.
//!
//! [`Filter`] keeps the reads that pass, [`Score`] writes a table with a row per read, [`Learning`]
//! learns a run from itself, and [`score_reads`] hands every read with its scores to a function of
//! the caller. Each gives the results of `bm` on the command line to the bit: pairs, compression,
//! rules, and the fall-back to reported errors where the model does not apply.
//!
//! ```
//! use bm_pipeline::{Filter, Inputs, Silent};
//!
//! # let testdata = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata");
//! # let folder = tempfile::tempdir()?;
//! let reads = format!("{testdata}/hiseq_measles/hiseq_measles_1.fastq.gz");
//! let kept = folder.path().join("kept.fastq.gz");
//! let mut filter = Filter::new(Inputs::single(reads), &kept);
//! filter.settings.rules.min_length = Some(50);
//! // All outputs get their names together, when everything is complete.
//! let done = filter.run(&Silent)?.commit()?;
//! assert_eq!(done.totals.reads.r#in, 1499);
//! assert!(done.totals.reads.kept > 1200 && kept.exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Ending a run early
//!
//! [`RunSettings::cancellation`] is a switch that ends a run from another thread: a program with a
//! window has a button for it, and the Python module has Ctrl-C.
//!
//! ```
//! use bm_pipeline::{Cancellation, Inputs, PipelineError, RunSettings, Silent, score_reads};
//!
//! # let testdata = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata");
//! let cancellation = Cancellation::default();
//! let reads = format!("{testdata}/hiseq_measles/hiseq_measles_1.fastq.gz");
//! let mut settings = RunSettings::new(Inputs::single(reads));
//! settings.cancellation = Some(cancellation.clone());
//! let run = std::thread::spawn(move || score_reads(&settings, &Silent, |_, _| {}).map(drop));
//! cancellation.cancel();
//! // The switch may come too late.
//! let outcome = run.join().expect("the run does not panic");
//! assert!(matches!(outcome, Ok(()) | Err(PipelineError::Cancelled(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A run that is learned once
//!
//! [`Learning`] returns a package ([`Learned::package`]) that threads share, and that can judge reads
//! which are in memory: `examples/learn_once.rs` learns a file and hands batches of reads to several
//! threads, each with a `QualityModel` of its own.
//!
//! # In development builds
//!
//! Cargo does not optimise dependencies in development builds, and learning a run without optimisation
//! takes minutes. In the `Cargo.toml` of your program, this optimises them, once, and leaves your own code
//! as it is:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 3
//! ```
//!
//! # The path of a read
//!
//! [`TemplateReader`] reads batches of templates, single reads or pairs. Each thread scores a
//! batch, [`Decider`] decides about each template by [`Rules`] and scores, and the command formats
//! its product (records or rows); outputs are written in input order. A [`Fate`] holds whether a
//! read is kept, why not, and which range of its bases is kept. [`Totals`] can be written, read
//! back and added.

mod applicability;
mod as_one;
mod bam_header;
mod bam_mates;
mod bam_tags;
mod base_modifications;
mod base_probabilities;
#[cfg(feature = "variants")]
mod call;
mod class_rows;
mod class_totals;
mod classes;
mod classify;
mod columns;
mod consensus;
mod copies;
mod decide;
#[cfg(feature = "embeddings")]
mod embed;
mod engine;
mod error;
mod evidence_totals;
mod fate;
mod file_group;
mod file_name;
mod filter;
mod first_pass;
mod flow_cells;
mod found_classes;
mod group_reader;
mod grouping;
mod head;
mod highest_sum;
mod hindsight;
mod inputs;
mod inserts;
mod kept_records;
mod kmer_counting;
mod learn;
mod learned;
mod lessons;
mod library;
mod losses;
mod make_classes;
mod merge;
mod model_alone;
mod near_misses;
mod notes;
mod observation;
mod observe;
mod observer;
mod package_output;
mod parquet_table;
mod part;
mod pipeline;
mod profiling;
mod ranking;
mod reading;
mod reasons;
mod recalibrate;
mod record_writer;
mod recount;
mod reference_text;
mod retention;
mod rules;
mod run;
mod run_pass;
mod sam_tags;
mod sample_parts;
mod score;
mod score_reads;
mod score_row;
mod score_rows;
mod score_table;
mod screen;
mod shards;
mod signal_tags;
mod split;
mod splitting;
mod stretches;
pub mod survey;
mod survey_columns;
mod tag_values;
mod tally;
mod taxonomy;
mod template_reader;
mod templates;
mod totals;
mod trim;
mod umi;
mod umi_names;
pub mod yields;

pub use bm_adapt::GivenAdapter;
pub use bm_classes::{Abundance, shipped_names};
pub use bm_io::{Cancellation, Cancelled, NoShard, ReadFormats, Shard};
pub use bm_kmers::Share as ShareOfKmers;
pub use bm_profile::ExactSum;

pub use base_probabilities::BaseProbabilities;
#[cfg(feature = "variants")]
pub use bm_call::{CallTotals, Filter as CallFilter, Settings as CallSettings};
#[cfg(feature = "variants")]
pub use call::{BaseErrors, CallVariants, Called, ReadCounts, index_of_vcf};
pub use class_totals::{ClassCounts, ClassTotal, ClassTotals};
pub use classes::Classes;
pub use classify::Classify;
pub use columns::{Column, FieldKind, Known};
pub use decide::{Decider, PairMode, ScoredTemplate};
#[cfg(feature = "embeddings")]
pub use embed::{Embed, Embedded};
pub use engine::{BackendChoice, Engine, EngineChoice, open_package};
pub use error::PipelineError;
pub use evidence_totals::EvidenceTotals;
pub use fate::{BaseRange, Decision, Fate};
pub use file_group::{FileGroup, Layout};
pub use filter::Filter;
pub use found_classes::TemplateClasses;
pub use inputs::Inputs;
pub use inserts::AdapterChoice;
pub use learn::{FEWEST_BYTES, Learning};
pub use learned::Learned;
pub use library::{Library, LongEnd};
pub use losses::{Losses, TrimTrial};
pub use make_classes::{MadeClass, MadeClasses, MakeClasses, References};
pub use merge::MergedRead;
pub use model_alone::{Excess, ModelAlone, Why};
pub use near_misses::{Limit, LooserLimit, NearMisses};
pub use observation::Observation;
pub use observe::{LearningParts, Observing, PartOfRun};
pub use observer::{Observer, Silent, Task};
pub use package_output::PackageOutput;
pub use part::CutCounts;
pub use ranking::Goal;
pub use reasons::{Reason, ReasonCounts, Reasons};
pub use recalibrate::Recalibrate;
pub use retention::{RetentionCurve, RetentionPoint};
pub use rules::Rules;
pub use run::{Done, Finished, LEARNING_BYTES, RunSettings, ScoreSource};
pub use sam_tags::{BadTagList, TagList};
pub use score::Score;
pub use score_reads::score_reads;
pub use score_table::ScoreTable;
pub use screen::{Screen, Wanted};
pub use splitting::Splitting;
pub use tally::Tally;
pub use template_reader::TemplateReader;
pub use templates::{Mate, Template, TemplateBatch};
pub use totals::{
    AdapterTotals, BaseTotals, PairTotals, ReadTotals, SplitTotals, Totals, TrimTotals,
};
pub use trim::Trimming;
pub use umi::{BadUmi, Umi, UmiPlace};

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
