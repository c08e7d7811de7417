//! Conformance of the engines: the same cases for every one that is present.
//!
//! The embedded engine is always tested. ONNX Runtime is if the environment variable
//! `ORT_DYLIB_PATH` names its library; without it those cases are skipped, which is said, or an
//! error where `BM_REQUIRE_ORT` is set. CoreML is Apple's: elsewhere its refusal is what is tested.
// A test says by panicking that it failed.
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
