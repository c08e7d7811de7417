//! Fuzz target: bytes as the manifest of a model package.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bm_fuzz::manifest::check(bytes));

#[cfg(not(fuzzing))]
fn main() {}
