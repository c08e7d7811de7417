//! Outputs that are streams, links, or files that cannot be replaced: written to as they are, or
//! refused before the work.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use crate::support::{BM, MEASLES, NOVASEQ, Scratch, bm, command, run, shell, testdata, text_of};

const READS: &[u8] = b"@r1\nACGT\n+\nIIII\n@r2\nNNNN\n+\nIIII\n";
/// The first record.
const KEPT: &str = "@r1\nACGT\n+\nIIII\n";

/// Runs a script in a folder with the file `in.fq`; `$FILTER` keeps what can be scored.
fn in_folder(scratch: &Scratch, script: &str) -> crate::support::Run {
    scratch.file("in.fq", READS);
    shell(&format!(
        "cd '{}'; FILTER='{BM} filter -q -t 0 in.fq'; {script}",
        scratch.folder().display()
    ))
}

#[test]
fn an_open_file_is_written_to_as_it_is() {
    for (output, redirection) in [
        ("-", ""),
        ("/dev/stdout", ""),
        ("/dev/fd/1", ""),
        ("/proc/self/fd/1", ""),
        ("link", ""),
        ("/dev/stderr", "2>&1 >&-"),
        ("/dev/fd/3", "3>&1 >&-"),
        ("/proc/self/fd/3", "3>&1 >&-"),
        ("/proc/thread-self/fd/3", "3>&1 >&-"),
    ] {
        let scratch = Scratch::new();
        symlink("/dev/stdout", scratch.folder().join("link")).unwrap();
        scratch.file("all", b"before\n");
        // Appended to what was there; two runs into one redirection.
        let script = format!(
            "(for i in 1 2; do $FILTER -o {output} {redirection} || exit; done; echo after) >> all"
        );
        in_folder(&scratch, &script).done();
        let text = String::from_utf8(scratch.read("all")).unwrap();
        assert_eq!(text, format!("before\n{KEPT}{KEPT}after\n"), "{output}");
        // Written after what the shell wrote, and before what it writes then.
        let script =
            format!("(echo before; $FILTER -o {output} {redirection} || exit; echo after) > all");
        in_folder(&scratch, &script).done();
        let text = String::from_utf8(scratch.read("all")).unwrap();
        assert_eq!(text, format!("before\n{KEPT}after\n"), "{output}");
        assert_eq!(scratch.names(), ["all", "in.fq", "link"], "{output}");
    }
}

#[test]
fn a_table_is_appended_to_an_open_file_too() {
    let scratch = Scratch::new();
    let script = format!("for i in 1 2; do {BM} score -q in.fq -o /dev/stdout; done >> all");
    in_folder(&scratch, &script).done();
    let text = String::from_utf8(scratch.read("all")).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("read\t")).count(), 2, "{text}");
}

#[test]
fn the_open_file_of_another_process_is_not_replaced() {
    let scratch = Scratch::new();
    scratch.file("theirs", b"before\n");
    let script = "exec 3>> theirs; sleep 10 & p=$!; $FILTER -o /proc/$p/fd/3; kill $p";
    in_folder(&scratch, script).done();
    assert_eq!(String::from_utf8(scratch.read("theirs")).unwrap(), format!("before\n{KEPT}"));
}

#[test]
fn two_outputs_in_one_open_file_are_refused() {
    for script in [
        "$FILTER -o - --discarded /dev/stdout > all",
        "$FILTER -o - --discarded /dev/stderr > all 2>&1",
        "$FILTER -o /dev/fd/3 --discarded /dev/fd/4 3> all 4>&3",
        "$FILTER -o all --discarded /dev/stdout > all",
        "$FILTER -o - --report all > all",
        "$FILTER -o pipe --discarded pipe",
        "mkfifo pipe; $FILTER -o pipe --discarded ./pipe",
        "$FILTER -o - --discarded /dev/stdout | cat",
        "$FILTER -o dangling --discarded new",
    ] {
        let scratch = Scratch::new();
        symlink("new", scratch.folder().join("dangling")).unwrap();
        // stderr may be in the file.
        let run = in_folder(&scratch, &format!("set -o pipefail; {script}"));
        let said = run.stderr.clone()
            + &fs::read_to_string(scratch.path("all")).unwrap_or_default()
            + run.text();
        assert_eq!(run.code, Some(1), "{script}: {said}");
        assert!(said.contains("is named for two outputs"), "{script}: {said}");
        assert!(!said.contains("@r1"), "{script}: {said}");
    }
    // Devices take any number of outputs.
    let scratch = Scratch::new();
    in_folder(&scratch, "$FILTER -o - --discarded /dev/null > /dev/null").done();
}

