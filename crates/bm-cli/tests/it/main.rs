//! Tests of the program `bm`: its outputs, messages and refusals.
// Most tests need shells, devices, named pipes and links.
#![cfg(unix)]
// Tests fail by panicking, and print a line if they are skipped.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod adapt;
mod broken;
mod compression;
mod determinism;
mod encode;
mod endurance;
#[cfg(all(feature = "onnxruntime", feature = "coreml"))]
mod engines;
mod evidence;
mod faults;
mod filter;
mod html;
mod long_input;
mod manners;
mod outputs;
mod packages;
mod pairs;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod processors;
mod readme;
mod reports;
mod rules;
mod score;
#[cfg(target_os = "linux")]
mod sealed;
mod snapshots;
mod support;
mod terminal;
mod truth;
mod tune;
