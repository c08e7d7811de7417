//! A run from its files to its outputs: the common part of `filter` and `score`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bm_io::{
    Cancellation, Complete, Compression, Durability, FileState, Input, Output, Shard, Tasks,
    is_stdio, name_all,
};
use bm_long::Traits;
use bm_profile::Profile;
use bm_quality::{Applicability, Criteria, LongReads, ModelPackage, QualityModel, ScoredBy};

use crate::PipelineError;
use crate::applicability;
use crate::bam_header;
use crate::class_totals::ClassTotals;
use crate::decide::{Decider, PairMode};
use crate::engine::{Engine, EngineChoice};
use crate::file_group::Layout;
use crate::first_pass::{self, Decisions, FirstPass};
use crate::hindsight::Hindsight;
use crate::inputs::Inputs;
use crate::inserts::{self, AdapterChoice, Ahead, RunInserts, read_first, read_first_behind};
use crate::learn::Learning;
use crate::learned::{Learned, Seen};
use crate::library::Library;
use crate::losses::Losses;
use crate::model_alone::ModelAlone;
use crate::near_misses::NearMisses;
use crate::observer::{Observer, Task};
use crate::pipeline::{
    self, BATCH_BYTES, Destination, First, MEMORY_BYTES, Plan, Product, Scorer, Visitor, Worker,
};
use crate::profiling::Profiling;
use crate::ranking::{Goal, Ranking};
use crate::record_writer::RecordFormat;
use crate::rules::Rules;
use crate::run_pass::refuse_streams;
use crate::sample_parts::{of_sample, parts_of};
use crate::score_table::ScoreTable;
use crate::screen::Screen;
use crate::shards;
use crate::split::Splitter;
use crate::splitting::Splitting;
use crate::survey::Survey;
use crate::template_reader::{TemplateReader, refuse_same};
use crate::templates::TemplateBatch;
use crate::totals::Totals;
use crate::trim::Trimming;
use crate::umi::Umi;
use crate::yields::Yields;

/// Default memory for learning a run, in bytes.
pub const LEARNING_BYTES: u64 = 2_000_000_000;

/// The reads of a run, the model that scores them, and the criteria that decide.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// The reads.
    pub inputs: Inputs,
    /// The model and its engine.
    pub engine: EngineChoice,
    /// The table of earlier scores of the same files, used instead of the model.
    pub scores: Option<PathBuf>,
    /// How much to keep, the best reads first, which chooses the criteria. Without earlier scores, the
    /// files are read twice. `None` leaves the criteria as they are.
    pub goal: Option<Goal>,
    /// Memory in bytes for learning the run first, in a separate pass; `None` does not learn.
    pub learning_bytes: Option<u64>,
    /// Whether k-mer evidence is used: of the run that is learned, or of a package that has it.
    pub evidence: bool,
    /// Criteria that scores must meet; by default the model's own threshold.
    pub criteria: Criteria,
    /// Rules in addition to the model.
    pub rules: Rules,
    /// The classes that reads are looked up in, and which of them are wanted; `None` looks none up.
    pub screen: Option<Screen>,
    /// Whether the reported qualities score the reads, and no network.
    pub reported_errors: bool,
    /// What is cut off reads.
    pub trimming: Trimming,
    /// Where the adapters of the run come from.
    pub adapters: AdapterChoice,
    /// How pairs are scored and kept.
    pub pair_mode: PairMode,
    /// Threads. Outputs do not depend on their number.
    pub threads: usize,
    /// Compression level of the outputs; `None` for the default of their format.
    pub level: Option<u8>,
    /// Whether outputs are on the disk when they get their names.
    pub durability: Durability,
    /// Whether to collect distributions ([`Done::survey`]).
    pub surveys: bool,
    /// Whether to count what the reads are like before and after ([`Done::profile`]).
    pub profiles: bool,
    /// A switch that ends the run from another thread, with [`PipelineError::Cancelled`] and
    /// without outputs. The run looks at it between batches and, on Linux, while it waits for a
    /// pipe; not while a model is trained.
    pub cancellation: Option<Cancellation>,
    /// The command line that headers of BAM outputs have for this run; may be empty.
    pub command_line: String,
}

