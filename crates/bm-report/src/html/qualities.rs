//! The picture of reported against measured quality.

use std::ops::Range;

use crate::ReportError;
use bm_adapt::Row;
use plotters::prelude::*;

use crate::html::plot::{self, ADAPTED, Axis, BEFORE, Sign};
use crate::html::statistics::{Rate, phred};
use crate::text;

const HEIGHT: u32 = 1000;

/// Radius of the point of the quality with the most bases, and of one with hardly any.
const RADII: (f64, f64) = (22.0, 5.0);

/// A quality that has fewer bases is not drawn, nor is one of which it is not known within this, in
/// Phred, what it is worth.
const FEWEST: u64 = 10;
const VAGUE: f64 = 15.0;

/// One without errors needs more bases.
const FEWEST_WITHOUT_ERRORS: u64 = 1000;

/// Narrowest axis, Phred.
const NARROWEST: f64 = 10.0;

/// Qualities up to which the lines of the models have points too.
const POINTS: usize = 12;

/// A quality is worth what it says if it is no farther off, in Phred, or if its interval holds what
/// it says.
const NEAR: f64 = 1.0;

/// Qualities that are named.
const NAMED: usize = 4;

/// Most labels of an axis.
const LABELS: usize = 40;

/// Share of the bases below which a quality is not named.
const FEW: f64 = 0.005;

/// What the instrument says of a quality.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stated {
    /// It is worth less.
    Over,
    /// It is worth more.
    Under,
    /// It is worth about that, or there is no telling.
    Right,
}

/// A quality and what it is worth, Phred.
#[derive(Clone, Copy, Debug)]
struct Quality {
    reported: f64,
    bases: u64,
    /// Infinite without errors.
    measured: f64,
    low: f64,
    /// Infinite without errors.
    high: f64,
    before: f64,
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
            before: phred(row.start / bases),
            adapted: phred(row.adapted / bases),
        })
    }

    fn stated(&self) -> Stated {
        if self.high < self.reported && self.measured < self.reported - NEAR {
            Stated::Over
        } else if self.low > self.reported && self.measured > self.reported + NEAR {
            Stated::Under
        } else {
            Stated::Right
        }
    }

    fn is_known(&self) -> bool {
        if self.high.is_finite() {
            self.bases >= FEWEST && self.high - self.low <= VAGUE
        } else {
            self.bases >= FEWEST_WITHOUT_ERRORS
        }
    }

    fn words(&self) -> String {
        let worth = if self.measured.is_finite() {
            format!("{:.1}", self.measured)
        } else {
            format!("more than {:.1}", self.low)
        };
        format!("Q{:.0} is worth {worth}", self.reported)
    }
}

fn qualities(rows: &[Row]) -> Vec<Quality> {
    rows.iter().filter_map(Quality::of).collect()
}

/// Says which qualities are worth less than they say and which are worth more, those with the most
/// bases first.
pub(super) fn words(rows: &[Row]) -> Vec<String> {
    let qualities = qualities(rows);
    let all: u64 = qualities.iter().map(|quality| quality.bases).sum();
    let share = |quality: &Quality| quality.bases as f64 / all.max(1) as f64;
    let say = |stated: Stated, what: &str| {
        let mut these: Vec<_> =
            qualities.iter().filter(|quality| quality.stated() == stated).collect();
        these.retain(|quality| share(quality) >= FEW);
        these.sort_by(|one, other| {
            other.bases.cmp(&one.bases).then(other.reported.total_cmp(&one.reported))
        });
        let named: Vec<_> = these
            .iter()
            .take(NAMED)
            .map(|quality| format!("{} ({})", quality.words(), text::roughly(share(quality))))
            .collect();
        let bases: f64 = these.iter().map(|quality| share(quality)).sum();
        (!named.is_empty()).then(|| {
            format!(
                "The instrument {what} {} of the bases: {}.",
                text::roughly(bases),
                text::list(&named)
            )
        })
    };
    let said = [
        say(Stated::Over, "overstates the quality of"),
        say(Stated::Under, "understates the quality of"),
    ];
    let mut said: Vec<_> = said.into_iter().flatten().collect();
    if said.is_empty() {
        said.push(
            "No frequent quality is off by more than 1, as far as its bases tell.".to_owned(),
        );
    }
    said
}

