//! Tests of bm-kmers from outside, on simulated runs.

// A test that cannot go on should say where it stopped.
#![allow(clippy::unwrap_used)]

mod counter;
mod run;
