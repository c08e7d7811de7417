//! Builds the Python module in `python/` with maturin, installs it, and compares it with `bm`.

use anyhow::{Context, Result};

use crate::python::{self, Environment};
use crate::step::{Outcome, Step};
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{folder, process};

/// The step of `cargo xtask ci`.
pub(crate) fn step(workspace: &Workspace) -> Step<'_> {
    Step::with_outcome("Python module", || check(workspace))
}

fn check(workspace: &Workspace) -> Result<Outcome> {
    let python = python::ensure(workspace, Environment::Module)?;
    let wheels = workspace.scratch()?.join("wheels");
    folder::clear(&wheels)?;
    let mut build = python::script(
        workspace,
        &python,
        ["-m", "maturin", "build", "--release", "--locked", "--quiet"],
    );
    build.args(["--manifest-path", "python/Cargo.toml", "--interpreter"]).arg(&python);
    process::kept(
        build.arg("--out").arg(&wheels).arg("--target-dir").arg(workspace.target.join("python")),
    )?;
    let wheel = folder::entries(&wheels)?.pop().context("maturin built no wheel")?;
    let mut install = python::quiet_pip(&python);
    process::kept(
        install
            .args(["-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps"])
            .arg(wheel),
    )?;
    let mut tests = python::script(
        workspace,
        &python,
        ["-m", "unittest", "discover", "--start-directory", "python/tests"],
    );
    let mut tally = Tally::default();
    tally.run(tests.env("BM", workspace.build_bm()?))?;
    Ok(tally.outcome())
}
