//! The tests with programs for BAM that are not ours: samtools, of this system or of its Debian package, and
//! pysam. They test the BAM of `bm`, and the scripts of `research/` that read BAM.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::apt;
use crate::python::{self, Environment};
use crate::step::{Outcome, Step};
use crate::tally::Tally;
use crate::workspace::Workspace;

const FOLDERS: [&str; 2] = ["research/bam/tests", "research/variants/tests"];

/// The step of `test`. It is skipped where samtools cannot be had, or pysam has no wheel.
pub(crate) fn step(workspace: &Workspace) -> Step<'_> {
    Step::with_outcome("tests with samtools and pysam", || {
        if cfg!(windows) {
            return Ok(Outcome::Skipped("pysam is not made for Windows".to_owned()));
        }
        let Some((samtools, libraries)) = samtools(workspace)? else {
            return Ok(Outcome::Skipped("no samtools is on the path, and no apt".to_owned()));
        };
        let interpreter = python::ensure(workspace, Environment::Bam)?;
        let bm = workspace.build_bm()?;
        let mut tally = Tally::default();
        for folder in FOLDERS {
            let tests = ["-m", "unittest", "discover", "--start-directory", folder];
            let mut command = python::script(workspace, &interpreter, tests);
            command.env("BM", &bm).env("SAMTOOLS", &samtools);
            if let Some(libraries) = &libraries {
                command.env("SAMTOOLS_LIBRARIES", libraries);
            }
            tally.run(&mut command)?;
        }
        Ok(tally.outcome())
    })
}

/// Returns samtools, and the folder of its libraries if it is not that of the system.
fn samtools(workspace: &Workspace) -> Result<Option<(PathBuf, Option<PathBuf>)>> {
    if runs(&mut Command::new("samtools")) {
        return Ok(Some(("samtools".into(), None)));
    }
    if !apt::is_there() {
        return Ok(None);
    }
    let found = apt::program(workspace, "samtools", "samtools")?;
    let mut unpacked = Command::new(&found.path);
    ensure!(
        runs(unpacked.env("LD_LIBRARY_PATH", &found.libraries)),
        "{} does not run",
        found.path.display()
    );
    Ok(Some((found.path, Some(found.libraries))))
}

fn runs(program: &mut Command) -> bool {
    let version = program.arg("--version");
    let version = version.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}
