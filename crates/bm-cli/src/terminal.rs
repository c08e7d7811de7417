//! Texts on stdout, and lines on stderr.

use std::borrow::Cow;
use std::io::Write;
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
    fn control_characters_are_written_as_escapes() {
        assert_eq!(harmless("2 lines,\none µ"), "2 lines,\none µ");
        assert_eq!(harmless("a\u{202e}qtsaf.b"), "a\\u{202e}qtsaf.b");
        assert_eq!(harmless("a\u{1b}]0;title\u{7}\rb"), "a\\u{1b}]0;title\\u{7}\\rb");
    }
}
