//! Shared parts of the pages: head, numbers, sections, end.

use std::fmt::Write as _;
use std::path::Path;

use bm_io::{Output, is_stdio, name};

use crate::error::ReportError;
use crate::text;

const STYLE: &str = include_str!("page.css");

/// Writes a finished page to an output.
pub(super) fn write(page: &str, output: &mut Output) -> Result<(), ReportError> {
    Ok(output.write_text(page.as_bytes())?)
}

/// Writes the beginning of a page: head, headline and the names of the files.
pub(super) fn opening(
    page: &mut String,
    headline: &str,
    inputs: &[&Path],
) -> Result<(), ReportError> {
    // Without folders: a page may be sent to people who must not see the paths.
    let names = inputs.iter().map(|path| match path.file_name() {
        Some(name) if !is_stdio(path) => name.to_string_lossy().into_owned(),
        _ => name(path),
    });
    let names = text::escape(&names.collect::<Vec<_>>().join(", "));
    writeln!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{headline}: {names}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>{headline}</h1>\n<p class=\"run\">{names}</p>"
    )?;
    Ok(())
}

/// Writes the end of a page: the program, the command and a remark on the method.
pub(super) fn closing(page: &mut String, command: &str, how: &str) -> Result<(), ReportError> {
    let version = env!("CARGO_PKG_VERSION");
    writeln!(page, "<footer>bm {version} {command}.{how}</footer>\n</body>\n</html>")?;
    Ok(())
}

/// Writes the main numbers, each with its name and a remark.
pub(super) fn facts<'a>(
    page: &mut String,
    facts: impl IntoIterator<Item = (&'a str, String, String)>,
) -> Result<(), ReportError> {
    page.push_str("<div class=\"facts\">\n");
    for (name, value, remark) in facts {
        writeln!(page, "<div><small>{name}</small><b>{value}</b><small>{remark}</small></div>")?;
    }
    page.push_str("</div>\n");
    Ok(())
}

/// Writes a section with sentences, a figure and a note; nothing without a figure.
pub(super) fn section(
    page: &mut String,
    title: &str,
    sentences: &[String],
    figure: Option<String>,
    note: &str,
) -> Result<(), ReportError> {
    let Some(figure) = figure else { return Ok(()) };
    writeln!(page, "<h2>{title}</h2>")?;
    for sentence in sentences {
        writeln!(page, "<p>{}</p>", text::escape(sentence))?;
    }
    writeln!(page, "<figure>\n{figure}<figcaption class=\"note\">{note}</figcaption>\n</figure>")?;
    Ok(())
}

/// Returns a part as a fraction of all.
pub(super) fn fraction(part: u64, all: u64) -> f64 {
    part as f64 / all.max(1) as f64
}
