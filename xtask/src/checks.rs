//! Runs the scripts of `validate`, which print a line for each check, and counts these lines.

use std::process::Command;

use anyhow::Result;

use crate::process::{self, Output};
use crate::step::Outcome;

/// Runs a script that prints a line for each check; where its output is kept, returns their counts.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn run(command: &mut Command, output: Output) -> Result<Outcome> {
    if output == Output::Shown {
        return process::shown(command).map(|()| Outcome::Done);
    }
    let mut checks = Checks::default();
    process::kept_lines(command, |line| checks.add(line))?;
    Ok(checks.outcome())
}

/// The counts of a validation script's lines.
#[derive(Debug, Default, PartialEq)]
struct Checks {
    ok: u32,
    warnings: u32,
    skipped: u32,
}

impl Checks {
    fn add(&mut self, line: &str) {
        match line.split_whitespace().next() {
            Some("ok") => self.ok += 1,
            // The cases of a model end a case like this.
            Some("Result:") if line.contains("CORRECT") => self.ok += 1,
            Some("WARN") => self.warnings += 1,
            Some("SKIPPED") => self.skipped += 1,
            _ => {}
        }
    }

    fn outcome(&self) -> Outcome {
        let mut counts = format!("{} checks ok", self.ok);
        for (count, what) in [(self.warnings, "warnings"), (self.skipped, "skipped")] {
            if count > 0 {
                counts += &format!(", {count} {what}");
            }
        }
        Outcome::DoneWith(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_validation_scripts_are_counted() {
        let mut checks = Checks::default();
        for line in [
            "ok    digests\n",
            "ok   golden reads: 64\n",
            "Result: ✅ CORRECT\n",
            "Result: reported, not judged\n",
            "WARN  bench\n",
            "SKIPPED bm coreml\n",
            "SKIPPED: bm coreml\n",
            "2 ok, 0 failed, 1 warnings, 1 skipped\n",
        ] {
            checks.add(line);
        }
        assert_eq!(checks, Checks { ok: 3, warnings: 1, skipped: 1 });
    }
}
