//! Figures of curves over a common axis, each with a table of its values.

use plotters::prelude::*;

use crate::error::ReportError;
use crate::html::figure::{Figure, Sign};
use crate::html::plot::{self, Axis, Side};
use crate::html::table::Table;
use crate::text;

const HEIGHT: u32 = 820;

/// Most intervals between the ticks of an axis that begins at 0.
const TICKS: usize = 6;

/// A curve.
pub(super) struct Curve<'a> {
    pub(super) name: &'a str,
    pub(super) colour: RGBColor,
    /// Whether it is drawn with dashes.
    pub(super) is_dashed: bool,
    /// A value for each place; `None` is a gap.
    pub(super) values: Vec<Option<f64>>,
}

/// A range of values at each place.
pub(super) struct Spread<'a> {
    pub(super) name: &'a str,
    /// The lowest and the highest value of each place.
    pub(super) values: Vec<Option<(f64, f64)>>,
}

/// A figure of curves.
pub(super) struct Curves<'a> {
    /// What it shows, for screen readers.
    pub(super) description: &'a str,
    /// Name of the horizontal axis, which is linear.
    pub(super) x_name: &'a str,
    pub(super) y_name: &'a str,
    /// The places along the horizontal axis.
    pub(super) places: Vec<f64>,
    /// The names of the places.
    pub(super) labels: Vec<String>,
    /// Where the horizontal axis begins and ends.
    pub(super) x: (f64, f64),
    pub(super) y: Axis,
    /// The label of a value along the vertical axis.
    pub(super) tick: &'a dyn Fn(&f64) -> String,
    /// A value in the table.
    pub(super) value: &'a dyn Fn(f64) -> String,
    pub(super) spread: Option<Spread<'a>>,
    pub(super) curves: Vec<Curve<'a>>,
}

impl Curves<'_> {
    /// Returns the figure; `None` without values.
    pub(super) fn figure(&self) -> Result<Option<Figure>, ReportError> {
        if self.curves.iter().all(|curve| curve.values.iter().flatten().next().is_none()) {
            return Ok(None);
        }
        let drawing = plot::svg(HEIGHT, self.description, |area| {
            let (start, end) = self.x;
            let ticks = round_steps(end).into_iter().filter(|tick| *tick >= start).collect();
            let x = Side {
                axis: Axis { range: start..end, ticks },
                name: self.x_name,
                label: &|value| text::count(value.round() as u64),
            };
            let Axis { range, ticks } = &self.y;
            let ticks = ticks.iter().copied().filter(|tick| range.contains(tick)).collect();
            let y = Side {
                axis: Axis { range: range.clone(), ticks },
                name: self.y_name,
                label: self.tick,
            };
            let mut chart = plot::frame(area, x, y)?;
            for part in self.spread_parts() {
                chart.draw_series([Polygon::new(part, plot::REPORTED.mix(0.22).filled())])?;
            }
            for curve in &self.curves {
                for part in self.parts(curve) {
                    let style = curve.colour.stroke_width(5);
                    if let [point] = part[..] {
                        chart.draw_series([Circle::new(point, 5, curve.colour.filled())])?;
                    } else if curve.is_dashed {
                        let (dash, gap) = plot::DASH;
                        chart.draw_series(DashedLineSeries::new(part, dash, gap, style))?;
                    } else {
                        chart.draw_series(LineSeries::new(part, style))?;
                    }
                }
            }
            let values =
                (0..self.places.len()).filter_map(|at| Some((self.places[at], self.words(at)?)));
            Ok(plot::columns(&chart, values.collect()))
        })?;
        let spread = self.spread.as_ref().map(|spread| (Sign::Bar, plot::REPORTED, spread.name));
        let curves = self.curves.iter().map(|curve| {
            (if curve.is_dashed { Sign::Dashes } else { Sign::Line }, curve.colour, curve.name)
        });
        let legend: Vec<_> = curves.chain(spread).collect();
        Ok(Some(Figure::new(&legend, drawing, self.table())))
    }

    /// Returns the points of a curve, part by part between its gaps.
    fn parts(&self, curve: &Curve<'_>) -> Vec<Vec<(f64, f64)>> {
        let points = self.places.iter().zip(&curve.values);
        let points = points.map(|(place, value)| value.map(|value| (*place, value)));
        let points: Vec<_> = points.collect();
        let parts = points.split(Option::is_none).filter(|part| !part.is_empty());
        parts.map(|part| part.iter().flatten().copied().collect()).collect()
    }

    /// Returns the outlines of the spread.
    fn spread_parts(&self) -> Vec<Vec<(f64, f64)>> {
        let Some(spread) = &self.spread else { return Vec::new() };
        let points = self.places.iter().zip(&spread.values);
        let points: Vec<_> =
            points.map(|(place, it)| it.map(|(low, high)| (*place, low, high))).collect();
        let parts = points.split(Option::is_none).filter(|part| part.len() > 1);
        let outline = |part: &[Option<(f64, f64, f64)>]| {
            let part = || part.iter().flatten();
            let back = part().rev().map(|(place, low, _)| (*place, *low));
            part().map(|(place, _, high)| (*place, *high)).chain(back).collect()
        };
        parts.map(outline).collect()
    }

    /// Returns the values of a place on one line; `None` if it has none.
    fn words(&self, at: usize) -> Option<String> {
        let values = self.curves.iter().filter_map(|curve| {
            let value = (*curve.values.get(at)?)?;
            Some(format!("{} {}", curve.name, (self.value)(value)))
        });
        let values: Vec<_> = values.collect();
        (!values.is_empty()).then(|| format!("{}: {}", self.labels[at], values.join(", ")))
    }

    fn table(&self) -> Table {
        let spread = self.spread.as_ref();
        let names = self.curves.iter().map(|curve| curve.name).chain(spread.map(|it| it.name));
        let mut table = Table::new(self.description, [self.x_name].into_iter().chain(names));
        table.class = "narrow";
        let text = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), self.value);
        for (at, label) in self.labels.iter().enumerate() {
            let values = self.curves.iter().map(|curve| curve.values.get(at).copied().flatten());
            if values.clone().all(|value| value.is_none()) {
                continue;
            }
            let spread = spread.map(|spread| match spread.values.get(at).copied().flatten() {
                Some((low, high)) => format!("{} to {}", (self.value)(low), (self.value)(high)),
                None => "–".to_owned(),
            });
            table.push([label.clone()].into_iter().chain(values.map(text)).chain(spread));
        }
        table
    }
}

