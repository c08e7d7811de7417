//! The table of the samples of a sheet.

use crate::html::page::{Section, fraction};
use crate::html::table::Table;
use crate::report::Report;
use crate::text;

/// Returns what was kept of each sample; `None` unless there are several.
pub(super) fn table(report: &Report) -> Option<Section> {
    if report.samples.len() < 2 {
        return None;
    }
    let title = "Samples";
    let head = ["sample", "reads", "kept", "of the sample", "discarded", "unscored"];
    let mut table = Table::new(title, head);
    for sample in &report.samples {
        let of_sample = report.parts.iter().filter(|part| part.sample.as_ref() == Some(sample));
        let mut counts = [0u64; 4];
        for reads in of_sample.map(|part| part.reads) {
            let of_part = [reads.r#in, reads.kept, reads.discarded, reads.unscored];
            counts.iter_mut().zip(of_part).for_each(|(all, one)| *all = all.saturating_add(one));
        }
        let [reads, kept, discarded, unscored] = counts;
        table.push([
            sample.clone(),
            text::count(reads),
            text::count(kept),
            text::percent(fraction(kept, reads)),
            text::count(discarded),
            text::count(unscored),
        ]);
    }
    Some(Section { title, tables: vec![table], ..Section::default() })
}
