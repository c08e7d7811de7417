//! All outputs of a run get their names, reports and packages included, or none; two passes read one
//! file.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use crate::faults::{Row, check, code};
use crate::support::{
    MEASLES, MEASLES_2, Scratch, bm, command, files, shell, some_reads, testdata, text_of,
};

// Needs files of Linux, such as /dev/full.
#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_keeps_the_old_outputs() {
    let (one, two) = (testdata(MEASLES), testdata(MEASLES_2));
    for flag in ["--report", "--html", "--multiqc"] {
        let scratch = Scratch::new();
        let paths = ["a", "b", "c", "d"].map(|name| scratch.file(name, b"OLD"));
        let message = bm([
            "filter",
            &one,
            &two,
            "-q",
            "-o",
            &paths[0],
            "-O",
            &paths[1],
            "--singles",
            &paths[2],
            "--discarded",
            &paths[3],
            flag,
            "/dev/full",
        ])
        .refused();
        assert!(message.contains("/dev/full: No space left"), "{message}");
        assert!(["a", "b", "c", "d"].iter().all(|name| scratch.read(name) == b"OLD"), "{flag}");
        let message = bm(["score", &one, "-q", "-o", &paths[0], flag, "/dev/full"]).refused();
        assert!(message.contains("/dev/full: No space left"), "{message}");
        assert_eq!(scratch.names(), ["a", "b", "c", "d"]);
        assert_eq!(scratch.read("a"), b"OLD");
    }
    let scratch = Scratch::new();
    let table = scratch.path("scores");
    bm(["score", &one, "-q", "-o", &table]).done();
    let old = scratch.file("rows", b"OLD");
    bm(["tune", &table, "-q", "-o", &old, "--html", "/dev/full"]).refused();
    assert_eq!(scratch.read("rows"), b"OLD");
}

// Needs files of Linux, such as /dev/full.
#[cfg(target_os = "linux")]
#[test]
fn a_package_is_one_of_the_outputs() {
    let scratch = Scratch::new();
    let reads = some_reads(&scratch, 2_000);
    let model = scratch.path("run.model");
    bm(["adapt", &reads, "-q", "-o", &model]).done();
    let before = files(&model);
    for flag in ["--report", "--html", "--labels"] {
        let other = scratch.file("labels", b"OLD");
        let mut arguments =
            vec!["adapt", &reads, "-q", "-o", &model, "--seed", "7", flag, "/dev/full"];
        if flag != "--labels" {
            arguments.extend(["--labels", &other]);
        }
        let message = crate::support::run(&mut command(&arguments)).refused();
        assert!(message.contains("/dev/full: No space left"), "{message}");
        assert!(files(&model) == before, "{flag}");
        assert_eq!(scratch.read("labels"), b"OLD");
        assert_eq!(scratch.names(), ["labels", "reads.fastq", "run.model"], "{flag}");
    }
    // A package is replaced, and its old files are gone.
    bm(["adapt", &reads, "-q", "-o", &model, "--evidence"]).done();
    assert!(files(&model).contains_key("evidence"));
    bm(["adapt", &reads, "-q", "-o", &model]).done();
    assert!(files(&model) == before);
    // Other outputs cannot be inside it.
    let inside = format!("{model}/report.json");
    let message = bm(["adapt", &reads, "-q", "-o", &model, "--report", &inside]).refused();
    assert!(message.contains("is in ") && message.contains("written as a whole"), "{message}");
    assert!(files(&model) == before);
}

// Needs files of Linux, such as /dev/full.
#[cfg(target_os = "linux")]
#[test]
fn adapt_replaces_packages_alone() {
    let scratch = Scratch::new();
    let reads = some_reads(&scratch, 2_000);
    let model = scratch.path("run.model");
    bm(["adapt", &reads, "-q", "-o", &model]).done();
    let refused = |what: &str| {
        let before = shell(&format!("cd '{model}'; ls -lAR --time-style=full-iso")).stdout;
        let message = bm(["adapt", &reads, "-q", "-o", &model]).refused();
        assert!(message.contains("is a folder with other things in it"), "{what}: {message}");
        let after = shell(&format!("cd '{model}'; ls -lAR --time-style=full-iso")).stdout;
        assert!(before == after, "{what}");
    };
    let path = |name: &str| format!("{model}/{name}");
    fs::write(path("notes.txt"), "mine").unwrap();
    refused("another file");
    fs::remove_file(path("notes.txt")).unwrap();
    fs::write(path("evidence"), "mine").unwrap();
    refused("a file of a package that this one does not list");
    fs::remove_file(path("evidence")).unwrap();
    fs::create_dir(path("evidence")).unwrap();
    refused("a folder with such a name");
    fs::remove_dir(path("evidence")).unwrap();
    let card = fs::read(path("README.md")).unwrap();
    fs::remove_file(path("README.md")).unwrap();
    std::os::unix::fs::symlink(&reads, path("README.md")).unwrap();
    refused("a link");
    fs::remove_file(path("README.md")).unwrap();
    fs::write(path("README.md"), card).unwrap();
    let manifest = fs::read(path("manifest.json")).unwrap();
    fs::write(path("manifest.json"), "{}").unwrap();
    refused("no manifest");
    fs::write(path("manifest.json"), manifest).unwrap();
    bm(["adapt", &reads, "-q", "-o", &model]).done();
    // Only files that a package may have, but no package.
    let other = scratch.path("other");
    fs::create_dir_all(format!("{other}/evidence/photos")).unwrap();
    fs::write(format!("{other}/README.md"), "mine").unwrap();
    let message = bm(["adapt", &reads, "-q", "-o", &other]).refused();
    assert!(message.contains("is a folder with other things in it"), "{message}");
    assert_eq!(fs::read(format!("{other}/README.md")).unwrap(), b"mine");
    fs::remove_dir_all(&other).unwrap();
    fs::create_dir(&other).unwrap();
    bm(["adapt", &reads, "-q", "-o", &other]).done();
    // A folder that cannot be made is refused before the run is read.
    let message = bm(["adapt", "missing.fastq", "-q", "-o", "/proc/run.model"]).refused();
    assert!(message.contains("/proc/run.model: cannot be created"), "{message}");
}

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
