//! Figures of the scored reads: probabilities, error rates, qualities and lengths.

use std::cmp::Reverse;

use bm_pipeline::survey::{BINS, Errors, Level};
use bm_profile::least;
use plotters::prelude::*;

use crate::error::ReportError;
use crate::html::curves::{Curve, Curves, round_steps};
use crate::html::cycles::{Cycles, positions};
use crate::html::figure::{Figure, Sign};
use crate::html::plot::{
    self, ADAPTED, Axis, MEASURED, OVERSTATED, REPORTED, Side, UNDERSTATED, frame,
};
use crate::html::statistics::phred;
use crate::html::table::Table;
use crate::text;

const HEIGHT: u32 = 720;

/// Fewest bases of a position or a quality in a figure.
const MIN_BASES: u64 = 100;

/// Returns a linear axis from 0 with round numbers.
fn from_zero(most: f64) -> Axis {
    let most = most.max(1.0);
    Axis { range: 0.0..most, ticks: round_steps(most) }
}

/// Returns the label of a whole number along an axis.
fn whole(value: &f64) -> String {
    text::count(value.round() as u64)
}

/// Returns the histogram of the probabilities; `None` without scored reads.
pub(super) fn levels(levels: &[Level], name: &str) -> Result<Option<Figure>, ReportError> {
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
        let present = levels.iter().enumerate().filter(|(_, level)| level.reads > 0);
        let value = |(bin, level): (usize, &Level)| {
            let (kept, lost) = (level.reads - level.discarded, level.discarded);
            let words = format!(
                "{:.2} to {:.2}: {} kept, {} not kept",
                at(bin),
                at(bin + 1),
                text::count(kept),
                text::count(lost)
            );
            (at(bin) + 0.5 / BINS as f64, words)
        };
        Ok(plot::columns(&chart, present.map(value).collect()))
    })?;
    let mut table = Table::new("Reads by probability", [name, "kept", "not kept"]);
    table.class = "narrow";
    for (bin, level) in levels.iter().enumerate().filter(|(_, level)| level.reads > 0) {
        let (from, to) = (bin as f64 / BINS as f64, (bin + 1) as f64 / BINS as f64);
        let counts = [level.reads - level.discarded, level.discarded].map(text::count);
        table.push([format!("{from:.2} to {to:.2}")].into_iter().chain(counts));
    }
    let legend = [(Sign::Bar, ADAPTED, "kept"), (Sign::Bar, OVERSTATED, "not kept")];
    Ok(Some(Figure::new(&legend, figure, table)))
}

/// Returns the figure of the error rate along the read, for both mates of pairs; `None` if the
/// model has no probabilities of bases.
pub(super) fn places(places: &[Vec<Errors>; 2]) -> Result<Option<Figure>, ReportError> {
    let bins = places.iter().map(Vec::len).max().unwrap_or_default();
    let rates = |mate: usize, errors: fn(&Errors) -> f64| -> Vec<Option<f64>> {
        let of_bin = |bin: usize| {
            let sum = places[mate].get(bin).filter(|sum| sum.bases >= MIN_BASES)?;
            Some(errors(sum) / sum.bases as f64).filter(|rate| *rate > 0.0).map(f64::log10)
        };
        (0..bins).map(of_bin).collect()
    };
    let names = [["predicted", "reported"], ["predicted, second mates", "reported, second mates"]];
    let mates = if places[1].is_empty() { 0..1 } else { 0..2 };
    let mut curves = Vec::new();
    for mate in mates {
        let [predicted, reported] = names[mate];
        let expected: fn(&Errors) -> f64 = |sum| sum.expected.get();
        for (name, colour, errors) in
            [(predicted, ADAPTED, expected), (reported, REPORTED, |sum| sum.reported.get())]
        {
            curves.push(Curve { name, colour, is_dashed: mate > 0, values: rates(mate, errors) });
        }
    }
    let logs = || curves.iter().flat_map(|curve| curve.values.iter().flatten());
    let (low, high) = logs()
        .fold((0.0_f64, f64::NEG_INFINITY), |(low, high), log| (low.min(*log), high.max(*log)));
    let y = (low - 0.1)..(high + 0.1).min(0.0);
    let cycles = Cycles::of(bins);
    Curves {
        description: "Expected error rate along the read",
        x_name: "position in the read",
        y_name: "error rate",
        x: cycles.ends(),
        places: cycles.places,
        labels: cycles.labels,
        y: Axis { ticks: plot::decades(y.start, y.end), range: y },
        tick: &|log| plot::percent(*log),
        value: &|log| text::percent(10f64.powf(log)),
        spread: None,
        curves,
    }
    .figure()
}

/// Returns the figure of reported against predicted quality; `None` if the model has no
/// probabilities of bases.
pub(super) fn qualities(qualities: &[Errors]) -> Result<Option<Figure>, ReportError> {
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
        let value = |(reported, predicted, bases): &(f64, f64, f64)| {
            let bases = text::count(*bases as u64);
            (*reported, format!("reported {reported:.0}, predicted {predicted:.1}, {bases} bases"))
        };
        Ok(plot::columns(&chart, points.iter().map(value).collect()))
    })?;
    let mut table =
        Table::new("Reported and predicted quality", ["reported quality", "predicted", "bases"]);
    table.class = "narrow";
    for (reported, predicted, bases) in &points {
        let bases = text::count(*bases as u64);
        table.push([format!("{reported:.0}"), format!("{predicted:.1}"), bases]);
    }
    let legend = [
        (Sign::Dot, OVERSTATED, "predicted below reported"),
        (Sign::Dot, UNDERSTATED, "predicted above reported"),
        (Sign::Dot, MEASURED, "predicted near reported"),
        (Sign::Line, REPORTED, "predicted = reported"),
    ];
    Ok(Some(Figure::new(&legend, figure, table)))
}

/// Returns the histogram of the lengths; `None` if all reads have the same length. Kept reads may be
/// shorter than all reads are.
pub(super) fn lengths(lengths: &[[u64; 2]]) -> Result<Option<Figure>, ReportError> {
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
        let values = lengths.iter().enumerate().filter(|(_, reads)| **reads != [0, 0]);
        let value = |(bin, [all, kept]): (usize, &[u64; 2])| {
            let [all, kept] = [*all, *kept].map(text::count);
            let middle = (least(bin) + least(bin + 1)) / 2.0;
            (middle, format!("{}: {all} reads, {kept} kept", positions(bin, 0)))
        };
        Ok(plot::columns(&chart, values.map(value).collect()))
    })?;
    let mut table = Table::new("Read lengths", ["length (bases)", "all", "kept"]);
    table.class = "narrow";
    for (bin, reads) in lengths.iter().enumerate().filter(|(_, reads)| **reads != [0, 0]) {
        table.push([positions(bin, 0)].into_iter().chain(reads.map(text::count)));
    }
    let legend = [(Sign::Bar, OVERSTATED, "all"), (Sign::Bar, ADAPTED, "kept")];
    Ok(Some(Figure::new(&legend, figure, table)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(!figure.drawing().contains("inf") && !figure.drawing().contains("NaN"));
            figure.elements("rect")
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
        assert_eq!(drawn.elements("circle"), 2);
    }
}
