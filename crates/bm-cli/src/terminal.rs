//! Texts on stdout, and lines on stderr.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::Result;
use bm_io::{Compression, Output};

/// Returns stdout as an output, which says what `close` says.
pub(crate) fn stdout() -> Result<Output> {
    Ok(Output::create(Path::new("-"), &[], &Compression::on_this_thread(None))?)
}

/// Writes a text to stdout.
pub(crate) fn print(text: &[u8]) -> Result<()> {
    let mut stdout = stdout()?;
    stdout.write_text(text)?;
    Ok(stdout.finish()?)
}

/// Returns a table of columns divided by tabs as it is or, if it goes to stdout and this is a terminal,
/// with its columns under each other, numbers right-aligned.
pub(crate) fn table<'a>(text: &'a str, path: &Path) -> Cow<'a, str> {
    match bm_io::is_stdio(path) && std::io::stdout().is_terminal() {
        true => aligned(text).into(),
        false => text.into(),
    }
}

/// Returns a table with its columns padded to their widest cell, two spaces apart. A column whose cells
/// under the first one are numbers is right-aligned.
fn aligned(text: &str) -> String {
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let width = |column| cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let is_number = |column| cells(column).skip(1).all(|cell| cell.parse::<f64>().is_ok());
    let shapes: Vec<_> = (0..columns).map(|column| (width(column), is_number(column))).collect();
    let mut padded = String::new();
    for row in &rows {
        let cells = row.iter().zip(&shapes).map(|(cell, (width, is_number))| match is_number {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        padded += cells.collect::<Vec<_>>().join("  ").trim_end();
        padded.push('\n');
    }
    padded
}

/// Writes lines to stderr. A closed stderr is not an error.
///
/// Control characters, which names of files and reads may contain, are written as escapes.
pub(crate) fn note(lines: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(lines));
}

/// Writes a warning to stderr: one line, even if a name in it contains line ends.
pub(crate) fn warn(line: &str) {
    note(&format!("bm: note: {line}").replace('\n', "\\n"));
}

/// Returns the text with control characters, except line ends and tabs, written as escapes.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let is_control = |character: char| {
        (character.is_control() || is_invisible(character)) && !matches!(character, '\n' | '\t')
    };
    if !text.contains(is_control) {
        return text.into();
    }
    let escaped = |character: char| {
        if is_control(character) {
            character.escape_default().to_string()
        } else {
            character.to_string()
        }
    };
    text.chars().map(escaped).collect()
}

/// Returns whether a character changes how the text around it is shown: marks of direction, which can
/// make one name look like another, characters without width, and line separators.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_right_aligned_under_their_head_and_words_left() {
        let table = "model\tthreshold\tlabel\nread-error\t0.5\tgood\nx\t12.25\tbad ones\n";
        let expected = "model       threshold  label\nread-error        0.5  good\n\
                        x               12.25  bad ones\n";
        assert_eq!(aligned(table), expected);
        assert_eq!(aligned(""), "");
    }

    #[test]
    fn control_characters_are_written_as_escapes() {
        assert_eq!(harmless("2 lines,\none µ"), "2 lines,\none µ");
        assert_eq!(harmless("a\u{202e}qtsaf.b"), "a\\u{202e}qtsaf.b");
        assert_eq!(harmless("a\u{1b}]0;title\u{7}\rb"), "a\\u{1b}]0;title\\u{7}\\rb");
    }
}
