//! The section on the classes that reads come from.

use serde_json::{Map, Value, json};

use crate::class_facts::ClassFacts;
use crate::multiqc::sections::section;
use crate::text;

/// Returns a bar of the reads by their most probable class.
pub(super) fn bar(facts: &ClassFacts, sample: &str) -> Value {
    // MultiQC puts names into its page as they are.
    let bars = facts.counts.iter();
    let bars: Map<_, _> =
        bars.map(|class| (text::escape(&class.class), Value::from(class.counts.reads))).collect();
    let description = "Reads by the most probable class that they come from, before filtering.";
    let mut content = section("classes", "Where reads come from", description);
    content["plot_type"] = "bargraph".into();
    content["pconfig"] =
        json!({"id": "bm_classes_plot", "title": "bm: Where reads come from", "ylab": "Reads"});
    content["data"] = json!({sample: bars});
    content
}
