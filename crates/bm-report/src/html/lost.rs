//! The table of reads and bases that are not kept, by reason.

use bm_pipeline::Totals;

use crate::html::page::{Section, fraction};
use crate::html::table::Table;
use crate::text;

/// Returns why reads are not kept; `None` if all are.
pub(super) fn reasons(totals: &Totals) -> Option<Section> {
    if totals.reasons.total() == 0 {
        return None;
    }
    let title = "Why reads were not kept";
    let mut table = Table::new(title, ["reason", "reads", "of all", "bases", "of all bases"]);
    for (reason, reads) in totals.reasons.iter() {
        let bases = totals.bases_by_reason.iter().find(|(other, _)| *other == reason);
        let bases = bases.map_or(0, |(_, bases)| bases);
        table.push([
            reason.name().to_owned(),
            text::count(reads),
            text::percent(fraction(reads, totals.reads.r#in)),
            text::count(bases),
            text::percent(fraction(bases, totals.bases.r#in)),
        ]);
    }
    let note = "By flag. If a read has several reasons, the first one listed is counted, so the \
                numbers add up.";
    let (tables, notes) = (vec![table], vec![note.to_owned()]);
    Some(Section { title, tables, notes, ..Section::default() })
}
