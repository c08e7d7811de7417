//! The figure of reported against measured quality.

use std::ops::Range;

use bm_adapt::Row;
use plotters::prelude::*;

use crate::error::ReportError;
use crate::html::figure::{Figure, Sign};
use crate::html::measured;
use crate::html::plot::{self, ADAPTED, Axis, BASE_MODEL};
use crate::html::statistics::{Rate, phred};
use crate::text;

const HEIGHT: u32 = 1000;

/// Radius of the point of the most frequent quality, and of the least frequent one.
const RADII: (f64, f64) = (22.0, 5.0);

/// Fewest bases of a quality in the figure.
const MIN_BASES: u64 = 10;

/// Fewest bases of a quality without errors in the figure.
const MIN_BASES_WITHOUT_ERRORS: u64 = 1000;

/// Widest interval of a measured quality in the figure, Phred.
const MAX_INTERVAL: f64 = 15.0;

/// Shortest range of an axis, Phred.
const MIN_RANGE: f64 = 10.0;

/// Most qualities with which the lines of the models have points.
const MAX_POINTS: usize = 12;

/// Largest difference of reported and measured quality that counts as equal, Phred.
const TOLERANCE: f64 = 1.0;

/// Most qualities in a sentence.
const MAX_NAMED: usize = 4;

/// Most labels of an axis.
const LABELS: usize = 40;

/// Smallest fraction of the bases for a quality in a sentence.
const MIN_FRACTION: f64 = 0.005;

/// How a reported quality compares with the measured one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Bias {
    /// The reported quality is too high.
    High,
    /// The reported quality is too low.
    Low,
    /// Both are about equal, or the bases are too few to decide.
    None,
}

/// A reported quality and the qualities of its bases by measurement and by the models, Phred.
#[derive(Clone, Copy, Debug)]
struct Quality {
    reported: f64,
    bases: u64,
    /// Infinite without errors.
    measured: f64,
    /// Lower end of the 95 % interval of `measured`.
    low: f64,
    /// Upper end of the 95 % interval of `measured`; infinite without errors.
    high: f64,
    base_model: f64,
    adapted: f64,
}

impl Quality {
    fn of(row: &Row) -> Option<Self> {
        let rate = Rate::measured(row)?;
        let bases = row.bases as f64;
        Some(Self {
            reported: row.of.parse().ok()?,
            bases: row.bases,
            measured: phred(rate.value),
            low: phred(rate.high),
            high: phred(rate.low),
            base_model: phred(row.start / bases),
            adapted: phred(row.adapted / bases),
        })
    }

    /// Returns the bias of the reported quality, if it is significant and above the tolerance.
    fn bias(&self) -> Bias {
        if self.high < self.reported && self.measured < self.reported - TOLERANCE {
            Bias::High
        } else if self.low > self.reported && self.measured > self.reported + TOLERANCE {
            Bias::Low
        } else {
            Bias::None
        }
    }

    /// Returns whether the quality is measured well enough for the figure.
    fn is_known(&self) -> bool {
        if self.high.is_finite() {
            self.bases >= MIN_BASES && self.high - self.low <= MAX_INTERVAL
        } else {
            self.bases >= MIN_BASES_WITHOUT_ERRORS
        }
    }

    /// Returns the measured quality for a sentence: `28.8 for Q37`.
    fn words(&self) -> String {
        let measured = if self.measured.is_finite() {
            format!("{:.1}", self.measured)
        } else {
            format!("more than {:.1}", self.low)
        };
        format!("{measured} for Q{:.0}", self.reported)
    }
}

fn qualities(rows: &[Row]) -> Vec<Quality> {
    rows.iter().filter_map(Quality::of).collect()
}

/// Returns the rows that are measured well enough for the figure.
fn known(rows: &[Row]) -> impl Iterator<Item = &Row> {
    rows.iter().filter(|row| Quality::of(row).is_some_and(|quality| quality.is_known()))
}

/// Returns sentences on the reported qualities that are too high and too low, most frequent first.
pub(super) fn words(rows: &[Row]) -> Vec<String> {
    let qualities = qualities(rows);
    let all: u64 = qualities.iter().map(|quality| quality.bases).sum();
    let fraction = |quality: &Quality| quality.bases as f64 / all.max(1) as f64;
    let sentence = |bias: Bias, too: &str| {
        let mut biased: Vec<_> =
            qualities.iter().filter(|quality| quality.bias() == bias).collect();
        biased.retain(|quality| fraction(quality) >= MIN_FRACTION);
        biased.sort_by(|one, other| {
            other.bases.cmp(&one.bases).then(other.reported.total_cmp(&one.reported))
        });
        let named: Vec<_> = biased
            .iter()
            .take(MAX_NAMED)
            .map(|quality| format!("{} ({})", quality.words(), text::roughly(fraction(quality))))
            .collect();
        let bases: f64 = biased.iter().map(|quality| fraction(quality)).sum();
        (!named.is_empty()).then(|| {
            format!(
                "Reported qualities are too {too} for {} of the bases. Measured: {}.",
                text::roughly(bases),
                text::list(&named)
            )
        })
    };
    let sentences = [sentence(Bias::High, "high"), sentence(Bias::Low, "low")];
    let mut sentences: Vec<_> = sentences.into_iter().flatten().collect();
    if sentences.is_empty() {
        sentences.push(
            "Every frequent quality is within 1 of its measured quality, or has too few bases to \
             decide."
                .to_owned(),
        );
    }
    sentences
}

