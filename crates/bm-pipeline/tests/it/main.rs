//! Tests of bm-pipeline from outside.
// A test says by panicking that it failed.
#![allow(clippy::unwrap_used)]

mod filter;
mod score_reads;