/// Returns round numbers from 0 to `most`, a few.
pub(super) fn round_steps(most: f64) -> Vec<f64> {
    let rough = most / TICKS as f64;
    if !(rough.is_finite() && rough > 0.0) {
        return vec![0.0];
    }
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * decade)
        .find(|step| *step >= rough * (1.0 - 1e-9))
        .unwrap_or(rough);
    (0..=TICKS)
        .map(|tick| tick as f64 * step)
        .take_while(|tick| *tick <= most * 1.000_001)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_from_zero_has_round_numbers() {
        assert_eq!(round_steps(150.0), [0.0, 50.0, 100.0, 150.0]);
        assert_eq!(round_steps(12_000.0).last(), Some(&12_000.0));
        assert_eq!(
            round_steps(0.3),
            [0.0, 0.05, 0.1, 0.15000000000000002, 0.2, 0.25, 0.30000000000000004]
        );
        assert_eq!(round_steps(0.0), [0.0]);
    }

    #[test]
    fn curves_have_gaps_bands_and_a_table() {
        let curves = |values: Vec<Option<f64>>| Curves {
            description: "a < b",
            x_name: "cycle",
            y_name: "value",
            places: vec![1.0, 2.0, 3.0, 4.0],
            labels: ["1", "2", "3", "4"].map(str::to_owned).to_vec(),
            x: (0.5, 4.5),
            y: Axis { range: 0.0..10.0, ticks: round_steps(10.0) },
            tick: &|value| format!("{value:.0}"),
            value: &|value| format!("{value:.1}"),
            spread: Some(Spread { name: "half", values: vec![Some((1.0, 2.0)); 4] }),
            curves: vec![Curve { name: "all", colour: plot::ADAPTED, is_dashed: false, values }],
        };
        let figure = curves(vec![Some(1.0), None, Some(3.0), Some(4.0)]).figure();
        let figure = figure.expect("drawn").expect("a figure");
        assert_eq!(figure.elements("circle"), 1, "a point between gaps");
        assert!(figure.drawing().contains("<title>3: all 3.0</title>"));
        assert_eq!(figure.drawing().matches("class=\"band\"").count(), 3);
        let table = figure.values.as_ref().expect("a table");
        assert_eq!(table.texts(1), ["3", "3.0", "1.0 to 2.0"]);
        assert_eq!(figure.entries(), ["all", "half"]);
        assert!(curves(vec![None; 4]).figure().expect("drawn").is_none());
    }
}
