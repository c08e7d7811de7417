//! What `filter` and `score` share: open, run, count, report.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use bm_adapt::Adaptation;
use bm_encode::fastq::RecordRef;
use bm_quality::{Facts, ModelPackage, Prediction, Verdict};

use crate::args::{EngineArgs, JudgeArgs, RunArgs};
use crate::compress::Compression;
use crate::counts::Counts;
use crate::engine::Engine;
use crate::fit::Fit;
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
    pub(crate) fn run<W>(
        &self,
        start: impl FnOnce(&Facts) -> Result<W>,
        mut write: impl FnMut(&mut W, RecordRef<'_>, &Prediction, Verdict) -> Result<()>,
        finish: impl FnOnce(W) -> Result<()>,
    ) -> Result<()> {
        let began = Instant::now();
        let JudgeArgs { input, criteria, engine, adapt, run, report, compression: _ } = self.args;
        // A report that cannot be written is refused before the work, not after it.
        let report_file = report.as_deref().map(|path| Output::create(path, &[&input.path], self.compression)).transpose()?;
        let named = engine.model.is_some();
        let adaptation = if *adapt { Some(adapted(&input.path, engine, run)?) } else { None };
        let mut engine = match &adaptation {
            Some(adaptation) => Engine::with(ModelPackage::from_files("adapted", adaptation.files.clone())?, engine)?,
            None => Engine::open(engine)?,
        };
        let criteria = criteria::of(criteria, engine.package.facts())?;
        let mut writer = start(engine.package.facts())?;
        let workers = run.workers();
        let mut input = input::open(&input.path, &self.compression.tasks)?;
        let name = input.name.clone();
        let first = pipeline::first(&mut input)?;
        let fit = match adaptation {
            // What was learned from these very reads, or chosen by them, suits them.
            Some(_) => Fit::certain(),
            None => Fit::of(&engine, named, first.iter().map(|record| record.as_read()))?,
        };
        let models = fit.models(&mut engine, workers)?;
        let progress = Progress::new(&input, run.quiet);

        let mut counts = Counts::default();
        let read = pipeline::run(input, first, models, &self.compression.tasks, |batch| {
            for (record, prediction) in batch.records.iter().zip(&batch.predictions) {
                let verdict = criteria.verdict(prediction, record.sequence.len());
                write(&mut writer, record, prediction, verdict)?;
                counts.add(verdict, record.sequence.len());
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
            criteria,
            fit,
            adaptation: adaptation.as_ref(),
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
fn adapted(input: &Path, engine: &EngineArgs, run: &RunArgs) -> Result<Adaptation> {
    learn::refuse_streams(&[input])?;
    let start = engine::open_package(engine.model.as_deref())?;
    let job = learn::Job { inputs: &[input], start: &start, seed: 0, threads: run.workers(), quiet: run.quiet };
    learn::learn(&job, None)
}
