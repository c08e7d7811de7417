//! Fuzz target: bytes as inflated BAM, read in batches of any size.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bm_fuzz::bam::check(bytes));

#[cfg(not(fuzzing))]
fn main() {}
