//! Conformance of the engines: the same cases for every engine that is available.
//!
//! The embedded engine is always tested. ONNX Runtime is tested if the environment variable
//! `ORT_DYLIB_PATH` names its library; without the library its cases are skipped with a message, or
//! fail if `BM_REQUIRE_ORT` is set. CoreML exists on Apple systems only; elsewhere the tests are that it
//! is refused, and that a device with its contract runs.
// Tests panic to fail.
#![allow(clippy::unwrap_used)]

mod backends;
mod conformance;
#[cfg(feature = "stand-in")]
mod fixed_shape;
mod hostile;
mod input;
#[cfg(feature = "onnxruntime")]
mod library;
mod networks;
mod operators;
mod properties;
mod refusals;
#[cfg(feature = "embedded")]
mod sequences;
