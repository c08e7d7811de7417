//! Tests of the public interface of bm-encode: features and codes, to the bit.
// A test fails by panicking.
#![allow(clippy::unwrap_used)]

mod codes;
mod encoding;
mod golden;
