//! Fuzz target: bytes as a model file, on the embedded engine.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bm_fuzz::onnx::check(bytes));

#[cfg(not(fuzzing))]
fn main() {}
