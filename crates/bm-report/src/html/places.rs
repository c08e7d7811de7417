//! The figure of errors along the read.

use crate::error::ReportError;
use bm_adapt::Row;
use plotters::prelude::*;

use crate::html::plot::{self, ADAPTED, Axis, BASE_MODEL, MEASURED, REPORTED, Sign};
use crate::html::statistics::Rate;
use crate::text;

const HEIGHT: u32 = 820;

/// Prefix of the names of places near the end of the read.
const END: &str = "end ";

/// Returns the places from the first base of the read to the last. The rows are named by the
/// distance to the nearer end.
fn along(rows: &[Row]) -> Vec<&Row> {
    let (ends, others): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.of.starts_with(END));
    others.into_iter().chain(ends.into_iter().rev()).collect()
}

/// Returns the label of a place along the axis: its distance.
fn distance(of: &str) -> String {
    of.strip_prefix("start ").or_else(|| of.strip_prefix(END)).unwrap_or(of).replace('-', "–")
}

/// Returns the name of a place in a sentence.
fn name(of: &str) -> String {
    let bases = |distance: &str| match distance {
        "1" => "1 base".to_owned(),
        distance => format!("{} bases", distance.replace('-', " to ")),
    };
    match (of.strip_prefix("start "), of.strip_prefix(END)) {
        (Some("0"), _) => "at the first base".to_owned(),
        (_, Some("0")) => "at the last base".to_owned(),
        (Some(distance), _) => format!("{} from the start", bases(distance)),
        (_, Some(distance)) => format!("{} from the end", bases(distance)),
        _ => "in the middle".to_owned(),
    }
}

/// Returns a sentence on the places with the highest and the lowest error rate.
pub(super) fn words(rows: &[Row]) -> Option<String> {
    let rates = rows.iter().filter_map(|row| Some((row, Rate::measured(row)?)));
    let rates: Vec<_> = rates.filter(|(row, _)| row.wrong > 0).collect();
    let (worst, high) = rates.iter().max_by(|one, other| one.1.low.total_cmp(&other.1.low))?;
    let (best, low) = rates.iter().min_by(|one, other| one.1.high.total_cmp(&other.1.high))?;
    if high.low <= low.high {
        return Some("The error rate does not differ significantly along the read.".to_owned());
    }
    let Row { reported, bases, .. } = **worst;
    Some(format!(
        "The error rate is highest {} ({}; reported {}) and lowest {} ({}).",
        name(&worst.of),
        text::percent(high.value),
        text::percent(reported / bases as f64),
        name(&best.of),
        text::percent(low.value)
    ))
}

