//! Fuzz target: bytes as FASTQ, compared with the reference parser.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bm_fuzz::fastq::check(bytes));

#[cfg(not(fuzzing))]
fn main() {}
