//! The commands: each file has the arguments and the code of one command.

pub(crate) mod adapt;
pub(crate) mod bench_device;
pub(crate) mod call;
pub(crate) mod classes;
pub(crate) mod classify;
pub(crate) mod completions;
pub(crate) mod embed;
pub(crate) mod encode;
pub(crate) mod filter;
pub(crate) mod man;
pub(crate) mod models;
pub(crate) mod observe;
pub(crate) mod recalibrate;
pub(crate) mod report;
pub(crate) mod score;
pub(crate) mod selfcheck;
pub(crate) mod truth;
pub(crate) mod tune;
pub(crate) mod version;
