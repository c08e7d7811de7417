//! What a person sees on stderr.

use std::borrow::Cow;
use std::io::Write;

/// Writes lines to stderr. A closed stderr is no reason to fail.
///
/// Names of files and reads may hold anything; what a terminal would obey is written out.
pub(crate) fn note(lines: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(lines));
}

/// Returns the text with control characters but line ends and tabs written as escapes.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let obeyed = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if !text.contains(obeyed) {
        return text.into();
    }
    let written = |character: char| {
        if obeyed(character) {
            character.escape_default().to_string()
        } else {
            character.to_string()
        }
    };
    text.chars().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(harmless("2 lines,\none µ"), "2 lines,\none µ");
        assert_eq!(harmless("a\u{1b}]0;title\u{7}\rb"), "a\\u{1b}]0;title\\u{7}\\rb");
    }
}
