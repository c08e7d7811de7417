//! The report of `bm filter`, `score` and `classify`: numbers and names.

use bm_pipeline::survey::Survey;
use bm_pipeline::yields::Yields;
use bm_pipeline::{Decider, Done, NearMisses, ScoreSource, Totals, Trimming, Umi};
use bm_profile::Profile;
use serde::{Deserialize, Serialize};

use crate::adapt_report::AdaptationFacts;
use crate::adapter_facts::MateAdapters;
use crate::class_facts::{ClassFacts, ErrorProbabilities};
use crate::error::ReportError;
use crate::format::{FORMAT, PROGRAM};
use crate::library_facts::LibraryFacts;
use crate::loss_facts::{LossFacts, ModelAloneFacts};
use crate::part_facts::{PartFacts, ShardFacts};
use crate::run_facts::{Domain, EngineFacts, ModelFacts, Time};

/// The report of `bm filter` and `bm score`. Its keys are a contract.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Report {
    /// Version of the report's format.
    pub format: u32,
    /// `bm`.
    pub program: String,
    /// Version of the program.
    pub version: String,
    /// `filter` or `score`.
    pub command: String,
    /// The files of the run; of a merged report, those of all parts.
    pub inputs: Vec<String>,
    /// Which reads of the files, if not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardFacts>,
    /// The outputs, the main one first.
    pub outputs: Vec<String>,
    /// Counts of reads and bases: in, kept, discarded, unscored.
    #[serde(flatten)]
    pub totals: Totals,
    /// Why most reads are not kept; left out if at least half of them are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub losses: Option<LossFacts>,
    /// The classes that reads come from, if they were looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<ClassFacts>,
    /// What is cut off reads, if anything may be cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trim: Option<TrimFacts>,
    /// The adapters of each mate in the first reads, if they were looked for or told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adapters_found: Vec<MateAdapters>,
    /// What else of the reads is of the library, if anything was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<LibraryFacts>,
    /// The table of scores, if one was used instead of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<String>,
    /// The model; null if a table was used, or if samples have models of their own.
    pub model: Option<ModelFacts>,
    /// Whether the model applies to the run.
    pub domain: Option<Domain>,
    /// The adaptation to the run, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptation: Option<AdaptationFacts>,
    /// What the base model alone would keep, if the run was learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_alone: Option<ModelAloneFacts>,
    /// What a read needs to be kept.
    pub criteria: CriteriaFacts,
    /// The engine.
    pub engine: Option<EngineFacts>,
    /// Duration and speed.
    pub time: Time,
    /// The parts of the run, if reports of parts were merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartFacts>,
    /// The names of the samples, if the reads are those of samples of a sheet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<String>,
    /// What a reader of the merged report should know of the parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The reads that fail one limit alone, from which a looser limit in `losses` comes.
    #[serde(default, skip_serializing_if = "NearMisses::is_empty")]
    pub near_misses: NearMisses,
    /// What the reads yield by quality and length, if they are long.
    #[serde(rename = "yield", default, skip_serializing_if = "Option::is_none")]
    pub yields: Option<Box<Yields>>,
    /// What the reads are like before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Box<Profile>>,
    /// Distributions of the reads, if they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distributions: Option<Box<Survey>>,
}

/// What is cut off reads.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TrimFacts {
    /// What is cut where it is not worth keeping: `adapters`, `poly`, `ends`.
    pub parts: Vec<String>,
    /// What a wrong base costs, in right bases; null if ends are not cut.
    pub price: Option<f32>,
    /// Bases cut off the start of every read.
    pub cut_front: usize,
    /// Bases cut off the end of every read.
    pub cut_tail: usize,
    /// Where reads have identifiers of their molecules, which go into the names, if --umi says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub umi: Option<String>,
    /// Whether overlapping mates are merged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub merge: bool,
}

/// What a read needs to be kept; null for criteria that were not given, or that differ by sample.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CriteriaFacts {
    /// Lowest probability.
    pub threshold: Option<f32>,
    /// Most expected errors.
    pub max_ee: Option<f64>,
    /// Most expected errors per base.
    pub max_ee_rate: Option<f64>,
    /// Lowest mean quality, Phred, if the most expected errors per base were given so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_q: Option<f64>,
    /// Lowest weight of a long read by length and errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_weight: Option<f64>,
    /// Fewest bases.
    pub min_length: Option<usize>,
    /// Most bases.
    pub max_length: Option<usize>,
    /// Largest fraction of unknown bases.
    pub max_n: Option<f64>,
    /// Lowest complexity.
    pub min_complexity: Option<f64>,
    /// Longest run of G at the end.
    pub max_poly_g: Option<usize>,
    /// Mode of pairs, if the reads are pairs: how they are scored and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair_mode: Option<String>,
    /// Whether copies of earlier reads or pairs are not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dedup: bool,
}

