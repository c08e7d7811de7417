//! What bm and its libraries promise of any input, each as a function that panics where the promise
//! is broken.
//!
//! The fuzz targets call these functions with what libFuzzer makes up, and `tests/replay.rs` with
//! what it found before.
// A check says by panicking that a promise is broken.
#![allow(clippy::unwrap_used)]

pub mod fastq;
#[cfg(feature = "filter")]
pub mod filter;
pub mod manifest;
pub mod onnx;

/// The parser that the tests of `bm-encode` compare the reader with.
#[path = "../../crates/bm-encode/tests/it/reference.rs"]
mod reference;

/// What that parser is made with.
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

/// Returns what `bm` would print of an error, and checks that it is one line without control
/// characters.
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