impl RunSettings {
    /// Returns the settings of `bm filter IN` and `bm score IN` without flags: the default model on
    /// the embedded engine, all cores.
    pub fn new(inputs: Inputs) -> Self {
        Self {
            inputs,
            engine: EngineChoice::default(),
            scores: None,
            goal: None,
            learning_bytes: None,
            evidence: true,
            criteria: Criteria::default(),
            rules: Rules::default(),
            screen: None,
            reported_errors: false,
            trimming: Trimming::NONE,
            adapters: AdapterChoice::default(),
            pair_mode: PairMode::default(),
            threads: thread::available_parallelism().map_or(1, usize::from),
            level: None,
            durability: Durability::default(),
            surveys: false,
            profiles: false,
            cancellation: None,
            command_line: String::new(),
        }
    }

    /// Returns all files that are read, a model's among them.
    pub fn files(&self) -> Vec<&Path> {
        let mut files = self.inputs.paths();
        files.extend(self.inputs.index_paths());
        files.extend(self.scores.as_deref());
        files.extend(self.screen.as_ref().and_then(|screen| screen.classes().path()));
        files.extend(self.engine.model.as_deref().map(Path::new).filter(|path| path.is_file()));
        files.extend(self.engine.ort_library.as_deref());
        files
    }

    pub(crate) fn compression(&self) -> Compression {
        Compression { level: self.level, tasks: Tasks::for_workers(self.threads) }
    }
}

/// The source of the scores of a run.
pub enum ScoreSource {
    /// A model on an engine.
    Model {
        /// The model and its engine.
        engine: Box<Engine>,
        /// The result of learning the run first, if this was requested.
        learned: Option<Box<Learned>>,
        /// Whether the model applies, and what scored the reads.
        applicability: Applicability,
    },
    /// A table of scores, by its name.
    Table(String),
}

/// The result of a run.
pub struct Done {
    /// Names of the inputs in messages.
    pub inputs: Vec<String>,
    /// Names of the outputs in messages, the main one first.
    pub outputs: Vec<String>,
    /// The shard of the inputs that was read, if it is not all of them.
    pub shard: Option<Shard>,
    /// Whether there are pairs.
    pub has_pairs: bool,
    /// Counts of reads and bases, kept and not kept.
    pub totals: Totals,
    /// The classes that reads come from, if they were looked for.
    pub classes: Option<ClassTotals>,
    /// Whether the reported qualities scored the reads because this was requested.
    pub reported_errors: bool,
    /// What is cut off reads.
    pub trimming: Trimming,
    /// Where reads have identifiers of their molecules, which go into the names.
    pub umi: Option<Umi>,
    /// Whether overlapping mates were merged.
    pub merges: bool,
    /// Whether copies of earlier reads or pairs are not kept.
    pub dedup: bool,
    /// What the library has that is not of the sample, if that was looked for.
    pub library: Option<Library>,
    /// Distributions, if they were requested.
    pub survey: Option<Box<Survey>>,
    /// What the reads yield by quality and length, if they are long and [`RunSettings::profiles`] are
    /// requested.
    pub yields: Option<Box<Yields>>,
    /// What the reads are like before and after, if it was counted.
    pub profile: Option<Box<Profile>>,
    /// The rules and criteria that decided.
    pub decider: Decider,
    /// The source of the scores.
    pub source: ScoreSource,
    /// The limit for long reads that decided, as no criterion was given.
    pub default_limit: Option<LongReads>,
    /// Why most reads are not kept; `None` if at least half of them are.
    pub losses: Option<Losses>,
    /// The reads that fail one limit alone, from which `losses` has a looser limit.
    pub near_misses: NearMisses,
    /// What the base model alone would keep, if the run was learned.
    pub alone: Option<ModelAlone>,
    /// Threads that were used.
    pub threads: usize,
    /// Duration of the run.
    pub wall: Duration,
}

