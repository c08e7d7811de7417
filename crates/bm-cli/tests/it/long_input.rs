//! Memory does not grow with the input.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::support::{Scratch, command, record};

/// Pipes the text of `generate` into `bm`; returns the peak memory of `bm` in kB after it has read
/// everything.
pub(crate) fn peak_kb(arguments: &[&str], generate: impl FnOnce(&mut dyn Write)) -> u64 {
    let mut child =
        command(arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    generate(&mut stdin);
    // `bm` waits for the end of its input, so it still runs.
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Writes short reads, most of which cannot be scored: only reading, ordering and writing could
/// accumulate memory, and the network would only take time, above all in an unoptimised build.
fn short_reads(count: usize) -> impl FnOnce(&mut dyn Write) {
    move |stdin| {
        let bases = 36;
        let mut block = record("scored", bases, b'I');
        for i in 0..99 {
            block.extend(
                format!("@unknown{i}\n{}\n+\n{}\n", "N".repeat(bases), "#".repeat(bases)).bytes(),
            );
        }
        for _ in 0..count / 100 {
            stdin.write_all(&block).unwrap();
        }
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_reads() {
    let scratch = Scratch::new();
    symlink("/dev/null", scratch.folder().join("null.fastq.gz")).unwrap();
    let null = scratch.path("null.fastq.gz");
    for (kept, discarded) in [("/dev/null", "/dev/null"), (null.as_str(), null.as_str())] {
        let arguments = ["filter", "-", "-o", kept, "--discarded", discarded, "-j", "2", "-q"];
        let (few, many) = (
            peak_kb(&arguments, short_reads(200_000)),
            peak_kb(&arguments, short_reads(2_000_000)),
        );
        assert!(
            many <= few + few / 5 + 10_000,
            "{kept}: {few} kB for 200,000 reads, {many} kB for 2,000,000"
        );
    }
}

#[test]
fn a_read_of_20_million_bases_is_one_read() {
    let bases = 20_000_000;
    let arguments = ["score", "-", "-o", "/dev/null", "-q", "-j", "1"];
    let peak =
        peak_kb(&arguments, |stdin| stdin.write_all(&record("chromosome", bases, b'I')).unwrap());
    // Room for a few copies of the 40 MB of text, but not for a matrix of 160 MB.
    assert!(peak < 350_000, "{peak} kB");
}
