//! `bm selfcheck`: does every engine give what the model's makers got?

use std::env::consts::{ARCH, OS};
use std::io::{self, Write};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bm_infer::Backend;
use bm_quality::{GoldenReads, ModelPackage, QualityModel};

use crate::args::{BackendChoice, EngineArgs, SelfcheckArgs};
use crate::engine::{named, open_package};

/// Runs the golden reads of the named model, or of all that are embedded, through the named
/// backend, or through all of them.
pub(crate) fn run(args: &SelfcheckArgs) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    writeln!(stdout, "bm {}, {OS} {ARCH}, {threads} threads", env!("CARGO_PKG_VERSION"))
        .context("stdout")?;
    let models: Vec<Option<&str>> = match &args.engine.model {
        Some(model) => vec![Some(model)],
        None => ModelPackage::embedded_ids().map(Some).collect(),
    };
    let mut failed = 0;
    for model in models {
        failed += of_model(&args.engine, Arc::new(open_package(model)?), &mut stdout)?;
    }
    stdout.flush().context("stdout")?;
    if failed > 0 {
        bail!(
            "{failed} of the backends above do not give the golden probabilities; do not use them on this machine"
        );
    }
    Ok(())
}

/// Writes a line for each backend; returns how many do not give the golden probabilities.
fn of_model(
    args: &EngineArgs,
    package: Arc<ModelPackage>,
    stdout: &mut impl Write,
) -> Result<usize> {
    let golden = package.golden()?.with_context(|| {
        format!("{}: a bare file has no golden reads; name a package", package.name())
    })?;
    let all = args.backend == BackendChoice::Auto;
    let choices = if all {
        vec![BackendChoice::Embedded, BackendChoice::Onnxruntime, BackendChoice::Coreml]
    } else {
        vec![args.backend]
    };
    writeln!(
        stdout,
        "model {} version {}, {} golden reads",
        package.facts().id,
        package.facts().version,
        golden.reads.len()
    )
    .context("stdout")?;
    let mut failed = 0;
    for choice in choices {
        let backend = match named(choice, args)
            .and_then(|backend| backend.check().map(|()| backend).map_err(Into::into))
        {
            Ok(backend) => backend,
            Err(error) if all && args.ort_lib.is_none() => {
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
