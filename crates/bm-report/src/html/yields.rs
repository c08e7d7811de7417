//! The tables of what long reads yield by quality and length.

use bm_pipeline::yields::{Cells, LENGTHS, QUALITIES, Yields};

use crate::html::page::{Section, fraction};
use crate::html::table::{Cell, Row, Table};
use crate::text;

/// Classes of cells in the style sheet, from few of all to most.
const HEAT: [&str; 5] = ["h1", "h2", "h3", "h4", "h5"];

/// Returns the section; `None` without reads.
pub(super) fn section(yields: &Yields) -> Option<Section> {
    let Yields { before, after } = yields;
    if before.reads[0][0] == 0 {
        return None;
    }
    let mut tables = Vec::new();
    for (what, all, kept) in
        [("bases, ", before.bases, after.bases), ("", before.reads, after.reads)]
    {
        tables.push(table(&format!("{what}all reads"), &all));
        if kept != all {
            tables.push(table(&format!("{what}kept reads"), &kept));
        }
    }
    let sentence = "Reads of at least this mean quality (rows), and of at least this length (columns). The \
                    quality is that of the errors per base that are expected in the read, −10·log10: each \
                    number is what --min-q and --min-length would keep of these reads."
        .to_owned();
    Some(Section {
        title: "Yield by quality and length",
        sentences: vec![sentence],
        tables,
        ..Section::default()
    })
}

/// Returns a table whose cells are darker the more they have of all.
fn table(name: &str, cells: &Cells) -> Table {
    let lengths = LENGTHS.into_iter().map(|length| match length {
        0 => "any".to_owned(),
        _ => format!("{} kb", length / 1_000),
    });
    let heads: Vec<String> = std::iter::once(name.to_owned()).chain(lengths).collect();
    let mut table = Table::new(name, heads.iter().map(String::as_str));
    table.class = "heat";
    let all = cells[0][0];
    for (quality, row) in QUALITIES.into_iter().zip(cells) {
        let name = if quality == 0 { "any".to_owned() } else { format!("Q{quality}") };
        let values = row.iter().map(|value| Cell { text: short(*value), class: heat(*value, all) });
        table.rows.push(std::iter::once(Cell::from(name)).chain(values).collect::<Row>());
    }
    table
}

/// Returns the class of a cell, by its fraction of all.
fn heat(value: u64, all: u64) -> &'static str {
    if value == 0 {
        return "";
    }
    let level = (fraction(value, all) * HEAT.len() as f64) as usize;
    HEAT[level.min(HEAT.len() - 1)]
}

/// Returns a count with three digits or more and a prefix: `1.25 G`.
fn short(count: u64) -> String {
    match count {
        0..10_000 => text::count(count),
        10_000..1_000_000 => format!("{} k", text::number(count as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{} M", text::number(count as f64 / 1e6)),
        _ => format!("{} G", text::number(count as f64 / 1e9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_short_numbers_and_a_colour() {
        assert_eq!(
            [0, 9_999, 10_000, 123_456, 45_200_000, 1_250_000_000].map(short),
            ["0", "9,999", "10.0 k", "123 k", "45.2 M", "1.25 G"]
        );
        assert_eq!([heat(0, 10), heat(1, 10), heat(5, 10), heat(10, 10)], ["", "h1", "h3", "h5"]);
    }

    #[test]
    fn tables_of_kept_reads_are_left_out_where_all_are_kept() {
        let mut yields = Yields::default();
        assert!(section(&yields).is_none());
        yields.before.reads[0][0] = 7;
        yields.before.bases[0][0] = 70_000;
        let names = |yields: &Yields| -> Vec<String> {
            section(yields)
                .map_or_else(Vec::new, |it| it.tables.into_iter().map(|it| it.name).collect())
        };
        assert_eq!(
            names(&yields),
            ["bases, all reads", "bases, kept reads", "all reads", "kept reads"]
        );
        yields.after = yields.before;
        assert_eq!(names(&yields), ["bases, all reads", "all reads"]);
        let section = section(&yields).unwrap_or_default();
        assert_eq!(section.tables[1].texts(0), ["any", "7", "0", "0", "0", "0", "0", "0"]);
        assert_eq!(section.tables[0].rows.len(), QUALITIES.len());
    }
}