#[test]
fn an_output_in_the_open_file_of_an_input_is_refused() {
    for script in [
        "$FILTER -o - >> in.fq",
        "$FILTER -o /dev/stdout >> in.fq",
        "$FILTER -o kept --discarded /dev/fd/3 3>> in.fq",
        "$FILTER -o - 1<> in.fq",
        "\"$BM\" filter -q - -o - < in.fq >> in.fq",
        "\"$BM\" score -q in.fq >> in.fq",
        "\"$BM\" encode -q in.fq -o - >> in.fq",
        "\"$BM\" truth -q --mates in.fq in.fq >> in.fq",
        "\"$BM\" adapt -q in.fq -o model --labels - >> in.fq",
    ] {
        let scratch = Scratch::new();
        let message = in_folder(&scratch, script).refused();
        assert!(message.contains("is an input too"), "{script}: {message}");
        assert_eq!(scratch.read("in.fq"), READS, "{script}");
        assert_eq!(scratch.names(), ["in.fq"], "{script}");
    }
}

#[test]
fn a_closed_stream_is_an_error() {
    for (script, expected) in [
        ("$FILTER -o - >&-", "stdout: cannot be written"),
        ("$FILTER -o /dev/stdout >&-", "/dev/stdout: cannot be written"),
        ("\"$BM\" score -q in.fq >&-", "stdout: cannot be written"),
        ("\"$BM\" encode -q in.fq -o - >&-", "stdout: cannot be written"),
        ("\"$BM\" truth -q --mates in.fq in.fq >&-", "stdout: cannot be written"),
        ("\"$BM\" models >&-", "stdout: cannot be written"),
        ("\"$BM\" models show read-error >&-", "stdout: "),
        ("\"$BM\" selfcheck --backend embedded >&-", "stdout: "),
        ("\"$BM\" completions bash >&-", "stdout: "),
        ("\"$BM\" man >&-", "stdout: "),
        ("\"$BM\" --version >&-", "stdout: "),
        ("\"$BM\" filter -q - -o kept <&-", "stdin: was closed"),
        ("\"$BM\" score -q - <&-", "stdin: was closed"),
        ("\"$BM\" encode -q - -o kept <&-", "stdin: was closed"),
        ("\"$BM\" tune -q - -o kept <&-", "stdin: was closed"),
        ("$FILTER -o /dev/fd/9", "/dev/fd/9: cannot be written"),
    ] {
        let scratch = Scratch::new();
        let message = in_folder(&scratch, script).refused();
        assert!(message.contains(expected), "{script}: {message}");
        assert_eq!(scratch.names(), ["in.fq"], "{script}");
    }
    // What is not used may be closed; /dev/null is not a closed stream.
    let scratch = Scratch::new();
    in_folder(&scratch, "$FILTER -o kept <&- >&-").done();
    assert_eq!(scratch.read("kept"), KEPT.as_bytes());
    in_folder(&scratch, "$FILTER -o - 1<> /dev/null").done();
}

