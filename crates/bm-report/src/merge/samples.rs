//! Reports of the samples of a sheet as one: each may be learned by itself, and be pairs or single reads.

use serde_json::{Value, json};

use crate::class_facts::ClassFacts;
use crate::json::as_written;
use crate::report::Report;

/// Returns what must be the same in all samples.
pub(super) fn common(report: &Report) -> Value {
    let Report { version, command, trim, .. } = report;
    let classes = report.classes.as_ref().map_or(Value::Null, ClassFacts::common);
    json!({"version": version, "command": command, "trim": as_written(trim), "classes": classes})
}

/// Leaves out of the merged report what is not the same in all samples: model, adaptation and criteria.
pub(super) fn keep_common(merged: &mut Report, reports: &[(String, Report)]) {
    let all = |same: &dyn Fn(&Report) -> bool| reports.iter().all(|(_, report)| same(report));
    let adaptation = as_written(&merged.adaptation);
    if !all(&|report| as_written(&report.adaptation) == adaptation) {
        merged.adaptation = None;
    }
    let criteria = &mut merged.criteria;
    macro_rules! keep_common {
        ($($field:ident)*) => {$(
            if !all(&|report| report.criteria.$field == criteria.$field) {
                criteria.$field = None;
            }
        )*};
    }
    keep_common!(threshold max_ee max_ee_rate min_q min_weight min_length max_length);
    keep_common!(max_n min_complexity max_poly_g);
    // Single reads have none.
    criteria.pair_mode = reports.iter().find_map(|(_, report)| report.criteria.pair_mode.clone());
    if !all(&|report| report.model == merged.model) {
        merged.model = None;
    }
}
