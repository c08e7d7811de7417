//! Figures of the scored reads: probabilities, error rates, qualities and lengths.

use std::cmp::Reverse;

use bm_pipeline::survey::{BINS, Errors, Level};
use bm_profile::least;
use plotters::prelude::*;

use crate::error::ReportError;
use crate::html::plot::{
    self, ADAPTED, Axis, MEASURED, OVERSTATED, REPORTED, Side, Sign, UNDERSTATED, frame,
};
use crate::html::statistics::phred;
use crate::text;

const HEIGHT: u32 = 720;

/// Fewest bases of a position or a quality in a figure.
const MIN_BASES: u64 = 100;

/// Most intervals between the ticks of an axis.
const TICKS: usize = 12;

/// Returns a linear axis from 0 with round numbers.
fn from_zero(most: f64) -> Axis {
    let most = most.max(1.0);
    let rough = most / TICKS as f64;
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * decade)
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let ticks =
        (0..=TICKS).map(|tick| tick as f64 * step).take_while(|tick| *tick <= most).collect();
    Axis { range: 0.0..most, ticks }
}

/// Returns the label of a whole number along an axis.
fn whole(value: &f64) -> String {
    text::count(value.round() as u64)
}

/// Returns the histogram of the probabilities; `None` without scored reads.
pub(super) fn levels(levels: &[Level], name: &str) -> Result<Option<String>, ReportError> {
    let most = levels.iter().map(|level| level.reads).max().unwrap_or_default();
    if most == 0 {
        return Ok(None);
    }
    // One bin may hold nearly all reads: a logarithmic axis shows the others too.
    let top = (most as f64).log10() + 0.1;
    let height = |reads: u64| if reads > 0 { (reads as f64).log10() } else { -0.3 };
    let figure = plot::svg(HEIGHT, "Reads by probability", |area| {
        let tenths = (0..=10).map(|tick| f64::from(tick) / 10.0).collect();
        let x = Side {
            axis: Axis { range: 0.0..1.0, ticks: tenths },
            name,
            label: &|p| format!("{p:.1}"),
        };
        let ticks = (0..=top.floor() as i32).map(f64::from).collect();
        let y = Side {
            axis: Axis { range: -0.3..top, ticks },
            name: "reads",
            label: &|log| whole(&10f64.powf(*log)),
        };
        let mut chart = frame(area, x, y)?;
        let at = |bin: usize| bin as f64 / BINS as f64;
        for (bin, level) in levels.iter().enumerate().filter(|(_, level)| level.reads > 0) {
            let bar = |reads: u64, colour: RGBColor| {
                let corners = [(at(bin), -0.3), (at(bin) + 0.9 / BINS as f64, height(reads))];
                Rectangle::new(corners, colour.mix(plot::BAR).filled())
            };
            chart.draw_series([bar(
                level.reads,
                if level.discarded < level.reads { ADAPTED } else { OVERSTATED },
            )])?;
            if level.discarded > 0 && level.discarded < level.reads {
                chart.draw_series([bar(level.discarded, OVERSTATED)])?;
            }
        }
        Ok(())
    })?;
    Ok(Some(
        plot::legend(&[(Sign::Bar, ADAPTED, "kept"), (Sign::Bar, OVERSTATED, "not kept")])
            + &figure,
    ))
}

