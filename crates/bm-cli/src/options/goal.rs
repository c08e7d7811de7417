//! How much to keep.

use bm_pipeline::Goal;

use crate::options::values;

/// A goal that chooses the threshold.
#[derive(Debug, clap::Args)]
pub(crate) struct GoalArgs {
    /// Keep this fraction of reads (0–1), best first; of pairs, scored as one; of long reads, those with the
    /// lowest expected error rates
    #[arg(
        long,
        value_name = "FRACTION",
        value_parser = values::fraction,
        allow_negative_numbers = true,
        help_heading = "How much to keep"
    )]
    keep_fraction: Option<f64>,
    /// Keep this many bases, such as 500M, in the best reads: the most probable ones; of long reads, by
    /// length and expected errors together, as filtlong weighs them
    #[arg(
        long,
        value_name = "N",
        value_parser = values::count,
        conflicts_with = "keep_fraction",
        help_heading = "How much to keep"
    )]
    target_bases: Option<u64>,
}

impl GoalArgs {
    /// Returns the goal, if there is one.
    pub(crate) fn goal(&self) -> Option<Goal> {
        self.keep_fraction.map(Goal::Fraction).or(self.target_bases.map(Goal::Bases))
    }
}
