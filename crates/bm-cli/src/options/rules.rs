//! Options for simple rules in addition to the model.

use bm_pipeline::Rules;

use crate::options::values;

/// Limits on the sequence of a read.
#[derive(Debug, clap::Args)]
pub(crate) struct RulesArgs {
    /// Fewest bases of a read that passes
    #[arg(long, value_name = "N", help_heading = RULES)]
    min_length: Option<usize>,
    /// Most bases of a read that passes
    #[arg(long, value_name = "N", help_heading = RULES)]
    max_length: Option<usize>,
    /// Largest fraction of bases that are N, or anything else but A, C, G, T and U, 0 to 1
    #[arg(
        long,
        value_name = "FRACTION",
        value_parser = values::fraction,
        allow_negative_numbers = true,
        help_heading = RULES
    )]
    max_n: Option<f64>,
    /// Lowest complexity of the sequence, from 0 (one base repeated) to 1: the entropy of its
    /// triplets; 0.5 is a mild limit
    #[arg(
        long,
        value_name = "FRACTION",
        value_parser = values::fraction,
        allow_negative_numbers = true,
        help_heading = RULES
    )]
    min_complexity: Option<f64>,
    /// Longest run of G at the end of a read: two-colour instruments write G where they see no light
    #[arg(long, value_name = "N", help_heading = RULES)]
    max_poly_g: Option<usize>,
}

const RULES: &str = "Rules beside the model";

impl RulesArgs {
    /// Returns the rules.
    pub(crate) fn rules(&self) -> Rules {
        let Self { min_length, max_length, max_n, min_complexity, max_poly_g } = *self;
        Rules { min_length, max_length, max_n, min_complexity, max_poly_g }
    }
}
