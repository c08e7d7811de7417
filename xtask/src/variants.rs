//! Reads with variants of known fractions, made and measured by `research/variants/measure.py`.

use std::ffi::OsString;
use std::path::{self, Path, PathBuf};

use anyhow::Result;

use crate::process;
use crate::python::{self, Environment};
use crate::step::Step;
use crate::workspace::Workspace;

const SCRIPT: &str = "research/variants/measure.py";

/// Where the figures go.
pub(crate) const RESULTS: &str = "research/variants/results";

/// The step of `data --variants`: makes the sets.
pub(crate) fn make_step<'a>(workspace: &'a Workspace, data: &'a Path) -> Step<'a> {
    Step::new("variants of known fractions", move || run(workspace, data, None))
}

/// The steps of `evaluate --variants`: makes the sets that are missing, and measures callers on all.
pub(crate) fn measure_steps<'a>(
    workspace: &'a Workspace,
    data: &'a Path,
    results: &'a Path,
) -> Vec<Step<'a>> {
    vec![
        Step::new("release build of bm", || workspace.build_bm().map(drop)),
        Step::new("Python environment with pysam", || {
            python::ensure(workspace, Environment::Bam).map(drop)
        }),
        Step::new(SCRIPT, move || {
            let bm = workspace.build_bm()?;
            run(workspace, data, Some((&bm, results)))
        }),
    ]
}

/// Runs the script; it measures if there is a program, and a folder for the figures.
fn run(workspace: &Workspace, data: &Path, measured: Option<(&PathBuf, &Path)>) -> Result<()> {
    let interpreter = python::ensure(workspace, Environment::Bam)?;
    let sets = workspace.scratch()?.join("variants");
    process::shown(&mut python::script(workspace, &interpreter, arguments(data, &sets, measured)?))
}

/// Returns the arguments of the script, with absolute paths.
fn arguments(
    data: &Path,
    sets: &Path,
    measured: Option<(&PathBuf, &Path)>,
) -> Result<Vec<OsString>> {
    let mut arguments: Vec<OsString> = vec![SCRIPT.into()];
    arguments.extend(["--data".into(), path::absolute(data)?.into()]);
    arguments.extend(["--sets".into(), sets.into()]);
    if let Some((bm, results)) = measured {
        arguments.extend(["--bm".into(), path::absolute(bm)?.into()]);
        arguments.extend(["--output".into(), results.into()]);
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_program_sets_are_only_made() {
        let (data, sets) = (Path::new("runs"), Path::new("sets"));
        let made = arguments(data, sets, None).expect("paths");
        let absolute = path::absolute(data).expect("the current folder is known");
        assert_eq!(made[..3], [SCRIPT.as_ref(), "--data".as_ref(), absolute.as_os_str()]);
        assert_eq!(made[3..], ["--sets", "sets"]);
        let bm = PathBuf::from("bm");
        let measured = arguments(data, sets, Some((&bm, Path::new("out")))).expect("paths");
        assert_eq!(measured[..5], made);
        assert_eq!(measured[7..], ["--output", "out"]);
    }
}
