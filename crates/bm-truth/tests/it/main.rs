//! `bm-truth` from outside: hand-made alignments, simulated ones, real ones and broken ones.
// A test says by panicking that it failed.
#![allow(clippy::unwrap_used)]

mod broken;
mod cigars;
mod golden;
mod properties;
mod support;
