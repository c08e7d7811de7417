//! Tests of bm-adapt from outside, on simulated runs.

// A test that cannot go on should say where it stopped.
#![allow(clippy::unwrap_used)]

mod adaptation;
mod adapter_pairs;
mod adapters;
mod cycles;
mod given_adapters;
mod labels;
mod run;
