//! Tests of the public interface of bm-reads: FASTQ specimens and generated files.
// Tests fail by panicking.
#![allow(clippy::unwrap_used)]

mod bam;
mod fasta;
mod fastq_properties;
mod noodles;
mod pieces;
mod reference;
mod second_reader;
mod specimens;
mod support;
