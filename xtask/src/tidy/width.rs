//! The width of lines of Rust, in tests and examples too.
//!
//! rustfmt wraps code at 100 columns, but not a statement that holds a long string. A line is long if it
//! has more than [`MOST_COLUMNS`] columns. A long line is a finding unless a quarter of the limit is
//! string, or the line is a comment with a URL or a row of a table. Of all lines of a crate, at most
//! [`MOST_PER_1000`] in 1,000 may be long for any reason.

use std::collections::BTreeMap;

use super::source::{Source, without_comments_and_strings};

const MOST_COLUMNS: usize = 110;
const MOST_PER_1000: usize = 5;

/// Crates whose long lines are known and not reported yet. An entry that has become needless is
/// reported.
const NOT_YET: [&str; 0] = [];

/// Returns the lines that could be wrapped and are not, and the crates with too many long lines.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    check_except(sources, &NOT_YET)
}

fn check_except(sources: &[Source], not_yet: &[&str]) -> Vec<String> {
    let mut crates: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        crates.entry(folder(&source.path)).or_default().push(source);
    }
    let mut findings = Vec::new();
    for (folder, sources) in crates {
        let found = crate_findings(folder, &sources);
        if !not_yet.contains(&folder) {
            findings.extend(found);
        } else if found.is_empty() {
            findings.push(format!(
                "{folder}: has no line that is too long; take it off NOT_YET in xtask/src/tidy/width.rs"
            ));
        }
    }
    findings
}

/// The folder of the crate that a file belongs to.
fn folder(path: &str) -> &str {
    let parts = if path.starts_with("crates/") { 2 } else { 1 };
    path.match_indices('/').nth(parts - 1).map_or(path, |(at, _)| &path[..at])
}

fn crate_findings(folder: &str, sources: &[&Source]) -> Vec<String> {
    let (mut findings, mut lines, mut long) = (Vec::new(), 0, 0);
    for source in sources {
        let code = without_comments_and_strings(&source.text);
        for (number, (line, code)) in source.text.lines().zip(code.lines()).enumerate() {
            lines += 1;
            let columns = line.chars().count();
            if columns > MOST_COLUMNS {
                long += 1;
                if can_be_wrapped(line, code) {
                    findings.push(format!(
                        "{}:{}: {columns} columns, at most {MOST_COLUMNS}",
                        source.path,
                        number + 1
                    ));
                }
            }
        }
    }
    if long * 1000 > MOST_PER_1000 * lines {
        findings.push(format!(
            "{folder}: {long} of {lines} lines have more than {MOST_COLUMNS} columns, at most {:.1} % may",
            MOST_PER_1000 as f64 / 10.0
        ));
    }
    findings
}

/// Whether nothing in a line keeps it from being wrapped. In `code`, comments and strings are blanks.
fn can_be_wrapped(line: &str, code: &str) -> bool {
    let text = line.trim_start();
    if let Some(comment) = text.strip_prefix("//") {
        let comment = comment.trim_start_matches(['/', '!']).trim_start();
        return !comment.contains("://") && !comment.starts_with('|');
    }
    // The length of the line without strings, which is 0 for a line inside a string.
    let left = code.split_whitespace().map(|word| word.chars().count() + 1).sum::<usize>();
    let strings = text.chars().count().saturating_sub(left);
    strings < MOST_COLUMNS / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: String) -> Source {
        Source { path: "crates/x/src/lib.rs".into(), text }
    }

    /// A file of enough lines that one long line is few, and `line`.
    fn findings(line: &str) -> Vec<String> {
        check_except(&[source(format!("{}{line}\n", "fn f() {}\n".repeat(400)))], &[])
    }

    #[test]
    fn long_code_and_comments_are_found_with_their_line() {
        let code = format!("let a = {}0;", "1 + ".repeat(30));
        let comment = format!("/// {}", "word ".repeat(30));
        for line in [code, comment] {
            let columns = line.chars().count();
            let expected = format!("crates/x/src/lib.rs:401: {columns} columns, at most 110");
            assert_eq!(findings(&line), [expected]);
        }
    }

    #[test]
    fn strings_addresses_tables_and_110_columns_pass() {
        let words = "word ".repeat(30);
        for line in [
            format!("let a = \"{words}\";"),
            format!("// https://example.org/{}", "x".repeat(100)),
            format!("//! | {words} |"),
            "é".repeat(110),
        ] {
            assert_eq!(findings(&line), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn too_many_long_lines_are_found_whatever_makes_them_long() {
        let line = format!("f(\"{}\");\n", "word ".repeat(30));
        let of = |long: usize| {
            let short = "fn f() {}\n".repeat(1000 - long);
            check_except(&[source(format!("{}{short}", line.repeat(long)))], &[])
        };
        assert_eq!(of(5), Vec::<String>::new());
        assert_eq!(
            of(6),
            ["crates/x: 6 of 1000 lines have more than 110 columns, at most 0.5 % may"]
        );
    }
}
