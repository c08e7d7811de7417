//! Tests of bm-io from outside.
// A test says by panicking that it failed.
#![allow(clippy::unwrap_used)]

mod source;
