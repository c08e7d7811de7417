//! Bars of measured over reported errors, for pictures of what errors depend on.

use crate::ReportError;
use bm_adapt::Row;
use plotters::prelude::*;

use crate::html::plot::{
    self, ADAPTED, Axis, BEFORE, MEASURED, OVERSTATED, REPORTED, Sign, UNDERSTATED,
};
use crate::html::statistics::Rate;

/// Height of a bar with the room around it, and of what is above and below all of them.
const BAR: u32 = 46;
const AROUND: u32 = 140;

/// Most that is drawn, as log2 of a ratio: one that is farther off is known badly.
const FARTHEST: f64 = 6.0;

/// What a bar is of.
pub(super) struct Ratio {
    pub(super) of: String,
    pub(super) measured: Rate,
    before: f64,
    adapted: f64,
}

impl Ratio {
    /// Returns measured errors, and those that the models expect, over reported ones; none if none
    /// are reported.
    pub(super) fn of(row: &Row) -> Option<Self> {
        let measured = Rate::measured(row)?.over(row.reported / row.bases as f64);
        let over = |errors: f64| errors / row.reported;
        (row.reported > 0.0).then(|| Self {
            of: row.of.clone(),
            measured,
            before: over(row.start),
            adapted: over(row.adapted),
        })
    }
}

/// A picture of bars from top to bottom; none is a gap.
pub(super) struct Bars<'a> {
    pub(super) words: &'a str,
    pub(super) what: &'a str,
    pub(super) bars: Vec<Option<Ratio>>,
    /// Measured over reported errors of all bases.
    pub(super) whole: Option<f64>,
    pub(super) learned: &'a str,
}

impl Bars<'_> {
    /// Draws the picture; nothing if there are no bars.
    pub(super) fn picture(&self) -> Result<Option<String>, ReportError> {
        let ratios = || self.bars.iter().flatten();
        let logs = ratios().flat_map(|ratio| {
            [ratio.measured.value, ratio.measured.high, ratio.before, ratio.adapted]
        });
        let logs = logs.chain(self.whole).map(f64::log2).filter(|log| log.is_finite());
        let (mut low, mut high) = (-0.5f64, 0.5f64);
        for log in logs {
            (low, high) = (low.min(log), high.max(log));
        }
        if ratios().next().is_none() {
            return Ok(None);
        }
        let x = (low - 0.2).max(-FARTHEST)..(high + 0.2).min(FARTHEST);
        let inside = |ratio: f64| ratio.log2().clamp(x.start, x.end);
        let count = self.bars.len();
        let y = count as f64 - 0.4..-0.6;
        let slots: Vec<f64> =
            (0..count).filter(|at| self.bars[*at].is_some()).map(|at| at as f64).collect();
        let name = |at: usize| {
            let ratio = self.bars.get(at).and_then(Option::as_ref);
            ratio.map_or_else(String::new, |ratio| {
                format!("{} ×{:.2}", ratio.of, ratio.measured.value)
            })
        };
        let picture = plot::svg(count as u32 * BAR + AROUND, self.words, |area| {
            let mut chart = ChartBuilder::on(area)
                .margin(16)
                .margin_right(30)
                .x_label_area_size(96)
                .y_label_area_size(250)
                .build_cartesian_2d(
                    Axis { range: x.clone(), ticks: doublings(x.start, x.end) },
                    Axis { range: y, ticks: slots },
                )?;
            chart
                .configure_mesh()
                .disable_y_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(plot::GRID.stroke_width(2))
                .axis_style(plot::AXIS.stroke_width(2))
                .label_style(plot::LABELS)
                .axis_desc_style(plot::NAMES)
                .x_desc("measured over reported errors")
                .y_desc(self.what)
                .x_labels(20)
                .y_labels(count)
                .x_label_formatter(&|log| times(*log))
                .y_label_formatter(&|at| name(at.round() as usize))
                .draw()?;
            for (at, ratio) in self.bars.iter().enumerate() {
                let Some(ratio) = ratio else { continue };
                let (at, measured) = (at as f64, ratio.measured);
                let colour = if measured.value > 1.0 { OVERSTATED } else { UNDERSTATED };
                let corners = [(0.0, at - 0.34), (inside(measured.value), at + 0.34)];
                chart.draw_series([Rectangle::new(corners, colour.mix(plot::BAR).filled())])?;
                let interval = vec![(inside(measured.low), at), (inside(measured.high), at)];
                chart.draw_series([PathElement::new(interval, MEASURED.stroke_width(3))])?;
                chart.draw_series([Circle::new(
                    (inside(ratio.before), at),
                    9,
                    BEFORE.stroke_width(4),
                )])?;
                chart.draw_series([Circle::new(
                    (inside(ratio.adapted), at),
                    9,
                    ADAPTED.filled(),
                )])?;
            }
            let (top, bottom) = (-0.6, count as f64 - 0.4);
            chart.draw_series([PathElement::new(
                vec![(0.0, top), (0.0, bottom)],
                REPORTED.stroke_width(4),
            )])?;
            if let Some(whole) = self.whole {
                let (dash, gap) = plot::DASH;
                let line = [(inside(whole), top), (inside(whole), bottom)];
                chart.draw_series(DashedLineSeries::new(
                    line,
                    dash,
                    gap,
                    MEASURED.stroke_width(3),
                ))?;
            }
            Ok(())
        })?;
        let legend = plot::legend(&[
            (Sign::Bar, OVERSTATED, "more errors than reported"),
            (Sign::Bar, UNDERSTATED, "fewer"),
            (Sign::Line, REPORTED, "as reported"),
            (Sign::Dashes, MEASURED, "all bases"),
            (Sign::Ring, BEFORE, "model before"),
            (Sign::Dot, ADAPTED, self.learned),
        ]);
        Ok(Some(legend + &picture))
    }
}

