//! Where `unsafe` may stand. The workspace's lint denies it, but any module can switch the lint off
//! again.

use super::Source;

/// Files that may hold it, with the reason.
const ALLOWED: [(&str, &str); 3] = [
    (
        "crates/bm-encode/tests/no_allocation.rs",
        "counts allocations; an allocator cannot be written without",
    ),
    (
        "crates/bm-kmers/src/memory.rs",
        "asks for memory ahead and gives it back, which no safe function does",
    ),
    (
        "crates/bm-infer/src/runtime_library.rs",
        "sets environment variables before the engine starts",
    ),
];

/// Uses of `unsafe`, and of attributes that let it through, outside the list; and files that are on
/// the list for nothing.
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

/// The lines, counted from 1, on which the code says `unsafe` or names the lint `unsafe_code`.
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

/// The code alone: comments and the insides of strings become blanks, line ends stay.
fn without_comments_and_strings(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = skipped_until(&bytes[at..]).map_or(at, |length| at + length);
        if end == at {
            code.push(bytes[at]);
            at += 1;
        } else {
            code.extend(
                bytes[at..end].iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }),
            );
            at = end;
        }
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// The length of the comment, string or character that `rest` starts with, if it starts with one.
fn skipped_until(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'/', b'/', ..] => Some(rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(block_comment(rest)),
        [b'"', ..] => Some(1 + quoted(&rest[1..], b'"')),
        [b'r', b'"' | b'#', ..] => raw_string(rest),
        // A character, and not the start of a lifetime.
        [b'\'', b'\\', ..] => Some(1 + quoted(&rest[1..], b'\'')),
        [b'\'', _, b'\'', ..] => Some(3),
        _ => None,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length up to and with the closing `quote`.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    // `r#name` is an identifier.
    (rest.get(1 + hashes) == Some(&b'"')).then_some(())?;
    let close: Vec<u8> = [b'"'].into_iter().chain(std::iter::repeat_n(b'#', hashes)).collect();
    let start = 2 + hashes;
    let length = rest[start..].windows(close.len()).position(|window| window == close);
    Some(length.map_or(rest.len(), |length| start + length + close.len()))
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
    fn a_file_on_the_list_for_nothing_is_a_finding() {
        assert_eq!(check(&listed("fn a() {}")).len(), ALLOWED.len());
        assert_eq!(check(&[]).len(), ALLOWED.len());
    }
}
