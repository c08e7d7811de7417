//! Properties of bm and its libraries that hold for any input; each is a function that panics if
//! the property is violated.
//!
//! The fuzz targets call these functions with inputs from libFuzzer, and `tests/replay.rs` with the
//! stored corpora.
// A check reports a violation by a panic.
#![allow(clippy::unwrap_used)]

pub mod bam;
pub mod deflate;
pub mod fastq;
#[cfg(feature = "filter")]
pub mod filter;
pub mod manifest;
pub mod onnx;

/// The parser that the tests of `bm-reads` compare the reader with.
#[path = "../../crates/bm-reads/tests/it/reference.rs"]
mod reference;

/// The comparison with noodles-fastq, from the same tests.
#[path = "../../crates/bm-reads/tests/it/second_reader.rs"]
mod second_reader;

/// Types that the reference parser uses.
mod support {
    /// A record.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    pub(crate) struct Owned {
        pub(crate) definition: Vec<u8>,
        pub(crate) sequence: Vec<u8>,
        pub(crate) quality_scores: Vec<u8>,
    }
}

use std::error::Error;

/// Returns the message that `bm` would print for an error.
///
/// # Panics
///
/// If the message has control characters, line ends included.
fn message(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(": ");
        message.push_str(&error.to_string());
        cause = error.source();
    }
    assert!(
        !message.contains(|c: char| c.is_control()),
        "a message has control characters: {message:?}"
    );
    message
}
