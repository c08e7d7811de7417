//! What `filter` and `score` share: open, run, count, report.

use std::time::Instant;

use anyhow::Result;
use bm_encode::fastq::RecordRef;
use bm_quality::{ModelPackage, Prediction, Verdict};

use crate::args::JudgeArgs;
use crate::changes::Changes;
use crate::compress::Compression;
use crate::counts::Counts;
use crate::engine::Engine;
use crate::fit::Fit;
use crate::learn::Learned;
use crate::output::Output;
use crate::progress::Progress;
use crate::report::{Done, Report};
use crate::{criteria, engine, input, learn, pipeline, terminal};

/// What is to be judged, and how.
pub(crate) struct Job<'a> {
    pub(crate) command: &'static str,
    pub(crate) args: &'a JudgeArgs,
    /// What the report calls the main output.
    pub(crate) output: String,
    /// Of outputs; the input shares the tasks.
    pub(crate) compression: &'a Compression,
}

impl Job<'_> {
    /// Opens the model and judges every read: calls `start` with what one must know of the model, `write` with each read in input
    /// order, then `finish` once all are written and counted.
    pub(crate) fn run<W: Send>(
        &self,
        start: impl FnOnce(&ModelPackage) -> Result<W>,
        mut write: impl FnMut(&mut W, RecordRef<'_>, &Prediction, Verdict) -> Result<()> + Send,
        finish: impl FnOnce(W) -> Result<()>,
    ) -> Result<()> {
        let began = Instant::now();
        let JudgeArgs { input, criteria, engine, adapt, run, report, .. } = self.args;
        // A report that cannot be written is refused before the work, not after it.
        let report_file = report.as_deref().map(|path| Output::create(path, &[&input.path], self.compression)).transpose()?;
        let named = engine.model.is_some();
        let learned = if *adapt { Some(learned(self.args)?) } else { None };
        let mut engine = match &learned {
            Some(learned) => Engine::with(package(learned)?, engine)?,
            None => Engine::open(engine)?,
        };
        let criteria = criteria::of(criteria, engine.package.facts())?;
        let mut writer = start(&engine.package)?;
        let workers = run.workers();
        let mut input = input::open(&input.path, &self.compression.tasks)?;
        let name = input.name.clone();
        let first = pipeline::first(&mut input)?;
        let fit = match learned {
            // What was learned from these very reads, or chosen by them, suits them.
            Some(_) => Fit::certain(),
            None => Fit::of(&engine, named, first.iter().map(|record| record.as_read()))?,
        };
        let models = fit.models(&mut engine, workers)?;
        let progress = Progress::new(&input, run.quiet);

        let (mut counts, mut changes) = (Counts::default(), Changes::default());
        let read = pipeline::run(input, first, models, &self.compression.tasks, |batch| {
            for (record, prediction) in batch.records.iter().zip(&batch.predictions) {
                let verdict = criteria.verdict(prediction, record.sequence.len());
                write(&mut writer, record, prediction, verdict)?;
                counts.add(verdict, record.sequence.len());
                changes.add(prediction, record.sequence.len());
            }
            progress.update(batch.records.len());
            Ok(())
        })?;
        counts.close(read)?;
        finish(writer)?;
        progress.finish();

        let done = Done {
            command: self.command,
            input: &name,
            output: self.output.clone(),
            counts,
            changes,
            criteria,
            fit,
            learned: learned.as_ref(),
            workers,
            wall: began.elapsed(),
        };
        let report = Report::new(done, &engine)?;
        if let Some(file) = report_file {
            report.write(file)?;
        }
        if !run.quiet {
            terminal::note(&report.summary());
        }
        Ok(())
    }
}

/// Learns the run that is to be judged.
fn learned(args: &JudgeArgs) -> Result<Learned> {
    let inputs = [args.input.path.as_path()];
    learn::refuse_streams(&inputs)?;
    let start = engine::open_package(args.engine.model.as_deref())?;
    let job = learn::Job {
        inputs: &inputs,
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
    let evidence = learned.testimony.as_ref().and_then(|testimony| testimony.evidence.clone());
    Ok(match evidence {
        Some(evidence) => package.with_evidence(evidence),
        None => package,
    })
}
