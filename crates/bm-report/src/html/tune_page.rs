//! The page of `bm tune`: what each threshold keeps.

use std::path::Path;

use bm_io::Output;
use bm_pipeline::{Goal, RetentionCurve, RetentionPoint};

use crate::error::ReportError;
use crate::html::page::{Page, Section, fraction};
use crate::html::retention::Retention;
use crate::html::table::{Row, Table};
use crate::text;

/// Points per line of the figure.
const POINTS: usize = 200;

/// The page of `bm tune`.
pub struct TunePage<'a> {
    /// The tables of scores.
    pub inputs: &'a [&'a Path],
    /// What each threshold keeps.
    pub curve: &'a RetentionCurve,
    /// The rows of the table.
    pub rows: &'a [RetentionPoint],
    /// The threshold that reaches the goal, if a goal was given.
    pub chosen: Option<RetentionPoint>,
}

impl TunePage<'_> {
    /// Writes the page.
    ///
    /// # Errors
    ///
    /// If the figure cannot be drawn, or the output cannot be written.
    pub fn write(&self, output: &mut Output) -> Result<(), ReportError> {
        self.page()?.write(output)
    }

    fn page(&self) -> Result<Page, ReportError> {
        let Self { inputs, curve, chosen, .. } = *self;
        let mut page = Page::new("What each threshold keeps", inputs, "tune", "");
        let units = curve.units();
        page.verdict.extend(chosen.map(|point| {
            format!(
                "At {}, {} of {} {units} are kept, with {} bases.",
                match point.max_error_rate {
                    Some(rate) => format!("--max-ee-rate {rate}"),
                    None => format!("-t {}", point.threshold),
                },
                text::count(point.reads / curve.reads_per_unit()),
                text::count(curve.reads() / curve.reads_per_unit()),
                text::count(point.bases)
            )
        }));
        let points: Vec<_> =
            (1..=POINTS).map(|i| curve.at(Goal::Fraction(i as f64 / POINTS as f64))).collect();
        let figure = Retention {
            reads: curve.reads(),
            all: curve.all(),
            points: &points,
            counts_errors: curve.counts_errors(),
            chosen,
            units,
        }
        .figure()?;
        let note = "These numbers are predictions, not counts: errors are the sum of the expected \
                    errors, bad reads the sum of 1 − p. The further a line is above the dashed \
                    line, the better the model separates good reads from bad reads.";
        page.figure("Kept and removed", Vec::new(), figure, note);
        let (title, tables) = ("Thresholds", vec![self.table()]);
        page.sections.push(Section { title, tables, ..Section::default() });
        Ok(page)
    }

    /// Returns the table: a row per threshold, the chosen one marked.
    fn table(&self) -> Table {
        let Self { curve, .. } = *self;
        let all = curve.all();
        let units = curve.units();
        let [left, removed] = ["left", "removed"].map(|what| format!("bad {units} {what}"));
        let limit = if curve.ranks_by_rate() { "max. error rate" } else { "threshold" };
        let mut head = vec!["kept", limit, units, "bases"];
        if curve.counts_errors() {
            head.extend(["errors per million bases", "errors removed"]);
        }
        head.extend([left.as_str(), removed.as_str()]);
        let mut table = Table::new("Thresholds", head);
        table.class = "narrow";
        let removed = |part: f64, all: f64| {
            if all > 0.0 { text::percent(1.0 - part / all) } else { "–".to_owned() }
        };
        for point in self.rows {
            let mut cells = vec![
                text::percent(fraction(point.reads, curve.reads())),
                match point.max_error_rate {
                    // All digits count for the last read.
                    Some(rate) => rate.to_string(),
                    None => text::number(f64::from(point.threshold)),
                },
                text::count(point.reads / curve.reads_per_unit()),
                text::count(point.bases),
            ];
            if curve.counts_errors() {
                let rate = 1e6 * point.expected_errors / point.bases.max(1) as f64;
                cells.push(text::number(rate));
                cells.push(removed(point.expected_errors, all.expected_errors));
            }
            cells.push(text::number(point.bad));
            cells.push(removed(point.bad, all.bad));
            let mut row: Row = cells.into_iter().collect();
            row.chosen = self.chosen == Some(*point);
            table.rows.push(row);
        }
        table
    }
}
