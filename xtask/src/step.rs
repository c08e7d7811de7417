//! A command is a list of steps, each with one line on the terminal. `ci` consists of the steps of
//! the other commands.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::print;

/// How a step that did not fail ended.
pub(crate) enum Outcome {
    /// It did what its name says.
    Done,
    /// It did what its name says; its line shows this remark, such as the number of tests.
    DoneWith(String),
    /// It did nothing, for this reason.
    Skipped(String),
}

/// One named part of a command.
pub(crate) struct Step<'a> {
    name: String,
    run: Box<dyn FnOnce() -> Result<Outcome> + 'a>,
}

impl<'a> Step<'a> {
    /// Returns a step without a remark on its line.
    pub(crate) fn new(name: impl Into<String>, run: impl FnOnce() -> Result<()> + 'a) -> Self {
        Self::with_outcome(name, move || run().map(|()| Outcome::Done))
    }

    /// Returns a step that reports how it ended.
    pub(crate) fn with_outcome(
        name: impl Into<String>,
        run: impl FnOnce() -> Result<Outcome> + 'a,
    ) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }

    /// Returns the name.
    #[cfg(test)]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Runs the steps in order, stops at the first that fails, and lists at the end what was skipped.
///
/// # Errors
/// The first step's error, with the step's name.
pub(crate) fn run_all(command: &str, steps: Vec<Step<'_>>) -> Result<()> {
    let total = steps.len();
    let start = Instant::now();
    let mut skipped = Vec::new();
    for (index, step) in steps.into_iter().enumerate() {
        let head = format!("[{}/{total}] {}", index + 1, step.name);
        print::open_line(&head);
        let step_start = Instant::now();
        match (step.run)() {
            Ok(Outcome::Done) => {
                print::end_line(&head, &format!("ok {}", seconds(step_start.elapsed())));
            }
            Ok(Outcome::DoneWith(remark)) => {
                print::end_line(&head, &format!("ok {}: {remark}", seconds(step_start.elapsed())));
            }
            Ok(Outcome::Skipped(reason)) => {
                print::end_line(&head, &format!("SKIPPED: {reason}"));
                skipped.push(format!("SKIPPED {}: {reason}", step.name));
            }
            Err(error) => {
                print::end_line(&head, &format!("FAIL {}", seconds(step_start.elapsed())));
                return Err(error).with_context(|| format!("step {} failed", step.name));
            }
        }
    }
    for line in &skipped {
        print::note(line);
    }
    print::note(format_args!(
        "{command}: {} of {total} steps ok, {} skipped, {}",
        total - skipped.len(),
        skipped.len(),
        seconds(start.elapsed()),
    ));
    Ok(())
}

fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use anyhow::bail;

    use super::*;

    #[test]
    fn a_failing_step_stops_the_command_and_is_named() {
        let reached = Cell::new(false);
        let steps = vec![
            Step::new("first", || bail!("broken")),
            Step::new("second", || {
                reached.set(true);
                Ok(())
            }),
        ];
        let error = run_all("sample", steps).expect_err("the first step fails");
        assert_eq!(format!("{error:#}"), "step first failed: broken");
        assert!(!reached.get());
    }

    #[test]
    fn a_skipped_step_does_not_stop_the_command() {
        let reached = Cell::new(false);
        let steps = vec![
            Step::with_outcome("first", || Ok(Outcome::Skipped("no library".into()))),
            Step::new("second", || {
                reached.set(true);
                Ok(())
            }),
        ];
        run_all("sample", steps).expect("nothing fails");
        assert!(reached.get());
    }
}
