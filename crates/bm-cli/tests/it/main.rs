//! Tests of the program `bm`: its outputs, messages and refusals.
// Most tests need shells, devices, named pipes and links.
#![cfg(unix)]
// Tests fail by panicking, and print a line if they are skipped.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod adapt;
mod all_or_none;
mod bam;
mod bench_device;
mod broken;
mod call;
mod classes;
mod classifier;
mod compression;
mod cycles;
mod dedup;
mod determinism;
mod dialects;
mod embed;
mod encode;
mod endurance;
#[cfg(all(feature = "onnxruntime", feature = "coreml"))]
mod engines;
mod evidence;
mod faults;
mod filter;
#[cfg(target_os = "linux")]
mod foreign;
mod goal;
mod html;
mod index_reads;
mod lanes;
mod library;
mod limits;
mod long_input;
mod long_reads;
mod losses;
mod manners;
mod merge;
mod merging;
mod no_qualities;
mod observe;
mod one_mate;
mod outputs;
mod packages;
mod pairs;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod processors;
mod readme;
mod recalibrate;
mod reports;
mod rules;
mod score;
#[cfg(target_os = "linux")]
mod sealed;
mod security;
mod shards;
mod sheet;
mod signals;
mod snapshots;
#[cfg(target_os = "linux")]
mod special_outputs;
mod split;
#[cfg(feature = "stand-in")]
mod stand_in;
mod support;
mod terminal;
mod trim;
mod trim_reports;
mod truth;
mod tune;
mod umi;
mod yields;
