//! Everything this program prints goes through here: progress to stderr, results to stdout.
//!
//! A step's line stays open until the step ends (`[2/7] clippy … ok 4.1 s`). Whatever has to be
//! said meanwhile closes the line first, and the step's end then repeats the line's head, so that
//! both forms read alike.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

static LINE_OPEN: AtomicBool = AtomicBool::new(false);

/// Starts a line on stderr that [`end_line`] completes.
pub(crate) fn open_line(head: &str) {
    close_line();
    to_stderr(format!("{head} … ").as_bytes());
    LINE_OPEN.store(true, Ordering::Relaxed);
}

/// Completes the line `head`, repeating its head when something was printed since.
pub(crate) fn end_line(head: &str, tail: &str) {
    if LINE_OPEN.swap(false, Ordering::Relaxed) {
        to_stderr(format!("{tail}\n").as_bytes());
    } else {
        to_stderr(format!("{head} … {tail}\n").as_bytes());
    }
}

/// Breaks an open line: call before anything else, such as a child process, writes to the terminal.
pub(crate) fn close_line() {
    if LINE_OPEN.swap(false, Ordering::Relaxed) {
        to_stderr(b"\n");
    }
}

/// One line for the person who watches.
pub(crate) fn note(message: impl Display) {
    close_line();
    to_stderr(format!("{message}\n").as_bytes());
}

/// The output of a failed step, as it came.
pub(crate) fn kept_output(output: &[u8]) {
    close_line();
    to_stderr(output);
    if !output.is_empty() && !output.ends_with(b"\n") {
        to_stderr(b"\n");
    }
}

/// The closing line of a command that leaves a file or a folder behind.
pub(crate) fn wrote(path: &Path) {
    note(format_args!("wrote {}", path.display()));
}

/// The result of a command: the only thing that goes to stdout.
pub(crate) fn result(line: impl Display) {
    close_line();
    to_stdout(format!("{line}\n").as_bytes());
}

/// Passes on what a child process wrote to its stdout.
pub(crate) fn to_stdout(bytes: &[u8]) {
    // A reader that has gone away (`| head`) is no reason to stop the work half way.
    let mut stdout = io::stdout().lock();
    if !cfg!(test) {
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }
}

fn to_stderr(bytes: &[u8]) {
    // The test runner captures only what the print macros write; a failure that a test provokes
    // would look like one of its own.
    if !cfg!(test) {
        let _ = io::stderr().lock().write_all(bytes);
    }
}
