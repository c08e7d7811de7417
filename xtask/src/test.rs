//! `cargo xtask test`: every test that needs no torch.

use anyhow::{Result, ensure};

use crate::fetch_runtime::{self, Runtime};
use crate::step::{self, Outcome, Step};
use crate::workspace::Workspace;
use crate::{evaluate, process, validate};

/// `cargo xtask test`.
///
/// # Errors
/// When any step fails.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    step::run_all("test", steps(workspace)?)
}

/// The steps, which `ci` takes too.
///
/// # Errors
/// When the model packages cannot be listed.
pub(crate) fn steps(workspace: &Workspace) -> Result<Vec<Step<'_>>> {
    let mut steps = vec![
        Step::with_outcome(format!("ONNX Runtime {}", fetch_runtime::VERSION), || {
            Ok(match fetch_runtime::ensure(workspace)? {
                Runtime::Available(_) => Outcome::Done,
                Runtime::NoWheel(reason) => Outcome::Skipped(reason),
            })
        }),
        Step::with_outcome("cargo test", || cargo_test(workspace)),
    ];
    steps.push(evaluate::python_tests(workspace));
    steps.extend(validate::steps(workspace, false)?);
    Ok(steps)
}

fn cargo_test(workspace: &Workspace) -> Result<Outcome> {
    // `--no-fail-fast`: one run shows everything that is broken.
    let mut command = workspace.cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"]);
    if fetch_runtime::configure(workspace, &mut command)? {
        // A test that would skip itself without the library fails instead.
        command.env("BM_REQUIRE_ORT", "1");
    }
    let mut tally = Tally::default();
    process::watched(&mut command, |line| tally.add(line))?;
    ensure!(tally.passed > 0, "cargo ran no test");
    let Tally { passed, failed, ignored } = tally;
    Ok(Outcome::DoneWith(format!("{passed} passed, {failed} failed, {ignored} ignored")))
}

/// The sum of the test runner's result lines.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    fn add(&mut self, line: &str) {
        let Some(result) = line.trim().strip_prefix("test result: ") else { return };
        // `ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        for part in counts.split("; ") {
            let Some((count, what)) = part.split_once(' ') else { continue };
            let count = count.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed_and_others_ignored() {
        let mut tally = Tally::default();
        tally.add("running 3 tests\n");
        tally.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n");
        tally.add(
            "test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 9 filtered out\n",
        );
        assert_eq!(tally, Tally { passed: 5, failed: 4, ignored: 1 });
    }
}
