//! The picture of errors along the read.

use crate::ReportError;
use bm_adapt::Row;
use plotters::prelude::*;

use crate::html::plot::{self, ADAPTED, Axis, BEFORE, MEASURED, REPORTED, Sign};
use crate::html::statistics::Rate;
use crate::text;

const HEIGHT: u32 = 820;

/// What the names of places near the read's end begin with.
const END: &str = "end ";

/// Returns the places from the read's first base to its last: they come by the distance to the
/// nearer end.
fn along(rows: &[Row]) -> Vec<&Row> {
    let (ends, others): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.of.starts_with(END));
    others.into_iter().chain(ends.into_iter().rev()).collect()
}

/// Returns the distance that a place is called by.
fn distance(of: &str) -> String {
    of.strip_prefix("start ").or_else(|| of.strip_prefix(END)).unwrap_or(of).replace('-', "–")
}

fn called(of: &str) -> String {
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

/// Says where errors are most and least frequent.
pub(super) fn words(rows: &[Row]) -> Option<String> {
    let rates = rows.iter().filter_map(|row| Some((row, Rate::measured(row)?)));
    let rates: Vec<_> = rates.filter(|(row, _)| row.wrong > 0).collect();
    let (worst, high) = rates.iter().max_by(|one, other| one.1.low.total_cmp(&other.1.low))?;
    let (best, low) = rates.iter().min_by(|one, other| one.1.high.total_cmp(&other.1.high))?;
    if high.low <= low.high {
        return Some("No place in the read has clearly more errors than another.".to_owned());
    }
    let Row { reported, bases, .. } = **worst;
    Some(format!(
        "Most errors are {} ({}; reported {}), fewest {} ({}).",
        called(&worst.of),
        text::percent(high.value),
        text::percent(reported / bases as f64),
        called(&best.of),
        text::percent(low.value)
    ))
}

/// Draws the picture; nothing if there are no places.
pub(super) fn picture(rows: &[Row], learned: &str) -> Result<Option<String>, ReportError> {
    let places = along(rows);
    let rates: Vec<_> = places.iter().filter_map(|row| Rate::measured(row)).collect();
    let of = |judge: fn(&Row) -> f64| -> Vec<(f64, f64)> {
        let rates = places.iter().map(|row| judge(row) / row.bases as f64);
        rates
            .enumerate()
            .filter(|(_, rate)| *rate > 0.0)
            .map(|(at, rate)| (at as f64, rate.log10()))
            .collect()
    };
    let lines = [of(|row| row.reported), of(|row| row.start), of(|row| row.adapted)];
    let measured = of(|row| row.wrong as f64);
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
    let picture = plot::svg(HEIGHT, "Error rate along the read", |area| {
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
            .y_label_formatter(&|at| rate(*at))
            .draw()?;
        let [reported, before, adapted] = lines;
        let (dash, gap) = plot::DASH;
        chart.draw_series(LineSeries::new(reported, REPORTED.stroke_width(5)))?;
        chart.draw_series(DashedLineSeries::new(before, dash, gap, BEFORE.stroke_width(5)))?;
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
        (Sign::Dashes, BEFORE, "model before"),
        (Sign::Line, ADAPTED, learned),
    ]);
    Ok(Some(legend + &picture))
}

/// Returns a rate as per cent, from its log10.
fn rate(log: f64) -> String {
    let percent = text::number(100.0 * 10f64.powf(log));
    let percent = if percent.contains('.') {
        percent.trim_end_matches('0').trim_end_matches('.')
    } else {
        &percent
    };
    format!("{percent} %")
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
    fn places_in_words() {
        for (of, words) in [
            ("start 0", "at the first base"),
            ("start 1", "1 base from the start"),
            ("end 25-49", "25 to 49 bases from the end"),
            ("end 0", "at the last base"),
            ("middle", "in the middle"),
        ] {
            assert_eq!(called(of), words);
        }
    }

    #[test]
    fn the_words_name_the_worst_and_the_best_place() {
        let rows = [row("start 0", 100), row("middle", 10), row("end 3-4", 500)];
        let expected = "Most errors are 3 to 4 bases from the end (5.00 %; reported 0.100 %), fewest in the middle (0.100 %).";
        assert_eq!(words(&rows).expect("words"), expected);
        let rows = [row("start 0", 10), row("middle", 11)];
        assert_eq!(
            words(&rows).expect("words"),
            "No place in the read has clearly more errors than another."
        );
        assert_eq!(words(&[row("middle", 0)]), None);
    }

    #[test]
    fn rates_along_the_axis() {
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
            assert_eq!(rate(f64::log10(value)), text);
        }
    }

    #[test]
    fn a_picture_of_nothing_is_none() {
        assert!(picture(&[], "adapted").expect("drawn").is_none());
    }

    #[test]
    fn a_place_without_errors_has_no_point() {
        let rows = [row("start 0", 0), row("middle", 10)];
        let picture = picture(&rows, "adapted").expect("drawn").expect("a picture");
        let (_, drawn) = picture.rsplit_once("</p>").expect("a legend");
        assert_eq!(drawn.matches("<circle").count(), 1);
    }
}
