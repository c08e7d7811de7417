//! The page of `bm tune`: what each threshold keeps.

use std::fmt::Write as _;
use std::path::Path;

use bm_io::Output;
use bm_pipeline::{Goal, RetentionCurve, RetentionPoint};

use crate::error::ReportError;
use crate::html::page;
use crate::html::retention::Retention;
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
        page::write(&self.text()?, output)
    }

    fn text(&self) -> Result<String, ReportError> {
        let Self { inputs, curve, chosen, .. } = *self;
        let mut page = String::new();
        page::opening(&mut page, "What each threshold keeps", inputs)?;
        let units = curve.units();
        if let Some(point) = chosen {
            writeln!(
                page,
                "<div class=\"verdict\"><p>At <b>-t {}</b>, {} of {} {units} are kept, with {} \
                 bases.</p></div>",
                point.threshold,
                text::count(point.reads / curve.reads_per_unit),
                text::count(curve.reads() / curve.reads_per_unit),
                text::count(point.bases)
            )?;
        }
        let points: Vec<_> =
            (1..=POINTS).map(|i| curve.at(Goal::Fraction(i as f64 / POINTS as f64))).collect();
        let figure = Retention {
            reads: curve.reads(),
            all: curve.all(),
            points: &points,
            counts_errors: curve.counts_errors,
            chosen,
            units,
        }
        .figure()?;
        let note = "These numbers are predictions, not counts: errors are the sum of the expected \
                    errors, bad reads the sum of 1 − p. The further a line is above the dashed \
                    line, the better the model separates good reads from bad reads.";
        page::section(&mut page, "Kept and removed", &[], figure, note)?;
        self.table(&mut page)?;
        page::closing(&mut page, "tune", "")?;
        Ok(page)
    }

    /// Writes the table: a row per threshold, the chosen one marked.
    fn table(&self, page: &mut String) -> Result<(), ReportError> {
        let Self { curve, .. } = *self;
        let all = curve.all();
        let units = curve.units();
        let errors = if curve.counts_errors {
            "<th>errors per million bases</th><th>errors removed</th>"
        } else {
            ""
        };
        write!(
            page,
            "<h2>Thresholds</h2>\n<div class=\"wide\"><table class=\"narrow\">\n<thead><tr>\
             <th>kept</th><th>threshold</th><th>{units}</th><th>bases</th>{errors}\
             <th>bad {units} left</th><th>bad {units} removed</th></tr></thead>\n<tbody>\n"
        )?;
        let removed = |part: f64, all: f64| {
            if all > 0.0 { text::percent(1.0 - part / all) } else { "–".to_owned() }
        };
        for point in self.rows {
            let chosen = if self.chosen == Some(*point) { " class=\"chosen\"" } else { "" };
            write!(
                page,
                "<tr{chosen}><td>{}</td><td>{}</td><td>{}</td><td>{}</td>",
                text::percent(page::fraction(point.reads, curve.reads())),
                text::number(f64::from(point.threshold)),
                text::count(point.reads / curve.reads_per_unit),
                text::count(point.bases)
            )?;
            if curve.counts_errors {
                let rate = 1e6 * point.expected_errors / point.bases.max(1) as f64;
                let removed = removed(point.expected_errors, all.expected_errors);
                write!(page, "<td>{}</td><td>{removed}</td>", text::number(rate))?;
            }
            let (bad, removed) = (text::number(point.bad), removed(point.bad, all.bad));
            writeln!(page, "<td>{bad}</td><td>{removed}</td></tr>")?;
        }
        page.push_str("</tbody>\n</table></div>\n");
        Ok(())
    }
}
