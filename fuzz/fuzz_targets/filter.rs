//! Fuzz target: bytes as the input of `bm filter`, in process.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bm_fuzz::filter::check(bytes));

#[cfg(not(fuzzing))]
fn main() {}
