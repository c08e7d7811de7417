//! Fuzz target: bytes as the text of a compressed output.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bm_fuzz::deflate::check(bytes));

#[cfg(not(fuzzing))]
fn main() {}
