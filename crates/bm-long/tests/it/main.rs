//! Tests of bm-long from outside, on simulated runs.

// A test that cannot go on should say where it stopped.
#![allow(clippy::unwrap_used)]

mod any_input;
mod definition;
mod ends;
mod rates;
mod run;