/// Returns the ratios of a logarithmic axis as log2: doublings, and halves of them over few.
fn doublings(low: f64, high: f64) -> Vec<f64> {
    let step = if high - low < 2.5 { 0.5 } else { 1.0 };
    let (first, last) = ((low / step).ceil() as i32, (high / step).floor() as i32);
    (first..=last).map(|at| f64::from(at) * step).collect()
}

/// Returns a ratio as it stands along the axis.
fn times(log: f64) -> String {
    let ratio = log.exp2();
    let decimals = if (ratio - ratio.round()).abs() < 1e-9 {
        0
    } else if ratio < 0.2 {
        3
    } else {
        2
    };
    format!("×{ratio:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_doubles() {
        let axis = |low, high| doublings(low, high).into_iter().map(times).collect::<Vec<_>>();
        assert_eq!(axis(-2.2, 3.4), ["×0.25", "×0.50", "×1", "×2", "×4", "×8"]);
        assert_eq!(axis(-0.7, 0.7), ["×0.71", "×1", "×1.41"]);
    }

    #[test]
    fn a_ratio_is_over_what_is_reported() {
        let row = Row {
            of: "GGC".to_owned(),
            bases: 10_000,
            wrong: 30,
            reported: 10.0,
            start: 20.0,
            adapted: 29.0,
        };
        let ratio = Ratio::of(&row).expect("bases");
        assert!(
            (ratio.measured.value - 3.0).abs() < 1e-9
                && ratio.measured.low > 2.0
                && ratio.measured.high < 4.5
        );
        assert_eq!((ratio.before, ratio.adapted), (2.0, 2.9));
        assert!(Ratio::of(&Row { reported: 0.0, ..row }).is_none());
    }

    #[test]
    fn a_picture_of_nothing_is_none() {
        let bars = Bars { words: "", what: "", bars: vec![None], whole: None, learned: "adapted" };
        assert!(bars.picture().expect("drawn").is_none());
    }
}
