//! What a read must reach to pass, as the user says it.

use bm_quality::Criteria;

use crate::args::CriteriaArgs;

/// Returns the criteria that the user gives; there may be none.
pub(crate) fn given(args: &CriteriaArgs) -> Criteria {
    Criteria {
        threshold: args.threshold,
        max_expected_errors: args.max_ee,
        max_expected_error_rate: args.max_ee_rate,
    }
}

/// Says in words what passes.
pub(crate) fn words(criteria: &Criteria) -> String {
    let threshold = criteria.threshold.map(|threshold| format!("threshold {}", threshold.get()));
    let errors = criteria.max_expected_errors.map(|most| format!("at most {most} expected errors"));
    let rate = criteria
        .max_expected_error_rate
        .map(|most| format!("at most {most} expected errors a base"));
    [threshold, errors, rate].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
