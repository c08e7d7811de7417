//! Figures of bars: measured over reported errors.

use bm_adapt::Row;
use plotters::prelude::*;

use crate::error::ReportError;
use crate::html::figure::{Figure, Sign};
use crate::html::plot::{
    self, ADAPTED, Axis, BASE_MODEL, MEASURED, OVERSTATED, REPORTED, UNDERSTATED,
};
use crate::html::statistics::Rate;
use crate::html::table::Table;

/// Height of a bar with its spacing, in units of the figure.
const BAR: u32 = 66;

/// Height above and below all bars, in units of the figure.
const MARGINS: u32 = 200;

/// Largest ratio on the axis, as log2: ratios beyond come from few errors.
const MAX_LOG2: f64 = 6.0;

/// The ratios of a bar, over the errors that the qualities report.
pub(super) struct Ratio {
    /// The property that the bases of the bar have in common.
    pub(super) of: String,
    pub(super) measured: Rate,
    base_model: f64,
    adapted: f64,
}

impl Ratio {
    /// Returns the ratios of a row; `None` without reported errors.
    pub(super) fn of(row: &Row) -> Option<Self> {
        let measured = Rate::measured(row)?.over(row.reported / row.bases as f64);
        let over = |errors: f64| errors / row.reported;
        (row.reported > 0.0).then(|| Self {
            of: row.of.clone(),
            measured,
            base_model: over(row.start),
            adapted: over(row.adapted),
        })
    }

    /// Returns the ratios on one line.
    fn words(&self) -> String {
        let Self { of, measured, base_model, adapted } = self;
        let Rate { value, low, high } = measured;
        format!(
            "{of}: {value:.2} times the reported errors ({low:.2} to {high:.2}), base model \
             {base_model:.2}, adapted model {adapted:.2}"
        )
    }
}

/// A figure of bars.
pub(super) struct Bars<'a> {
    /// Description for screen readers.
    pub(super) description: &'a str,
    /// Name of the vertical axis.
    pub(super) axis_name: &'a str,
    /// From top to bottom; `None` is a gap.
    pub(super) bars: Vec<Option<Ratio>>,
    /// Measured over reported errors of all bases.
    pub(super) overall: Option<f64>,
    /// Name of the adapted model in the legend.
    pub(super) adapted_name: &'a str,
}

impl Bars<'_> {
    /// Returns the figure; `None` without bars.
    pub(super) fn figure(&self) -> Result<Option<Figure>, ReportError> {
        let ratios = || self.bars.iter().flatten();
        let logs = ratios().flat_map(|ratio| {
            [ratio.measured.value, ratio.measured.high, ratio.base_model, ratio.adapted]
        });
        let logs = logs.chain(self.overall).map(f64::log2).filter(|log| log.is_finite());
        let (mut low, mut high) = (-0.5f64, 0.5f64);
        for log in logs {
            (low, high) = (low.min(log), high.max(log));
        }
        if ratios().next().is_none() {
            return Ok(None);
        }
        let x = (low - 0.2).max(-MAX_LOG2)..(high + 0.2).min(MAX_LOG2);
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
        let figure = plot::svg(count as u32 * BAR + MARGINS, self.description, |area| {
            let mut chart = ChartBuilder::on(area)
                .margin(16)
                .margin_right(30)
                .x_label_area_size(plot::X_LABELS)
                .y_label_area_size(430)
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
                .x_desc("measured / reported errors")
                .y_desc(self.axis_name)
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
                    (inside(ratio.base_model), at),
                    9,
                    BASE_MODEL.stroke_width(4),
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
            if let Some(overall) = self.overall {
                let (dash, gap) = plot::DASH;
                let line = [(inside(overall), top), (inside(overall), bottom)];
                chart.draw_series(DashedLineSeries::new(
                    line,
                    dash,
                    gap,
                    MEASURED.stroke_width(3),
                ))?;
            }
            let bars = self.bars.iter().enumerate();
            let values = bars.filter_map(|(at, ratio)| Some((at as f64, ratio.as_ref()?.words())));
            Ok(plot::rows(&chart, values.collect()))
        })?;
        let head = [
            (self.axis_name, ""),
            ("measured / reported errors", ""),
            ("95 % interval", ""),
            ("base model", ""),
            (self.adapted_name, ""),
        ];
        let mut table = Table::with_remarks(self.description, head);
        table.class = "narrow";
        for Ratio { of, measured, base_model, adapted } in ratios() {
            let [value, base_model, adapted] =
                [measured.value, *base_model, *adapted].map(|ratio| format!("{ratio:.2}"));
            let interval = format!("{:.2} to {:.2}", measured.low, measured.high);
            table.push([of.clone(), value, interval, base_model, adapted]);
        }
        let legend = [
            (Sign::Bar, OVERSTATED, "more errors than reported"),
            (Sign::Bar, UNDERSTATED, "fewer errors than reported"),
            (Sign::Line, REPORTED, "as reported"),
            (Sign::Dashes, MEASURED, "all bases"),
            (Sign::Ring, BASE_MODEL, "base model"),
            (Sign::Dot, ADAPTED, self.adapted_name),
        ];
        Ok(Some(Figure::new(&legend, figure, table)))
    }
}

/// Returns the ticks of an axis of ratios, as log2: whole numbers, and halves on a short axis.
fn doublings(low: f64, high: f64) -> Vec<f64> {
    let step = if high - low < 2.5 { 0.5 } else { 1.0 };
    let (first, last) = ((low / step).ceil() as i32, (high / step).floor() as i32);
    (first..=last).map(|at| f64::from(at) * step).collect()
}

/// Returns the label of a ratio along the axis, from its log2.
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
    fn the_ticks_are_doublings_or_halves_of_them() {
        let axis = |low, high| doublings(low, high).into_iter().map(times).collect::<Vec<_>>();
        assert_eq!(axis(-2.2, 3.4), ["×0.25", "×0.50", "×1", "×2", "×4", "×8"]);
        assert_eq!(axis(-0.7, 0.7), ["×0.71", "×1", "×1.41"]);
    }

    #[test]
    fn a_ratio_is_errors_over_reported_errors() {
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
        assert_eq!((ratio.base_model, ratio.adapted), (2.0, 2.9));
        assert!(Ratio::of(&Row { reported: 0.0, ..row }).is_none());
    }

    #[test]
    fn without_bars_there_is_no_figure() {
        let bars = Bars {
            description: "",
            axis_name: "",
            bars: vec![None],
            overall: None,
            adapted_name: "adapted",
        };
        assert!(bars.figure().expect("drawn").is_none());
    }
}
