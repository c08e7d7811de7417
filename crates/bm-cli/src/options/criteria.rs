//! Criteria that the score of a read must meet.

use bm_quality::{Criteria, Threshold};

use crate::options::values;

/// Limits on probability and expected errors.
#[derive(Debug, clap::Args)]
pub(crate) struct CriteriaArgs {
    /// Lowest probability of a read that passes, 0 to 1 [default: the model's own, unless expected
    /// errors are limited]
    #[arg(
        short,
        long,
        value_name = "P",
        value_parser = values::threshold,
        allow_negative_numbers = true,
        help_heading = "What passes"
    )]
    threshold: Option<Threshold>,
    /// Most errors that the model expects in a read that passes
    #[arg(
        long,
        value_name = "N",
        value_parser = values::expected_errors,
        allow_negative_numbers = true,
        help_heading = "What passes"
    )]
    max_ee: Option<f64>,
    /// Most errors per base that the model expects in a read that passes
    #[arg(
        long,
        value_name = "RATE",
        value_parser = values::expected_error_rate,
        allow_negative_numbers = true,
        help_heading = "What passes"
    )]
    max_ee_rate: Option<f64>,
    /// Lowest mean quality of a read that passes, by error probabilities, as chopper, nanoq and filtlong
    /// count it: 10 is --max-ee-rate 0.1. The probabilities are those of the model, or of the
    /// qualities where they judge the reads
    #[arg(
        long,
        value_name = "Q",
        value_parser = values::mean_quality,
        allow_negative_numbers = true,
        conflicts_with = "max_ee_rate",
        help_heading = "What passes"
    )]
    min_q: Option<f64>,
}

impl CriteriaArgs {
    /// Returns the criteria that are given; there may be none.
    pub(crate) fn criteria(&self) -> Criteria {
        Criteria {
            threshold: self.threshold,
            max_expected_errors: self.max_ee,
            max_expected_error_rate: self.max_ee_rate,
            min_mean_quality: self.min_q,
            ..Criteria::default()
        }
    }
}
