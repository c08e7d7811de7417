//! Paths on the command line: `-` is a standard stream.

use std::io;
use std::path::Path;

/// Returns the name of an input in messages.
pub fn name(path: &Path) -> String {
    if is_stdio(path) { "stdin".to_owned() } else { path.display().to_string() }
}

/// Returns whether a path means a standard stream.
pub fn is_stdio(path: &Path) -> bool {
    path == "-"
}

/// Returns the folder that a file is in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the error of an abandoned output.
pub(crate) fn given_up() -> io::Error {
    io::Error::other("the output was given up")
}
