//! Builds the Python module in `python/` with maturin, installs it, and compares it with `bm`.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};

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

/// A folder whose files pip puts on the path, which maturin takes into the wheel.
const SCRIPTS: &str = "python/bm.data/scripts";

/// Builds the wheel into a folder, which is cleared first: the module, and the program `bm`.
///
/// # Errors
/// When something cannot be built.
pub(crate) fn wheel(workspace: &Workspace, python: &Path, wheels: &Path) -> Result<PathBuf> {
    let scripts = workspace.root.join(SCRIPTS);
    folder::clear(wheels)?;
    folder::clear(&scripts)?;
    let program = scripts.join(format!("bm{EXE_SUFFIX}"));
    let built = workspace.build_bm()?;
    fs::copy(&built, &program).with_context(|| program.display().to_string())?;
    let mut build = python::script(
        workspace,
        python,
        ["-m", "maturin", "build", "--release", "--locked", "--quiet"],
    );
    build.args(["--manifest-path", "python/Cargo.toml", "--interpreter"]).arg(python);
    process::kept(
        build.arg("--out").arg(wheels).arg("--target-dir").arg(workspace.target.join("python")),
    )?;
    folder::remove(scripts.parent().context(SCRIPTS)?)?;
    folder::entries(wheels)?.pop().context("maturin built no wheel")
}

fn check(workspace: &Workspace) -> Result<Outcome> {
    let python = python::ensure(workspace, Environment::Module)?;
    let wheel = wheel(workspace, &python, &workspace.scratch()?.join("wheels"))?;
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
    // The program that pip has put beside the interpreter.
    let program = python.with_file_name(format!("bm{EXE_SUFFIX}"));
    let mut tally = Tally::default();
    tally.run(tests.env("BM", program))?;
    Ok(tally.outcome())
}
