//! The tests of BAM with programs that are not ours: samtools, of this system or of its Debian package, and
//! pysam.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::python::{self, Environment};
use crate::step::{Outcome, Step};
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{apt, process};

const TESTS: &str = "research/bam/tests";

/// The step of `test`. It is skipped where samtools cannot be had, or pysam has no wheel.
pub(crate) fn step(workspace: &Workspace) -> Step<'_> {
    Step::with_outcome("samtools and pysam read and write the BAM of bm", || {
        if cfg!(windows) {
            return Ok(Outcome::Skipped("pysam is not made for Windows".to_owned()));
        }
        let Some((samtools, libraries)) = samtools(workspace)? else {
            return Ok(Outcome::Skipped("no samtools is on the path, and no apt".to_owned()));
        };
        let interpreter = python::ensure(workspace, Environment::Bam)?;
        let tests = ["-m", "unittest", "discover", "--start-directory", TESTS];
        let mut command = python::script(workspace, &interpreter, tests);
        command.env("BM", workspace.build_bm()?).env("SAMTOOLS", samtools);
        if let Some(libraries) = libraries {
            command.env("SAMTOOLS_LIBRARIES", libraries);
        }
        let mut tally = Tally::default();
        tally.run(&mut command)?;
        Ok(tally.outcome())
    })
}

/// Returns samtools, and the folder of its libraries if it is not that of the system.
fn samtools(workspace: &Workspace) -> Result<Option<(PathBuf, Option<PathBuf>)>> {
    let mut installed = Command::new("samtools");
    installed.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if installed.status().is_ok_and(|status| status.success()) {
        return Ok(Some(("samtools".into(), None)));
    }
    if !apt::is_there() {
        return Ok(None);
    }
    let found = apt::program(workspace, "samtools", "samtools")?;
    // A program that does not run is a failure here, and none of every test.
    let mut version = Command::new(&found.path);
    process::stdout(version.arg("--version").env("LD_LIBRARY_PATH", &found.libraries))?;
    Ok(Some((found.path, Some(found.libraries))))
}
