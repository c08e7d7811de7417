//! ARCHITECTURE.md's code map names every source file, and no file that is not there.
//!
//! The map is in a fenced block. A line that is not indented names a folder (`crates/bm-encode/`),
//! the indented ones after it files below that folder; `{a,b}` stands for both, and what follows
//! the first blank is prose.

use std::collections::BTreeSet;

/// Source files that the map leaves out, and files it names that are not there.
pub(super) fn check<'a>(document: &str, sources: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mapped = mapped_files(document);
    // Tests, examples and benches explain themselves by their folder.
    let sources: BTreeSet<_> = sources.filter(|path| path.contains("/src/")).collect();
    if mapped.is_empty() {
        return vec!["ARCHITECTURE.md: has no code map (a fenced block with a folder a line and its files indented below)".into()];
    }
    let missing = sources.iter().filter(|path| !mapped.contains(**path));
    let missing = missing.map(|path| format!("ARCHITECTURE.md: the code map leaves out {path}"));
    let gone =
        mapped.iter().filter(|path| path.contains("/src/") && !sources.contains(path.as_str()));
    missing
        .chain(
            gone.map(|path| {
                format!("ARCHITECTURE.md: the code map names {path}, which is not there")
            }),
        )
        .collect()
}

fn mapped_files(document: &str) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for block in document.split("```").skip(1).step_by(2) {
        let mut folder = "";
        // The rest of the opening line is the block's language.
        for line in block.lines().skip(1) {
            let name = first_word(line);
            if !line.starts_with(char::is_whitespace) {
                folder = if name.ends_with('/') { name } else { "" };
            } else if !folder.is_empty() {
                files.extend(expand(name).iter().map(|name| format!("{folder}{name}")));
            }
        }
    }
    files
}

fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or("")
}

/// `src/{a,b}.rs` is `src/a.rs` and `src/b.rs`.
fn expand(name: &str) -> Vec<String> {
    let parts = name.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?)));
    match parts {
        Some((head, (choices, tail))) => {
            choices.split(',').flat_map(|choice| expand(&format!("{head}{choice}{tail}"))).collect()
        }
        None => vec![name.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "# Architecture\n\n```rust\nfn other() {}\n```\n\n```text\nCargo.toml  virtual\ncrates/a/    reads\n  src/lib.rs  docs\n  src/{b,c}.rs  two\nxtask/\n  src/main.rs\n```\n";
    const SOURCES: [&str; 4] =
        ["crates/a/src/lib.rs", "crates/a/src/b.rs", "crates/a/src/c.rs", "xtask/src/main.rs"];

    #[test]
    fn a_map_of_what_is_there_is_no_finding() {
        let sources = SOURCES.into_iter().chain(["crates/a/tests/it/main.rs"]);
        assert_eq!(check(MAP, sources), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_is_left_out_is_a_finding() {
        let findings = check(MAP, SOURCES.into_iter().chain(["crates/a/src/new.rs"]));
        assert_eq!(findings, ["ARCHITECTURE.md: the code map leaves out crates/a/src/new.rs"]);
    }

    #[test]
    fn a_file_that_is_gone_is_a_finding() {
        let findings = check(MAP, SOURCES.into_iter().skip(1));
        assert_eq!(
            findings,
            ["ARCHITECTURE.md: the code map names crates/a/src/lib.rs, which is not there"]
        );
    }

    #[test]
    fn a_document_without_a_map_is_a_finding() {
        assert_eq!(check("# Architecture\n", SOURCES.into_iter()).len(), 1);
    }
}