/// A run whose outputs are complete, but do not have their names yet.
#[must_use = "outputs get their names by `commit`"]
pub struct Finished {
    done: Done,
    outputs: Vec<Output>,
    /// Files that are complete: outputs before them in the same numbered names.
    complete: Vec<Complete>,
    durability: Durability,
}

impl Finished {
    /// Returns the result, for reports.
    pub fn done(&self) -> &Done {
        &self.done
    }

    /// Gives the outputs their names, the main one last.
    ///
    /// # Errors
    ///
    /// The error of the operating system; then no output has its name.
    pub fn commit(self) -> Result<Done, PipelineError> {
        self.commit_with(Vec::new())
    }

    /// Gives the written `reports` their names, then the outputs.
    ///
    /// # Errors
    ///
    /// The error of the operating system; if one output cannot be completed or named, none gets its
    /// name, and what was there before is there again.
    pub fn commit_with(mut self, reports: Vec<Output>) -> Result<Done, PipelineError> {
        self.outputs.extend(reports);
        let complete = self.outputs.into_iter().rev().map(|it| it.complete(self.durability));
        let mut complete = complete.collect::<Result<Vec<_>, _>>()?;
        complete.reverse();
        complete.extend(self.complete);
        name_all(complete)?;
        Ok(self.done)
    }
}

/// The source of the scores, before the first read.
pub(crate) enum OpenSource {
    Model { engine: Box<Engine>, learned: Option<Box<Learned>> },
    Table(ScoreTable),
}

impl OpenSource {
    /// Returns whether the reported qualities are ignored.
    fn ignores_quality(&self) -> bool {
        match self {
            Self::Model { engine, .. } => engine.package.ignores_quality(),
            Self::Table(_) => false,
        }
    }

    /// Returns whether expected errors are known, and the name of the source in messages.
    fn counts_errors(&self) -> (bool, String) {
        match self {
            Self::Model { engine, .. } => {
                let facts = engine.package.facts();
                (facts.counts_errors(), format!("the model {}", facts.id))
            }
            Self::Table(table) => (table.counts_errors(), format!("the table {}", table.name())),
        }
    }
}

/// Returns a worker for each thread, with the model that scores the reads.
fn scorers(
    applicability: &Applicability,
    engine: &mut Engine,
    settings: &RunSettings,
) -> Result<Vec<Worker>, PipelineError> {
    let models = if settings.reported_errors {
        let of_reported = |_| QualityModel::by_reported_errors(Arc::clone(&engine.package));
        (0..settings.threads.max(1)).filter_map(of_reported).collect()
    } else {
        applicability::models(applicability, engine, settings.threads)?
    };
    Ok(models.into_iter().map(|model| Scorer::Model(Box::new(model)).into()).collect())
}

/// What is said if reads are to be divided, and nothing is known to divide them at.
const NO_ENDS_TO_SPLIT_AT: &str = "--split: no read is divided at adapters, as the first reads show none at \
                                   their ends; only long single reads are looked at";
const NO_STRETCHES_TO_SPLIT_AT: &str = "--split: no read is divided at stretches of low quality, as only long \
                                        single reads with qualities are looked at";

/// A run of a command.
pub(crate) struct Job<'a> {
    pub(crate) settings: &'a RunSettings,
    pub(crate) compression: &'a Compression,
    /// Whether a mate is kept if its pair is not.
    pub(crate) keeps_singles: bool,
    /// Whether reads get the model's qualities.
    pub(crate) recalibrates: bool,
    /// Whether overlapping mates are merged.
    pub(crate) merges: bool,
    /// Where reads are divided.
    pub(crate) splitting: Splitting,
    /// Whether the user is told of adapters that are not cut off.
    pub(crate) names_adapters: bool,
    pub(crate) observer: &'a dyn Observer,
}

