//! Everything this program prints goes through here: progress to stderr, results to stdout.
//!
//! A step's line stays open until the step ends (`[2/7] clippy … ok 4.1 s`). Anything printed before
//! that closes the line first; the end of the step then repeats the start of the line.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

static LINE_OPEN: AtomicBool = AtomicBool::new(false);
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Sets whether the output of every step is shown, as `-v` asks.
pub(crate) fn set_verbose(verbose: bool) {
    VERBOSE.store(verbose, Ordering::Relaxed);
}

/// Returns whether the output of every step is shown.
pub(crate) fn is_verbose() -> bool {
    VERBOSE.load(Ordering::Relaxed)
}

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

/// Ends an open line. Call before anything else, such as a child process, writes to the terminal.
pub(crate) fn close_line() {
    if LINE_OPEN.swap(false, Ordering::Relaxed) {
        to_stderr(b"\n");
    }
}

/// Prints one line for the person who watches.
pub(crate) fn note(message: impl Display) {
    close_line();
    to_stderr(format!("{message}\n").as_bytes());
}

/// Prints what a step wrote, unchanged.
pub(crate) fn kept_output(output: &[u8]) {
    close_line();
    to_stderr(output);
    if !output.is_empty() && !output.ends_with(b"\n") {
        to_stderr(b"\n");
    }
}

/// Prints the last line of a command that writes a file or a folder.
pub(crate) fn wrote(path: &Path) {
    note(format_args!("wrote {}", path.display()));
}

/// Prints the result of a command: nothing else goes to stdout.
pub(crate) fn result(line: impl Display) {
    close_line();
    to_stdout(format!("{line}\n").as_bytes());
}

/// Prints what a child process wrote to its stdout.
pub(crate) fn to_stdout(bytes: &[u8]) {
    // A reader that has gone away (`| head`) must not stop the work.
    let mut stdout = io::stdout().lock();
    if !cfg!(test) {
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }
}

fn to_stderr(bytes: &[u8]) {
    // The test runner captures only what the print macros write: an error that a test expects would
    // look like a failure of the test.
    if !cfg!(test) {
        let _ = io::stderr().lock().write_all(bytes);
    }
}
