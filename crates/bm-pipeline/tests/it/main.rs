//! Tests of the public interface of bm-pipeline.
// Tests fail by panicking.
#![allow(clippy::unwrap_used)]

mod bam;
mod cancellation;
mod filter;
mod score_reads;