/// Returns the figure; `None` without qualities.
pub(super) fn figure(rows: &[Row], adapted_name: &str) -> Result<Option<Figure>, ReportError> {
    let mut qualities = qualities(rows);
    qualities.retain(Quality::is_known);
    let (Some(first), Some(last)) = (qualities.first(), qualities.last()) else { return Ok(None) };
    let x = wide((first.reported - 2.0)..(last.reported + 2.0));
    let most = qualities.iter().map(|quality| quality.bases).max().unwrap_or(1) as f64;
    // The ends of long intervals must not stretch the axis.
    let heights = qualities.iter().flat_map(|quality| {
        let measured = if quality.measured.is_finite() { quality.measured } else { quality.low };
        [quality.reported, measured, quality.base_model, quality.adapted]
    });
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for height in heights.filter(|height| height.is_finite()) {
        (low, high) = (low.min(height), high.max(height));
    }
    let y = wide((low - 2.0)..(high + 3.0));
    let figure = plot::svg(HEIGHT, "Reported against measured quality", |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(16)
            .margin_right(30)
            .x_label_area_size(plot::X_LABELS)
            .y_label_area_size(plot::Y_LABELS)
            .build_cartesian_2d(axis(&x), axis(&y))?;
        // The background first: too low above the diagonal, too high below it.
        let corners = x.start.max(y.start)..x.end.min(y.end);
        let above = vec![
            (x.start, x.start.max(y.start)),
            (x.start, y.end),
            (corners.end, y.end),
            (corners.end, corners.end),
            (corners.start, corners.start),
        ];
        let below = vec![
            (corners.start, corners.start),
            (corners.end, corners.end),
            (x.end, corners.end),
            (x.end, y.start),
            (corners.start, y.start),
        ];
        chart.draw_series([
            Polygon::new(above, plot::UNDERSTATED.mix(0.06).filled()),
            Polygon::new(below, plot::OVERSTATED.mix(0.06).filled()),
        ])?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(plot::GRID.stroke_width(2))
            .axis_style(plot::AXIS.stroke_width(2))
            .label_style(plot::LABELS)
            .axis_desc_style(plot::NAMES)
            .x_desc("reported quality (Phred)")
            .y_desc("measured quality (Phred)")
            .x_labels(LABELS)
            .y_labels(LABELS)
            .x_label_formatter(&|value| format!("{value:.0}"))
            .y_label_formatter(&|value| format!("{value:.0}"))
            .draw()?;
        chart.draw_series(LineSeries::new(
            [corners.start, corners.end].map(|at| (at, at)),
            plot::REPORTED.stroke_width(3),
        ))?;
        for quality in &qualities {
            let colour = colour(quality.bias());
            let interval =
                [quality.low, quality.high].map(|at| (quality.reported, at.clamp(y.start, y.end)));
            chart.draw_series([PathElement::new(
                interval.to_vec(),
                colour.mix(0.55).stroke_width(3),
            )])?;
        }
        let line = |of: fn(&Quality) -> f64| {
            let points = qualities.iter().map(move |quality| (quality.reported, of(quality)));
            points.filter(|(_, at)| at.is_finite()).collect::<Vec<_>>()
        };
        let (dash, gap) = plot::DASH;
        chart.draw_series(DashedLineSeries::new(
            line(|quality| quality.base_model),
            dash,
            gap,
            BASE_MODEL.stroke_width(5),
        ))?;
        chart.draw_series(LineSeries::new(
            line(|quality| quality.adapted),
            ADAPTED.stroke_width(5),
        ))?;
        for quality in qualities.iter().filter(|quality| quality.measured.is_finite()) {
            let (largest, smallest) = RADII;
            let radius = smallest + (largest - smallest) * (quality.bases as f64 / most).sqrt();
            let at = (quality.reported, quality.measured);
            chart.draw_series([Circle::new(
                at,
                radius.round() as i32,
                colour(quality.bias()).mix(0.85).filled(),
            )])?;
        }
        if qualities.len() <= MAX_POINTS {
            chart.draw_series(
                line(|quality| quality.base_model)
                    .into_iter()
                    .map(|at| Circle::new(at, 7, BASE_MODEL.filled())),
            )?;
            chart.draw_series(
                line(|quality| quality.adapted)
                    .into_iter()
                    .map(|at| Circle::new(at, 7, ADAPTED.filled())),
            )?;
        }
        let value =
            |row: &Row| Some((row.of.parse().ok()?, measured::words(&format!("Q{}", row.of), row)));
        Ok(plot::columns(&chart, known(rows).filter_map(value).collect()))
    })?;
    let values = known(rows).map(|row| (format!("Q{}", row.of), row));
    let name = "Reported and measured quality";
    let values = measured::table(name, "reported quality", adapted_name, values);
    let legend = [
        (Sign::Measured, plot::OVERSTATED, "measured below reported"),
        (Sign::Measured, plot::UNDERSTATED, "measured above reported"),
        (Sign::Measured, plot::MEASURED, "measured near reported"),
        (Sign::Line, plot::REPORTED, "measured = reported"),
        (Sign::Dashes, BASE_MODEL, "base model"),
        (Sign::Line, ADAPTED, adapted_name),
    ];
    Ok(Some(Figure::new(&legend, figure, values)))
}

