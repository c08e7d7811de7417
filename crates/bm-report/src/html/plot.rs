//! Shared parts of the figures: frame, colours, axes and legend.

use std::ops::Range;

use crate::error::ReportError;
use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;

use crate::text::{self, escape};

/// The area that a figure is drawn on.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Width of a figure. **Units:** half pixels of the page, as coordinates are whole numbers.
pub(super) const WIDTH: u32 = 1840;

/// Font of the labels along an axis.
pub(super) const LABELS: (&str, u32) = ("sans-serif", 32);

/// Font of the name of an axis.
pub(super) const NAMES: (&str, u32) = ("sans-serif", 34);

// Colours that people with colour blindness can distinguish (Okabe & Ito 2008).
pub(super) const MEASURED: RGBColor = RGBColor(34, 34, 34);
pub(super) const REPORTED: RGBColor = RGBColor(136, 136, 136);
pub(super) const BASE_MODEL: RGBColor = RGBColor(204, 121, 167);
pub(super) const ADAPTED: RGBColor = RGBColor(0, 158, 115);
pub(super) const OVERSTATED: RGBColor = RGBColor(213, 94, 0);
pub(super) const UNDERSTATED: RGBColor = RGBColor(0, 114, 178);
pub(super) const GRID: RGBColor = RGBColor(221, 221, 221);
pub(super) const AXIS: RGBColor = RGBColor(85, 85, 85);

/// Opacity of bars.
pub(super) const BAR: f64 = 0.55;

/// Dash and gap of a dashed line.
pub(super) const DASH: (u32, u32) = (14, 9);

/// Returns a figure as SVG for a page, with a description for screen readers.
pub(super) fn svg(
    height: u32,
    description: &str,
    draw: impl FnOnce(&Area<'_>) -> Result<(), ReportError>,
) -> Result<String, ReportError> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        draw(&area)?;
        area.present()?;
    }
    // The first tag would make the text a file of its own: the page needs another one.
    let (_, drawn) = text.split_once('>').unwrap_or_default();
    Ok(format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">{drawn}",
        escape(description)
    ))
}

/// A linear axis with chosen ticks. Values outside the range are drawn at its end.
pub(super) struct Axis {
    /// From left to right, or from the bottom up.
    pub(super) range: Range<f64>,
    /// Values with a label.
    pub(super) ticks: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let fraction = (value - self.range.start) / (self.range.end - self.range.start);
        first + (fraction.clamp(0.0, 1.0) * f64::from(last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// A figure with its axes.
pub(super) type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>;

/// An axis with its name and the labels of its ticks.
pub(super) struct Side<'a> {
    pub(super) axis: Axis,
    pub(super) name: &'a str,
    pub(super) label: &'a dyn Fn(&f64) -> String,
}

/// Draws the axes and the grid of a figure.
pub(super) fn frame<'a>(
    area: &Area<'a>,
    x: Side<'_>,
    y: Side<'_>,
) -> Result<Chart<'a>, ReportError> {
    let (across, up) = (x.axis.ticks.len(), y.axis.ticks.len());
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .margin_right(40)
        .x_label_area_size(96)
        .y_label_area_size(150)
        .build_cartesian_2d(x.axis, y.axis)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(2))
        .axis_style(AXIS.stroke_width(2))
        .label_style(LABELS)
        .axis_desc_style(NAMES)
        .x_desc(x.name)
        .y_desc(y.name)
        .x_labels(across)
        .y_labels(up)
        .x_label_formatter(x.label)
        .y_label_formatter(y.label)
        .draw()?;
    Ok(chart)
}

/// A sign in a legend.
#[derive(Clone, Copy)]
pub(super) enum Sign {
    Line,
    Dashes,
    /// A point with an interval.
    Measured,
    Dot,
    Ring,
    Bar,
}

/// Returns a legend as HTML, to stand above the figure.
pub(super) fn legend(entries: &[(Sign, RGBColor, &str)]) -> String {
    let mut text = "<p class=\"legend\">".to_owned();
    for (sign, RGBColor(red, green, blue), name) in entries {
        let colour = format!("#{red:02x}{green:02x}{blue:02x}");
        let drawn = match sign {
            Sign::Line => format!(
                "<line x1=\"0\" y1=\"6\" x2=\"28\" y2=\"6\" stroke=\"{colour}\" \
                 stroke-width=\"2.5\"/>"
            ),
            Sign::Dashes => {
                format!(
                    "<line x1=\"0\" y1=\"6\" x2=\"28\" y2=\"6\" stroke=\"{colour}\" \
                     stroke-width=\"2.5\" stroke-dasharray=\"7 4\"/>"
                )
            }
            Sign::Dot => format!("<circle cx=\"14\" cy=\"6\" r=\"4\" fill=\"{colour}\"/>"),
            Sign::Measured => format!(
                "<line x1=\"14\" y1=\"0\" x2=\"14\" y2=\"12\" stroke=\"{colour}\"/>\
                 <circle cx=\"14\" cy=\"6\" r=\"4\" fill=\"{colour}\"/>"
            ),
            Sign::Ring => {
                format!(
                    "<circle cx=\"14\" cy=\"6\" r=\"4\" fill=\"none\" stroke=\"{colour}\" \
                     stroke-width=\"2\"/>"
                )
            }
            Sign::Bar => format!(
                "<rect x=\"2\" y=\"1\" width=\"24\" height=\"10\" fill=\"{colour}\" \
                 fill-opacity=\"{BAR}\"/>"
            ),
        };
        text += &format!(
            "<span><svg class=\"sign\" viewBox=\"0 0 28 12\" aria-hidden=\"true\">{drawn}</svg>\
             {}</span> ",
            escape(name)
        );
    }
    text + "</p>"
}

