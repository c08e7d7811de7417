//! The tests of BAM with programs that are not ours: samtools, of this system or of its Debian package, and
//! pysam.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::apt;
use crate::python::{self, Environment};
use crate::step::{Outcome, Step};
use crate::tally::Tally;
use crate::workspace::Workspace;

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
