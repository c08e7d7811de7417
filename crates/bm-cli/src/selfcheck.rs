//! `bm selfcheck`: does every engine give what the model's makers got?

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bm_infer::Backend;
use bm_quality::{GoldenReads, ModelPackage, QualityModel};

use crate::args::{BackendChoice, SelfcheckArgs};
use crate::engine::{named, open_package};

/// Runs the golden reads through the named backend, or through all of them.
pub(crate) fn run(args: &SelfcheckArgs) -> Result<()> {
    let package = Arc::new(open_package(args.engine.model.as_deref())?);
    let golden =
        package.golden()?.with_context(|| format!("{}: a bare file has no golden reads; name a package", package.name()))?;
    let all = args.engine.backend == BackendChoice::Auto;
    let choices = if all {
        vec![BackendChoice::Embedded, BackendChoice::Onnxruntime, BackendChoice::Coreml]
    } else {
        vec![args.engine.backend]
    };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "model {} version {}, {} golden reads", package.facts().id, package.facts().version, golden.reads.len())
        .context("stdout")?;
    let mut failed = 0;
    for choice in choices {
        let backend = match named(choice, &args.engine).and_then(|backend| backend.check().map(|()| backend).map_err(Into::into)) {
            Ok(backend) => backend,
            Err(error) if all && args.engine.ort_lib.is_none() => {
                writeln!(stdout, "skipped  {error:#}").context("stdout")?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let (line, ok) = check(&package, &golden, backend.as_ref())?;
        failed += usize::from(!ok);
        writeln!(stdout, "{line}").context("stdout")?;
    }
    stdout.flush().context("stdout")?;
    if failed > 0 {
        bail!("{failed} of the backends above do not give the golden probabilities; do not use them on this machine");
    }
    Ok(())
}

fn check(package: &Arc<ModelPackage>, golden: &GoldenReads, backend: &dyn Backend) -> Result<(String, bool)> {
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
