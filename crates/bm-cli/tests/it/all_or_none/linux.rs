//! Outputs that cannot be written, with files that Linux has, such as /dev/full.

use std::fs;

use crate::support::{
    MEASLES, MEASLES_2, Scratch, bm, command, files, shell, some_reads, testdata,
};

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
