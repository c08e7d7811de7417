//! Runs other programs. Their output is shown, kept in case they fail, or returned.

use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::print;

/// Runs `command` with its output on the terminal.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn shown(command: &mut Command) -> Result<()> {
    print::close_line();
    let status = command.status().with_context(|| could_not_start(command))?;
    check(command, status)
}

/// Runs `command` and keeps its output, which is shown whole if the command fails, and as it comes
/// with `-v`.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn kept(command: &mut Command) -> Result<()> {
    kept_lines(command, |_| ())
}

/// Does what [`kept`] does and gives every line of the output to `look`.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn kept_lines(command: &mut Command, mut look: impl FnMut(&str)) -> Result<()> {
    let (reader, writer) = io::pipe().context("no pipe")?;
    command.stdin(Stdio::null()).stdout(writer.try_clone().context("no pipe")?).stderr(writer);
    let mut child = command.spawn().with_context(|| could_not_start(command))?;
    // `command` still owns the writing ends; the loop below would otherwise never see the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (mut lines, mut output) = (BufReader::new(reader), Vec::new());
    loop {
        let start = output.len();
        let count = lines
            .read_until(b'\n', &mut output)
            .with_context(|| format!("reading from {}", line(command)))?;
        if count == 0 {
            break;
        }
        look(&String::from_utf8_lossy(&output[start..]));
        if print::is_verbose() {
            print::kept_output(&output[start..]);
        }
    }
    let status = child.wait()?;
    if !status.success() && !print::is_verbose() {
        print::kept_output(&output);
    }
    check(command, status)
}

/// What happens to the output of a command that succeeds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Output {
    /// It goes to the terminal as it comes: for a command that a person watches.
    Shown,
    /// It is kept, see [`kept`]: for a step of `test` or `ci`.
    Kept,
}

impl Output {
    /// Runs `command`.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    pub(crate) fn run(self, command: &mut Command) -> Result<()> {
        match self {
            Self::Shown => shown(command),
            Self::Kept => kept(command),
        }
    }
}

/// Returns what `command` writes to stdout; its stderr is kept and shown if it fails.
///
/// # Errors
/// When it cannot be started, fails, or writes something that is not UTF-8.
pub(crate) fn stdout(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| could_not_start(command))?;
    if !output.status.success() {
        print::kept_output(&output.stdout);
        print::kept_output(&output.stderr);
    }
    check(command, output.status)?;
    String::from_utf8(output.stdout).with_context(|| format!("{} wrote no UTF-8", line(command)))
}

/// Runs `command` with its output on the terminal and gives every line of its stdout to `look` as
/// well.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn watched(command: &mut Command, mut look: impl FnMut(&str)) -> Result<()> {
    print::close_line();
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| could_not_start(command))?;
    let mut lines = BufReader::new(child.stdout.take().context("stdout was piped")?);
    let mut bytes = Vec::new();
    while lines.read_until(b'\n', &mut bytes)? > 0 {
        print::to_stdout(&bytes);
        look(&String::from_utf8_lossy(&bytes));
        bytes.clear();
    }
    let status = child.wait()?;
    check(command, status)
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

fn could_not_start(command: &Command) -> String {
    format!("could not start `{}`", line(command))
}

/// The command as a person would type it, without quotes.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    fn this_cargo(arguments: &[&str]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments);
        command
    }

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let error = kept(&mut this_cargo(&["no-such-subcommand"])).expect_err("cargo refuses it");
        assert!(error.to_string().contains("no-such-subcommand"), "{error}");
        stdout(&mut this_cargo(&["no-such-subcommand"])).expect_err("cargo refuses it");
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let error = kept(&mut Command::new("no-such-program-7")).expect_err("there is none");
        assert!(error.to_string().contains("no-such-program-7"), "{error}");
    }

    #[test]
    fn lines_of_stdout_and_stderr_are_kept_and_given_on() {
        let mut seen = Vec::new();
        kept_lines(&mut this_cargo(&["--version"]), |line| seen.push(line.to_owned()))
            .expect("cargo runs");
        assert!(seen.len() == 1 && seen[0].starts_with("cargo "), "{seen:?}");
        seen.clear();
        kept_lines(&mut this_cargo(&["no-such-subcommand"]), |line| seen.push(line.to_owned()))
            .expect_err("cargo refuses it");
        assert!(seen.iter().any(|line| line.contains("no-such-subcommand")), "{seen:?}");
    }

    #[test]
    fn stdout_is_returned_and_watched() {
        let text = stdout(&mut this_cargo(&["--version"])).expect("cargo runs");
        assert!(text.starts_with("cargo "), "{text}");
        let mut seen = String::new();
        watched(&mut this_cargo(&["--version"]), |line| seen.push_str(line)).expect("cargo runs");
        assert_eq!(seen, text);
    }
}
