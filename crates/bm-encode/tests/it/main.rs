//! Tests of bm-encode from outside: features to the bit, FASTQ on specimens and on made files.
// A test says by panicking that it failed.
#![allow(clippy::unwrap_used)]

mod codes;
mod encoding;
mod fastq_properties;
mod golden;
mod reference;
mod specimens;
mod support;
