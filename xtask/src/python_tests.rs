//! The tests of the Python code in `research/`, which need numpy and the ONNX packages but not
//! PyTorch.

use crate::fetch_runtime::{self, Runtime};
use crate::python::{self, Environment};
use crate::step::{Outcome, Step};
use crate::tally::Tally;
use crate::workspace::Workspace;

const FOLDERS: [&str; 13] = [
    "research/neural-engine/tests",
    "research/read-error/tests",
    "research/evaluation/tests",
    "research/adapt/tests",
    "research/adapters/tests",
    "research/evidence/tests",
    "research/hard-cases/tests",
    "research/classes/tests",
    "research/embeddings/tests",
    "research/parts/tests",
    "research/long-reads/tests",
    "research/merging/tests",
    "research/cluster/tests",
];

/// The step of `test` and `validate`.
pub(crate) fn step(workspace: &Workspace) -> Step<'_> {
    Step::with_outcome("tests of the Python code", || {
        if let Runtime::NoWheel(reason) = fetch_runtime::availability() {
            // The Python environment of these tests holds the same wheel.
            return Ok(Outcome::Skipped(reason));
        }
        let interpreter = python::ensure(workspace, Environment::Light)?;
        let bm = workspace.build_bm()?;
        let mut tally = Tally::default();
        for folder in FOLDERS {
            let tests = ["-m", "unittest", "discover", "--start-directory", folder];
            let mut command = python::script(workspace, &interpreter, tests);
            tally.run(command.env("BM", &bm))?;
        }
        Ok(tally.outcome())
    })
}
