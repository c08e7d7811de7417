//! Conformance of the engines: the same cases for every engine that is available.
//!
//! The embedded engine is always tested. ONNX Runtime is tested if the environment variable
//! `ORT_DYLIB_PATH` names its library; without the library its cases are skipped with a message, or
//! fail if `BM_REQUIRE_ORT` is set. CoreML exists on Apple systems only; elsewhere the test is that it
//! is refused.
// Tests panic to fail.
#![allow(clippy::unwrap_used)]

mod backends;
mod conformance;
mod hostile;
mod input;
#[cfg(feature = "onnxruntime")]
mod library;
mod networks;
mod properties;
mod refusals;
#[cfg(feature = "embedded")]
mod sequences;
