//! Settings of learning, and the outcome.

use serde::{Deserialize, Serialize};

/// How to learn.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Seed of all random choices.
    pub seed: u64,
    /// Number of threads. The result does not depend on it.
    pub threads: usize,
    /// Whether the base model applies to the run ([`bm_quality::Domain`]). If it does not and
    /// nothing is learned, not even the error rate of each reported quality, the reported qualities
    /// are used.
    pub start_applies: bool,
    /// Whether every read of the sample has one quality instead of its own; the package then is for
    /// reads whose qualities are ignored.
    pub ignores_quality: bool,
    /// Highest error rate of a good read, if the reported qualities are used; that of the base model
    /// if `None`.
    pub reported_max_error_rate: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            threads: 1,
            start_applies: true,
            ignores_quality: false,
            reported_max_error_rate: None,
        }
    }
}

/// Which model is used for the run.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The adapted model, learned from the run.
    Adapted,
    /// The base model, as it was.
    Start,
    /// No network: the run's own error rate of each reported quality.
    Table,
    /// No model: the reported qualities.
    Reported,
}
