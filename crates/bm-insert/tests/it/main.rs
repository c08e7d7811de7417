//! Tests of bm-insert from outside, on simulated and real reads.

// A test that cannot go on should say where it stopped.
#![allow(clippy::unwrap_used)]

mod any_input;
mod cuts;
mod first_bases;
mod golden;
mod library;
mod run;
