//! What `filter` and `score` share: open, run, count, report.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, ensure};
use bm_quality::{Criteria, ModelPackage, Threshold};

use crate::args::{CriteriaArgs, JudgeArgs, ScoresArgs};
use crate::compress::Compression;
use crate::curve::Curve;
use crate::decide::{Decider, PairMode};
use crate::engine::Engine;
use crate::fit::Fit;
use crate::html::FilterPage;
use crate::learn::Learned;
use crate::output::{self, Output};
use crate::pipeline::{self, Judge, Judging, Product};
use crate::progress::Progress;
use crate::report::{Done, Report};
use crate::score_table::ScoreTable;
use crate::source::{Layout, Source};
use crate::{criteria, engine, input, learn, multiqc, terminal};

/// What is to be judged, and how.
pub(crate) struct Job<'a> {
    pub(crate) command: &'static str,
    pub(crate) args: &'a JudgeArgs,
    /// Scores that are there already.
    pub(crate) scores: Option<&'a ScoresArgs>,
    /// Of outputs; the input shares the tasks.
    pub(crate) compression: &'a Compression,
    /// Whether a mate is kept where its pair is not.
    pub(crate) rescues: bool,
    /// Whether reads get the model's qualities.
    pub(crate) recalibrates: bool,
}

/// Who says what there is to say of reads.
pub(crate) enum Authority {
    Model { engine: Box<Engine>, learned: Option<Box<Learned>> },
    Table(ScoreTable),
}

impl Authority {
    /// Returns whether it tells expected errors, and what messages call it.
    fn counts_errors(&self) -> (bool, String) {
        match self {
            Self::Model { engine, .. } => (
                engine.package.facts().counts_errors(),
                format!("the model {}", engine.package.facts().id),
            ),
            Self::Table(table) => (table.counts_errors(), format!("the table {}", table.name())),
        }
    }
}

