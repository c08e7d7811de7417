//! What `filter` and `score` share: open, run, count, report.

use std::time::Instant;

use anyhow::Result;
use bm_encode::fastq::RecordRef;
use bm_quality::{Prediction, Verdict};

use crate::args::JudgeArgs;
use crate::counts::Counts;
use crate::engine::Engine;
use crate::output::Output;
use crate::progress::Progress;
use crate::report::{Done, Report};
use crate::{input, pipeline, terminal};

/// What is to be judged, and how.
pub(crate) struct Job<'a> {
    pub(crate) command: &'static str,
    pub(crate) args: &'a JudgeArgs,
    /// What the report calls the main output.
    pub(crate) output: String,
}

impl Job<'_> {
    /// Judges every read and calls `write` with each in input order, then `finish` once all are written and counted.
    pub(crate) fn run<W>(
        &self,
        mut writer: W,
        mut write: impl FnMut(&mut W, RecordRef<'_>, &Prediction, Verdict) -> Result<()>,
        finish: impl FnOnce(W) -> Result<()>,
    ) -> Result<()> {
        let start = Instant::now();
        let JudgeArgs { input, threshold, engine, run, report } = self.args;
        // A report that cannot be written is refused before the work, not after it.
        let report_file = report.as_deref().map(|path| Output::create(path, &[&input.path])).transpose()?;
        let mut engine = Engine::open(engine)?;
        let threshold = threshold.unwrap_or(engine.package.facts().threshold);
        let workers = run.workers();
        let models = engine.models(workers)?;
        let input = input::open(&input.path)?;
        let name = input.name.clone();
        let progress = Progress::new(&input, run.quiet);

        let mut counts = Counts::default();
        let read = pipeline::run(input, models, |batch| {
            for (record, prediction) in batch.records.iter().zip(&batch.predictions) {
                let verdict = prediction.verdict(threshold);
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
            threshold,
            workers,
            wall: start.elapsed(),
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
