//! `bm selfcheck`: checks that every engine gives the golden probabilities.

use std::env::consts::{ARCH, OS};
use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bm_infer::Backend;
use bm_pipeline::{BackendChoice, EngineChoice, open_package};
use bm_quality::{GoldenReads, ModelPackage, QualityModel};

use crate::options::engine::EngineArgs;
use crate::terminal;

/// Check the engines on this machine: run reads with known probabilities, and compare
///
/// Every model package has such reads, its golden reads. Prints engine, version, device and library,
/// and the largest difference from the probabilities that the model's makers got, or why an engine is
/// not there. Without --backend, all engines are checked; without --model, all embedded models.
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
        let mut failed = 0;
        for model in models {
            failed += check_model(&choice, Arc::new(open_package(model)?), &mut stdout)?;
            stdout.flush().context("stdout")?;
        }
        stdout.finish()?;
        if failed > 0 {
            bail!(
                "{failed} of the backends above do not give the golden probabilities; do not use \
                 them on this machine"
            );
        }
        Ok(())
    }
}

/// Writes a line per engine; returns the number of engines with other probabilities.
fn check_model(
    choice: &EngineChoice,
    package: Arc<ModelPackage>,
    stdout: &mut impl Write,
) -> Result<usize> {
    let golden = package.golden()?.with_context(|| {
        format!("{}: a bare file has no golden reads; name a package", package.name())
    })?;
    let all = choice.backend == BackendChoice::Auto;
    let backends = if all {
        vec![BackendChoice::Embedded, BackendChoice::OnnxRuntime, BackendChoice::CoreMl]
    } else {
        vec![choice.backend]
    };
    let (facts, reads) = (package.facts(), golden.reads.len());
    writeln!(stdout, "model {} version {}, {reads} golden reads", facts.id, facts.version)
        .context("stdout")?;
    let mut failed = 0;
    for backend in backends {
        let backend = match available(choice, backend) {
            Ok(backend) => backend,
            Err(error) if all && choice.ort_library.is_none() => {
                writeln!(stdout, "skipped  {error:#}").context("stdout")?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let (line, ok) = check(&package, &golden, backend.as_ref())?;
        failed += usize::from(!ok);
        writeln!(stdout, "{line}").context("stdout")?;
    }
    Ok(failed)
}

/// Returns a backend, if it is available.
fn available(choice: &EngineChoice, backend: BackendChoice) -> Result<Box<dyn Backend>> {
    let backend = choice.backend(backend)?;
    backend.check()?;
    Ok(backend)
}

/// Returns the line of one engine, and whether it gives the golden probabilities.
fn check(
    package: &Arc<ModelPackage>,
    golden: &GoldenReads,
    backend: &dyn Backend,
) -> Result<(String, bool)> {
    let mut model = QualityModel::new(Arc::clone(package), backend)?;
    let report = golden.compare(&mut model)?;
    let tolerance = backend.tolerance();
    let ok = report.max_difference <= tolerance && report.max_rate_difference <= tolerance;
    let line = format!(
        "{:8} {}: {}, max |Δp| {:.1e} (at most {:.0e}), {} verdicts differ",
        if ok { "ok" } else { "FAIL" },
        backend.name(),
        backend.describe(),
        report.max_difference.max(report.max_rate_difference),
        tolerance,
        report.flips
    );
    Ok((line, ok))
}
