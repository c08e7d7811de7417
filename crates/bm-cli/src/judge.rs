//! What `filter` and `score` share: open, run, count, report.

use std::time::Instant;

use anyhow::Result;
use bm_quality::ModelPackage;

use crate::args::JudgeArgs;
use crate::compress::Compression;
use crate::decide::Decider;
use crate::engine::Engine;
use crate::fit::Fit;
use crate::learn::Learned;
use crate::output::Output;
use crate::pipeline::{self, Judging, Product};
use crate::progress::Progress;
use crate::report::{Done, Report};
use crate::source::{Layout, Source};
use crate::{criteria, engine, learn, terminal};

/// What is to be judged, and how.
pub(crate) struct Job<'a> {
    pub(crate) command: &'static str,
    pub(crate) args: &'a JudgeArgs,
    /// Of outputs; the input shares the tasks.
    pub(crate) compression: &'a Compression,
    /// Whether a mate is kept where its pair is not.
    pub(crate) rescues: bool,
}

impl Job<'_> {
    /// Opens the model, judges every read, and writes what comes of it: `product` makes it of what one must know of the model, for
    /// these outputs. They get their names once all is written and counted, the first one last: whoever waits for it finds the
    /// others complete.
    pub(crate) fn run<P: Product>(
        &self,
        mut outputs: Vec<Output>,
        product: impl FnOnce(&ModelPackage, &mut [Output]) -> Result<P>,
    ) -> Result<()> {
        let began = Instant::now();
        let JudgeArgs { input, criteria, rules, engine, adapt, run, report, .. } = self.args;
        let inputs = input.paths();
        // A report that cannot be written is refused before the work, not after it.
        let report_file = report.as_deref().map(|path| Output::create(path, &inputs, self.compression)).transpose()?;
        let named = engine.model.is_some();
        let learned = if *adapt { Some(learned(self.args)?) } else { None };
        let mut engine = match &learned {
            Some(learned) => Engine::with(package(learned)?, engine)?,
            None => Engine::open(engine)?,
        };
        let criteria = criteria::of(criteria, engine.package.facts())?;
        let decider = Decider { rules: rules.rules(), criteria, mode: input.pair.unwrap_or_default(), rescues: self.rescues };
        let product = product(&engine.package, &mut outputs)?;
        let workers = run.workers();
        let mut source = Source::open(input, &self.compression.tasks)?;
        let first = pipeline::first(&mut source)?;
        let fit = match learned {
            // What was learned from these very reads, or chosen by them, suits them.
            Some(_) => Fit::certain(),
            None => Fit::of(&engine, named, first.reads())?,
        };
        let models = fit.models(&mut engine, workers)?;
        let progress = Progress::new(source.leading(), run.quiet);
        let (names, layout) = (source.names(), source.layout());
        let judging = Judging { decider: &decider, product: &product, tasks: &self.compression.tasks };
        let tally = pipeline::run(source, first, models, &judging, &mut outputs, |reads| progress.update(reads))?;
        let output_names = outputs.iter().map(Output::name).collect();
        outputs.into_iter().rev().try_for_each(Output::finish)?;
        progress.finish();
        let done = Done {
            command: self.command,
            inputs: names,
            outputs: output_names,
            layout,
            tally,
            decider,
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
    let inputs = args.input.paths();
    learn::refuse_streams(&inputs)?;
    let start = engine::open_package(args.engine.model.as_deref())?;
    let job = learn::Job {
        inputs: &inputs,
        interleaved: args.input.layout() == Layout::Interleaved,
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
