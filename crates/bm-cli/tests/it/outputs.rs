//! Destinations of outputs, and refusals before anything is overwritten.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::support::{
    HISEQ, NOVASEQ, Scratch, bm, command, gzip, plain, records, run, shell, testdata, text_of,
};

const READS: &[u8] = b"@r1\nACGT\n+\nIIII\n@r2\nNNNN\n+\nIIII\n";

#[test]
fn the_input_is_never_overwritten() {
    let scratch = Scratch::new();
    let input = scratch.file("reads.fastq", READS);
    symlink(&input, scratch.folder().join("link.fastq")).unwrap();
    fs::create_dir(scratch.folder().join("sub")).unwrap();
    let spellings = [
        input.clone(),
        scratch.path("link.fastq"),
        scratch.path("sub/../reads.fastq"),
        scratch.path("./reads.fastq"),
    ];
    let other = scratch.path("other");
    for name in &spellings {
        for arguments in [
            vec!["filter", &input, "-o", name],
            vec!["filter", name, "-o", &input],
            vec!["filter", &input, "-o", &other, "--discarded", name],
            vec!["filter", &input, "-o", &other, "--report", name],
            vec!["score", &input, "-o", name],
            vec!["score", &input, "-o", &other, "--report", name],
            vec!["encode", &input, "-o", name],
        ] {
            let message = run(&mut command(&arguments)).refused();
            assert!(message.contains("is an input too"), "{message}");
        }
    }
    // A relative path.
    let message =
        run(command(["filter", "reads.fastq", "-o", &input]).current_dir(scratch.folder()))
            .refused();
    assert!(message.contains("is an input too"), "{message}");
    assert_eq!(scratch.read("reads.fastq"), READS);
    assert_eq!(scratch.names(), ["link.fastq", "reads.fastq", "sub"]);
}

#[test]
fn a_file_read_through_a_pipe_may_be_replaced() {
    let scratch = Scratch::new();
    let file = scratch.file("reads.fastq", READS);
    shell(&format!("\"$BM\" filter - -o '{file}' -q -t 0 < '{file}'")).done();
    assert_eq!(scratch.read("reads.fastq"), &READS[..16]);
}

#[test]
fn two_outputs_must_be_two_files() {
    let input = testdata("broken/crlf.fastq");
    let scratch = Scratch::new();
    fs::create_dir(scratch.folder().join("sub")).unwrap();
    let (name, same) = (scratch.path("out"), scratch.path("sub/../out"));
    for arguments in [
        vec!["filter", &input, "-o", &name, "--discarded", &name],
        vec!["filter", &input, "-o", &name, "--discarded", &same],
        vec!["filter", &input, "-o", &name, "--report", &same],
        vec!["filter", &input, "-o", "/dev/null", "--discarded", &name, "--report", &same],
        vec!["filter", &input, "-o", "-", "--discarded", "-"],
        vec!["score", &input, "-o", &name, "--report", &same],
        vec!["score", &input, "--report", "-"],
    ] {
        let message = run(&mut command(&arguments)).refused();
        assert!(message.contains("is named for two outputs"), "{message}");
    }
    // Also if the file exists already, under another name.
    scratch.file("out", b"old");
    symlink(&name, scratch.folder().join("link")).unwrap();
    let message =
        bm(["filter", &input, "-o", &name, "--discarded", &scratch.path("link")]).refused();
    assert!(message.contains("is named for two outputs"), "{message}");
    assert_eq!(scratch.read("out"), b"old");
}

#[test]
fn an_output_through_a_link_keeps_the_link() {
    let scratch = Scratch::new();
    let target = scratch.file("target.fastq", b"old");
    symlink(&target, scratch.folder().join("link.fastq")).unwrap();
    bm([
        "filter",
        &scratch.file("reads.fastq", READS),
        "-o",
        &scratch.path("link.fastq"),
        "-q",
        "-t",
        "0",
    ])
    .done();
    assert!(fs::symlink_metadata(scratch.path("link.fastq")).unwrap().is_symlink());
    assert_eq!(scratch.read("target.fastq"), &READS[..16]);
}

#[test]
fn a_new_output_has_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let input = scratch.file("reads.fastq", READS);
    bm(["filter", &input, "-o", &scratch.path("kept.fastq"), "-q"]).done();
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&scratch.path("kept.fastq")), mode(&input));
}

