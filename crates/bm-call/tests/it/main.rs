//! Tests of the caller on made-up alignments.
// Tests panic to fail.
#![allow(clippy::unwrap_used)]

mod calls;
mod properties;
mod support;