/// Returns a range, widened to the shortest one of an axis.
fn wide(range: Range<f64>) -> Range<f64> {
    let more = (MIN_RANGE - (range.end - range.start)).max(0.0) / 2.0;
    range.start - more..range.end + more
}

fn axis(range: &Range<f64>) -> Axis {
    Axis { range: range.clone(), ticks: plot::phred_ticks(range.start, range.end) }
}

fn colour(bias: Bias) -> RGBColor {
    match bias {
        Bias::High => plot::OVERSTATED,
        Bias::Low => plot::UNDERSTATED,
        Bias::None => plot::MEASURED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(score: u8, bases: u64, wrong: u64) -> Row {
        let reported = bases as f64 * 10f64.powf(-f64::from(score) / 10.0);
        Row {
            of: score.to_string(),
            bases,
            wrong,
            reported,
            start: reported,
            adapted: wrong as f64 + 0.5,
        }
    }

    #[track_caller]
    fn bias(score: u8, bases: u64, wrong: u64) -> Bias {
        Quality::of(&row(score, bases, wrong)).expect("bases").bias()
    }

    #[test]
    fn a_bias_is_significant_and_above_the_tolerance() {
        assert_eq!(bias(30, 100_000, 1000), Bias::High);
        assert_eq!(bias(30, 100_000, 10), Bias::Low);
        assert_eq!(bias(30, 100_000, 0), Bias::Low);
        // A difference of less than 1, then larger ones of few bases.
        assert_eq!(bias(30, 100_000_000, 110_000), Bias::None);
        assert_eq!(bias(30, 1000, 2), Bias::None);
        assert_eq!(bias(30, 1000, 0), Bias::None);
    }

    #[test]
    fn the_sentences_name_frequent_qualities() {
        let rows =
            [row(2, 1000, 700), row(12, 100_000, 1000), row(25, 10, 10), row(37, 900_000, 1188)];
        assert_eq!(
            words(&rows),
            [
                "Reported qualities are too high for 90 % of the bases. Measured: 28.8 for Q37 \
                 (90 %).",
                "Reported qualities are too low for 10 % of the bases. Measured: 20.0 for Q12 \
                 (10 %).",
            ]
        );
        assert_eq!(
            words(&[row(30, 1000, 1)]),
            ["Every frequent quality is within 1 of its measured quality, or has too few bases \
                 to decide."]
        );
        assert!(words(&[row(20, 100_000, 0)])[0].contains("more than 44.2 for Q20"));
    }

    #[test]
    fn without_qualities_there_is_no_figure() {
        assert!(figure(&[], "adapted").expect("drawn").is_none());
    }

    #[test]
    fn a_quality_measured_on_few_bases_is_not_drawn() {
        let known = |bases, wrong| Quality::of(&row(20, bases, wrong)).expect("bases").is_known();
        assert_eq!(
            [known(10_000, 100), known(2, 1), known(100_000, 0), known(10, 0)],
            [true, false, true, false]
        );
        assert!(figure(&[row(20, 2, 1)], "adapted").expect("drawn").is_none());
    }

    #[test]
    fn the_axis_of_one_quality_has_the_shortest_range() {
        assert_eq!(wide(15.0..19.0), 12.0..22.0);
        assert_eq!(wide(0.0..40.0), 0.0..40.0);
    }

    #[test]
    fn a_figure_has_a_point_for_each_quality_with_errors() {
        let rows = [row(2, 1000, 700), row(12, 100_000, 1000), row(37, 900_000, 0)];
        let figure = figure(&rows, "adapted").expect("drawn").expect("a figure");
        assert_eq!(figure.elements("circle"), 2 + 2 * rows.len());
    }
}
