//! `bm selfcheck`: checks that every engine gives the golden probabilities.

use std::env::consts::{ARCH, OS};
use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bm_bench::NotRun;
use bm_infer::Backend;
use bm_pipeline::{BackendChoice, EngineChoice, open_package};
use bm_quality::{GoldenReads, ModelPackage, QualityError, QualityModel};

use crate::options::engine::EngineArgs;
use crate::terminal;

/// Check the engines on this machine: run reads with known probabilities, and compare
///
/// Every model package has such reads, its golden reads. Prints a line for each model and engine: `ok`
/// or `FAIL` with the largest difference from the probabilities that the model's makers got, or why
/// the engine is `skipped` (it is not there) or `refused` the model. Without --backend, all engines are
/// checked; without --model, all embedded models.
///
/// Exit code 0 if every engine that runs gives the golden probabilities; 1 if one does not, or if
/// nothing runs on an engine that was named.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    engine: EngineArgs,
}

impl Args {
    /// Runs the golden reads of the named model, or of all embedded ones, on the named engine, or on
    /// all of them.
    pub(crate) fn run(&self) -> Result<()> {
        let mut stdout = terminal::stdout()?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        writeln!(stdout, "bm {}, {OS} {ARCH}, {threads} threads", env!("CARGO_PKG_VERSION"))
            .context("stdout")?;
        let choice = self.engine.choice();
        let models: Vec<Option<&str>> = match &choice.model {
            Some(model) => vec![Some(model)],
            None => ModelPackage::embedded_ids().map(Some).collect(),
        };
        let mut tally = Tally::default();
        for model in models {
            check_model(&choice, Arc::new(open_package(model)?), &mut stdout, &mut tally)?;
            stdout.flush().context("stdout")?;
        }
        stdout.finish()?;
        tally.close()
    }
}

/// What the lines say.
#[derive(Default)]
struct Tally {
    ran: usize,
    failed: usize,
    /// Why a named engine did not run a model.
    refused: Option<String>,
}

impl Tally {
    /// Returns an error unless every engine that runs is right, and each named one runs.
    fn close(self) -> Result<()> {
        if self.failed > 0 {
            bail!(
                "{} of the lines above say FAIL: the engine does not give the golden probabilities; \
                 do not use it on this machine",
                self.failed
            );
        }
        match self.refused {
            Some(reason) if self.ran == 0 => bail!("nothing was checked: {reason}"),
            _ => Ok(()),
        }
    }
}

/// What was found of an engine and a model.
enum Outcome {
    /// The engine ran; whether it gives the golden probabilities, and how near it comes.
    Ran(bool, String),
    /// The engine did not run.
    NotRun(NotRun),
}

/// Writes a line per engine.
fn check_model(
    choice: &EngineChoice,
    package: Arc<ModelPackage>,
    stdout: &mut impl Write,
    tally: &mut Tally,
) -> Result<()> {
    let golden = package.golden()?.with_context(|| {
        format!("{}: a bare file has no golden reads; name a package", package.name())
    })?;
    let is_named = choice.backend != BackendChoice::Auto;
    let named = [choice.backend];
    let engines: &[BackendChoice] = if is_named { &named } else { &BackendChoice::ENGINES };
    let (facts, reads) = (package.facts(), golden.reads.len());
    writeln!(stdout, "model {} version {}, {reads} golden reads", facts.id, facts.version)
        .context("stdout")?;
    for engine in engines {
        // A library that was named must be one; whether it has CoreML is another question.
        let is_needed =
            is_named || (choice.ort_library.is_some() && *engine == BackendChoice::OnnxRuntime);
        let outcome = match choice.backend(*engine) {
            Ok(backend) if is_needed => {
                backend.check()?;
                check(&package, &golden, backend.as_ref())?
            }
            Ok(backend) => check(&package, &golden, backend.as_ref())?,
            Err(error) if is_needed => return Err(error.into()),
            Err(error) => Outcome::NotRun(NotRun::Skipped(error.to_string())),
        };
        let (word, text) = match outcome {
            Outcome::Ran(is_right, text) => {
                tally.ran += 1;
                tally.failed += usize::from(!is_right);
                (if is_right { "ok" } else { "FAIL" }, text)
            }
            Outcome::NotRun(NotRun::Failed(text)) => {
                tally.failed += 1;
                ("FAIL", text)
            }
            Outcome::NotRun(NotRun::Refused(text)) => {
                if is_named {
                    tally.refused = Some(format!("{}: {text}", engine.name()));
                }
                ("refused", text)
            }
            Outcome::NotRun(NotRun::Skipped(text)) => ("skipped", text),
        };
        writeln!(stdout, "{word:8} {}: {text}", engine.name()).context("stdout")?;
    }
    Ok(())
}

/// Runs the golden reads of a model on an engine.
fn check(
    package: &Arc<ModelPackage>,
    golden: &GoldenReads,
    backend: &dyn Backend,
) -> Result<Outcome> {
    let compared = QualityModel::new(Arc::clone(package), backend)
        .and_then(|mut model| golden.compare(&mut model));
    let report = match compared {
        Ok(report) => report,
        Err(QualityError::Infer(error)) => return Ok(Outcome::NotRun(error.into())),
        Err(error) => return Err(error.into()),
    };
    let tolerance = backend.tolerance();
    let ok = report.max_difference <= tolerance && report.max_rate_difference <= tolerance;
    let text = format!(
        "{}, max |Δp| {:.1e} (at most {:.0e}), {} verdicts differ",
        backend.describe(),
        report.max_difference.max(report.max_rate_difference),
        tolerance,
        report.flips
    );
    Ok(Outcome::Ran(ok, text))
}
