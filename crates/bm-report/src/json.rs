//! Reports as JSON.

use std::io::Write;

use bm_io::{IoError, Output};
use serde::Serialize;
use serde_json::{Serializer, Value};

use crate::lines::Lines;

/// Writes a report as JSON, followed by a newline.
///
/// # Errors
///
/// If the output cannot be written, with its name.
pub fn write_json(report: &impl Serialize, output: &mut Output) -> Result<(), IoError> {
    let name = output.name();
    let mut serializer = Serializer::with_formatter(&mut *output, Lines::default());
    report
        .serialize(&mut serializer)
        .map_err(std::io::Error::from)
        .and_then(|()| output.write_all(b"\n"))
        .map_err(IoError::system(name))
}

/// Returns facts with their numbers as in the file: those of single precision with their own digits.
pub(crate) fn as_written(facts: &impl Serialize) -> Value {
    let value = serde_json::to_string(facts).and_then(|text| serde_json::from_str(&text));
    // Facts that were read from JSON can be written.
    value.unwrap_or_default()
}
