//! Tests of bm-encode from outside: features and codes to the bit.
// A test says by panicking that it failed.
#![allow(clippy::unwrap_used)]

mod codes;
mod encoding;
mod golden;