#[test]
fn unwritable_destinations_are_refused() {
    let input = testdata("broken/crlf.fastq");
    let scratch = Scratch::new();
    let message = bm(["filter", &input, "-o", &scratch.path("")]).refused();
    assert!(message.contains("is a folder, expected a file name"), "{message}");
    let (missing, kept) = (scratch.path("missing/kept.fastq"), scratch.path("kept.fastq"));
    for arguments in [
        vec!["filter", &input, "-o", &missing],
        vec!["filter", &input, "-o", &kept, "--discarded", &missing],
        vec!["filter", &input, "-o", &kept, "--report", &missing],
        vec!["score", &input, "-o", &missing],
        vec!["encode", &input, "-o", &missing],
    ] {
        let message = run(&mut command(&arguments)).refused();
        let expected = format!(
            "bm: {missing}: cannot be created, there is no folder {}\n",
            scratch.path("missing")
        );
        assert_eq!(message, expected);
        assert_eq!(scratch.names(), [""; 0], "{arguments:?}");
    }
    for name in ["kept.fastq.bz2", "kept.fastq.xz", "kept.sam", "kept.cram"] {
        let message = bm(["filter", &input, "-o", &scratch.path(name)]).refused();
        assert!(message.contains("is not written; end the name in .gz"), "{message}");
        assert_eq!(scratch.names(), [""; 0]);
    }
}

// Needs files of Linux, such as /dev/full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let scratch = Scratch::new();
    symlink("/dev/full", scratch.folder().join("full.fastq.gz")).unwrap();
    symlink("/dev/full", scratch.folder().join("full.fastq.zst")).unwrap();
    let (input, full, full_zstd) =
        (testdata(NOVASEQ), scratch.path("full.fastq.gz"), scratch.path("full.fastq.zst"));
    for arguments in [
        vec!["filter", &input, "-q", "-o", "/dev/full"],
        vec!["filter", &input, "-q", "-o", &full],
        vec!["filter", &input, "-q", "-o", &full_zstd],
        vec!["filter", &input, "-q", "-o", "/dev/null", "--discarded", &full],
        vec!["filter", &input, "-q", "-o", "/dev/null", "--report", "/dev/full"],
        vec!["score", &input, "-q", "-o", "/dev/full"],
        vec!["encode", &input, "-q", "-o", "/dev/full"],
    ] {
        let message = run(&mut command(&arguments)).refused();
        assert!(
            message.contains("full") && message.contains("No space left on device"),
            "{message}"
        );
    }
    for arguments in [
        "filter -o -",
        "score",
        "encode -o -",
        "embed -o -",
        "models",
        "selfcheck --backend embedded",
    ] {
        let input = if arguments.contains("models") || arguments.contains("selfcheck") {
            ""
        } else {
            &input
        };
        let message = shell(&format!("\"$BM\" {arguments} {input} > /dev/full")).refused();
        assert!(message.contains("stdout: No space left on device"), "{arguments}: {message}");
    }
}

#[test]
fn outputs_may_be_discarded_to_dev_null() {
    let run =
        bm(["filter", &testdata(NOVASEQ), "-o", "/dev/null", "--discarded", "/dev/null"]).done();
    assert!(run.stderr.starts_with("800 reads in: "), "{}", run.stderr);
    let null = fs::metadata("/dev/null").unwrap();
    assert!(!null.is_file(), "/dev/null was replaced by a file");
}

#[test]
fn an_output_can_be_a_named_pipe() {
    let scratch = Scratch::new();
    let fifo = scratch.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let input = testdata(NOVASEQ);
    let mut child = command(["filter", &input, "-o", &fifo, "-q", "-t", "0"]).spawn().unwrap();
    let mut content = Vec::new();
    fs::File::open(&fifo).unwrap().read_to_end(&mut content).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(content == text_of(&input));
    assert_eq!(scratch.names(), ["fifo"]);
}

#[test]
fn an_input_can_be_a_named_pipe() {
    let scratch = Scratch::new();
    let fifo = scratch.path("fifo.gz");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let child = command(["filter", &fifo, "-o", "-", "-q", "-t", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    fs::write(&fifo, gzip(READS)).unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, &READS[..16]);
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_error() {
    // The output is larger than the buffers of the pipe and of the program.
    let input = testdata(HISEQ);
    for arguments in
        [["filter", &input, "-o", "-", "-t", "0"], ["score", &input, "-o", "-", "-t", "0"]]
    {
        let mut child =
            command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert!(
            !line.is_empty() && output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(0));
    }
    let run = shell(&format!("set -o pipefail; \"$BM\" filter '{input}' -o - | head -1")).done();
    assert_eq!((run.text().lines().count(), run.stderr.as_str()), (1, ""));
}

#[test]
fn stdout_and_a_file_can_be_written_together() {
    let scratch = Scratch::new();
    let input = testdata(NOVASEQ);
    let run =
        bm(["filter", &input, "-o", "-", "--discarded", &scratch.path("dropped.fastq.gz")]).done();
    let dropped = plain(scratch.read("dropped.fastq.gz"));
    assert_eq!(records(&run.stdout).len() + records(&dropped).len(), 800);
}
