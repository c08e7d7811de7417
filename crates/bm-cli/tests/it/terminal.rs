//! Progress on a terminal, and its absence elsewhere.

use std::process::Command;

use crate::support::{BM, HISEQ, NOVASEQ, bm, shell, testdata};

#[test]
fn without_a_terminal_only_the_summary_is_printed() {
    let run = bm(["filter", &testdata(NOVASEQ), "-o", "/dev/null"]).done();
    assert_eq!(run.stderr.lines().count(), 4, "{}", run.stderr);
    assert!(run.stdout.is_empty());
    let drawn = |c: char| c == '\r' || c == '\u{1b}' || ('\u{2500}'..='\u{28ff}').contains(&c);
    assert!(!run.stderr.contains(drawn), "{:?}", run.stderr);
}

#[test]
fn quiet_prints_nothing() {
    let input = testdata(NOVASEQ);
    for arguments in [
        ["filter", &input, "-o", "/dev/null", "-q"],
        ["score", &input, "-o", "/dev/null", "--quiet"],
        ["encode", &input, "-o", "/dev/null", "-q"],
    ] {
        let run = bm(arguments).done();
        assert_eq!((run.stdout.len(), run.stderr.as_str()), (0, ""));
    }
}

/// Returns whether there is a `script`, which runs its command on a terminal; says which test is skipped
/// without it.
fn has_terminal(test: &str) -> bool {
    let mut script = Command::new("script");
    let works = script.args(["-qec", "true", "/dev/null"]).output();
    let works = works.is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("SKIPPED {test}: no `script` of util-linux");
    }
    works
}

#[test]
fn tables_are_aligned_on_a_terminal_only() {
    let plain = bm(["models"]).done().stdout;
    let plain = String::from_utf8(plain).unwrap();
    assert!(plain.starts_with("model\tversion\t"));
    if !has_terminal("tables_are_aligned_on_a_terminal_only") {
        return;
    }
    let shown = shell(&format!("script -qec \"'{BM}' models\" /dev/null")).done().stdout;
    let shown = String::from_utf8(shown).unwrap().replace("\r\n", "\n");
    assert!(shown.starts_with("model       version  ") && !shown.contains('\t'), "{shown}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&shown), words(&plain));
}

#[test]
fn on_a_terminal_there_is_a_bar_and_quiet_removes_it() {
    if !has_terminal("on_a_terminal_there_is_a_bar_and_quiet_removes_it") {
        return;
    }
    let on_terminal = |options: &str| {
        let input = testdata(HISEQ);
        let run = shell(&format!(
            "TERM=xterm script -qec \"'{BM}' filter '{input}' -o /dev/null {options}\" /dev/null"
        ))
        .done();
        String::from_utf8_lossy(&run.stdout).into_owned()
    };
    let shown = on_terminal("");
    assert!(
        shown.contains(" %  ")
            && shown.contains(" reads, ")
            && shown.contains("/s  ")
            && shown.contains("left"),
        "{shown:?}"
    );
    let summary = shown.rfind("10000 reads in: ").unwrap();
    // The bar is removed before the summary.
    assert!(shown[..summary].ends_with("\u{1b}[2K"), "{shown:?}");
    assert_eq!(on_terminal("-q"), "");
}

#[test]
fn a_closed_stderr_is_no_reason_to_fail() {
    shell(&format!("\"$BM\" filter '{}' -o /dev/null 2>&-", testdata(NOVASEQ))).done();
}
