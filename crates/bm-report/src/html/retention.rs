//! The picture of what is caught when so many reads are kept.

use crate::ReportError;
use plotters::prelude::*;

use crate::html::plot::{self, ADAPTED, Axis, Side, Sign, UNDERSTATED};
use bm_pipeline::RetentionPoint;

const HEIGHT: u32 = 800;

/// What the picture is drawn of.
pub(super) struct Retention<'a> {
    /// All reads, and what there is of those that can be scored.
    pub(super) reads: u64,
    pub(super) all: RetentionPoint,
    /// From few reads to many.
    pub(super) points: &'a [RetentionPoint],
    /// Whether errors are expected in them.
    pub(super) counts_errors: bool,
    /// What is kept.
    pub(super) chosen: Option<RetentionPoint>,
    /// What is bad: `reads` or `pairs`.
    pub(super) units: &'a str,
}

impl Retention<'_> {
    /// Draws the picture; nothing if there are no reads.
    pub(super) fn picture(&self) -> Result<Option<String>, ReportError> {
        if self.points.is_empty() || self.reads == 0 {
            return Ok(None);
        }
        let axis = || Axis {
            range: 0.0..100.0,
            ticks: (0..=10).map(|tick| f64::from(tick) * 10.0).collect(),
        };
        let label = |value: &f64| format!("{value:.0}");
        let kept = |point: &RetentionPoint| 100.0 * point.reads as f64 / self.reads as f64;
        let caught = |part: f64, all: f64| if all > 0.0 { 100.0 * (1.0 - part / all) } else { 0.0 };
        let bad = |point: &RetentionPoint| (kept(point), caught(point.bad, self.all.bad));
        let errors = |point: &RetentionPoint| {
            (kept(point), caught(point.expected_errors, self.all.expected_errors))
        };
        let picture = plot::svg(HEIGHT, "What is caught by how much is kept", |area| {
            let x = Side { axis: axis(), name: "kept reads, %", label: &label };
            let y = Side { axis: axis(), name: "caught, %", label: &label };
            let mut chart = plot::frame(area, x, y)?;
            // What a filter that knows nothing would do.
            let (dash, gap) = plot::DASH;
            let nothing = [(0.0, 100.0), (100.0, 0.0)];
            chart.draw_series(DashedLineSeries::new(
                nothing,
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
            Ok(())
        })?;
        let bad = format!("bad {}", self.units);
        let mut entries = vec![(Sign::Line, ADAPTED, bad.as_str())];
        if self.counts_errors {
            entries.push((Sign::Line, UNDERSTATED, "errors"));
        }
        entries.push((Sign::Dashes, plot::REPORTED, "by chance"));
        if self.chosen.is_some() {
            entries.push((Sign::Line, plot::MEASURED, "what is kept"));
        }
        Ok(Some(plot::legend(&entries) + &picture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_line_of_what_is_known() {
        let point = |reads| RetentionPoint {
            threshold: 0.5,
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
            retention.picture().expect("drawn").expect("a picture")
        };
        let all = of(true, Some(points[1]));
        for entry in ["bad pairs", "errors</span>", "what is kept"] {
            assert!(all.contains(entry), "{entry}");
        }
        assert!(
            !of(false, None).contains("errors</span>") && !of(false, None).contains("what is kept")
        );
        let nothing = Retention {
            reads: 0,
            all: point(0),
            points: &points,
            counts_errors: true,
            chosen: None,
            units: "reads",
        };
        assert!(nothing.picture().expect("drawn").is_none());
    }
}