/// Returns the figure of the error rate along the read, for both mates of pairs; `None` if the
/// model has no probabilities of bases.
pub(super) fn places(places: &[Vec<Errors>; 2]) -> Result<Option<String>, ReportError> {
    let of = |mate: &[Errors], errors: fn(&Errors) -> f64| -> Vec<(f64, f64)> {
        let known = mate.iter().enumerate().filter(|(_, sum)| sum.bases >= MIN_BASES);
        known
            .map(|(bin, sum)| (least(bin) + 1.0, errors(sum) / sum.bases as f64))
            .filter(|(_, rate)| *rate > 0.0)
            .map(|(at, rate)| (at, rate.log10()))
            .collect()
    };
    let lines: Vec<_> = places
        .iter()
        .map(|mate| (of(mate, |sum| sum.expected.get()), of(mate, |sum| sum.reported.get())))
        .collect();
    let points = || lines.iter().flat_map(|(expected, reported)| expected.iter().chain(reported));
    let (low, high) = points()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, rate)| {
            (low.min(*rate), high.max(*rate))
        });
    let most = points().map(|(at, _)| *at).fold(0.0, f64::max);
    if !low.is_finite() {
        return Ok(None);
    }
    let y = (low - 0.1)..(high + 0.1).min(0.0);
    let figure = plot::svg(HEIGHT, "Error rate along the read", |area| {
        let x = Side { axis: from_zero(most), name: "position in the read", label: &whole };
        let label = |log: &f64| plot::percent(*log);
        let y = Side {
            axis: Axis { range: y.clone(), ticks: plot::decades(y.start, y.end) },
            name: "error rate",
            label: &label,
        };
        let mut chart = frame(area, x, y)?;
        for ((expected, reported), width) in lines.into_iter().zip([5, 3]) {
            let (dash, gap) = plot::DASH;
            if width == 5 {
                chart.draw_series(LineSeries::new(reported, REPORTED.stroke_width(width)))?;
                chart.draw_series(LineSeries::new(expected, ADAPTED.stroke_width(width)))?;
            } else {
                chart.draw_series(DashedLineSeries::new(
                    reported,
                    dash,
                    gap,
                    REPORTED.stroke_width(width),
                ))?;
                chart.draw_series(DashedLineSeries::new(
                    expected,
                    dash,
                    gap,
                    ADAPTED.stroke_width(width),
                ))?;
            }
        }
        Ok(())
    })?;
    let mut entries = vec![(Sign::Line, ADAPTED, "predicted"), (Sign::Line, REPORTED, "reported")];
    if !places[1].is_empty() {
        entries.extend([
            (Sign::Dashes, ADAPTED, "predicted, second mates"),
            (Sign::Dashes, REPORTED, "reported, second mates"),
        ]);
    }
    Ok(Some(plot::legend(&entries) + &figure))
}

/// Returns the figure of reported against predicted quality; `None` if the model has no
/// probabilities of bases.
pub(super) fn qualities(qualities: &[Errors]) -> Result<Option<String>, ReportError> {
    let known = qualities
        .iter()
        .enumerate()
        .filter(|(_, sum)| sum.bases >= MIN_BASES && sum.expected.get() > 0.0);
    let points: Vec<_> = known
        .map(|(score, sum)| {
            (score as f64, phred(sum.expected.get() / sum.bases as f64), sum.bases as f64)
        })
        .collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(None) };
    let low = points.iter().map(|point| point.1).fold(first.0, f64::min) - 2.0;
    let high = points.iter().map(|point| point.1).fold(last.0, f64::max) + 2.0;
    let most = points.iter().map(|point| point.2).fold(1.0, f64::max);
    let figure = plot::svg(HEIGHT + 180, "Reported against predicted quality", |area| {
        let axis = || Axis { range: low..high, ticks: plot::phred_ticks(low, high) };
        let x = Side {
            axis: axis(),
            name: "reported quality (Phred)",
            label: &|score| format!("{score:.0}"),
        };
        let y = Side {
            axis: axis(),
            name: "predicted quality (Phred)",
            label: &|score| format!("{score:.0}"),
        };
        let mut chart = frame(area, x, y)?;
        chart.draw_series(LineSeries::new([(low, low), (high, high)], REPORTED.stroke_width(3)))?;
        chart.draw_series(points.iter().map(|(reported, predicted, bases)| {
            let colour = match predicted - reported {
                off if off < -1.0 => OVERSTATED,
                off if off > 1.0 => UNDERSTATED,
                _ => MEASURED,
            };
            Circle::new(
                (*reported, *predicted),
                (5.0 + 17.0 * (bases / most).sqrt()).round() as i32,
                colour.mix(0.85).filled(),
            )
        }))?;
        Ok(())
    })?;
    let legend = plot::legend(&[
        (Sign::Dot, OVERSTATED, "predicted below reported"),
        (Sign::Dot, UNDERSTATED, "predicted above reported"),
        (Sign::Dot, MEASURED, "predicted near reported"),
        (Sign::Line, REPORTED, "predicted = reported"),
    ]);
    Ok(Some(legend + &figure))
}

