//! Options of several commands, and their conversion to settings of the library.

pub(crate) mod classes;
pub(crate) mod criteria;
pub(crate) mod dedup;
pub(crate) mod engine;
pub(crate) mod goal;
pub(crate) mod index;
pub(crate) mod input;
pub(crate) mod learning;
pub(crate) mod reports;
pub(crate) mod rules;
pub(crate) mod running;
pub(crate) mod scoring;
pub(crate) mod shard;
pub(crate) mod tags;
pub(crate) mod trimming;
pub(crate) mod umi;
pub(crate) mod values;
