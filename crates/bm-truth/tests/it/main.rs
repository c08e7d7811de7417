//! Tests of the public interface: hand-made, simulated, real and broken alignments.
// Tests panic to fail.
#![allow(clippy::unwrap_used)]

mod broken;
mod cigars;
mod golden;
mod properties;
mod support;
