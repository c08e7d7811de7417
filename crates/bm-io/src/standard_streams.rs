//! Standard streams that were closed when the program started.
//!
//! The standard library opens `/dev/null` in their place, so that what is written to a closed stdout
//! would be lost without an error. A program that wants to know has to look before that, and tells it
//! here.

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::IoError;

/// Whether stdin and stdout were closed.
static CLOSED: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];

/// Notes that stdin or stdout was closed when the program started: inputs and outputs that use it
/// then fail.
pub fn note_closed(stdin: bool, stdout: bool) {
    CLOSED[0].store(stdin, Ordering::Relaxed);
    CLOSED[1].store(stdout, Ordering::Relaxed);
}

/// Returns whether a standard stream was closed.
pub(crate) fn was_closed(descriptor: RawFd) -> bool {
    usize::try_from(descriptor)
        .ok()
        .and_then(|number| CLOSED.get(number))
        .is_some_and(|closed| closed.load(Ordering::Relaxed))
}

/// Returns stdin.
///
/// # Errors
///
/// If it was closed when the program started: reading would find an empty file.
pub fn stdin() -> Result<io::Stdin, IoError> {
    if was_closed(0) {
        return Err(IoError::Refused(
            "stdin: was closed when the program started; nothing can be read".to_owned(),
        ));
    }
    Ok(io::stdin())
}
