//! Tests of bm-evidence from outside, on simulated runs.

// A test that cannot go on should say where it stopped.
#![allow(clippy::unwrap_used)]

mod deep;
mod evidence;
mod experience;
mod fit;
mod read_support;
mod run;
mod sampled;
