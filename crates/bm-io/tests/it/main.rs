//! Tests of the public interface of bm-io.
// Tests fail by panicking.
#![allow(clippy::unwrap_used)]

mod outputs;
mod shards;
mod source;