/// Where the product of a job goes.
pub(crate) struct Outputs<'a> {
    /// The files, the main one first.
    pub(crate) files: Vec<Output>,
    /// What cuts some of them into numbered files.
    pub(crate) splitter: Option<Splitter<'a>>,
    /// The places of those that are BAM.
    pub(crate) bam: Vec<usize>,
}

impl From<Vec<Output>> for Outputs<'_> {
    fn from(files: Vec<Output>) -> Self {
        Self { files, splitter: None, bam: Vec::new() }
    }
}

impl Outputs<'_> {
    /// Returns outputs of reads in these formats.
    pub(crate) fn of_formats(files: Vec<Output>, formats: &[RecordFormat]) -> Self {
        let is_bam = |place: &usize| matches!(formats[*place], RecordFormat::Bam);
        Self { bam: (0..formats.len()).filter(is_bam).collect(), ..files.into() }
    }
}

impl Job<'_> {
    /// Opens the model or the table, scores every read, and writes the product, which `product`
    /// makes for the source of the scores. Calls `visit` with every template, if the product keeps
    /// decisions.
    pub(crate) fn run<'a, P: Product>(
        &self,
        outputs: impl Into<Outputs<'a>>,
        visit: Option<Visitor<'_>>,
        product: impl FnOnce(&OpenSource, &mut [Output]) -> Result<P, PipelineError>,
    ) -> Result<Finished, PipelineError> {
        let began = Instant::now();
        let Outputs { files: mut outputs, mut splitter, bam } = outputs.into();
        let Self { settings, observer, .. } = *self;
        refuse_same(&settings.inputs)?;
        if settings.inputs.shard.is_some() && settings.inputs.dedup.is_some() {
            return PipelineError::refuse(
                "--dedup: a copy may be in another shard; filter the files whole",
            );
        }
        if settings.inputs.shard.is_some() {
            shards::check(&settings.inputs)?;
            if settings.scores.is_some() {
                return PipelineError::refuse(
                    "a table of scores has a row for every read of the files; filter them whole",
                );
            }
        }
        let cancellation = settings.cancellation.as_ref();
        let table_state = settings.scores.as_deref().and_then(FileState::at);
        if let (Some(goal), None) = (settings.goal, &settings.scores) {
            first_pass::check(&settings.inputs, goal)?;
        }
        let source = self.open_source()?;
        let mut decider = Decider {
            rules: settings.rules,
            criteria: self.criteria(&source)?,
            mode: settings.pair_mode,
            keeps_singles: self.keeps_singles,
            counts_kept: false,
        };
        let is_by_default = settings.criteria == Criteria::default() && settings.goal.is_none();
        let mut default_limit = None;
        let mut trimming = settings.trimming;
        let product = product(&source, &mut outputs)?;
        let tasks = &self.compression.tasks;
        let ignores_quality = source.ignores_quality();
        let (counts_errors, _) = source.counts_errors();
        let mut inputs = settings.inputs.clone();
        inputs.ignore_quality = ignores_quality;
        let mut reader = TemplateReader::open_for(&inputs, tasks, cancellation)?;
        if let (Some(name), false) = (reader.fasta(), ignores_quality) {
            return PipelineError::refuse(format!(
                "{name}: has no qualities (FASTA), and the model looks at qualities; say \
                 --ignore-quality"
            ));
        }
        if !bam.is_empty() {
            if settings.inputs.shard.is_some() {
                return PipelineError::refuse(
                    "--shard: parts of BAM are not joined by writing them one after the other; write FASTQ",
                );
            }
            reader.require_bam_names();
            let headers: Vec<_> = reader.inputs().filter_map(Input::header).cloned().collect();
            let version = env!("CARGO_PKG_VERSION");
            let header = bam_header::bytes(&headers, version, &settings.command_line)?;
            for place in &bam {
                outputs[*place].write_text(&header)?;
            }
            if let Some(splitter) = &mut splitter {
                splitter.begin_with(bam, header);
            }
        }
        if let OpenSource::Model { learned: Some(learned), .. } = &source {
            learned.seen.check_files(reader.inputs())?;
        }
        let mut first = pipeline::first_batches(&mut reader)?;
        let head = first.len();
        let mut inserts: Option<Box<RunInserts>> = None;
        // Those of the single reads, if there are pairs, too.
        let mut unpaired: Option<Box<RunInserts>> = None;
        let mut is_all = false;
        let (mut of_run, mut conversion) = (None, None);
        let (mut source, mut workers, table) = match source {
            OpenSource::Model { mut engine, mut learned } => {
                // Of several groups, what was learned is known by the first one alone.
                if inputs.groups().len() == 1 {
                    inserts = learned.as_mut().and_then(|learned| learned.inserts.take());
                }
                // What is only told is told by the first shard.
                let tells =
                    self.names_adapters && settings.inputs.shard.is_none_or(Shard::is_first);
                if inserts.is_some() {
                    is_all = !read_first(&mut reader, &mut first, BATCH_BYTES, Ahead::NOTICE)?;
                } else {
                    let has_evidence = engine.package.has_evidence();
                    let trims = settings.trimming.needs_inserts() || settings.trimming.ends;
                    let judges = trims || has_evidence || self.merges || self.splitting.any();
                    let ahead = if judges { Ahead::LEARN } else { Ahead::NOTICE };
                    if judges || tells {
                        is_all = !read_first(&mut reader, &mut first, BATCH_BYTES, ahead)?;
                    }
                    if judges {
                        // The evidence says more than words.
                        let with_support = settings.trimming.ends && !has_evidence;
                        let found = RunInserts::learn(&first, &settings.adapters, with_support);
                        inserts = Some(Box::new(found));
                        if inputs.is_mixed() {
                            let first = read_first_behind(&mut reader, BATCH_BYTES, ahead)?;
                            let found = RunInserts::learn(first, &settings.adapters, with_support);
                            unpaired = Some(Box::new(found));
                        }
                    } else if tells && let Some(line) = inserts::notice(&first, &settings.adapters)
                    {
                        observer.warn(&line);
                    }
                }
                if self.merges {
                    inserts = inserts.map(|inserts| Box::new(inserts.with_merging()));
                }
                let applicability = match &learned {
                    // A model learned from these reads applies to them.
                    Some(learned) => Applicability::certain().with_long_reads(learned.long_limit()),
                    // It gets one quality for every base.
                    None if ignores_quality || settings.reported_errors => Applicability::certain(),
                    None => {
                        let named = settings.engine.model.is_some();
                        let first = &first[..head];
                        let of_batch = |batch| parts_of(batch, inserts.as_deref());
                        let parts: Vec<_> = first.iter().map(of_batch).collect();
                        let reads = first.iter().zip(&parts);
                        let reads = reads.flat_map(|(batch, parts)| of_sample(batch, parts));
                        applicability::check(&engine, named, reads)?
                    }
                };
                if self.recalibrates && applicability.scored_by() != ScoredBy::Model {
                    let id = &engine.package.facts().id;
                    return PipelineError::refuse(format!(
                        "--recalibrate: model {id} does not apply: {applicability}; -m {id} uses it \
                         all the same, --adapt a model that learns the run"
                    ));
                }
                let evidence = engine.package.evidence()?;
                of_run = evidence.and_then(|evidence| evidence.conversion());
                conversion = match &inserts {
                    Some(inserts) => inserts.conversion_here(of_run, reader.layout()),
                    None => of_run,
                };
                if let Some(LongReads { max_error_rate, .. }) = applicability.long_reads() {
                    trimming = trimming.for_long_reads(max_error_rate);
                }
                if self.splitting.any() {
                    let has_qualities = applicability.long_reads().is_some() && !ignores_quality;
                    let stretches = self.splitting.stretches && has_qualities;
                    let splitting = Splitting { stretches, ..self.splitting };
                    let split =
                        |run: Box<RunInserts>| run.with_splitting(splitting, trimming.cost());
                    inserts = inserts.map(split).map(Box::new);
                    let ends = inserts.as_ref().and_then(|inserts| inserts.splits_at());
                    if self.splitting.adapters && ends.is_none() {
                        observer.warn(NO_ENDS_TO_SPLIT_AT);
                    }
                    if self.splitting.stretches && !stretches {
                        observer.warn(NO_STRETCHES_TO_SPLIT_AT);
                    }
                }
                default_limit = applicability.long_reads().filter(|_| is_by_default);
                if let Some(LongReads { max_error_rate, .. }) = default_limit {
                    let max_expected_error_rate = Some(max_error_rate);
                    decider.criteria = Criteria { max_expected_error_rate, ..Criteria::default() };
                }
                let workers = scorers(&applicability, &mut engine, settings)?;
                (ScoreSource::Model { engine, learned, applicability }, workers, None)
            }
            OpenSource::Table(table) => {
                let workers: Vec<_> = (0..settings.threads).map(|_| Scorer::Table.into()).collect();
                (ScoreSource::Table(table.name().to_owned()), workers, Some(table))
            }
        };
        let names = reader.names();
        let yields = settings.profiles
            && counts_errors
            && !settings.inputs.has_pairs()
            && Traits::of(first.iter().take(head).flat_map(TemplateBatch::reads)).are_long();
        if let Some(shard) = settings.inputs.shard {
            // What was read of the whole files says what the run is; the reads are those of the shard.
            let numbered = inserts.as_deref().map_or(0, RunInserts::templates);
            let files = (&inputs, shard);
            reader = shards::open(&mut reader, &first, numbered, files, tasks, cancellation)?;
            first = pipeline::first_batches(&mut reader)?;
            is_all = false;
        }
        // To see afterwards what other settings would have kept of them.
        let counted = match &source {
            ScoreSource::Model { learned: Some(_), .. } => first.len(),
            ScoreSource::Model { .. } => head.min(first.len()),
            ScoreSource::Table(_) => 0,
        };
        let watched = first[..counted].to_vec();
        let unpaired = unpaired
            .as_deref()
            .map(|inserts| (inserts, inserts.conversion_here(of_run, Layout::Single)));
        let mut read_before = None;
        if let (Some(goal), ScoreSource::Model { engine, applicability, .. }) =
            (settings.goal, &mut source)
        {
            let plan = Plan {
                decider: &decider,
                product: &Decisions,
                inserts: inserts.as_deref(),
                conversion,
                unpaired,
                trimming,
                screen: settings.screen.as_ref(),
                wants_bases: self.merges || settings.screen.is_some(),
                surveys: false,
                yields: false,
                profiling: None,
                splits: false,
                batch_bytes: pipeline::batch_bytes(&workers, &first[0]),
                memory_bytes: MEMORY_BYTES,
                tasks,
                cancellation,
            };
            let pass = FirstPass {
                inputs: &inputs,
                counts_errors: engine.package.facts().counts_errors(),
                tasks,
                cancellation,
                observer,
            };
            let mut seen = Seen { files: reader.inputs().map(Input::state).collect(), reads: 0 };
            decider.criteria = pass.rank(workers, &plan, &mut seen)?.criteria(goal)?;
            decider.counts_kept = true;
            workers = scorers(applicability, engine, settings)?;
            read_before = Some(seen);
        }
        let profiling = settings.profiles.then(Profiling::default);
        let plan = Plan {
            decider: &decider,
            product: &product,
            inserts: inserts.as_deref(),
            conversion,
            unpaired,
            trimming,
            screen: settings.screen.as_ref(),
            wants_bases: settings.surveys
                || settings.profiles
                || self.recalibrates
                || self.merges
                || settings.screen.is_some(),
            surveys: settings.surveys,
            yields,
            profiling: profiling.as_ref(),
            splits: splitter.is_some(),
            batch_bytes: pipeline::batch_bytes(&workers, &first[0]),
            memory_bytes: MEMORY_BYTES,
            tasks,
            cancellation,
        };
        observer.pass_begins(Task::Scoring, reader.leading());
        let destination = Destination { outputs: &mut outputs, splitter: splitter.as_mut(), visit };
        let first = First { batches: first.into(), is_all, counted };
        let tally = pipeline::run(&mut reader, first, workers, table, &plan, destination, observer);
        observer.pass_ends();
        let mut tally = tally?;
        if settings.goal.is_some() {
            // A looser limit would keep more than was wanted.
            tally.near_misses = NearMisses::default();
        }
        product.warnings().iter().for_each(|line| observer.warn(line));
        let hindsight = Hindsight {
            trimming,
            adapters: &settings.adapters,
            choice: &settings.engine,
            is_by_default,
            decider: &decider,
            inserts: inserts.as_deref(),
            conversion,
            screen: settings.screen.as_ref(),
            first: &watched,
            tally: &tally,
            tasks,
            cancellation,
        };
        let (losses, alone) = match &mut source {
            // It was chosen how much is kept.
            _ if settings.goal.is_some() => {
                (hindsight.losses(None)?.filter(|losses| !losses.are_wanted()), None)
            }
            ScoreSource::Model { engine, learned, applicability } => {
                let learned = learned.as_deref();
                let alone = learned.map(|it| hindsight.alone(engine, applicability, it));
                let losses = hindsight.losses(Some((engine, applicability)))?;
                (losses, alone.transpose()?.flatten())
            }
            ScoreSource::Table(_) => (hindsight.losses(None)?, None),
        };
        if let ScoreSource::Model { learned: Some(learned), .. } = &source {
            learned.seen.check_files(reader.inputs())?;
            if settings.inputs.shard.is_none() {
                learned.seen.check_reads(reader.records(), &names)?;
            }
        }
        if let Some(seen) = read_before {
            seen.check_files(reader.inputs())?;
            seen.check_reads(reader.records(), &names)?;
        }
        if let (Some(table), Some(before)) = (&settings.scores, table_state)
            && let Some(now) = FileState::at(table)
        {
            now.check(&before, &table.display().to_string())?;
        }
        outputs.iter_mut().rev().try_for_each(Output::flush_all)?;
        let (complete, mut names_of_outputs) =
            splitter.map_or_else(Default::default, Splitter::finish);
        names_of_outputs.extend(outputs.iter().map(Output::name));
        let done = Done {
            inputs: names,
            shard: settings.inputs.shard,
            outputs: names_of_outputs,
            has_pairs: settings.inputs.has_pairs(),
            totals: tally.totals,
            classes: settings.screen.clone().map(|screen| tally.classes.finish(screen)),
            reported_errors: settings.reported_errors,
            trimming,
            umi: settings.inputs.umi.clone(),
            merges: self.merges,
            dedup: settings.inputs.dedup.is_some(),
            library: inserts.as_deref().map(RunInserts::library),
            survey: tally.survey,
            yields: tally.yields,
            profile: profiling.map(|profiling| Box::new(profiling.finish())),
            decider,
            source,
            default_limit,
            losses,
            near_misses: tally.near_misses,
            alone,
            threads: settings.threads,
            wall: began.elapsed(),
        };
        Ok(Finished { done, outputs, complete, durability: settings.durability })
    }

    fn open_source(&self) -> Result<OpenSource, PipelineError> {
        let settings = self.settings;
        if let Some(table) = &settings.scores {
            if settings.goal.is_some() && is_stdio(table) {
                return PipelineError::refuse(
                    "stdin: a table is read twice to choose a threshold; give it a file",
                );
            }
            let table = ScoreTable::open(table, &self.compression.tasks)?;
            if settings.inputs.strict {
                table.end().require()?;
            }
            let words = |pairs| if pairs { "pairs" } else { "reads" };
            let wanted = settings.inputs.has_pairs();
            if wanted != table.has_pairs() {
                return PipelineError::refuse(format!(
                    "{}: has scores of {}, but {} are to be filtered; score them in the same way",
                    table.name(),
                    words(table.has_pairs()),
                    words(wanted)
                ));
            }
            return Ok(OpenSource::Table(table));
        }
        let learned = settings.learning_bytes.map(|bytes| self.learn(bytes)).transpose()?;
        let package = match &learned {
            Some(learned) => learned.package()?,
            None => self.base_package()?,
        };
        if package.ignores_quality() {
            match &learned {
                Some(learned) => learned.require_without_quality(&settings.inputs.paths())?,
                None if settings.reported_errors => {}
                None if package.has_evidence() || !settings.evidence => {}
                None => {
                    return PipelineError::refuse(format!(
                        "--ignore-quality: the model {} has nothing else to score reads by; \
                         --adapt learns the run from its own reads, or -m names a package of the \
                         run that `bm adapt --evidence` made",
                        package.facts().id
                    ));
                }
            }
        }
        let engine = Engine::open(package, &settings.engine)?;
        if let Some(note) = &engine.note {
            self.observer.warn(note);
        }
        Ok(OpenSource::Model { engine: Box::new(engine), learned: learned.map(Box::new) })
    }

    /// Opens the model that scores the reads, or that the run is learned from.
    fn base_package(&self) -> Result<ModelPackage, PipelineError> {
        let mut package = self.settings.engine.package()?;
        if !self.settings.evidence {
            package = package.without_evidence();
        }
        let ignores = self.settings.inputs.ignore_quality;
        Ok(if ignores { package.ignoring_quality() } else { package })
    }

    /// Learns the run before it is scored.
    fn learn(&self, bytes: u64) -> Result<Learned, PipelineError> {
        let settings = self.settings;
        if settings.inputs.in_memory().is_some() {
            return PipelineError::refuse(
                "reads in memory: a run is learned from files; write the reads to a file",
            );
        }
        let twice = "--adapt reads its input twice, first to learn and then to score";
        refuse_streams(&settings.inputs.paths(), twice, "")?;
        let learning = Learning {
            inputs: &settings.inputs,
            start: &self.base_package()?,
            seed: 0,
            evidence: settings.evidence.then_some(bytes),
            adapters: &settings.adapters,
            threads: settings.threads,
            cancellation: settings.cancellation.as_ref(),
        };
        learning.run(None, self.observer)
    }

    /// Returns the criteria for a read: those requested, or the threshold that reaches the goal, or
    /// the model's own threshold.
    fn criteria(&self, source: &OpenSource) -> Result<Criteria, PipelineError> {
        let mut criteria = self.settings.criteria;
        if criteria.need_expected_errors() {
            let flag = match (criteria.max_expected_errors, criteria.min_mean_quality) {
                (Some(_), _) => "--max-ee",
                (None, Some(_)) => "--min-q",
                (None, None) => "--max-ee-rate",
            };
            let (counts_errors, name) = source.counts_errors();
            if !counts_errors {
                return PipelineError::refuse(format!(
                    "{flag}: {name} does not count errors; use --threshold, or a model that does, \
                     such as read-error"
                ));
            }
        }
        if let Some(goal) = self.settings.goal {
            // The threshold applies to pairs.
            let mode = self.settings.pair_mode;
            if mode != PairMode::Joint {
                return PipelineError::refuse(format!(
                    "--pair {}: the threshold that keeps as much is known for pairs scored as one; \
                     use --pair joint, or --threshold",
                    mode.name()
                ));
            }
            if let Some(table) = &self.settings.scores {
                let table = ScoreTable::open(table, &self.compression.tasks)?;
                return Ok(Ranking::of(&mut [table])?.criteria(goal)?);
            }
        }
        if let (true, OpenSource::Model { engine, .. }) = (criteria == Criteria::default(), source)
        {
            criteria = engine.package.facts().threshold.into();
        }
        Ok(criteria)
    }
}