impl Job<'_> {
    /// Opens the model or the table, judges every read, and writes what comes of it: `product`
    /// makes it of what one must know of the authority, for these outputs. They get their names
    /// once all is written and counted, the first one last: whoever waits for it finds the others
    /// complete.
    pub(crate) fn run<P: Product>(
        &self,
        mut outputs: Vec<Output>,
        product: impl FnOnce(&Authority, &mut [Output]) -> Result<P>,
    ) -> Result<()> {
        let began = Instant::now();
        let JudgeArgs { input, criteria, rules, run, .. } = self.args;
        let mut inputs = input.paths();
        let scores = self.scores.and_then(|args| args.scores.as_deref());
        inputs.extend(scores);
        // A report that cannot be written is refused before the work, not after it.
        let [json, html, multiqc] = self.args.reports();
        let create = |path: Option<&PathBuf>| {
            path.map(|path| Output::create(path, &inputs, self.compression)).transpose()
        };
        let (json, html, multiqc) = (create(json)?, create(html)?, create(multiqc)?);
        let mut authority = self.authority(scores)?;
        let criteria = self.criteria(criteria, &authority)?;
        let decider = Decider {
            rules: rules.rules(),
            criteria,
            mode: input.pair.unwrap_or_default(),
            rescues: self.rescues,
        };
        let product = product(&authority, &mut outputs)?;
        let workers = run.workers();
        let mut source = Source::open(input, &self.compression.tasks)?;
        let first = pipeline::first(&mut source)?;
        let (judges, table, fit, authority) = match authority {
            Authority::Model { ref mut engine, ref learned } => {
                let fit = match learned {
                    // What was learned from these very reads, or chosen by them, suits them.
                    Some(_) => Fit::certain(),
                    None => Fit::of(engine, self.args.engine.model.is_some(), first.reads())?,
                };
                ensure!(
                    !self.recalibrates || fit.judged_by() == "model",
                    "--recalibrate: {}",
                    fit.words(&engine.package.facts().id).unwrap_or_default()
                );
                let models = fit.models(engine, workers)?;
                (
                    models.into_iter().map(|model| Judge::Model(Box::new(model))).collect(),
                    None,
                    Some(fit),
                    Some(authority),
                )
            }
            Authority::Table(table) => {
                ((0..workers).map(|_| Judge::Table).collect(), Some(table), None, None)
            }
        };
        let progress = Progress::new(source.leading(), run.quiet);
        let (names, layout) = (source.names(), source.layout());
        let surveys = html.is_some();
        let tasks = &self.compression.tasks;
        let wants_bases = surveys || self.recalibrates;
        let judging = Judging {
            decider: &decider,
            product: &product,
            wants_bases,
            surveys,
            batch_bytes: pipeline::BYTES,
            tasks,
        };
        let mut tally =
            pipeline::run(source, first, judges, table, &judging, &mut outputs, |reads| {
                progress.update(reads)
            })?;
        let output_names = outputs.iter().map(Output::name).collect();
        output::finish_all(outputs)?;
        progress.finish();
        let survey = tally.survey.take();
        let done = Done {
            command: self.command,
            inputs: names,
            outputs: output_names,
            layout,
            tally,
            decider,
            scores: scores.map(input::name),
            judged: match &authority {
                Some(Authority::Model { engine, learned }) => {
                    fit.as_ref().map(|fit| (&**engine, fit, learned.as_deref()))
                }
                _ => None,
            },
            workers,
            wall: began.elapsed(),
        };
        let report = Report::new(done)?;
        if let Some(file) = json {
            report.write(file)?;
        }
        if let (Some(file), Some(survey)) = (html, &survey) {
            FilterPage { inputs: &input.paths(), report: &report, survey }.write(file)?;
        }
        if let Some(file) = multiqc {
            multiqc::write(&report, file)?;
        }
        if !run.quiet {
            terminal::note(&report.summary());
        }
        Ok(())
    }

    fn authority(&self, scores: Option<&Path>) -> Result<Authority> {
        let JudgeArgs { input, engine, adapt, .. } = self.args;
        if let Some(path) = scores {
            let chooses = self.scores.is_some_and(|args| args.goal.goal().is_some());
            ensure!(
                !(chooses && input::is_stdio(path)),
                "stdin: a table is read twice to choose a threshold; give it a file"
            );
            let table = ScoreTable::open(path, &self.compression.tasks)?;
            let pairs = if input.layout() == Layout::Single { "reads" } else { "pairs" };
            let has = if table.has_pairs() { "pairs" } else { "reads" };
            ensure!(
                pairs == has,
                "{}: has scores of {has}, but {pairs} are to be judged; score them in the same way",
                table.name()
            );
            return Ok(Authority::Table(table));
        }
        let learned = if *adapt { Some(Box::new(learned(self.args)?)) } else { None };
        let engine = match &learned {
            Some(learned) => Engine::with(package(learned)?, engine)?,
            None => Engine::open(engine)?,
        };
        Ok(Authority::Model { engine: Box::new(engine), learned })
    }

    /// Returns what a read must reach: what the user says, or what keeps as much as is asked for,
    /// or the model's own threshold.
    fn criteria(&self, args: &CriteriaArgs, authority: &Authority) -> Result<Criteria> {
        let mut criteria = criteria::given(args);
        if criteria.need_expected_errors() {
            let flag = if args.max_ee.is_some() { "--max-ee" } else { "--max-ee-rate" };
            let (counts_errors, name) = authority.counts_errors();
            ensure!(
                counts_errors,
                "{flag}: {name} does not count errors; use --threshold, or a model that does, such as read-error"
            );
        }
        if let Some(ScoresArgs { scores: Some(path), goal }) = self.scores
            && let Some(goal) = goal.goal()
        {
            // The threshold is that of pairs.
            let mode = self.args.input.pair.unwrap_or_default();
            ensure!(
                mode == PairMode::Joint,
                "--pair {}: the threshold that keeps as much is known for pairs judged as one; use --pair joint, or --threshold",
                mode.name()
            );
            let point =
                Curve::of(&mut [ScoreTable::open(path, &self.compression.tasks)?])?.at(goal);
            criteria.threshold = Some(Threshold::new(point.threshold)?);
        }
        if let (true, Authority::Model { engine, .. }) =
            (criteria == Criteria::default(), authority)
        {
            criteria = engine.package.facts().threshold.into();
        }
        Ok(criteria)
    }
}

/// Learns the run that is to be judged.
fn learned(args: &JudgeArgs) -> Result<Learned> {
    let inputs = args.input.paths();
    learn::refuse_streams(&inputs)?;
    let start = engine::open_package(args.engine.model.as_deref())?;
    let job = learn::Job {
        inputs: &inputs,
        interleaved: args.input.layout() == Layout::Interleaved,
        offset: args.input.offset(),
        start: &start,
        seed: 0,
        evidence: Some(args.max_memory),
        threads: args.run.workers(),
        quiet: args.run.quiet,
    };
    learn::learn(&job, None)
}

/// Returns the package of what was learned, with what the k-mers say.
fn package(learned: &Learned) -> Result<ModelPackage> {
    let package = ModelPackage::from_files("adapted", learned.adaptation.files.clone())?;
    let evidence = learned.evidence.as_ref().and_then(|evidence| evidence.evidence.clone());
    Ok(match evidence {
        Some(evidence) => package.with_evidence(evidence),
        None => package,
    })
}
