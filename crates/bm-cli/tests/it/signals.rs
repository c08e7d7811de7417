//! Runs that are stopped: one line, the exit code, and nothing left behind.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::{
    BM, HISEQ, MEASLES, Scratch, command, command_with_signals, run, shell, testdata, text_of,
};

/// Signals that end a program.
const SIGNALS: [&str; 8] = ["HUP", "INT", "QUIT", "ALRM", "TERM", "USR1", "USR2", "XCPU"];

fn kill(signal: &str, child: &Child) {
    let kill = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

/// Waits until an unfinished output is in the folder.
fn wait_for_partial(folder: &Path) {
    for _ in 0..500 {
        let mut entries = fs::read_dir(folder).unwrap();
        let is_partial = |name: &str| name.starts_with(".bm-") && name.ends_with(".partial");
        if entries.any(|entry| is_partial(entry.unwrap().file_name().to_str().unwrap())) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("no unfinished output after 5 s");
}

/// A run in the middle of its input, which stays open as long as this lives.
struct Running {
    child: Child,
    _input: Box<dyn Write>,
}

/// Starts a command that reads stdin, or the named pipe `pipe` where it needs a path, and gives it some
/// reads.
fn started(scratch: &Scratch, arguments: &[&str]) -> Running {
    let text = text_of(&testdata(MEASLES));
    let is_piped = arguments.contains(&"pipe");
    if is_piped {
        assert!(Command::new("mkfifo").arg(scratch.path("pipe")).status().unwrap().success());
    }
    let mut child = command_with_signals(arguments)
        .current_dir(scratch.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input: Box<dyn Write> = if is_piped {
        Box::new(fs::OpenOptions::new().write(true).open(scratch.path("pipe")).unwrap())
    } else {
        Box::new(child.stdin.take().unwrap())
    };
    // No more than a pipe holds: some commands read all of it, and others a part.
    let text =
        if arguments.contains(&"--reference") { b">chromosome\nACGT\n" } else { &text[..60_000] };
    input.write_all(text).unwrap();
    Running { child, _input: input }
}

#[test]
fn a_stopped_run_says_so_and_leaves_nothing_behind() {
    let commands: [&[&str]; 6] = [
        &["filter", "-", "-q", "-o", "kept.fastq.gz", "--discarded", "rest.zst", "--report", "r"],
        &["score", "-", "-q", "-o", "kept.fastq.gz", "--html", "page"],
        &["score", "-", "-q", "-o", "scores.parquet"],
        &["encode", "-", "-q", "-o", "kept.npy"],
        &["adapt", "pipe", "-q", "-o", "model", "--labels", "labels", "--report", "r"],
        &["truth", "-", "-q", "--reference", "pipe", "-o", "truth.tsv"],
    ];
    for (number, arguments) in commands.into_iter().enumerate() {
        // All signals for one command, some for the others.
        for signal in SIGNALS.iter().skip(number % 3).step_by(if number == 0 { 1 } else { 3 }) {
            let scratch = Scratch::new();
            scratch.file("kept.fastq.gz", b"from before");
            let running = started(&scratch, arguments);
            wait_for_partial(scratch.folder());
            kill(signal, &running.child);
            let output = running.child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(
                said,
                format!("bm: stopped by SIG{signal} before its outputs were complete\n"),
                "{arguments:?}"
            );
            assert_eq!(output.status.code(), Some(130), "{arguments:?}, {signal}");
            let names = scratch.names();
            let expected: &[&str] = &["kept.fastq.gz", "pipe"];
            assert!(names.iter().all(|name| expected.contains(&name.as_str())), "{names:?}");
            assert_eq!(scratch.read("kept.fastq.gz"), b"from before");
        }
    }
}

/// While a run is learned there is no input to wait for: the signal comes between the passes.
#[test]
fn a_run_is_stopped_while_it_learns() {
    let scratch = Scratch::new();
    let input = testdata(HISEQ);
    let mut child =
        command_with_signals(["filter", "--adapt", &input, "-o", &scratch.path("kept")])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("reads seen"), "{line}");
    kill("TERM", &child);
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.ends_with("bm: stopped by SIGTERM before its outputs were complete\n"), "{rest}");
    assert_eq!(scratch.names(), [""; 0]);
}

/// `nohup`, and background jobs of scripts, start programs with signals that are ignored.
#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    for signal in SIGNALS {
        let scratch = Scratch::new();
        let script = format!("trap '' {signal}; exec \"$BM\" filter - -q -t 0 -o kept");
        let mut child = Command::new("bash")
            .args(["-c", &script])
            .env("BM", BM)
            .current_dir(scratch.folder())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for_partial(scratch.folder());
        kill(signal, &child);
        let text = text_of(&testdata(MEASLES));
        child.stdin.take().unwrap().write_all(&text).unwrap();
        assert!(child.wait().unwrap().success(), "{signal}");
        assert!(scratch.read("kept") == text, "{signal}");
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_of_the_output() {
    let input = testdata(HISEQ);
    let scratch = Scratch::new();
    for arguments in [
        "filter '$IN' -q -t 0 -o kept",
        "filter '$IN' -q -t 0 -o kept.gz",
        "filter '$IN' -q -o /dev/null --discarded kept -t 1",
        "score '$IN' -q -o kept.tsv",
        "encode '$IN' -q -o kept.npy",
        "adapt '$IN' -q -o model --labels kept",
    ] {
        let arguments = arguments.replace("$IN", &input);
        let script = format!(
            "cd '{}'; ulimit -c 0; ulimit -f 32; exec \"$BM\" {arguments}",
            scratch.folder().display()
        );
        let message = shell(&script).refused();
        assert!(message.contains("File too large"), "{arguments}: {message}");
        assert_eq!(scratch.names(), [""; 0], "{arguments}");
    }
}

#[test]
fn the_next_run_removes_what_a_killed_one_left() {
    for arguments in [
        ["filter", "-", "-q", "-o", "kept", "--discarded", "rest"].as_slice(),
        &["adapt", "pipe", "-q", "-o", "model"],
    ] {
        let scratch = Scratch::new();
        let mut running = started(&scratch, arguments);
        wait_for_partial(scratch.folder());
        // Another run lives at the same time.
        let mut living = command_with_signals(["filter", "-", "-q", "-t", "0", "-o", "living"])
            .current_dir(scratch.folder())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(300));
        kill("KILL", &running.child);
        running.child.wait().unwrap();
        let partial =
            |names: Vec<String>| names.iter().filter(|name| name.ends_with(".partial")).count();
        assert!(partial(scratch.names()) >= 2, "{:?}", scratch.names());
        let input = testdata(MEASLES);
        run(command(["filter", &input, "-q", "-o", "next"]).current_dir(scratch.folder())).done();
        assert_eq!(partial(scratch.names()), 1, "{:?}", scratch.names());
        living.stdin.take().unwrap().write_all(&text_of(&input)).unwrap();
        assert!(living.wait().unwrap().success());
        assert!(scratch.read("living") == text_of(&input));
        assert_eq!(partial(scratch.names()), 0, "{:?}", scratch.names());
    }
}

/// `strace` makes the time between two names long.
// Needs files of Linux, such as /dev/full.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_between_two_names_changes_nothing() {
    let is_there = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).status();
    if !is_there.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("BM_REQUIRE_STRACE").is_none(), "strace does not work here");
        eprintln!("SKIPPED a_signal_between_two_names_changes_nothing: no strace");
        return;
    }
    let scratch = Scratch::new();
    for name in ["kept", "rest", "report"] {
        scratch.file(name, b"OLD");
    }
    let calls = "rename,renameat,renameat2";
    let mut child = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:delay_exit=700000")])
        .args([BM, "filter", &testdata(MEASLES), "-q", "-o", "kept"])
        .args(["--discarded", "rest", "--report", "report"])
        .current_dir(scratch.folder())
        .spawn()
        .unwrap();
    let is_old = |name: &str| scratch.read(name) == b"OLD";
    for _ in 0..400 {
        if ["kept", "rest", "report"].iter().any(|name| !is_old(name)) {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
    let pid = children.trim().to_owned();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(["kept", "rest", "report"].iter().all(|name| !is_old(name)));
    assert_eq!(scratch.names(), ["kept", "report", "rest"]);
}