/// Returns the ticks of a logarithmic axis of rates, as log10. The fewer decades the axis has, the
/// more ticks each decade has.
pub(super) fn decades(low: f64, high: f64) -> Vec<f64> {
    let steps: &[f64] = match high - low {
        3.5.. => &[1.0],
        0.9.. => &[1.0, 2.0, 5.0],
        _ => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0],
    };
    let decades = low.floor() as i32..=high.ceil() as i32;
    let round =
        decades.flat_map(|decade| steps.iter().map(move |step| f64::from(decade) + step.log10()));
    round.filter(|at| (low..=high).contains(at)).collect()
}

/// Returns the label of a rate along an axis, as a percentage, from its log10.
pub(super) fn percent(log: f64) -> String {
    let percent = text::number(100.0 * 10f64.powf(log));
    let percent = if percent.contains('.') {
        percent.trim_end_matches('0').trim_end_matches('.')
    } else {
        &percent
    };
    format!("{percent} %")
}

/// Returns the ticks of an axis of Phred scores.
pub(super) fn phred_ticks(low: f64, high: f64) -> Vec<f64> {
    let step = match high - low {
        24.0.. => 5.0,
        12.0.. => 2.0,
        _ => 1.0,
    };
    let (first, last) = ((low / step).ceil() as i32, (high / step).floor() as i32);
    (first..=last).map(|at| f64::from(at) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_has_round_numbers() {
        let rates: Vec<_> =
            decades(-3.1, -1.9).into_iter().map(|at| format!("{:.4}", 10f64.powf(at))).collect();
        assert_eq!(rates, ["0.0010", "0.0020", "0.0050", "0.0100"]);
        let rates: Vec<_> =
            decades(-2.1, -1.7).into_iter().map(|at| format!("{:.3}", 10f64.powf(at))).collect();
        assert_eq!(rates, ["0.010", "0.015"]);
        assert_eq!(decades(-6.0, -1.0), [-6.0, -5.0, -4.0, -3.0, -2.0, -1.0]);
    }

    #[test]
    fn an_axis_of_phred_scores_has_whole_numbers() {
        assert_eq!(phred_ticks(-1.0, 42.0), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0]);
        assert_eq!(phred_ticks(10.5, 23.0), [12.0, 14.0, 16.0, 18.0, 20.0, 22.0]);
        assert_eq!(phred_ticks(15.0, 17.5), [15.0, 16.0, 17.0]);
    }

    #[test]
    fn a_rate_has_a_label_without_trailing_zeros() {
        for (value, text) in [
            (1.0, "100 %"),
            (0.5, "50 %"),
            (0.1, "10 %"),
            (0.015, "1.5 %"),
            (0.01, "1 %"),
            (0.002, "0.2 %"),
            (0.0005, "0.05 %"),
            (1e-5, "0.001 %"),
        ] {
            assert_eq!(percent(f64::log10(value)), text);
        }
    }

    #[test]
    fn a_value_outside_an_axis_is_drawn_at_its_end() {
        let axis = Axis { range: 10.0..20.0, ticks: vec![15.0] };
        let places =
            [10.0, 12.5, 20.0, -5.0, f64::INFINITY].map(|value| axis.map(&value, (100, 500)));
        assert_eq!(places, [100, 200, 500, 100, 500]);
        let upwards = Axis { range: 3.0..1.0, ticks: Vec::new() };
        assert_eq!([1.0, 2.0, 3.0].map(|value| upwards.map(&value, (500, 100))), [100, 300, 500]);
    }

    #[test]
    fn a_figure_loads_nothing_and_its_description_is_escaped() {
        let figure = svg(100, "<a>", |area| Ok(area.fill(&WHITE)?)).expect("drawn");
        assert!(
            figure.starts_with(
                "<svg viewBox=\"0 0 1840 100\" role=\"img\" aria-label=\"&lt;a&gt;\">"
            ),
            "{figure}"
        );
        assert!(figure.ends_with("</svg>\n") && !figure.contains("http"), "{figure}");
    }

    #[test]
    fn names_in_a_legend_are_escaped() {
        assert!(legend(&[(Sign::Bar, GRID, "a < b")]).contains("a &lt; b"));
    }
}