impl Report {
    /// Returns the report of a finished run of `command`.
    ///
    /// # Errors
    ///
    /// If the file of the model cannot be read.
    pub fn new(command: &str, done: &Done) -> Result<Self, ReportError> {
        let mut criteria = CriteriaFacts::of(&done.decider, done.has_pairs);
        criteria.dedup = done.dedup;
        let wall_s = done.wall.as_secs_f64();
        let reads = done.totals.reads.r#in;
        let (scores, model) = match &done.source {
            // The model that was opened did nothing.
            ScoreSource::Model { .. } if done.reported_errors => (None, None),
            ScoreSource::Model { engine, learned, applicability } => {
                (None, Some((engine, learned.as_deref(), applicability)))
            }
            ScoreSource::Table(name) => (Some(name.clone()), None),
        };
        let errors = match model {
            Some(_) => ErrorProbabilities::Model,
            None => ErrorProbabilities::ReportedErrors,
        };
        Ok(Self {
            format: FORMAT,
            program: PROGRAM.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: command.to_owned(),
            inputs: done.inputs.clone(),
            shard: done.shard.map(|shard| ShardFacts { index: shard.index(), of: shard.of() }),
            outputs: done.outputs.clone(),
            totals: done.totals,
            losses: done.losses.as_ref().map(LossFacts::of),
            classes: done.classes.as_ref().map(|totals| ClassFacts::of(totals, errors)),
            trim: TrimFacts::of(&done.trimming, done.umi.as_ref(), done.merges),
            adapters_found: done.library.as_ref().map(MateAdapters::of).unwrap_or_default(),
            library: done.library.as_ref().and_then(LibraryFacts::of),
            scores,
            model: model
                .map(|(engine, ..)| ModelFacts::of(engine, criteria.threshold))
                .transpose()?,
            domain: model
                .map(|(.., applicability)| Domain::of(applicability, done.default_limit.is_some())),
            adaptation: model.and_then(|(_, learned, _)| learned).map(AdaptationFacts::of),
            model_alone: done.alone.as_ref().map(ModelAloneFacts::of),
            criteria,
            engine: model.map(|(engine, ..)| EngineFacts {
                backend: engine.backend.name().to_owned(),
                description: engine.backend.describe(),
            }),
            time: Time {
                wall_s,
                reads_per_s: if wall_s > 0.0 { reads as f64 / wall_s } else { 0.0 },
                threads: done.threads,
            },
            parts: Vec::new(),
            samples: Vec::new(),
            warnings: Vec::new(),
            near_misses: done.near_misses.clone(),
            yields: done.yields.clone(),
            profile: done.profile.clone(),
            distributions: done.survey.clone(),
        })
    }
}

impl TrimFacts {
    /// Returns what is cut; `None` if nothing may be.
    fn of(trimming: &Trimming, umi: Option<&Umi>, merge: bool) -> Option<Self> {
        let Trimming { adapters, poly, ends, cut_front, cut_tail, .. } = *trimming;
        let parts = [("adapters", adapters), ("poly", poly), ("ends", ends)];
        let parts = parts.into_iter().filter(|(_, cut)| *cut).map(|(part, _)| part.to_owned());
        (trimming.cuts() || umi.is_some() || merge).then(|| Self {
            parts: parts.collect(),
            price: ends.then_some(trimming.cost()),
            cut_front,
            cut_tail,
            umi: umi.map(Umi::to_string),
            merge,
        })
    }

    /// Returns whether bases may be cut for this, by its name in the totals.
    pub(crate) fn cuts(&self, name: &str) -> bool {
        match name {
            "fixed" => self.cut_front + self.cut_tail > 0,
            "umi" => self.umi.is_some(),
            "overlap" => self.merge,
            part => self.parts.iter().any(|cut| cut == part),
        }
    }

    /// Returns whether adapters are cut off.
    pub(crate) fn cuts_adapters(&self) -> bool {
        self.cuts("adapters")
    }
}

impl CriteriaFacts {
    fn of(decider: &Decider, has_pairs: bool) -> Self {
        let Decider { rules, criteria, mode, .. } = *decider;
        Self {
            threshold: criteria.threshold.map(|threshold| threshold.get()),
            max_ee: criteria.max_expected_errors,
            max_ee_rate: criteria.max_rate(),
            min_q: criteria.min_mean_quality,
            min_weight: criteria.min_weight,
            min_length: rules.min_length,
            max_length: rules.max_length,
            max_n: rules.max_n,
            min_complexity: rules.min_complexity,
            max_poly_g: rules.max_poly_g,
            pair_mode: has_pairs.then(|| mode.name().to_owned()),
            dedup: false,
        }
    }
}
