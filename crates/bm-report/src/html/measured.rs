//! Measured error rates beside those of the qualities and the models: in a table, and on one line.

use bm_adapt::Row;

use crate::html::statistics::Rate;
use crate::html::table::Table;
use crate::text;

/// Returns the rates of a row, from measurement to adapted model.
fn rates(row: &Row) -> [String; 4] {
    let of = |errors: f64| text::percent(errors / row.bases.max(1) as f64);
    [of(row.wrong as f64), of(row.reported), of(row.start), of(row.adapted)]
}

/// Returns the rates of a row on one line.
pub(super) fn words(name: &str, row: &Row) -> String {
    let [measured, reported, start, adapted] = rates(row);
    format!(
        "{name}: measured {measured}, reported {reported}, base model {start}, adapted model {adapted}"
    )
}

/// Returns a table with the error rates of named rows.
pub(super) fn table<'a>(
    name: &str,
    of: &str,
    adapted_name: &str,
    rows: impl Iterator<Item = (String, &'a Row)>,
) -> Table {
    let head = [of, "bases", "measured", "95 % interval", "reported", "base model", adapted_name];
    let mut table = Table::new(name, head);
    table.class = "narrow";
    for (name, row) in rows {
        let interval = Rate::measured(row).map_or_else(String::new, |rate| {
            format!("{} to {}", text::percent(rate.low), text::percent(rate.high))
        });
        let [measured, reported, start, adapted] = rates(row);
        table.push([name, text::count(row.bases), measured, interval, reported, start, adapted]);
    }
    table
}
