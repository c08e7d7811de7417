//! The figure of removed errors and bad reads against kept reads.

use bm_pipeline::RetentionPoint;
use plotters::prelude::*;

use crate::error::ReportError;
use crate::html::figure::{Figure, Sign};
use crate::html::plot::{self, ADAPTED, Axis, Side, UNDERSTATED};
use crate::html::table::Table;
use crate::text;

const HEIGHT: u32 = 820;

/// Most rows of the table.
const ROWS: usize = 50;

/// The data of the figure.
pub(super) struct Retention<'a> {
    /// Number of reads, unscored ones included.
    pub(super) reads: u64,
    /// The totals of all scored reads.
    pub(super) all: RetentionPoint,
    /// The totals of the kept reads, from few reads to many.
    pub(super) points: &'a [RetentionPoint],
    /// Whether the points have expected errors.
    pub(super) counts_errors: bool,
    /// The totals at the chosen threshold.
    pub(super) chosen: Option<RetentionPoint>,
    /// What is kept or discarded as a whole: `reads` or `pairs`.
    pub(super) units: &'a str,
}

impl Retention<'_> {
    /// Returns the figure; `None` without reads.
    pub(super) fn figure(&self) -> Result<Option<Figure>, ReportError> {
        if self.points.is_empty() || self.reads == 0 {
            return Ok(None);
        }
        let axis = || Axis {
            range: 0.0..100.0,
            ticks: (0..=5).map(|tick| f64::from(tick) * 20.0).collect(),
        };
        let label = |value: &f64| format!("{value:.0}");
        let kept = |point: &RetentionPoint| 100.0 * point.reads as f64 / self.reads as f64;
        let removed =
            |part: f64, all: f64| if all > 0.0 { 100.0 * (1.0 - part / all) } else { 0.0 };
        let bad = |point: &RetentionPoint| (kept(point), removed(point.bad, self.all.bad));
        let errors = |point: &RetentionPoint| {
            (kept(point), removed(point.expected_errors, self.all.expected_errors))
        };
        let figure =
            plot::svg(HEIGHT, "Removed errors and bad reads against kept reads", |area| {
                let x = Side { axis: axis(), name: "kept reads, %", label: &label };
                let y = Side { axis: axis(), name: "removed, %", label: &label };
                let mut chart = plot::frame(area, x, y)?;
                // A filter that discards reads at random.
                let (dash, gap) = plot::DASH;
                let random = [(0.0, 100.0), (100.0, 0.0)];
                chart.draw_series(DashedLineSeries::new(
                    random,
                    dash,
                    gap,
                    plot::REPORTED.stroke_width(3),
                ))?;
                if self.counts_errors {
                    chart.draw_series(LineSeries::new(
                        self.points.iter().map(errors),
                        UNDERSTATED.stroke_width(5),
                    ))?;
                }
                chart.draw_series(LineSeries::new(
                    self.points.iter().map(bad),
                    ADAPTED.stroke_width(5),
                ))?;
                if let Some(chosen) = &self.chosen {
                    let at = kept(chosen);
                    chart.draw_series([PathElement::new(
                        vec![(at, 0.0), (at, 100.0)],
                        plot::MEASURED.stroke_width(3),
                    )])?;
                }
                let value = |point: &RetentionPoint| {
                    let mut words = format!(
                        "{}: {:.1} % kept, {:.1} % of bad {} removed",
                        match point.max_error_rate {
                            Some(rate) => format!("error rate {}", text::limit(rate)),
                            None => format!("threshold {:.2}", point.threshold),
                        },
                        kept(point),
                        bad(point).1,
                        self.units
                    );
                    if self.counts_errors {
                        words += &format!(", {:.1} % of errors", errors(point).1);
                    }
                    (kept(point), words)
                };
                Ok(plot::columns(&chart, self.points.iter().map(value).collect()))
            })?;
        let by_rate = self.points.iter().any(|point| point.max_error_rate.is_some());
        let limit = if by_rate { "max. error rate" } else { "threshold" };
        let mut table = Table::new(
            "Removed errors and bad reads against kept reads",
            [limit, "kept, %", "bad removed, %", "errors removed, %"],
        );
        table.class = "narrow";
        // As many as can be read.
        for point in self.points.iter().step_by(self.points.len().div_ceil(ROWS)) {
            let errors = if self.counts_errors {
                format!("{:.1}", errors(point).1)
            } else {
                "–".to_owned()
            };
            let [kept, bad] = [kept(point), bad(point).1].map(|value| format!("{value:.1}"));
            let limit = match point.max_error_rate {
                Some(rate) => text::limit(rate),
                None => format!("{:.2}", point.threshold),
            };
            table.push([limit, kept, bad, errors]);
        }
        let bad = format!("bad {}", self.units);
        let mut entries = vec![(Sign::Line, ADAPTED, bad.as_str())];
        if self.counts_errors {
            entries.push((Sign::Line, UNDERSTATED, "errors"));
        }
        entries.push((Sign::Dashes, plot::REPORTED, "at random"));
        if self.chosen.is_some() {
            entries.push((Sign::Line, plot::MEASURED, "kept"));
        }
        Ok(Some(Figure::new(&entries, figure, table)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legend_has_an_entry_per_line() {
        let point = |reads| RetentionPoint {
            threshold: 0.5,
            max_error_rate: None,
            reads,
            bases: 100 * reads,
            expected_errors: reads as f64,
            bad: 0.1 * reads as f64,
        };
        let points: Vec<_> = [10, 50, 100].map(point).into();
        let of = |counts_errors, chosen| {
            let retention = Retention {
                reads: 100,
                all: point(100),
                points: &points,
                counts_errors,
                chosen,
                units: "pairs",
            };
            retention.figure().expect("drawn").expect("a figure")
        };
        let all = of(true, Some(points[1]));
        assert_eq!(all.entries(), ["bad pairs", "errors", "at random", "kept"]);
        assert_eq!(of(false, None).entries(), ["bad pairs", "at random"]);
        let nothing = Retention {
            reads: 0,
            all: point(0),
            points: &points,
            counts_errors: true,
            chosen: None,
            units: "reads",
        };
        assert!(nothing.figure().expect("drawn").is_none());
    }
}
