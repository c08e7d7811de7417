//! Limits are kept: memory at any number of threads, and runs without memory or threads.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::long_input::peak_kb;
use crate::support::{HISEQ, MEASLES, MEASLES_2, Run, Scratch, record, shell, testdata};

/// The figure of SECURITY.md for all batches together, in kB, and room for what the program and its
/// threads have beside them.
const FIGURE_KB: u64 = (512 << 10) + 150_000;

#[test]
fn memory_of_long_reads_does_not_depend_on_threads_and_neither_does_the_output() {
    // Each read takes some 100 MB while it is in flight, so that all of them take twice the
    // figure.
    let reads: Vec<_> = (0..12).map(|i| record(&format!("r{i}"), 10_000_000 + i, b'I')).collect();
    let scratch = Scratch::new();
    let mut expected = Vec::new();
    for threads in ["1", "2", "8", "32"] {
        let kept = scratch.path("kept.fastq");
        let arguments =
            ["filter", "-", "-o", &kept, "-q", "-t", "0", "-m", "read-error", "-j", threads];
        let peak = peak_kb(&arguments, |stdin| {
            reads.iter().for_each(|read| stdin.write_all(read).unwrap());
        });
        assert!(peak < FIGURE_KB, "-j {threads}: {peak} kB");
        let found = scratch.read("kept.fastq");
        if expected.is_empty() {
            expected = found;
            assert!(expected == reads.concat());
        } else {
            assert!(found == expected, "-j {threads}");
        }
    }
}

#[test]
fn memory_of_the_shortest_records_does_not_depend_on_threads() {
    // A record of eight bytes takes thirty times as much beside its text.
    let block = b"@\nA\n+\nI\n".repeat(100_000);
    for threads in ["2", "32"] {
        let arguments = ["filter", "-", "-o", "/dev/null", "-q", "-t", "0", "-j", threads];
        let peak = peak_kb(&arguments, |stdin| {
            (0..20).for_each(|_| stdin.write_all(&block).unwrap());
        });
        assert!(peak < 250_000, "-j {threads}: {peak} kB");
    }
}

#[test]
fn long_second_mates_of_short_first_ones_are_read_in_small_batches() {
    let scratch = Scratch::new();
    let first: Vec<u8> = (0..60).flat_map(|i| record(&format!("r{i}/1"), 40, b'I')).collect();
    let first = scratch.file("r1.fastq", &first);
    let table = scratch.path("scores.tsv");
    // All second mates are in the batch of one text of first mates.
    let arguments = ["score", &first, "-", "-o", &table, "-q", "-m", "mean-q20", "-j", "1"];
    let peak = peak_kb(&arguments, |stdin| {
        for i in 0..60 {
            stdin.write_all(&record(&format!("r{i}/2"), 2_000_000, b'I')).unwrap();
        }
    });
    assert!(peak < 150_000, "{peak} kB");
    let rows = String::from_utf8(scratch.read("scores.tsv")).unwrap();
    let names: Vec<_> = rows.lines().skip(1).map(|row| row.split('\t').next().unwrap()).collect();
    let expected = (0..60).flat_map(|i| [format!("r{i}/1"), format!("r{i}/2")]);
    assert!(expected.eq(names.iter().map(|name| (*name).to_owned())));
}

#[test]
fn names_of_a_megabyte_make_small_groups_of_a_parquet_table() {
    let scratch = Scratch::new();
    let table = scratch.path("scores.parquet");
    let arguments = ["score", "-", "-o", &table, "-q", "-j", "2"];
    let peak = peak_kb(&arguments, |stdin| {
        for i in 0..600 {
            let name = format!("r{i}{}", "n".repeat(1_000_000));
            stdin.write_all(&record(&name, 4, b'I')).unwrap();
        }
    });
    assert!(peak < 300_000, "{peak} kB");
}

/// Runs every command with no more than this many kB of address space; returns the run and the
/// names of the files that are left.
fn with_address_space(kb: u32, words: &str) -> (Run, Vec<String>) {
    let scratch = Scratch::new();
    let folder = scratch.path("");
    let run = shell(&format!("cd '{folder}' && ulimit -c 0 -v {kb} && exec \"$BM\" {words}"));
    (run, scratch.names())
}

#[test]
fn without_memory_every_command_ends_in_one_line_and_leaves_nothing() {
    let (reads, first, second) = (testdata(HISEQ), testdata(MEASLES), testdata(MEASLES_2));
    let bam = testdata("hiseq_measles/hiseq_measles.bam");
    let reference = testdata("hiseq_measles/ref.fa");
    let commands = [
        format!("filter -q -j 8 '{reads}' -o kept.fastq.gz --discarded dropped.zst"),
        format!("filter -q -j 2 --adapt '{first}' '{second}' -o kept.fastq -O kept2.fastq"),
        format!("score -q -j 8 '{reads}' -o scores.parquet --html page.html"),
        format!("adapt -q -j 4 --evidence '{reads}' -o run.model"),
        format!("truth -q '{bam}' -r '{reference}' -o truth.tsv.gz"),
        format!("encode -q '{reads}' -o features.npy"),
        format!("embed -q -j 8 '{reads}' -o vectors.npy --names names.txt"),
    ];
    let (mut done, mut refused) = (0, 0);
    for words in &commands {
        for kb in [27_000, 40_000, 70_000, 110_000, 250_000, 500_000, 4_000_000] {
            let (run, left) = with_address_space(kb, words);
            if run.code == Some(0) {
                done += 1;
                continue;
            }
            let message = run.refused();
            assert!(message.contains("memory"), "{kb} kB, {words}: {message}");
            assert!(left.is_empty(), "{kb} kB, {words}: {left:?}");
            refused += 1;
        }
    }
    assert!(done >= commands.len() && refused >= commands.len(), "{done} done, {refused} refused");
}

#[test]
fn without_threads_the_calling_one_does_the_work() {
    // The limit does not hold for the superuser, so `bm` runs as nobody then.
    let drop = "setpriv --reuid 65534 --regid 65534 --clear-groups";
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let prefix = if is_root { drop } else { "" };
    if shell(&format!("{prefix} \"$BM\" --version")).code != Some(0) {
        eprintln!("SKIPPED without_threads_the_calling_one_does_the_work: bm cannot run as nobody");
        return;
    }
    let scratch = Scratch::new();
    let copy = scratch.file("reads.fastq.gz", &fs::read(testdata(HISEQ)).unwrap());
    shell(&format!("chmod 755 '{}'", scratch.path("")));
    for words in [
        format!("filter -q -j 8 '{copy}' -t 0.5 -o -"),
        format!("filter -q -j 4 --adapt '{copy}' -o -"),
        format!("score -q -j 3 '{copy}' -o -"),
    ] {
        let limited = shell(&format!(
            "ulimit -u 1; {prefix} bash -c 'ulimit -u 1; exec \"$0\" \"$@\"' \"$BM\" {words}"
        ));
        let expected = shell(&format!("\"$BM\" {words}")).done();
        assert_eq!((limited.code, limited.stderr.as_str()), (Some(0), ""), "{words}");
        assert!(limited.stdout == expected.stdout && !expected.stdout.is_empty(), "{words}");
    }
}
