//! Tests of bm-reads from outside: FASTQ on specimens and on made files.
// A test says by panicking that it failed.
#![allow(clippy::unwrap_used)]

mod fastq_properties;
mod noodles;
mod reference;
mod second_reader;
mod specimens;
mod support;
