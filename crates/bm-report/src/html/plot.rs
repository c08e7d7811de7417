//! Shared parts of the figures: frame, colours, axes and legend.

use std::ops::Range;

use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;

use crate::error::ReportError;
use crate::text::{self, escape};

/// The area that a figure is drawn on.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Width of a figure. **Units:** half pixels of the page, as coordinates are whole numbers.
pub(super) const WIDTH: u32 = 1840;

/// Font of the labels along an axis. The style sheet makes it larger where the figure is small.
pub(super) const LABELS: (&str, u32) = ("sans-serif", 40);

/// Font of the name of an axis.
pub(super) const NAMES: (&str, u32) = ("sans-serif", 40);

/// Height of the labels and the name of the horizontal axis, and width of those of the vertical one:
/// enough for the largest font of the style sheet.
pub(super) const X_LABELS: u32 = 160;
pub(super) const Y_LABELS: u32 = 270;

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

/// A part of a drawing that shows its values where a pointer rests on it.
pub(super) struct Band {
    /// From left to right. **Units:** those of the drawing.
    x: Range<i32>,
    /// From the top down.
    y: Range<i32>,
    text: String,
}

/// Returns a figure as SVG for a page, with a description for screen readers. `draw` returns the parts
/// that show their values.
pub(super) fn svg(
    height: u32,
    description: &str,
    draw: impl FnOnce(&Area<'_>) -> Result<Vec<Band>, ReportError>,
) -> Result<String, ReportError> {
    let mut text = String::new();
    let bands;
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        bands = draw(&area)?;
        area.present()?;
    }
    // The first tag would make the text a file of its own: the page needs another one.
    let (_, drawn) = text.split_once('>').unwrap_or_default();
    let drawn = drawn.trim_end().strip_suffix("</svg>").unwrap_or(drawn);
    let mut figure = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">{drawn}",
        escape(description)
    );
    for Band { x, y, text } in bands {
        figure += &format!(
            "<rect class=\"band\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title></rect>\n",
            x.start,
            y.start,
            x.len(),
            y.len(),
            escape(&text)
        );
    }
    Ok(figure + "</svg>\n")
}

/// Returns the middles between places, and the ends.
fn borders(places: &[i32], (first, last): (i32, i32)) -> Vec<Range<i32>> {
    let middle = |one: usize| (places[one] + places[one + 1]) / 2;
    (0..places.len())
        .map(|at| {
            let start = if at > 0 { middle(at - 1) } else { first };
            let end = if at + 1 < places.len() { middle(at) } else { last };
            start.min(end)..end.max(start)
        })
        .collect()
}

/// Returns bands from the top of a figure to its bottom, for places along the horizontal axis, in their
/// order.
pub(super) fn columns(chart: &Chart<'_>, values: Vec<(f64, String)>) -> Vec<Band> {
    let spec = chart.as_coord_spec();
    let (x, y) = (spec.get_x_axis_pixel_range(), spec.get_y_axis_pixel_range());
    let y = y.start.min(y.end)..y.end.max(y.start);
    let place = |(at, _): &(f64, String)| spec.x_spec().map(at, (x.start, x.end));
    let places: Vec<_> = values.iter().map(place).collect();
    let borders = borders(&places, (x.start, x.end));
    let bands = borders.into_iter().zip(values);
    bands.map(|(x, (_, text))| Band { x, y: y.clone(), text }).collect()
}

/// Returns bands from the left of a figure to its right, for places along the vertical axis, from the top
/// down.
pub(super) fn rows(chart: &Chart<'_>, values: Vec<(f64, String)>) -> Vec<Band> {
    let spec = chart.as_coord_spec();
    let (x, y) = (spec.get_x_axis_pixel_range(), spec.get_y_axis_pixel_range());
    let place = |(at, _): &(f64, String)| spec.y_spec().map(at, (y.start, y.end));
    let places: Vec<_> = values.iter().map(place).collect();
    let borders = borders(&places, (y.start.min(y.end), y.end.max(y.start)));
    let bands = borders.into_iter().zip(values);
    bands.map(|(y, (_, text))| Band { x: x.clone(), y, text }).collect()
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
        .margin_right(70)
        .x_label_area_size(X_LABELS)
        .y_label_area_size(Y_LABELS)
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
        let figure = svg(100, "<a>", |area| {
            area.fill(&WHITE)?;
            Ok(vec![Band { x: 1..3, y: 0..9, text: "<b>".to_owned() }])
        })
        .expect("drawn");
        assert!(figure.contains("width=\"2\" height=\"9\"><title>&lt;b&gt;</title></rect>"));
        assert!(
            figure.starts_with(
                "<svg class=\"plot\" viewBox=\"0 0 1840 100\" role=\"img\" aria-label=\"&lt;a&gt;\">"
            ),
            "{figure}"
        );
        assert!(figure.ends_with("</svg>\n") && !figure.contains("http"), "{figure}");
    }
}
