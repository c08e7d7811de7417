//! All outputs of a run get their names, reports and packages included, or none; two passes read one
//! file.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use crate::faults::{Row, check, code};
use crate::support::{MEASLES, Scratch, bm, command, shell, some_reads, testdata, text_of};

#[cfg(target_os = "linux")]
mod linux;

#[test]
fn what_comes_into_a_package_during_the_run_is_not_deleted() {
    let scratch = Scratch::new();
    let reads = some_reads(&scratch, 2_000);
    let model = scratch.path("run.model");
    bm(["adapt", &reads, "-q", "-o", &model]).done();
    let pipe = scratch.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let child =
        command(["adapt", &pipe, "-q", "-o", &model]).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    fs::write(format!("{model}/notes.txt"), "mine").unwrap();
    input.write_all(&fs::read(&reads).unwrap()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("its content has changed since the run began"), "{message}");
    assert_eq!(fs::read(format!("{model}/notes.txt")).unwrap(), b"mine");
    assert_eq!(scratch.names(), ["pipe", "reads.fastq", "run.model"]);
}

/// Changes the input after it was learned; returns what `bm` says.
fn changed_between_passes(change: impl FnOnce(&Scratch, &str)) -> String {
    let scratch = Scratch::new();
    let text = text_of(&testdata(MEASLES));
    let reads = scratch.file("reads.fastq", &text.repeat(3));
    let mut child = command(["filter", "--adapt", "reads.fastq", "-o", "kept"])
        .current_dir(scratch.folder())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("reads seen"), "{line}");
    change(&scratch, &reads);
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{rest}");
    assert!(!scratch.names().iter().any(|name| name == "kept"), "{:?}", scratch.names());
    rest
}

#[test]
fn an_input_that_changes_between_two_passes_ends_the_run() {
    let append = |_: &Scratch, reads: &str| {
        let mut file = fs::OpenOptions::new().append(true).open(reads).unwrap();
        file.write_all(b"@late\nACGT\n+\nIIII\n").unwrap();
    };
    let mut rows = Vec::new();
    let mut add = |given, said: &str| {
        let line = said.lines().last().unwrap();
        rows.push(Row::new(given, 1, code(line.strip_prefix("bm: ").unwrap())));
    };
    let said = changed_between_passes(append);
    assert!(said.contains("reads.fastq: changed while it was read twice: it had "), "{said}");
    add("reads are appended to the file", &said);
    let replace = |scratch: &Scratch, reads: &str| {
        let other = scratch.file("other", &fs::read(reads).unwrap());
        fs::rename(other, reads).unwrap();
    };
    let said = changed_between_passes(replace);
    assert!(said.contains("it is another file now"), "{said}");
    add("another file gets its name", &said);
    // Of the same size, and with the old modification time.
    let rewrite = |_: &Scratch, reads: &str| {
        let script = format!(
            "touch -r '{reads}' '{reads}.time'; printf A | dd of='{reads}' conv=notrunc status=none; \
             touch -r '{reads}.time' '{reads}'"
        );
        shell(&script).done();
    };
    let said = changed_between_passes(rewrite);
    assert!(said.contains("it was written or changed"), "{said}");
    add("a byte is changed, and the modification time set back", &said);
    check("Files that are read twice", &rows);
}

#[test]
fn no_sync_writes_the_same_files() {
    let scratch = Scratch::new();
    let input = testdata(MEASLES);
    for (name, flags) in [("synced", ""), ("not", "--no-sync")] {
        let script = format!(
            "cd '{}'; \"$BM\" filter -q '{input}' -o {name}.gz --discarded {name}.rest {flags}",
            scratch.folder().display()
        );
        shell(&script).done();
    }
    assert!(scratch.read("synced.gz") == scratch.read("not.gz"));
    assert!(scratch.read("synced.rest") == scratch.read("not.rest"));
}
