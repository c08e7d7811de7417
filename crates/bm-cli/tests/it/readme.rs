//! The examples of the README show what `bm` prints.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{BM, Scratch, testdata};

/// Returns whether `found` matches `expected`, in which `…` matches any text.
fn is_like(found: &str, expected: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = found.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn only_an_ellipsis_matches_any_text() {
    for (found, expected) in
        [("a b c", "a … c"), ("a", "a"), ("ab", "a…"), ("1 2 3 4", "… 2 … 4"), ("", "…")]
    {
        assert!(is_like(found, expected), "{found:?} {expected:?}");
    }
    for (found, expected) in
        [("a b", "a … c"), ("ab", "a"), ("b", "a…"), ("1 3 4", "… 2 … 4"), ("a", "")]
    {
        assert!(!is_like(found, expected), "{found:?} {expected:?}");
    }
}

/// Needs golden reads that match the model.
#[test]
fn the_examples_print_what_the_readme_shows() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let scratch = Scratch::new();
    symlink(testdata("").trim_end_matches('/'), scratch.folder().join("testdata")).unwrap();
    let programs = Path::new(BM).parent().unwrap().to_str().unwrap();
    let path = format!("{programs}:{}", env::var("PATH").unwrap_or_default());
    let blocks: Vec<_> = readme
        .split("```console\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    for block in &blocks {
        let (line, expected) = block.split_once('\n').unwrap();
        let script = format!("{} 2>&1", line.strip_prefix("$ ").unwrap());
        let mut bash = Command::new("bash");
        bash.args(["-c", &script])
            .current_dir(scratch.folder())
            .env("PATH", &path)
            .env_remove("ORT_DYLIB_PATH")
            .stdin(Stdio::null());
        let found = String::from_utf8(bash.output().unwrap().stdout).unwrap();
        let same = found.lines().count() == expected.lines().count()
            && found
                .lines()
                .zip(expected.lines())
                .all(|(found, expected)| is_like(found, expected));
        assert!(same, "{line}\n--- shown\n{expected}--- found\n{found}");
    }
    assert_eq!(blocks.len(), 21);
}
