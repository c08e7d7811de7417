//! `cargo xtask test`: every test that does not need PyTorch.

use anyhow::Result;

use crate::fetch_runtime::{self, Runtime};
use crate::process::Output;
use crate::step::{self, Outcome, Step};
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{bam_tests, python_tests, validate};

/// `cargo xtask test`.
///
/// # Errors
/// When any step fails.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    step::run_all("test", steps(workspace)?)
}

/// Returns the steps, which `ci` runs too.
///
/// # Errors
/// When the model packages cannot be listed.
pub(crate) fn steps(workspace: &Workspace) -> Result<Vec<Step<'_>>> {
    let mut steps = vec![
        Step::with_outcome(format!("ONNX Runtime {}", fetch_runtime::VERSION), || {
            Ok(match fetch_runtime::ensure(workspace)? {
                Runtime::Available(_) => Outcome::Done,
                Runtime::NoWheel(reason) => Outcome::Skipped(reason),
            })
        }),
        Step::with_outcome("cargo test", || cargo_test(workspace)),
        python_tests::step(workspace),
        bam_tests::step(workspace),
    ];
    steps.extend(validate::steps(workspace, Output::Kept, false)?);
    Ok(steps)
}

fn cargo_test(workspace: &Workspace) -> Result<Outcome> {
    // `--no-fail-fast`: one run shows every test that fails.
    let mut command = workspace.cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"]);
    if fetch_runtime::configure(workspace, &mut command)? {
        // A test that would skip itself without the library fails instead.
        command.env("BM_REQUIRE_ORT", "1");
    }
    let mut tally = Tally::default();
    tally.run(&mut command)?;
    Ok(tally.outcome())
}
