//! Runs the checks of the fuzzers in `fuzz/` on their corpora, with the stable toolchain and without a
//! fuzzer.

use crate::process;
use crate::step::Step;
use crate::tally::Tally;
use crate::workspace::Workspace;

/// The step of `cargo xtask ci`.
pub(crate) fn step(workspace: &Workspace) -> Step<'_> {
    Step::with_outcome("corpora of the fuzzers", || {
        // A project of its own, built in the target folder of the workspace, so that common
        // dependencies are built once.
        let mut lints = workspace.cargo(&[
            "clippy",
            "--manifest-path",
            MANIFEST,
            "--locked",
            "--all-targets",
            "--target-dir",
        ]);
        process::kept(lints.arg(&workspace.target).args(["--", "-D", "warnings"]))?;
        process::kept(&mut workspace.cargo(&["fmt", "--manifest-path", MANIFEST, "--check"]))?;
        let mut tests = workspace.cargo(&[
            "test",
            "--manifest-path",
            MANIFEST,
            "--locked",
            "--test",
            "replay",
            "--target-dir",
        ]);
        let mut tally = Tally::default();
        tally.run(tests.arg(&workspace.target))?;
        Ok(tally.outcome())
    })
}

const MANIFEST: &str = "fuzz/Cargo.toml";