/// Returns the histogram of the lengths; `None` if all reads have the same length. Kept reads may be
/// shorter than all reads are.
pub(super) fn lengths(lengths: &[[u64; 2]]) -> Result<Option<String>, ReportError> {
    let bins: Vec<_> = lengths.iter().enumerate().filter(|(_, reads)| **reads != [0, 0]).collect();
    let (Some((shortest, _)), Some((longest, _))) = (bins.first(), bins.last()) else {
        return Ok(None);
    };
    if shortest == longest {
        return Ok(None);
    }
    let most = bins.iter().flat_map(|(_, reads)| *reads).max().copied().unwrap_or_default() as f64;
    let top = most.log10() + 0.1;
    let end = least(*longest + 1);
    let figure = plot::svg(HEIGHT, "Reads by length", |area| {
        let x = Side { axis: from_zero(end), name: "length (bases)", label: &whole };
        let ticks = (0..=top.floor() as i32).map(f64::from).collect();
        let y = Side {
            axis: Axis { range: -0.3..top, ticks },
            name: "reads",
            label: &|log| whole(&10f64.powf(*log)),
        };
        let mut chart = frame(area, x, y)?;
        for (bin, [all, kept]) in bins {
            let bar = |reads: u64, colour: RGBColor| {
                let corners = [(least(bin), -0.3), (least(bin + 1), (reads as f64).log10())];
                Rectangle::new(corners, colour.mix(plot::BAR).filled())
            };
            // The lower bar is in front of the higher one.
            let mut bars = [(*all, OVERSTATED), (*kept, ADAPTED)];
            bars.sort_by_key(|(reads, _)| Reverse(*reads));
            let bars = bars.into_iter().filter(|(reads, _)| *reads > 0);
            chart.draw_series(bars.map(|(reads, colour)| bar(reads, colour)))?;
        }
        Ok(())
    })?;
    Ok(Some(
        plot::legend(&[(Sign::Bar, OVERSTATED, "all"), (Sign::Bar, ADAPTED, "kept")]) + &figure,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_from_zero_has_round_numbers() {
        assert_eq!(from_zero(150.0).ticks, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 140.0]);
        assert_eq!(from_zero(12_000.0).ticks.last(), Some(&12_000.0));
        assert!(from_zero(0.0).ticks.len() > 1);
    }

    #[test]
    fn without_data_there_is_no_figure() {
        assert!(levels(&[Level::default(); BINS], "p").expect("drawn").is_none());
        assert!(places(&Default::default()).expect("drawn").is_none());
        assert!(qualities(&[]).expect("drawn").is_none());
        assert!(lengths(&[]).expect("drawn").is_none());
        assert!(lengths(&[[0, 0], [5, 5]]).expect("drawn").is_none(), "one length");
    }

    #[test]
    fn lengths_of_reads_that_were_cut_are_drawn() {
        let drawn = |all: u64, kept: u64| {
            let figure = lengths(&[[0, 3], [0, 0], [all, kept]]).expect("drawn").expect("a figure");
            let (_, figure) = figure.rsplit_once("</p>").expect("a legend");
            assert!(!figure.contains("inf") && !figure.contains("NaN"));
            figure.matches("<rect").count()
        };
        assert_eq!(drawn(9, 4) - drawn(9, 0), 1);
        assert_eq!(drawn(9, 4), drawn(4, 9));
    }

    #[test]
    fn a_quality_has_a_point_if_it_has_enough_bases() {
        let errors = |bases, expected: f64| {
            let expected = [expected].into_iter().collect();
            Errors { bases, expected, reported: expected }
        };
        let drawn = qualities(&[errors(1000, 500.0), errors(5, 1.0), errors(1000, 10.0)])
            .expect("drawn")
            .expect("a figure");
        let (_, drawn) = drawn.rsplit_once("</p>").expect("a legend");
        assert_eq!(drawn.matches("<circle").count(), 2);
    }
}
