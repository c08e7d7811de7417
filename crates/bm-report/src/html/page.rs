//! A page: its parts, and the template that makes HTML of them.

use std::path::Path;

use bm_io::{Output, is_stdio, name};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output as Text, State, Value, escape_formatter};
use serde::Serialize;

use crate::error::ReportError;
use crate::html::figure::Figure;
use crate::html::table::Table;
use crate::text;

/// What a page looks like.
const STYLE: &str = include_str!("page.css");
/// How its parts become HTML.
const TEMPLATE: &str = include_str!("page.html");

/// A page.
#[derive(Serialize)]
pub(super) struct Page {
    headline: String,
    /// The files that the page is of.
    names: String,
    /// Sentences on the result as a whole.
    pub(super) verdict: Vec<String>,
    /// Whether the result is as a user hopes.
    pub(super) is_good: bool,
    /// The main numbers.
    pub(super) facts: Vec<Fact>,
    pub(super) sections: Vec<Section>,
    footer: String,
}

/// A number with its name and a remark.
#[derive(Serialize)]
pub(super) struct Fact {
    name: &'static str,
    value: String,
    remark: String,
}

/// A section of a page.
#[derive(Default, Serialize)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) sentences: Vec<String>,
    /// What is listed, one item a line.
    pub(super) list: Vec<String>,
    pub(super) figures: Vec<Figure>,
    pub(super) tables: Vec<Table>,
    /// Remarks below figures and tables.
    pub(super) notes: Vec<String>,
}

impl Page {
    /// Returns a page without content. `how` is a remark on the method, for its end.
    pub(super) fn new(headline: &str, inputs: &[&Path], command: &str, how: &str) -> Self {
        // Without folders: a page may be sent to people who must not see the paths.
        let names = inputs.iter().map(|path| match path.file_name() {
            Some(name) if !is_stdio(path) => name.to_string_lossy().into_owned(),
            _ => name(path),
        });
        let version = env!("CARGO_PKG_VERSION");
        Self {
            headline: headline.to_owned(),
            names: names.collect::<Vec<_>>().join(", "),
            verdict: Vec::new(),
            is_good: true,
            facts: Vec::new(),
            sections: Vec::new(),
            footer: format!("bm {version} {command}.{how}"),
        }
    }

    /// Adds a number.
    pub(super) fn fact(&mut self, name: &'static str, value: String, remark: String) {
        self.facts.push(Fact { name, value, remark });
    }

    /// Adds a section with one figure; nothing without a figure.
    pub(super) fn figure(
        &mut self,
        title: &'static str,
        sentences: Vec<String>,
        figure: Option<Figure>,
        note: &str,
    ) {
        let Some(figure) = figure else { return };
        let (figures, notes) = (vec![figure], vec![note.to_owned()]);
        self.sections.push(Section { title, sentences, figures, notes, ..Section::default() });
    }

    /// Returns the page as HTML, which is XML too.
    pub(super) fn html(&self) -> Result<String, ReportError> {
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        templates.set_formatter(format);
        templates.add_global("style", STYLE);
        Ok(templates.render_str(TEMPLATE, Serde(self))? + "\n")
    }

    /// Writes the page to an output.
    pub(super) fn write(&self, output: &mut Output) -> Result<(), ReportError> {
        Ok(output.write_text(self.html()?.as_bytes())?)
    }
}

/// Writes a value of a template: text is escaped for HTML and XML.
fn format(
    out: &mut Text<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(words) if !value.is_safe() => Ok(out.write_str(&text::escape(words))?),
        _ => escape_formatter(out, state, value),
    }
}

/// Returns a part as a fraction of all.
pub(super) fn fraction(part: u64, all: u64) -> f64 {
    part as f64 / all.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_kind_is_escaped() {
        let hostile = "<script>&\"'\u{1}</script>";
        let mut page = Page::new(hostile, &[Path::new(hostile)], "filter", hostile);
        page.verdict.push(hostile.to_owned());
        page.fact("<b>", hostile.to_owned(), hostile.to_owned());
        let mut table = Table::new(hostile, [hostile]);
        table.push([hostile]);
        let one = || vec![hostile.to_owned()];
        page.sections.push(Section {
            title: "<title>",
            sentences: one(),
            list: one(),
            figures: Vec::new(),
            tables: vec![table],
            notes: one(),
        });
        let html = page.html().expect("rendered");
        assert!(!html.contains("<script") && !html.contains("<b><") && !html.contains('\u{1}'));
        assert!(html.contains("<h1>&lt;script&gt;&amp;&quot;&#39;\u{fffd}&lt;/script&gt;</h1>"));
        assert!(html.ends_with("</html>\n"), "{html}");
    }
}