/// `| head` is no failure where stdout is all that was wanted. Anything else that closes is.
#[test]
fn a_reader_that_closes_another_output_fails_the_run() {
    let input = testdata(MEASLES);
    for arguments in [
        "filter '$IN' -q --min-length 100 -o kept --discarded >(head -c 10 > /dev/null)",
        "filter '$IN' -q -t 0 -o >(head -c 10 > /dev/null)",
        "filter '$IN' -q -t 0 -o - --report report | head -c 10",
        "filter '$IN' -q -t 0 -o - --discarded rest | head -c 10",
        "score '$IN' -q -o - --html page | head -c 10",
        "adapt '$IN' -q -o model --labels >(head -c 10 > /dev/null)",
    ] {
        let scratch = Scratch::new();
        // More than the buffers of a pipe hold.
        scratch.file("in.fq", &text_of(&input).repeat(8));
        let arguments = arguments.replace("$IN", "in.fq");
        let script = format!(
            "cd '{}'; set -o pipefail; \"$BM\" {arguments} > /dev/null; code=$?; wait; exit $code",
            scratch.folder().display()
        );
        let script = if arguments.contains("| head") {
            script.replace("> /dev/null; code", "; code").replacen(
                "head -c 10;",
                "head -c 10 > /dev/null;",
                1,
            )
        } else {
            script
        };
        let message = shell(&script).refused();
        assert!(message.contains("Broken pipe"), "{arguments}: {message}");
        assert_eq!(scratch.names(), ["in.fq"], "{arguments}");
    }
    let script =
        format!("set -o pipefail; \"$BM\" filter -q -t 0 '{input}' -o /dev/stdout | head -1");
    assert_eq!(shell(&script).done().stderr, "");
}

