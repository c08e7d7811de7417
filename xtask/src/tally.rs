//! Counts of tests, from what `cargo test` and Python's `unittest` print.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::step::Outcome;

/// The sum of all result lines of a run.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tally {
    passed: u64,
    /// Names of the tests that failed.
    failed: Vec<String>,
    ignored: u64,
}

impl Tally {
    /// Runs `command`, keeps its output and counts its tests.
    ///
    /// # Errors
    /// When it cannot be started, fails, or runs no test.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<()> {
        let before = self.passed;
        let result = process::kept_lines(command, |line| self.add(line));
        if !self.failed.is_empty() {
            return result.with_context(|| format!("failed tests: {}", self.failed.join(", ")));
        }
        result?;
        ensure!(self.passed > before, "no test ran");
        Ok(())
    }

    /// Returns how a step ended whose tests all passed.
    pub(crate) fn outcome(&self) -> Outcome {
        let ignored = match self.ignored {
            0 => String::new(),
            ignored => format!(", {ignored} ignored"),
        };
        Outcome::DoneWith(format!("{} tests passed{ignored}", self.passed))
    }

    fn add(&mut self, line: &str) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("test ").and_then(|it| it.strip_suffix(" ... FAILED"))
        {
            self.failed.push(name.to_owned());
        } else if let Some(result) = line.strip_prefix("test result: ") {
            // `ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`
            let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
            for part in counts.split("; ") {
                let Some((count, what)) = part.split_once(' ') else { continue };
                let count: u64 = count.parse().unwrap_or(0);
                match what {
                    "passed" => self.passed += count,
                    "ignored" => self.ignored += count,
                    _ => {}
                }
            }
        } else if let Some(ran) = line.strip_prefix("Ran ") {
            // `Ran 35 tests in 1.2s`, from Python; skipped ones are among them.
            let count = ran.split_once(" test").and_then(|(count, _)| count.parse().ok());
            self.passed += count.unwrap_or(0);
        } else if let Some((_, skipped)) =
            line.strip_prefix("OK ").and_then(|it| it.split_once("skipped="))
        {
            let digits = skipped.split(|c: char| !c.is_ascii_digit()).next();
            let count = digits.and_then(|count| count.parse().ok()).unwrap_or(0);
            self.ignored += count;
            self.passed = self.passed.saturating_sub(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.add(line));
        tally
    }

    #[test]
    fn result_lines_of_cargo_are_summed_and_other_lines_ignored() {
        let found = tally(&[
            "running 3 tests\n",
            "test a::b ... ok\n",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n",
            "test a::c ... FAILED\n",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out\n",
        ]);
        assert_eq!(found, Tally { passed: 5, failed: vec!["a::c".into()], ignored: 1 });
    }

    #[test]
    fn results_of_unittest_are_summed() {
        let found = tally(&[
            "Ran 35 tests in 1.204s\n",
            "OK (skipped=2)\n",
            "Ran 1 test in 0.1s\n",
            "OK\n",
        ]);
        assert_eq!(found, Tally { passed: 34, failed: vec![], ignored: 2 });
    }
}
