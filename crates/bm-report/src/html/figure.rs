//! A figure of a page: legend, drawing, and the values behind it.

use plotters::style::RGBColor;
use serde::Serialize;

use crate::html::plot::BAR;
use crate::html::table::Table;

/// A figure of a page.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    /// Its name among the figures of its section; empty if it is the only one.
    pub(super) name: String,
    legend: Vec<Entry>,
    /// SVG.
    drawing: String,
    /// The values that are drawn.
    pub(super) values: Option<Table>,
}

/// A line of a legend.
#[derive(Debug, Serialize)]
struct Entry {
    /// SVG.
    sign: String,
    name: String,
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

impl Figure {
    /// Returns a figure with a legend for its `drawing`.
    pub(super) fn new(legend: &[(Sign, RGBColor, &str)], drawing: String, values: Table) -> Self {
        let entry = |(sign, colour, name): &(Sign, RGBColor, &str)| Entry {
            sign: sign.drawn(*colour),
            name: (*name).to_owned(),
        };
        let legend = legend.iter().map(entry).collect();
        Self { name: String::new(), legend, drawing, values: Some(values) }
    }

    /// Returns the figure with a name.
    pub(super) fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Returns how many elements of this name the drawing has.
    #[cfg(test)]
    pub(super) fn elements(&self, name: &str) -> usize {
        self.drawing.matches(&format!("<{name} ")).count()
    }

    /// Returns the names in the legend.
    #[cfg(test)]
    pub(super) fn entries(&self) -> Vec<&str> {
        self.legend.iter().map(|entry| entry.name.as_str()).collect()
    }

    /// Returns the drawing.
    #[cfg(test)]
    pub(super) fn drawing(&self) -> &str {
        &self.drawing
    }
}

impl Sign {
    /// Returns the sign as SVG, 28 × 12.
    fn drawn(self, RGBColor(red, green, blue): RGBColor) -> String {
        let colour = format!("#{red:02X}{green:02X}{blue:02X}");
        let line = |dash: &str| {
            format!(
                "<line x1=\"0\" y1=\"6\" x2=\"28\" y2=\"6\" stroke=\"{colour}\" \
                 stroke-width=\"2.5\"{dash}/>"
            )
        };
        match self {
            Self::Line => line(""),
            Self::Dashes => line(" stroke-dasharray=\"7 4\""),
            Self::Dot => format!("<circle cx=\"14\" cy=\"6\" r=\"4\" fill=\"{colour}\"/>"),
            Self::Measured => format!(
                "<line x1=\"14\" y1=\"0\" x2=\"14\" y2=\"12\" stroke=\"{colour}\"/>\
                 <circle cx=\"14\" cy=\"6\" r=\"4\" fill=\"{colour}\"/>"
            ),
            Self::Ring => format!(
                "<circle cx=\"14\" cy=\"6\" r=\"4\" fill=\"none\" stroke=\"{colour}\" \
                 stroke-width=\"2\"/>"
            ),
            Self::Bar => format!(
                "<rect x=\"2\" y=\"1\" width=\"24\" height=\"10\" fill=\"{colour}\" \
                 fill-opacity=\"{BAR}\"/>"
            ),
        }
    }
}
