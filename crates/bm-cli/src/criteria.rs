//! What a read must reach to pass: what the user says, or the model.

use anyhow::{Result, bail};
use bm_quality::{Criteria, Facts};

use crate::args::CriteriaArgs;

/// Returns the criteria that the user gives, or else the model's own threshold.
pub(crate) fn of(args: &CriteriaArgs, facts: &Facts) -> Result<Criteria> {
    let given = Criteria { threshold: args.threshold, max_expected_errors: args.max_ee, max_expected_error_rate: args.max_ee_rate };
    if given.need_expected_errors() && !facts.counts_errors() {
        let flag = if args.max_ee.is_some() { "--max-ee" } else { "--max-ee-rate" };
        bail!("{flag}: the model {} does not count errors; use --threshold, or a model that does, such as read-error", facts.id);
    }
    Ok(if given == Criteria::default() { facts.threshold.into() } else { given })
}

/// Says in words what passes.
pub(crate) fn words(criteria: &Criteria) -> String {
    let threshold = criteria.threshold.map(|threshold| format!("threshold {}", threshold.get()));
    let errors = criteria.max_expected_errors.map(|most| format!("at most {most} expected errors"));
    let rate = criteria.max_expected_error_rate.map(|most| format!("at most {most} expected errors a base"));
    [threshold, errors, rate].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
