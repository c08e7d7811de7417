//! The code map of ARCHITECTURE.md lists every source file, and no file that does not exist.
//!
//! The map is a fenced block. A line without indentation names a folder (`crates/bm-encode/`), and the
//! indented lines after it name files in that folder. `{a,b}` means both names; text after the first
//! blank is prose.

use std::collections::BTreeSet;

/// Returns the source files that the map leaves out, and the files of the map that do not exist.
pub(super) fn check<'a>(document: &str, sources: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mapped = mapped_files(document);
    // Tests, examples and benches are not in the map.
    let sources: BTreeSet<_> = sources.filter(|path| path.contains("/src/")).collect();
    if mapped.is_empty() {
        return vec!["ARCHITECTURE.md: has no code map (a fenced block with folders, and their files indented below)".into()];
    }
    let missing = sources.iter().filter(|path| !mapped.contains(**path));
    let missing = missing.map(|path| format!("ARCHITECTURE.md: the code map leaves out {path}"));
    let gone =
        mapped.iter().filter(|path| path.contains("/src/") && !sources.contains(path.as_str()));
    missing
        .chain(gone.map(|path| {
            format!("ARCHITECTURE.md: the code map names {path}, which does not exist")
        }))
        .collect()
}

fn mapped_files(document: &str) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for block in document.split("```").skip(1).step_by(2) {
        let mut folder = "";
        // The rest of the opening line is the language of the block.
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
    fn a_complete_map_is_no_finding() {
        let sources = SOURCES.into_iter().chain(["crates/a/tests/it/main.rs"]);
        assert_eq!(check(MAP, sources), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_the_map_leaves_out_is_a_finding() {
        let findings = check(MAP, SOURCES.into_iter().chain(["crates/a/src/new.rs"]));
        assert_eq!(findings, ["ARCHITECTURE.md: the code map leaves out crates/a/src/new.rs"]);
    }

    #[test]
    fn a_file_that_does_not_exist_is_a_finding() {
        let findings = check(MAP, SOURCES.into_iter().skip(1));
        assert_eq!(
            findings,
            ["ARCHITECTURE.md: the code map names crates/a/src/lib.rs, which does not exist"]
        );
    }

    #[test]
    fn a_document_without_a_map_is_a_finding() {
        assert_eq!(check("# Architecture\n", SOURCES.into_iter()).len(), 1);
    }
}
