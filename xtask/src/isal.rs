//! Checks the feature that compresses with ISA-L, where the tools are that its library is built with.

use std::process::{Command, Stdio};

use crate::process;
use crate::step::{Outcome, Step};
use crate::tally::Tally;
use crate::workspace::Workspace;

/// What builds ISA-L.
const TOOLS: [&str; 4] = ["autoreconf", "libtoolize", "make", "nasm"];

/// The step of `cargo xtask ci`.
pub(crate) fn step(workspace: &Workspace) -> Step<'_> {
    Step::with_outcome("compression with ISA-L", || {
        if let Some(missing) = TOOLS.iter().find(|tool| !runs(tool)) {
            return Ok(Outcome::Skipped(format!("there is no {missing}, which builds it")));
        }
        let features = ["--package", "bm-io", "--features", "isal"];
        let mut lints = workspace.cargo(&["clippy", "--all-targets"]);
        process::kept(lints.args(features).args(["--", "-D", "warnings"]))?;
        let mut tally = Tally::default();
        tally.run(workspace.cargo(&["test"]).args(features))?;
        Ok(tally.outcome())
    })
}

/// Whether a program can be started.
fn runs(program: &str) -> bool {
    let mut command = Command::new(program);
    let command =
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}
