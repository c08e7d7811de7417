//! The figure of errors along the read.

use bm_adapt::Row;
use plotters::prelude::*;

use crate::error::ReportError;
use crate::html::figure::{Figure, Sign};
use crate::html::measured;
use crate::html::plot::{self, ADAPTED, Axis, BASE_MODEL, MEASURED, REPORTED, Side};
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

/// Returns the places whose names have room along the axis: the shortest names, and every second of
/// the others.
fn ticks_of(names: &[String]) -> Vec<f64> {
    let is_shown = |(at, name): &(usize, &String)| name.len() <= 1 || at % 2 == 1;
    names.iter().enumerate().filter(is_shown).map(|(at, _)| at as f64).collect()
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
pub(super) fn figure(rows: &[Row], adapted_name: &str) -> Result<Option<Figure>, ReportError> {
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
        let x = Axis { range: x, ticks: ticks_of(&names) };
        let ticks = plot::decades(y.start, y.end);
        let label = |at: &f64| names.get(at.round() as usize).cloned().unwrap_or_default();
        let x =
            Side { axis: x, name: "bases from the start → … ← from the end", label: &label };
        let side = Side {
            axis: Axis { range: y.clone(), ticks },
            name: "error rate",
            label: &|log| plot::percent(*log),
        };
        let mut chart = plot::frame(area, x, side)?;
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
        let values = places.iter().enumerate();
        let values = values.map(|(at, row)| (at as f64, measured::words(&name(&row.of), row)));
        Ok(plot::columns(&chart, values.collect()))
    })?;
    let rows = places.iter().map(|row| (name(&row.of), *row));
    let values = measured::table("Error rate along the read", "place", adapted_name, rows);
    let legend = [
        (Sign::Measured, MEASURED, "measured"),
        (Sign::Line, REPORTED, "reported"),
        (Sign::Dashes, BASE_MODEL, "base model"),
        (Sign::Line, ADAPTED, adapted_name),
    ];
    Ok(Some(Figure::new(&legend, figure, values)))
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
        assert_eq!(figure.elements("circle"), 1);
    }
}
