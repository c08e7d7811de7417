//! What a person sees on stderr.

use std::io::Write;

/// Writes one line to stderr. A closed stderr is no reason to fail.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