#[test]
fn what_cannot_be_replaced_is_refused_before_the_work() {
    let scratch = Scratch::new();
    let read_only = scratch.file("read_only", b"old");
    fs::set_permissions(&read_only, fs::Permissions::from_mode(0o444)).unwrap();
    let long = scratch.path(&"n".repeat(256));
    symlink("missing/file", scratch.folder().join("nowhere")).unwrap();
    fs::create_dir(scratch.path("folder")).unwrap();
    symlink("folder", scratch.folder().join("to_folder")).unwrap();
    let before = scratch.names();
    for (output, expected) in [
        (read_only.as_str(), "is read-only and is not replaced"),
        (&long, "File name too long"),
        (&scratch.path("nowhere"), "there is no folder"),
        (&scratch.path("to_folder"), "is a folder"),
    ] {
        for arguments in [
            vec!["filter", "-", "-o", output],
            vec!["filter", "-", "-o", "/dev/null", "--discarded", output],
            vec!["filter", "-", "-o", "/dev/null", "--report", output],
            vec!["score", "-", "-o", output],
            vec!["encode", "-", "-o", output],
            vec!["tune", "-", "-o", output],
        ] {
            // The input never ends, so the refusal comes before the work.
            let mut child =
                command(&arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let stdin = child.stdin.take();
            let output = child.wait_with_output().unwrap();
            drop(stdin);
            let message = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
            assert!(message.contains(expected), "{arguments:?}: {message}");
            assert_eq!(scratch.names(), before, "{arguments:?}");
        }
    }
}

#[test]
fn suffixes_in_upper_case_or_of_other_formats_are_refused() {
    let input = testdata(NOVASEQ);
    let scratch = Scratch::new();
    for (command, name, expected) in [
        ("filter", "kept.fastq.GZ", "write .GZ in lower case, .gz"),
        ("filter", "kept.Zst", "write .Zst in lower case, .zst"),
        ("filter", "kept.BGZ", "write .BGZ in lower case, .bgz"),
        ("score", "scores.PARQUET", "write .PARQUET in lower case, .parquet"),
        ("filter", "kept.BZ2", ".BZ2 is not written"),
        ("filter", "kept.zip", ".zip is not written"),
        ("filter", "kept.fq.lz4", ".lz4 is not written"),
        ("filter", "kept.zstd", ".zstd is not written"),
        ("filter", "kept.fasta", ".fasta is not written"),
        ("filter", "kept.BAM", ".BAM is not written"),
        ("score", "scores.csv", ".csv is not written"),
        ("filter", "kept.parquet", ".parquet is for the table of `bm score`"),
    ] {
        let message = bm([command, &input, "-q", "-o", &scratch.path(name)]).refused();
        assert!(message.contains(expected), "{message}");
        assert_eq!(scratch.names(), [""; 0], "{name}");
    }
}

/// Runs a script as root of a name space of its own, where it can mount; `None` if there is none here.
fn with_mounts(scratch: &Scratch, script: &str) -> Option<crate::support::Run> {
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--user", "--map-root-user", "bash", "-c"]);
    let script = format!("mount -t tmpfs tmpfs /mnt || exit 99; {script}");
    unshare.arg(script).env("BM", BM).current_dir(scratch.folder()).stdin(Stdio::null());
    let run = run(&mut unshare);
    (run.code != Some(99) && !run.stderr.starts_with("unshare: ")).then_some(run)
}

#[test]
fn a_mounted_file_is_refused_before_the_work() {
    let scratch = Scratch::new();
    scratch.file("in.fq", READS);
    scratch.file("mounted", b"old");
    scratch.file("other", b"other");
    let script = "mount --bind other mounted; \"$BM\" filter -q in.fq -o mounted";
    let Some(run) = with_mounts(&scratch, script) else {
        assert!(std::env::var_os("BM_REQUIRE_SMALL_DISK").is_none(), "nothing can be mounted here");
        eprintln!("SKIPPED a_mounted_file_is_refused_before_the_work: nothing can be mounted here");
        return;
    };
    let message = run.refused();
    assert!(message.contains("is a mount point and cannot be replaced"), "{message}");
    assert_eq!(scratch.names(), ["in.fq", "mounted", "other"]);
    // A folder that cannot be written to.
    let script = "mkdir /mnt/ro; cp in.fq /mnt/ro; mount --bind -o ro /mnt/ro /mnt/ro && mount -o remount,bind,ro /mnt/ro; \"$BM\" filter -q in.fq -o /mnt/ro/kept";
    let message = with_mounts(&scratch, script).unwrap().refused();
    assert!(message.contains("cannot be created: Read-only file system"), "{message}");
}

#[test]
fn the_file_of_another_user_in_a_sticky_folder_is_refused() {
    let is_root = fs::read_to_string("/proc/self/status").unwrap().contains("\nUid:\t0\t0\t0\t0");
    if !is_root {
        eprintln!("SKIPPED the_file_of_another_user_in_a_sticky_folder_is_refused: not root");
        return;
    }
    let scratch = Scratch::new();
    let kept = scratch.file("kept", b"theirs");
    scratch.file("in.fq", READS);
    for (name, mode) in [("kept", 0o666), ("in.fq", 0o644), ("", 0o1777)] {
        fs::set_permissions(scratch.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    // A copy, since the user may not read the folder of the program.
    fs::copy(BM, scratch.path("bm")).unwrap();
    let mut other = Command::new("setpriv");
    other.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    other.args([&scratch.path("bm"), "filter", "-q", &scratch.path("in.fq"), "-o", &kept]);
    let message = run(&mut other).refused();
    assert!(message.contains("belongs to another user"), "{message}");
    assert_eq!(scratch.read("kept"), b"theirs");
}

#[test]
fn a_stream_gets_all_of_a_large_output() {
    let scratch = Scratch::new();
    let text = text_of(&testdata(MEASLES));
    let input = scratch.file("in.fq", &text);
    let mut child = command(["filter", &input, "-q", "-t", "0", "-o", "/dev/stdout"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut found = Vec::new();
    std::io::copy(&mut stdout, &mut found).unwrap();
    assert!(child.wait().unwrap().success() && found == text);
    std::io::sink().write_all(&found).unwrap();
}

#[test]
fn a_table_on_a_full_disk_is_an_error_of_its_format_too() {
    let scratch = Scratch::new();
    symlink("/dev/full", scratch.folder().join("full.parquet")).unwrap();
    let message =
        bm(["score", &testdata(NOVASEQ), "-q", "-o", &scratch.path("full.parquet")]).refused();
    assert!(message.contains("full.parquet: No space left on device"), "{message}");
}
