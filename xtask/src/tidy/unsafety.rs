//! The files that may use `unsafe`. A lint of the workspace denies it, but any module can switch the lint
//! off again.

use super::source::{Source, without_comments_and_strings};

/// Files that may use it, with the reason.
const ALLOWED: [(&str, &str); 8] = [
    (
        "crates/bm-cli/src/at_start.rs",
        "looks at standard streams before the standard library replaces closed ones",
    ),
    (
        "crates/bm-cli/src/memory.rs",
        "ends the program in one line where there is no memory; an allocator cannot be written \
         without it",
    ),
    (
        "crates/bm-cli/src/thread_values.rs",
        "takes the place of a function of the C library that aborts where there is no memory",
    ),
    (
        "crates/bm-encode/tests/no_allocation.rs",
        "counts allocations; an allocator cannot be written without it",
    ),
    (
        "crates/bm-infer/src/runtime_library.rs",
        "sets environment variables before the engine starts",
    ),
    (
        "crates/bm-io/src/system.rs",
        "asks the operating system what no safe function does: whether `close` failed, signals, and on a Mac access control lists and its last start",
    ),
    (
        "crates/bm-kmers/src/memory.rs",
        "asks for memory ahead and returns it, which no safe function does",
    ),
    (
        "crates/bm-reads/tests/no_allocation.rs",
        "counts allocations; an allocator cannot be written without it",
    ),
];

/// Returns the uses of `unsafe`, and of attributes that allow it, outside the list, and the files that
/// are on the list without using it.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut used = Vec::new();
    for source in sources {
        let lines = lines_with_unsafe(&source.text);
        if ALLOWED.iter().any(|(path, _)| *path == source.path) {
            if !lines.is_empty() {
                used.push(source.path.as_str());
            }
            continue;
        }
        let path = &source.path;
        findings.extend(lines.into_iter().map(|line| {
            format!("{path}:{line}: unsafe code outside the list in xtask/src/tidy/unsafety.rs")
        }));
    }
    let idle = ALLOWED.iter().filter(|(path, _)| !used.contains(path));
    findings.extend(idle.map(|(path, reason)| {
        format!("{path}: allowed to use unsafe code ({reason}) and does not; take it off the list")
    }));
    findings
}

/// Returns the lines, from 1, with `unsafe` or the lint `unsafe_code` in the code.
fn lines_with_unsafe(text: &str) -> Vec<usize> {
    let code = without_comments_and_strings(text);
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let has_unsafe = |line: &str| {
        line.split(|character| !is_word(character))
            .any(|word| matches!(word, "unsafe" | "unsafe_code"))
    };
    code.lines()
        .enumerate()
        .filter(|(_, line)| has_unsafe(line))
        .map(|(index, _)| index + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Vec<Source> {
        ALLOWED.iter().map(|(path, _)| Source { path: (*path).into(), text: text.into() }).collect()
    }

    fn findings(path: &str, text: &str) -> Vec<String> {
        let mut sources = listed("unsafe { set() }");
        sources.push(Source { path: path.into(), text: text.into() });
        check(&sources)
    }

    #[test]
    fn unsafe_code_is_found_with_its_line() {
        for code in [
            "unsafe { f() }",
            "unsafe impl Send for A {}",
            "#![allow(unsafe_code)]",
            "let a = '\"'; unsafe {}",
        ] {
            let found = findings("crates/a/src/b.rs", &format!("fn a() {{}}\n{code}\n"));
            assert_eq!(found.len(), 1, "{code}: {found:?}");
            assert!(found[0].starts_with("crates/a/src/b.rs:2:"), "{found:?}");
        }
    }

    #[test]
    fn comments_strings_and_names_are_not_code() {
        let code = r##"
            // unsafe { }
            /* unsafe /* nested */ unsafe */
            let text = "unsafe \" unsafe";
            let raw = r#"unsafe " unsafe"#;
            fn not_unsafe<'a>(unsafely: &'a str) -> char { '\'' }
        "##;
        assert_eq!(findings("crates/a/src/b.rs", code), Vec::<String>::new());
    }

    #[test]
    fn a_file_on_the_list_without_unsafe_is_a_finding() {
        assert_eq!(check(&listed("fn a() {}")).len(), ALLOWED.len());
        assert_eq!(check(&[]).len(), ALLOWED.len());
    }
}
