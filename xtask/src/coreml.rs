//! Writes the file for Core ML of each package as an ML program, with coremltools, and checks what was
//! written: `research/coreml`. Runs without a Mac.

use std::env::consts::{ARCH, OS};

use anyhow::{Context, Result};

use crate::checks;
use crate::process::Output;
use crate::python::{self, Environment};
use crate::step::{Outcome, Step};
use crate::tally::Tally;
use crate::workspace::Workspace;

const SCRIPT: &str = "research/coreml/validate_program.py";
const TESTS: &str = "research/coreml/tests";
/// The versions of Python that coremltools has wheels for; its newest release is the pinned one.
const PYTHONS: std::ops::RangeInclusive<(u32, u32)> = (3, 11)..=(3, 13);

/// Returns the steps, for `validate` and what runs it.
///
/// # Errors
/// When the model packages cannot be listed.
pub(crate) fn steps(workspace: &Workspace, output: Output) -> Result<Vec<Step<'_>>> {
    if let Some(reason) =
        no_wheel(OS, ARCH, python::find().ok().and_then(|it| python::version(&it)))
    {
        let skip = move || Ok(Outcome::Skipped(reason));
        return Ok(vec![Step::with_outcome("programs for Core ML", skip)]);
    }
    let mut steps = vec![Step::with_outcome("tests of the programs for Core ML", || {
        let interpreter = python::ensure(workspace, Environment::CoreMl)?;
        let tests = ["-m", "unittest", "discover", "--start-directory", TESTS];
        let mut tally = Tally::default();
        tally.run(&mut python::script(workspace, &interpreter, tests))?;
        Ok(tally.outcome())
    })];
    for package in workspace.model_packages()? {
        let id = package.file_name().context("a folder has a name")?.to_string_lossy().into_owned();
        let model = package.join("model.ane.onnx");
        steps.push(Step::with_outcome(format!("program for Core ML of {id}"), move || {
            let interpreter = python::ensure(workspace, Environment::CoreMl)?;
            let arguments = [SCRIPT.as_ref(), "--model".as_ref(), model.as_os_str()];
            checks::run(&mut python::script(workspace, &interpreter, arguments), output)
        }));
    }
    Ok(steps)
}

/// Returns why coremltools cannot be installed, if so.
fn no_wheel(os: &str, arch: &str, python: Option<(u32, u32)>) -> Option<String> {
    if !matches!((os, arch), ("linux", "x86_64") | ("macos", _)) || cfg!(target_env = "musl") {
        return Some(format!("coremltools has no wheel for {os} on {arch}"));
    }
    // Without any Python, the steps fail with advice.
    let (major, minor) = python.filter(|version| !PYTHONS.contains(version))?;
    Some(format!(
        "coremltools has no wheel for Python {major}.{minor}; name an older one with BM_PYTHON"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_wheel_is_told_why() {
        let reason = |os, arch, python| no_wheel(os, arch, python).unwrap_or_default();
        if cfg!(not(target_env = "musl")) {
            assert_eq!(reason("linux", "x86_64", Some((3, 11))), "");
            assert_eq!(reason("macos", "aarch64", Some((3, 13))), "");
            assert!(reason("linux", "x86_64", Some((3, 14))).contains("Python 3.14"));
        }
        assert!(reason("windows", "x86_64", Some((3, 12))).contains("windows"));
        assert!(reason("linux", "aarch64", Some((3, 12))).contains("aarch64"));
    }
}
