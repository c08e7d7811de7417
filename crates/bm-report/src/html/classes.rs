//! The table of the classes that reads come from.

use std::path::Path;

use crate::html::page::{Section, fraction};
use crate::html::table::Table;
use crate::report::Report;
use crate::text;

/// Returns the classes and what became of their reads; `None` if reads were not looked up.
pub(super) fn section(report: &Report) -> Option<Section> {
    let facts = report.classes.as_ref()?;
    let (title, reads) = ("Where reads come from", report.totals.reads.r#in);
    let columns = ["class", "reads", "of all", "bases", "removed", "fraction, 95 % interval"];
    let mut table = Table::new(title, columns);
    for class in &facts.counts {
        let counts = class.counts;
        let interval = class.abundance.map_or_else(
            || "–".to_owned(),
            |it| {
                let [fraction, low, high] = [it.fraction, it.low, it.high].map(text::percent);
                format!("{fraction}, {low} to {high}")
            },
        );
        table.push([
            class.class.clone(),
            text::count(counts.reads),
            text::percent(fraction(counts.reads, reads)),
            text::count(counts.bases),
            text::count(counts.removed),
            interval,
        ]);
    }
    let mut notes = vec![format!(
        "Reads by their most probable class of {}, or none of them if that is at least as probable. The \
         fraction divides reads that may be of several.",
        // Without folders, as the names of the inputs.
        Path::new(&facts.file).file_name().unwrap_or_default().to_string_lossy()
    )];
    if let Some(p) = facts.min_probability {
        let (what, names) = match facts.only.is_empty() {
            true => ("removed", &facts.remove),
            false => ("kept, and no others,", &facts.only),
        };
        notes.push(format!("Reads of {} are {what} from a probability of {p}.", names.join(", ")));
    }
    Some(Section { title, tables: vec![table], notes, ..Section::default() })
}