/// Draws the picture; nothing if there are no qualities.
pub(super) fn picture(rows: &[Row], learned: &str) -> Result<Option<String>, ReportError> {
    let mut qualities = qualities(rows);
    qualities.retain(Quality::is_known);
    let (Some(first), Some(last)) = (qualities.first(), qualities.last()) else { return Ok(None) };
    let x = wide((first.reported - 2.0)..(last.reported + 2.0));
    let most = qualities.iter().map(|quality| quality.bases).max().unwrap_or(1) as f64;
    // A quality that nearly nothing is known of must not stretch the picture.
    let heights = qualities.iter().flat_map(|quality| {
        let measured = if quality.measured.is_finite() { quality.measured } else { quality.low };
        [quality.reported, measured, quality.before, quality.adapted]
    });
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for height in heights.filter(|height| height.is_finite()) {
        (low, high) = (low.min(height), high.max(height));
    }
    let y = wide((low - 2.0)..(high + 3.0));
    let picture = plot::svg(HEIGHT, "Reported against measured quality", |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(16)
            .margin_right(30)
            .x_label_area_size(96)
            .y_label_area_size(110)
            .build_cartesian_2d(axis(&x), axis(&y))?;
        // The ground first: above the diagonal a quality is worth more than it says, below it less.
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
            let colour = colour(quality.stated());
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
            line(|quality| quality.before),
            dash,
            gap,
            BEFORE.stroke_width(5),
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
                colour(quality.stated()).mix(0.85).filled(),
            )])?;
        }
        if qualities.len() <= POINTS {
            chart.draw_series(
                line(|quality| quality.before)
                    .into_iter()
                    .map(|at| Circle::new(at, 7, BEFORE.filled())),
            )?;
            chart.draw_series(
                line(|quality| quality.adapted)
                    .into_iter()
                    .map(|at| Circle::new(at, 7, ADAPTED.filled())),
            )?;
        }
        Ok(())
    })?;
    let legend = plot::legend(&[
        (Sign::Measured, plot::OVERSTATED, "measured, worth less than reported"),
        (Sign::Measured, plot::UNDERSTATED, "measured, worth more"),
        (Sign::Measured, plot::MEASURED, "measured, as reported"),
        (Sign::Line, plot::REPORTED, "as reported"),
        (Sign::Dashes, BEFORE, "model before"),
        (Sign::Line, ADAPTED, learned),
    ]);
    Ok(Some(legend + &picture))
}

/// Returns a range that is wide enough to be looked at.
fn wide(range: Range<f64>) -> Range<f64> {
    let more = (NARROWEST - (range.end - range.start)).max(0.0) / 2.0;
    range.start - more..range.end + more
}

fn axis(range: &Range<f64>) -> Axis {
    Axis { range: range.clone(), ticks: plot::scores(range.start, range.end) }
}

fn colour(stated: Stated) -> RGBColor {
    match stated {
        Stated::Over => plot::OVERSTATED,
        Stated::Under => plot::UNDERSTATED,
        Stated::Right => plot::MEASURED,
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
    fn stated(score: u8, bases: u64, wrong: u64) -> Stated {
        Quality::of(&row(score, bases, wrong)).expect("bases").stated()
    }

    #[test]
    fn a_quality_is_over_or_understated_only_as_far_as_its_bases_tell() {
        assert_eq!(stated(30, 100_000, 1000), Stated::Over);
        assert_eq!(stated(30, 100_000, 10), Stated::Under);
        assert_eq!(stated(30, 100_000, 0), Stated::Under);
        // Off by less than 1, and by more than that with hardly any bases.
        assert_eq!(stated(30, 100_000_000, 110_000), Stated::Right);
        assert_eq!(stated(30, 1000, 2), Stated::Right);
        assert_eq!(stated(30, 1000, 0), Stated::Right);
    }

    #[test]
    fn the_words_name_what_is_frequent() {
        let rows =
            [row(2, 1000, 700), row(12, 100_000, 1000), row(25, 10, 10), row(37, 900_000, 1188)];
        assert_eq!(
            words(&rows),
            [
                "The instrument overstates the quality of 90 % of the bases: Q37 is worth 28.8 (90 %).",
                "The instrument understates the quality of 10 % of the bases: Q12 is worth 20.0 (10 %).",
            ]
        );
        assert_eq!(
            words(&[row(30, 1000, 1)]),
            ["No frequent quality is off by more than 1, as far as its bases tell."]
        );
        assert!(words(&[row(20, 100_000, 0)])[0].contains("Q20 is worth more than 44.2"));
    }

    #[test]
    fn a_picture_of_nothing_is_none() {
        assert!(picture(&[], "adapted").expect("drawn").is_none());
    }

    #[test]
    fn a_quality_that_hardly_anything_is_known_of_is_not_drawn() {
        let known = |bases, wrong| Quality::of(&row(20, bases, wrong)).expect("bases").is_known();
        assert_eq!(
            [known(10_000, 100), known(2, 1), known(100_000, 0), known(10, 0)],
            [true, false, true, false]
        );
        assert!(picture(&[row(20, 2, 1)], "adapted").expect("drawn").is_none());
    }

    #[test]
    fn a_picture_of_one_quality_is_wide_enough() {
        assert_eq!(wide(15.0..19.0), 12.0..22.0);
        assert_eq!(wide(0.0..40.0), 0.0..40.0);
    }

    #[test]
    fn a_picture_has_a_point_for_each_quality_with_errors() {
        let rows = [row(2, 1000, 700), row(12, 100_000, 1000), row(37, 900_000, 0)];
        let picture = picture(&rows, "adapted").expect("drawn").expect("a picture");
        let (_, drawn) = picture.rsplit_once("</p>").expect("a legend");
        assert_eq!(drawn.matches("<circle").count(), 2 + 2 * rows.len());
    }
}
