//! Tests of bm-adapt from outside, on runs of which everything is known.

// A test that cannot go on should say where it stopped.
#![allow(clippy::unwrap_used)]

mod adaptation;
mod labels;
mod run;
