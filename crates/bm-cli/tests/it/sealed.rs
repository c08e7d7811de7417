//! A run uses no network, starts no program, and writes nothing but its outputs. `strace` records
//! its system calls.

use std::env;
use std::fs;
use std::process::{Command, Stdio};

use crate::support::{BM, HISEQ, Run, Scratch, run, testdata};

/// Every system call that concerns the network or names a file, and `io_uring_setup`, which could
/// bypass them.
const TRACED: &str = "trace=%network,%file,io_uring_setup";

/// A run of `bm` under `strace`.
struct Watched {
    scratch: Scratch,
    run: Run,
    trace: String,
}

impl Watched {
    /// Runs `bm filter` with its outputs, HOME and TMPDIR in one new folder.
    fn filter(arguments: &[&str], library: Option<&str>) -> Self {
        let scratch = Scratch::new();
        let mut command = Command::new("strace");
        command.args([
            "-f",
            "-qq",
            "-s",
            "4096",
            "-e",
            TRACED,
            "-o",
            &scratch.path("trace"),
            BM,
            "filter",
            &testdata(HISEQ),
        ]);
        for (option, name) in [
            ("-o", "kept.fastq.gz"),
            ("--discarded", "rest.fastq"),
            ("--report", "r.json"),
            ("--html", "r.html"),
        ] {
            command.args([option, &scratch.path(name)]);
        }
        command
            .args(arguments)
            .env_remove("BM_THREADS")
            .env_remove("ORT_DYLIB_PATH")
            .stdin(Stdio::null());
        for (variable, name) in [("HOME", "home"), ("TMPDIR", "tmp")] {
            fs::create_dir(scratch.folder().join(name)).unwrap();
            command.env(variable, scratch.path(name));
        }
        if let Some(library) = library {
            command.env("ORT_DYLIB_PATH", library);
        }
        let run = run(&mut command);
        let trace = fs::read_to_string(scratch.path("trace")).unwrap();
        Self { scratch, run, trace }
    }

    #[track_caller]
    fn wrote_its_outputs_alone(self) {
        self.run.done();
        assert!(self.trace.contains("kept.fastq.gz"), "strace saw nothing:\n{}", self.trace);
        let faults = faults(&self.trace, self.scratch.folder().to_str().unwrap());
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        let names = ["home", "kept.fastq.gz", "r.html", "r.json", "rest.fastq", "tmp", "trace"];
        assert_eq!(self.scratch.names(), names);
        for folder in ["home", "tmp"] {
            assert_eq!(
                fs::read_dir(self.scratch.path(folder)).unwrap().count(),
                0,
                "something is left in {folder}"
            );
        }
    }
}

/// Returns the calls of a trace that are neither read-only nor changes below `folder`.
fn faults<'a>(trace: &'a str, folder: &str) -> Vec<&'a str> {
    let is_harmless = |line: &&str| {
        // `PID name(arguments) = result`; an interrupted call has two lines, the first with the
        // arguments.
        let call =
            line.trim_start_matches(|character: char| character.is_ascii_digit()).trim_start();
        let Some((name, arguments)) = call.split_once('(') else { return true };
        let paths = || arguments.split('"').skip(1).step_by(2);
        let is_below = || {
            paths().count() > 0
                && paths().all(|path| path.starts_with(folder) && !path.contains(".."))
        };
        match name {
            "access" | "faccessat" | "faccessat2" | "getcwd" | "lstat" | "newfstatat"
            | "readlink" | "readlinkat" | "stat" | "statfs" | "statx" => true,
            "execve" => paths().next() == Some(BM),
            "open" | "openat"
                if arguments.contains("O_RDONLY") && !arguments.contains("O_CREAT") =>
            {
                true
            }
            "open" | "openat" | "rename" | "renameat" | "renameat2" | "unlink" | "unlinkat" => {
                is_below()
            }
            _ => false,
        }
    };
    trace.lines().filter(|line| !line.contains(" resumed>") && !is_harmless(line)).collect()
}

/// Returns whether `strace` works here.
fn can_watch(test: &str) -> bool {
    let watched = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .stdin(Stdio::null())
        .output();
    let can = watched.is_ok_and(|output| output.status.success());
    if !can {
        assert!(
            env::var_os("BM_REQUIRE_STRACE").is_none(),
            "BM_REQUIRE_STRACE is set, and strace is missing or not permitted"
        );
        eprintln!("SKIPPED {test}: strace is missing or not permitted");
    }
    can
}

#[test]
fn filtering_uses_no_network_and_writes_only_its_outputs() {
    if !can_watch("filtering_uses_no_network_and_writes_only_its_outputs") {
        return;
    }
    Watched::filter(&[], None).wrote_its_outputs_alone();
    Watched::filter(&["--adapt"], None).wrote_its_outputs_alone();
}

#[cfg(all(feature = "onnxruntime", feature = "coreml"))]
#[test]
fn onnx_runtime_uses_no_network_and_writes_nothing() {
    let test = "onnx_runtime_uses_no_network_and_writes_nothing";
    let Some(library) = crate::engines::library(test) else { return };
    if can_watch(test) {
        let watched = Watched::filter(&["--backend", "onnxruntime"], Some(&library));
        assert!(watched.run.stderr.contains("engine ONNX Runtime"), "{}", watched.run.stderr);
        watched.wrote_its_outputs_alone();
    }
}

#[test]
fn forbidden_calls_are_detected() {
    let harmless = [
        r#"7 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3"#,
        r#"7 openat(AT_FDCWD, "/s/.bm-a.partial", O_RDWR|O_CREAT|O_EXCL, 0666 <unfinished ...>"#,
        r#"8 <... openat resumed>) = 3"#,
        r#"7 renameat(AT_FDCWD, "/s/.bm-a.partial", AT_FDCWD, "/s/out") = 0"#,
        r#"7 statx(AT_FDCWD, "/home/x", AT_STATX_SYNC_AS_STAT, STATX_ALL, 0x7) = 0"#,
        "7 +++ exited with 0 +++",
        "--- SIGCHLD {si_signo=SIGCHLD} ---",
    ];
    assert_eq!(faults(&harmless.join("\n"), "/s/"), [""; 0]);
    let harmful = [
        "7 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3",
        r#"7 connect(3, {sa_family=AF_UNIX, sun_path="/s/socket"}, 110) = -1 ENOENT"#,
        r#"7 openat(AT_FDCWD, "/home/x/.cache", O_WRONLY|O_CREAT, 0666) = -1 EACCES (Permission denied)"#,
        r#"7 openat(AT_FDCWD, "/s/../x", O_RDWR) = 3"#,
        r#"7 openat(AT_FDCWD, "relative", O_RDWR) = 3"#,
        r#"7 mkdir("/home/x/.cache", 0777) = 0"#,
        r#"7 renameat(AT_FDCWD, "/s/out", AT_FDCWD, "/home/x/out") = 0"#,
        r#"7 execve("/usr/bin/curl", ["curl"], 0x7 /* 3 vars */) = 0"#,
        "7 io_uring_setup(8, 0x7) = 3",
    ];
    for call in harmful {
        assert_eq!(faults(call, "/s/"), [call]);
    }
}