/// Returns the figure; `None` without places.
pub(super) fn figure(rows: &[Row], adapted_name: &str) -> Result<Option<String>, ReportError> {
    let places = along(rows);
    let rates: Vec<_> = places.iter().filter_map(|row| Rate::measured(row)).collect();
    let points = |errors: fn(&Row) -> f64| -> Vec<(f64, f64)> {
        let rates = places.iter().map(|row| errors(row) / row.bases as f64);
        rates
            .enumerate()
            .filter(|(_, rate)| *rate > 0.0)
            .map(|(at, rate)| (at as f64, rate.log10()))
            .collect()
    };
    let lines = [points(|row| row.reported), points(|row| row.start), points(|row| row.adapted)];
    let measured = points(|row| row.wrong as f64);
    let heights = lines.iter().chain([&measured]).flatten().map(|(_, height)| *height);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for height in heights {
        (low, high) = (low.min(height), high.max(height));
    }
    if !low.is_finite() || rates.len() != places.len() {
        return Ok(None);
    }
    let y = (low - 0.15)..(high + 0.15).min(0.0);
    let x = -0.6..places.len() as f64 - 0.4;
    let names: Vec<_> = places.iter().map(|row| distance(&row.of)).collect();
    let figure = plot::svg(HEIGHT, "Error rate along the read", |area| {
        let x = Axis { range: x, ticks: (0..places.len()).map(|at| at as f64).collect() };
        let ticks = plot::decades(y.start, y.end);
        let mut chart = ChartBuilder::on(area)
            .margin(16)
            .margin_right(30)
            .x_label_area_size(96)
            .y_label_area_size(150)
            .build_cartesian_2d(x, Axis { range: y.clone(), ticks })?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(plot::GRID.stroke_width(2))
            .axis_style(plot::AXIS.stroke_width(2))
            .label_style(plot::LABELS)
            .axis_desc_style(plot::NAMES)
            .x_desc("bases from the start of the read → … ← bases from its end")
            .y_desc("error rate")
            .x_labels(places.len())
            .y_labels(20)
            .x_label_formatter(&|at| names.get(at.round() as usize).cloned().unwrap_or_default())
            .y_label_formatter(&|log| plot::percent(*log))
            .draw()?;
        let [reported, base_model, adapted] = lines;
        let (dash, gap) = plot::DASH;
        chart.draw_series(LineSeries::new(reported, REPORTED.stroke_width(5)))?;
        chart.draw_series(DashedLineSeries::new(
            base_model,
            dash,
            gap,
            BASE_MODEL.stroke_width(5),
        ))?;
        chart.draw_series(LineSeries::new(adapted, ADAPTED.stroke_width(5)))?;
        for (at, rate) in rates.iter().enumerate() {
            let interval =
                [rate.low, rate.high].map(|rate| (at as f64, rate.log10().clamp(y.start, y.end)));
            chart.draw_series([PathElement::new(interval.to_vec(), MEASURED.stroke_width(3))])?;
        }
        chart.draw_series(measured.into_iter().map(|at| Circle::new(at, 9, MEASURED.filled())))?;
        Ok(())
    })?;
    let legend = plot::legend(&[
        (Sign::Measured, MEASURED, "measured"),
        (Sign::Line, REPORTED, "reported"),
        (Sign::Dashes, BASE_MODEL, "base model"),
        (Sign::Line, ADAPTED, adapted_name),
    ]);
    Ok(Some(legend + &figure))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(of: &str, wrong: u64) -> Row {
        Row { of: of.to_owned(), bases: 10_000, wrong, reported: 10.0, start: 20.0, adapted: 30.0 }
    }

    #[test]
    fn places_run_from_the_first_base_to_the_last() {
        let rows = ["start 0", "start 3-4", "middle", "end 0", "end 3-4"].map(|of| row(of, 1));
        let names: Vec<_> = along(&rows).iter().map(|row| distance(&row.of)).collect();
        assert_eq!(names, ["0", "3–4", "middle", "3–4", "0"]);
    }

    #[test]
    fn a_place_has_a_name_in_a_sentence() {
        for (of, words) in [
            ("start 0", "at the first base"),
            ("start 1", "1 base from the start"),
            ("end 25-49", "25 to 49 bases from the end"),
            ("end 0", "at the last base"),
            ("middle", "in the middle"),
        ] {
            assert_eq!(name(of), words);
        }
    }

    #[test]
    fn the_sentence_names_the_places_with_most_and_fewest_errors() {
        let rows = [row("start 0", 100), row("middle", 10), row("end 3-4", 500)];
        let expected = "The error rate is highest 3 to 4 bases from the end (5.00 %; reported \
                        0.100 %) and lowest in the middle (0.100 %).";
        assert_eq!(words(&rows).expect("words"), expected);
        let rows = [row("start 0", 10), row("middle", 11)];
        assert_eq!(
            words(&rows).expect("words"),
            "The error rate does not differ significantly along the read."
        );
        assert_eq!(words(&[row("middle", 0)]), None);
    }

    #[test]
    fn without_places_there_is_no_figure() {
        assert!(figure(&[], "adapted").expect("drawn").is_none());
    }

    #[test]
    fn a_place_without_errors_has_no_point() {
        let rows = [row("start 0", 0), row("middle", 10)];
        let figure = figure(&rows, "adapted").expect("drawn").expect("a figure");
        let (_, drawn) = figure.rsplit_once("</p>").expect("a legend");
        assert_eq!(drawn.matches("<circle").count(), 1);
    }
}
