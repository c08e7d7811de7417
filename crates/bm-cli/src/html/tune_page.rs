//! What would be left of scored reads, as a page.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use crate::curve::{Curve, Goal, Point};
use crate::html::retention::Retention;
use crate::html::{self, text};
use crate::output::Output;

/// Lines of the picture have so many points.
const POINTS: usize = 200;

/// Of what the page tells.
pub(crate) struct TunePage<'a> {
    /// The tables of scores.
    pub(crate) inputs: &'a [&'a Path],
    pub(crate) curve: &'a Curve,
    /// The rows of the table.
    pub(crate) rows: &'a [Point],
    /// What was asked for.
    pub(crate) chosen: Option<Point>,
}

impl TunePage<'_> {
    /// Writes the page.
    pub(crate) fn write(&self, output: Output) -> Result<()> {
        html::write(&self.text()?, output)
    }

    fn text(&self) -> Result<String> {
        let Self { inputs, curve, chosen, .. } = *self;
        let mut page = String::new();
        html::opening(&mut page, "What each threshold keeps", inputs)?;
        let units = curve.units();
        if let Some(point) = chosen {
            writeln!(
                page,
                "<div class=\"verdict\"><p>At <b>-t {}</b>, {} of {} {units} are kept, with {} bases.</p></div>",
                point.threshold,
                text::count(point.reads / curve.reads_per_unit),
                text::count(curve.reads() / curve.reads_per_unit),
                text::count(point.bases)
            )?;
        }
        let points: Vec<_> =
            (1..=POINTS).map(|i| curve.at(Goal::Fraction(i as f64 / POINTS as f64))).collect();
        let picture = Retention {
            reads: curve.reads(),
            all: curve.all(),
            points: &points,
            counts_errors: curve.counts_errors,
            chosen,
            units,
        }
        .picture()?;
        let note = "What the model expects, not what was counted: errors are the sum of the expected errors, bad ones the sum of 1 − p. \
                    The more the lines lie above the dashed one, the better the reads can be told apart.";
        html::section(&mut page, "Kept and caught", &[], picture, note)?;
        self.table(&mut page)?;
        html::closing(&mut page, "tune", "")?;
        Ok(page)
    }

    fn table(&self, page: &mut String) -> Result<()> {
        let Self { curve, .. } = *self;
        let all = curve.all();
        let units = curve.units();
        let errors = if curve.counts_errors {
            "<th>errors a million bases</th><th>errors caught</th>"
        } else {
            ""
        };
        write!(
            page,
            "<h2>Thresholds</h2>\n<table class=\"narrow\">\n<thead><tr><th>kept</th><th>threshold</th><th>{units}</th><th>bases</th>{errors}\
             <th>bad {units} left</th><th>bad {units} caught</th></tr></thead>\n<tbody>\n"
        )?;
        let caught = |part: f64, all: f64| {
            if all > 0.0 { text::percent(1.0 - part / all) } else { "–".to_owned() }
        };
        for point in self.rows {
            let chosen = if self.chosen == Some(*point) { " class=\"chosen\"" } else { "" };
            write!(
                page,
                "<tr{chosen}><td>{}</td><td>{}</td><td>{}</td><td>{}</td>",
                text::percent(point.reads as f64 / curve.reads().max(1) as f64),
                text::number(f64::from(point.threshold)),
                text::count(point.reads / curve.reads_per_unit),
                text::count(point.bases)
            )?;
            if curve.counts_errors {
                let rate = 1e6 * point.expected_errors / point.bases.max(1) as f64;
                write!(
                    page,
                    "<td>{}</td><td>{}</td>",
                    text::number(rate),
                    caught(point.expected_errors, all.expected_errors)
                )?;
            }
            writeln!(
                page,
                "<td>{}</td><td>{}</td></tr>",
                text::number(point.bad),
                caught(point.bad, all.bad)
            )?;
        }
        page.push_str("</tbody>\n</table>\n");
        Ok(())
    }
}
