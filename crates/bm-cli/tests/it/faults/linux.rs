//! Faults of files that Linux has, such as /dev/full.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Row, before, check, code, ended, shown};
use crate::broken;
use crate::support::{HISEQ, Scratch, bm, command, command_with_signals, testdata, text_of};

/// Starts `bm` with a pipe for its stdin.
fn started(arguments: &[&str]) -> Child {
    command_with_signals(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn inputs_other_than_regular_files_are_read_or_refused() {
    let scratch = Scratch::new();
    let folder = scratch.path("reads");
    fs::create_dir(&folder).unwrap();
    let said = |message: &str, path: &str, name: &str| {
        code(message.replace(&format!("bm: {path}"), name).trim_end())
    };
    let mut rows = Vec::new();
    let missing = scratch.path("missing.fastq");
    let socket = scratch.path("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    symlink(scratch.path("link"), scratch.folder().join("link")).unwrap();
    let link = scratch.path("link");
    let nobody = scratch.path("missing.fastq/reads.fastq");
    for (given, path, name) in [
        ("a folder", folder.as_str(), "reads"),
        ("a missing file", &missing, "reads.fastq"),
        ("… in a missing folder", &nobody, "missing/reads.fastq"),
        ("a link to itself", &link, "link"),
        ("a socket by its path", &socket, "socket"),
        ("a file that cannot be read (`/proc/self/mem`)", "/proc/self/mem", "/proc/self/mem"),
    ] {
        rows.push(Row::new(given, 1, said(&broken::fails(path), path, name)));
    }
    // Streams are read like files.
    let text = before();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let theirs: std::os::fd::OwnedFd = theirs.into();
    let child = command(["filter", "-", "-o", "-", "-q", "-t", "0"])
        .stdin(theirs)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    ours.write_all(&text).unwrap();
    drop(ours);
    assert!(child.wait_with_output().unwrap().stdout == text);
    rows.push(Row::new("a socket as stdin", 0, "read like a file"));
    let fifo = scratch.path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let child = command(["filter", &fifo, "-o", "-", "-q", "-t", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    fs::write(&fifo, &text).unwrap();
    assert!(child.wait_with_output().unwrap().stdout == text);
    rows.push(Row::new("a named pipe", 0, "read like a file"));
    let message = crate::support::shell("\"$BM\" filter - -o - <&-").refused();
    rows.push(Row::new(
        "a closed stdin (`<&-`)",
        1,
        code(message.trim_start_matches("bm: ").trim_end()),
    ));
    // The writer closes the pipe in the middle of a record.
    let mut child = started(&["filter", "-", "-o", &scratch.path("kept.fastq")]);
    child.stdin.take().unwrap().write_all(&text[..text.len() - 10]).unwrap();
    let message = ended(child.wait_with_output().unwrap()).refused();
    rows.push(Row::new(
        "a pipe that is closed within a record",
        1,
        said(&message, "stdin", "stdin"),
    ));
    assert_eq!(scratch.names(), ["fifo", "link", "reads", "socket"]);
    check("Inputs other than regular files", &rows);
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let mut rows = Vec::new();
    let text = text_of(&testdata(HISEQ));
    {
        let scratch = Scratch::new();
        let reads = scratch.file("reads.fastq", &text);
        let message = bm(["filter", &reads, "-o", &reads]).refused();
        rows.push(Row::new("the output is the input", 1, shown(&message, &scratch)));
        let kept = scratch.path("kept.fastq");
        let message = bm(["filter", &reads, "-o", &kept, "--discarded", &kept]).refused();
        rows.push(Row::new("two outputs have the same name", 1, shown(&message, &scratch)));
        let message = bm(["filter", &reads, "-o", &scratch.path("missing/kept.fastq")]).refused();
        rows.push(Row::new("the folder does not exist", 1, shown(&message, &scratch)));
        fs::create_dir(scratch.path("folder")).unwrap();
        let message = bm(["filter", &reads, "-o", &scratch.path("folder")]).refused();
        rows.push(Row::new("the output is a folder", 1, shown(&message, &scratch)));
        let message = bm(["filter", &reads, "-o", &scratch.path("kept.fastq.bz2")]).refused();
        rows.push(Row::new("a format that `bm` does not write", 1, shown(&message, &scratch)));
        // Refused even for root.
        let message = bm(["filter", &reads, "-o", "/proc/kept.fastq"]).refused();
        rows.push(Row::new(
            "the folder cannot be written to (`/proc`)",
            1,
            shown(&message, &scratch),
        ));
        assert!(scratch.read("reads.fastq") == text);
        assert_eq!(scratch.names(), ["folder", "reads.fastq"]);
        let message = bm(["filter", &reads, "-o", "/dev/full"]).refused();
        rows.push(Row::new("a full device (`/dev/full`)", 1, shown(&message, &scratch)));
        // The output fits into the buffer, so nothing is written before the end.
        let few = scratch.file("few.fastq", &before());
        let message = bm(["filter", &few, "-o", "/dev/full", "-t", "0"]).refused();
        rows.push(Row::new("… at the last flush", 1, shown(&message, &scratch)));
        let message = bm([
            "filter",
            &few,
            "-o",
            &scratch.path("kept.fastq"),
            "--discarded",
            "/dev/full",
            "-t",
            "0.5",
        ])
        .refused();
        rows.push(Row::new("… for the discarded reads", 1, shown(&message, &scratch)));
        assert_eq!(scratch.names(), ["few.fastq", "folder", "reads.fastq"]);
    }
    for (given, remove) in [
        ("the folder is deleted during the run", true),
        ("the unfinished file is deleted during the run", false),
    ] {
        let scratch = Scratch::new();
        let folder = scratch.path("out");
        fs::create_dir(&folder).unwrap();
        let mut child =
            started(&["filter", "-", "-o", &scratch.path("out/kept.fastq"), "-q", "-t", "0"]);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&text).unwrap();
        if remove {
            fs::remove_dir_all(&folder).unwrap();
        } else {
            let part = fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
            fs::remove_file(part.path()).unwrap();
        }
        drop(stdin);
        let message = ended(child.wait_with_output().unwrap()).refused();
        assert!(!Path::new(&scratch.path("out/kept.fastq")).exists());
        rows.push(Row::new(given, 1, shown(&message, &scratch)));
    }
    check("Outputs that cannot be written", &rows);
}

#[test]
fn an_interrupted_run_leaves_no_output() {
    let mut rows = Vec::new();
    let text = text_of(&testdata(HISEQ));
    // The reader of stdout closes it early.
    let mut child = started(&["filter", "-", "-o", "-", "-t", "0"]);
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let writer = std::thread::spawn({
        let text = text.clone();
        // `bm` may end before it reads everything.
        move || drop(stdin.write_all(&text.repeat(3)))
    });
    stdout.read_exact(&mut [0; 1_000]).unwrap();
    drop(stdout);
    let run = ended(child.wait_with_output().unwrap());
    writer.join().unwrap();
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    rows.push(Row::new("the reader of stdout closes it (`| head`)", 0, "says nothing"));
    // Messages cannot be written.
    let scratch = Scratch::new();
    let input = scratch.file("reads.fastq", &before());
    let script = format!("\"$BM\" filter '{input}' -o '{}' 2>&-", scratch.path("kept.fastq"));
    assert_eq!(crate::support::shell(&script).code, Some(0));
    let script =
        format!("\"$BM\" filter '{input}' -o '{}' 2> /dev/full", scratch.path("kept.fastq"));
    assert_eq!(crate::support::shell(&script).code, Some(0));
    rows.push(Row::new(
        "stderr is closed or full",
        0,
        "the outputs are whole, and what would be said is lost",
    ));
    for signal in ["INT", "TERM", "HUP", "USR1", "XCPU", "KILL"] {
        let scratch = Scratch::new();
        let kept = scratch.file("kept.fastq.gz", b"from before");
        let mut child =
            started(&["filter", "-", "-o", &kept, "--discarded", &scratch.path("dropped.zst")]);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&text).unwrap();
        assert!(
            Command::new("kill")
                .args([&format!("-{signal}"), &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        let run = ended(child.wait_with_output().unwrap());
        drop(stdin);
        assert_eq!(run.stdout.len(), 0, "{signal}");
        assert_eq!(scratch.read("kept.fastq.gz"), b"from before", "{signal}");
        let others: Vec<_> =
            scratch.names().into_iter().filter(|name| name != "kept.fastq.gz").collect();
        if signal == "KILL" {
            assert!(
                run.code.is_none()
                    && others
                        .iter()
                        .all(|name| name.starts_with(".bm-") && name.ends_with(".partial"))
            );
            rows.push(Row::new(
                "SIGKILL",
                137,
                "files `.bm-….partial` stay until the next run that writes to the folder; none has its final name",
            ));
        } else {
            assert_eq!((run.code, others), (Some(130), vec![]), "{signal}");
            let said = code(run.stderr.trim_start_matches("bm: ").trim_end());
            rows.push(Row::new(
                &format!("SIG{signal}"),
                130,
                format!("{said}; nothing is left behind"),
            ));
        }
    }
    check("Interrupted runs", &rows);
}

/// A script in a folder with the reads `in.fq`, and what it does.
struct Script {
    given: &'static str,
    script: &'static str,
    /// What is said of a run that ends with 0.
    done: &'static str,
    /// The files that are there then, and how many lines the first one has.
    left: &'static [&'static str],
    lines: usize,
}

/// Runs a script in which `$FILTER` keeps both reads of `in.fq`.
fn scripted(Script { given, script, done, left, lines }: Script) -> Row {
    let scratch = Scratch::new();
    scratch.file("in.fq", &before());
    scratch.file("old.fq", b"old\n");
    let run = crate::support::shell(&format!(
        "cd '{}'; FILTER=\"$BM filter -q -t 0 in.fq\"; {script}",
        scratch.folder().display()
    ));
    let names: Vec<_> = scratch.names().into_iter().filter(|name| name != "in.fq").collect();
    assert_eq!(names, left, "{given}");
    let text = String::from_utf8(scratch.read(left[0])).unwrap();
    assert_eq!(text.lines().count(), lines, "{given}: {text}");
    assert_eq!(scratch.read("in.fq"), before(), "{given}");
    let code = run.code.unwrap();
    if code == 0 {
        return Row::new(given, 0, done);
    }
    let folder = format!("{}/", scratch.folder().display());
    let message = run.refused().replace(&folder, "");
    assert_eq!(done, "", "{given}: {message}");
    Row::new(given, code, self::code(message.trim_start_matches("bm: ").trim_end()))
}

#[test]
fn special_outputs_are_written_or_refused() {
    let old: &[&str] = &["old.fq"];
    let scripts = [
        ("`-o /dev/stdout >> FILE`", "$FILTER -o /dev/stdout >> old.fq", "appended", old, 9),
        ("`-o /dev/fd/3 3>> FILE`", "$FILTER -o /dev/fd/3 3>> old.fq", "appended", old, 9),
        (
            "the open file of another process",
            "exec 3>> old.fq; sleep 9 & p=$!; $FILTER -o /proc/$p/fd/3; c=$?; kill $p; exit $c",
            "appended",
            old,
            9,
        ),
        (
            "two outputs in one open file",
            "$FILTER -o - --discarded /dev/fd/3 >> old.fq 3>&1",
            "",
            old,
            1,
        ),
        (
            "an output, and stdout into the same file",
            "$FILTER -o old.fq --discarded - >> old.fq",
            "",
            old,
            1,
        ),
        ("stdout appended to the input", "$FILTER -o - >> in.fq", "", old, 1),
        ("… that stdin reads", "\"$BM\" filter - -o - < in.fq >> in.fq", "", old, 1),
        ("a closed stdout (`>&-`)", "$FILTER -o - >&-", "", old, 1),
        ("a descriptor that is not open", "$FILTER -o /dev/fd/9", "", old, 1),
        (
            "a link",
            "ln -s old.fq z; $FILTER -o z",
            "the file it leads to is replaced",
            &["old.fq", "z"],
            8,
        ),
        (
            "a link to a file that does not exist",
            "ln -s new.fq z; $FILTER -o z",
            "the file is made",
            &["new.fq", "old.fq", "z"],
            8,
        ),
        (
            "… in a folder that does not exist",
            "ln -s no/x z; $FILTER -o z",
            "",
            &["old.fq", "z"],
            1,
        ),
        ("a link to a folder", "ln -s . z; $FILTER -o z", "", &["old.fq", "z"], 1),
        (
            "a file that others may not read",
            "chmod 600 old.fq; $FILTER -o old.fq && [ $(stat -c %a old.fq) = 600 ]",
            "replaced; its permissions stay",
            old,
            8,
        ),
        ("a read-only file", "chmod 444 old.fq; $FILTER -o old.fq", "", old, 1),
        (
            "a name of 256 bytes",
            "$FILTER -o $(printf 'n%.0s' {1..256}) 2>&1 | sed 's/nn*:/n…:/' >&2; exit ${PIPESTATUS[0]}",
            "",
            old,
            1,
        ),
        ("a name that ends in `.GZ`", "$FILTER -o kept.GZ", "", old, 1),
        ("a name that ends in `.zip`", "$FILTER -o kept.zip", "", old, 1),
        ("a name that ends in `/`", "$FILTER -o kept/", "", old, 1),
    ];
    let rows: Vec<_> = scripts
        .into_iter()
        .map(|(given, script, done, left, lines)| {
            scripted(Script { given, script, done, left, lines })
        })
        .collect();
    check("Special outputs", &rows);
}

#[test]
fn a_run_has_all_its_outputs_or_none() {
    let old: &[&str] = &["old.fq"];
    let full = |flag: &str| format!("$FILTER -o old.fq {flag} /dev/full");
    let mut rows = Vec::new();
    for (given, flag) in [
        ("a report that cannot be written", "--report"),
        ("a page …", "--html"),
        ("counts for MultiQC …", "--multiqc"),
    ] {
        let script = full(flag).leak();
        rows.push(scripted(Script { given, script, done: "", left: old, lines: 1 }));
    }
    for (given, script) in [
        (
            "the reader of a side output closes it",
            "yes \"$(cat in.fq)\" | head -40000 > big; \"$BM\" filter -q -t 1 big -o old.fq --discarded >(head -c 9 > /dev/null) 2>&1 | sed 's|/dev/fd/[0-9]*|/dev/fd/N|' >&2; c=${PIPESTATUS[0]}; rm big; exit $c",
        ),
        (
            "the reader of stdout closes it, and there is another output",
            "yes \"$(cat in.fq)\" | head -40000 > big; \"$BM\" filter -q -t 0 big -o - --discarded old.fq | head -c 9 > /dev/null; c=${PIPESTATUS[0]}; rm big; exit $c",
        ),
        (
            "a limit on the size of files (`ulimit -f`)",
            "yes \"$(cat in.fq)\" | head -40000 > big; (ulimit -f 64; \"$BM\" filter -q -t 0 big -o old.fq); c=$?; rm big; exit $c",
        ),
    ] {
        rows.push(scripted(Script { given, script, done: "", left: old, lines: 1 }));
    }
    check("All outputs or none", &rows);
}
