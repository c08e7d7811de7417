//! `bm recalibrate`: every read, with qualities by what was learned of the run.

use std::fs;

use crate::faults::{Row, check, code};
use crate::reports;
use crate::support::{
    HISEQ, MEASLES, MEASLES_2, Scratch, bm, bm_with_stdin, gzip, json, plain, records, testdata,
    text_of,
};

/// Returns FASTA of the reads of a FASTQ text, in lines of some bases.
fn fasta(text: &[u8], width: usize, end: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records(text) {
        let lines: Vec<&[u8]> = record.split(|byte| *byte == b'\n').collect();
        out.push(b'>');
        out.extend(&lines[0][1..]);
        out.extend(end.as_bytes());
        for line in lines[1].chunks(width) {
            out.extend(line);
            out.extend(end.as_bytes());
        }
    }
    out
}

/// Returns the lines of a record.
fn lines(record: &[u8]) -> Vec<String> {
    String::from_utf8(record.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn every_read_gets_the_qualities_that_the_filter_gives_it() {
    let scratch = Scratch::new();
    let reads = testdata(HISEQ);
    let [model, by_filter] = ["run.model", "filter.fastq"].map(|name| scratch.path(name));
    bm(["adapt", &reads, "-o", &model, "-q"]).done();
    let filter =
        ["filter", &reads, "-m", &model, "--recalibrate", "-t", "0", "-o", &by_filter, "-q"];
    bm(filter).done();
    let expected = scratch.read("filter.fastq");
    assert_eq!(records(&expected).len(), 10_000);
    for arguments in [["-j", "1"], ["-j", "7"], ["-m", &model]] {
        let [one, two] = arguments;
        let out = scratch.path("all.fastq.gz");
        let report = scratch.path("report.json");
        let run = bm(["recalibrate", &reads, "-o", &out, "--report", &report, one, two]).done();
        assert!(plain(scratch.read("all.fastq.gz")) == expected, "{arguments:?}");
        assert!(
            run.stderr.contains("10000 reads written: 10000 with new qualities, 0 as they came"),
            "{}",
            run.stderr
        );
        let report = json(&scratch.read("report.json"));
        assert_eq!(
            (&report["command"], &report["reads"]["kept"]),
            (&"recalibrate".into(), &10_000.into())
        );
    }
    // A package with evidence is used without it, unless it is asked for.
    let evidence = scratch.path("evidence.model");
    bm(["adapt", &reads, "--evidence", "-o", &evidence, "-q"]).done();
    let without = bm(["recalibrate", &reads, "-m", &evidence, "-o", "-", "-q"]).done().stdout;
    assert!(without == expected);
    let with = bm(["recalibrate", &reads, "-m", &evidence, "--evidence", "-o", "-", "-q"]).done();
    let filter = ["filter", &reads, "-m", &evidence, "--recalibrate", "-t", "0", "-o", "-", "-q"];
    assert!(with.stdout == bm(filter).done().stdout && with.stdout != expected);
    let learned = bm(["recalibrate", &reads, "--evidence", "-o", "-", "-q"]).done().stdout;
    assert!(learned == with.stdout);
}

#[test]
fn fasta_is_recalibrated_as_fastq_whose_qualities_are_ignored() {
    let scratch = Scratch::new();
    let mut text = text_of(&testdata(HISEQ));
    text.extend(b"@empty\n\n+\n\n@n x\nNNnn\n+\nIIII\n@lower\nacgtacgtac\n+\nIIIIIIIIII\n");
    let reads = scratch.file("reads.fastq", &text);
    let from_fastq = bm(["recalibrate", &reads, "--ignore-quality", "-o", "-", "-q"]).done().stdout;
    let before = records(&text);
    for (name, content) in [
        ("one.fa", fasta(&text, 1000, "\n")),
        ("wrapped.fa", fasta(&text, 60, "\r\n")),
        ("packed.fa.gz", gzip(&fasta(&text, 7, "\n"))),
    ] {
        let reads = scratch.file(name, &content);
        let report = scratch.path("report.json");
        let run = bm(["recalibrate", &reads, "-o", "-", "--report", &report]).done();
        let (found, expected) = (records(&run.stdout), records(&from_fastq));
        assert_eq!(found.len(), 10_003);
        for ((found, expected), before) in found.iter().zip(&expected).zip(&before) {
            let (found, expected, before) = (lines(found), lines(expected), lines(before));
            assert!(found[0].starts_with(&before[0]) && found[1] == before[1]);
            if found[0].contains(" recalibrated=") || found[0].contains("\tZM:Z:") {
                assert_eq!(found, expected);
            } else {
                // Reads without known bases: nothing is known of them.
                assert!(["@empty", "@n x"].contains(&found[0].as_str()), "{found:?}");
                assert_eq!(found[3], "#".repeat(found[1].len()));
                assert_eq!(expected, before);
            }
        }
        assert!(
            run.stderr.contains("10003 reads written: 10001 with new qualities, 2 as they came"),
            "{}",
            run.stderr
        );
        let report = json(&scratch.read("report.json"));
        reports::check(&report);
        assert_eq!(report["adaptation"]["ignores_quality"], true);
        let counts = &report["reads"];
        assert_eq!((&counts["kept"], &counts["unscored"]), (&10_001.into(), &2.into()));
    }
}

#[test]
fn pairs_stay_together_and_each_mate_counts_for_itself() {
    let scratch = Scratch::new();
    let mut files = [MEASLES, MEASLES_2].map(|file| text_of(&testdata(file)));
    files[0].extend(b"@last/1\nACGTACGTAC\n+\nIIIIIIIIII\n");
    files[1].extend(b"@last/2\nNNNN\n+\n;;;;\n");
    let mut interleaved = Vec::new();
    for (one, other) in records(&files[0]).into_iter().zip(records(&files[1])) {
        interleaved.extend([one, other].concat());
    }
    let first = scratch.file("1.fastq", &files[0]);
    let second = scratch.file("2.fastq", &files[1]);
    let both = scratch.file("both.fastq", &interleaved);
    let [one, other, page] =
        ["out1.fastq", "out2.fastq", "page.html"].map(|name| scratch.path(name));
    let run =
        bm(["recalibrate", &first, &second, "-o", &one, "-O", &other, "--html", &page]).done();
    assert!(
        run.stderr.contains("3000 reads written: 2999 with new qualities, 1 as they came"),
        "{}",
        run.stderr
    );
    assert!(scratch.read("page.html").starts_with(b"<!DOCTYPE html>"));
    let [one, other] = ["out1.fastq", "out2.fastq"].map(|name| scratch.read(name));
    assert_eq!((records(&one).len(), records(&other).len()), (1_500, 1_500));
    assert!(other.ends_with(b"@last/2\nNNNN\n+\n;;;;\n"));
    let together = bm(["recalibrate", "--interleaved", &both, "-o", "-", "-q"]).done().stdout;
    let mut expected = Vec::new();
    for (one, other) in records(&one).into_iter().zip(records(&other)) {
        expected.extend([one, other].concat());
    }
    assert!(together == expected);
    let paired = bm(["recalibrate", &first, &second, "-o", "-", "-q"]).done().stdout;
    assert!(paired == expected);
}

#[test]
fn qualities_mean_what_they_say() {
    // Reported qualities of this run are too high: Q41 measures Q31.
    let scratch = Scratch::new();
    let new = bm(["recalibrate", &testdata(HISEQ), "-o", "-", "-q"]).done().stdout;
    let reads = scratch.file("new.fastq", &new);
    let report = scratch.path("report.json");
    let model = scratch.path("again.model");
    bm(["adapt", &reads, "-o", &model, "--report", &report, "-q"]).done();
    let held = &json(&scratch.read("report.json"))["adaptation"]["findings"]["held_out"];
    let ratio = held["reported"]["log2_ratio"].as_f64().unwrap();
    assert!(ratio.abs() < 0.1, "{ratio}");
}

#[test]
fn faults_of_fasta() {
    let scratch = Scratch::new();
    let out = scratch.path("out.fastq");
    let good = b">r1\nACGT\n>r2 x\nACGT\n".as_slice();
    let mut rows = Vec::new();
    let mut refused = |given: &str, content: &[u8]| {
        let path = scratch.file("reads.fa", content);
        let message = bm(["recalibrate", &path, "-o", &out, "-q"]).refused();
        let said = message.strip_prefix(&format!("bm: {path}: ")).unwrap_or(&message).trim_end();
        rows.push(Row::new(given, 1, code(&format!("reads.fa: {said}"))));
        assert_eq!(scratch.names(), ["reads.fa"], "{given}");
    };
    let with = |text: &[u8]| [good, text].concat();
    refused("a digit in the sequence", &with(b">r3\nAC7T\n"));
    refused("… in its second line", &with(b">r3\nACGT\nAC7T\n>r4\nA\n"));
    refused("NUL in the sequence", &with(b">r3\nAC\0T\n"));
    refused("a space in the sequence", &with(b">r3\nACGT ACGT\n"));
    refused("a byte beyond ASCII in the sequence", &with(b">r3\nAC\xc3T\n"));
    refused("a carriage return inside the sequence", &with(b">r3\nAC\rGT\n"));
    refused("a carriage return inside a name", &with(b">r3\rx\nACGT\n"));
    refused("a name of 65 MiB", &with(&[b">".to_vec(), vec![b'x'; 65 << 20]].concat()));
    refused("FASTQ after the first record", b">r1\nACGT\n@r2\nACGT\n+\nIIII\n");
    refused("a sequence before the first `>`", b"ACGT\n>r1\nACGT\n");
    refused("zeros", &vec![0; 100_000]);
    refused("reads that do not overlap", good);
    let cut = gzip(&with(b">r3\nACGT\n"));
    refused("gzip cut off", &cut[..cut.len() - 10]);
    check("Reads without qualities (`bm recalibrate`)", &rows);
    // On stdin there is one pass, and no look ahead.
    let message = bm_with_stdin(["recalibrate", "-", "-o", &out], good).refused();
    assert!(message.starts_with("bm: stdin: --adapt reads its input twice"), "{message}");
    let message =
        bm_with_stdin(["recalibrate", "-", "-m", "read-error", "-o", &out], good).refused();
    assert!(message.contains("stdin: has no qualities (FASTA)"), "{message}");
    // Other commands refuse FASTA as before.
    let path = scratch.file("reads.fa", good);
    for arguments in [["filter", &path, "-o", &out, "-q"], ["score", &path, "-o", &out, "-q"]] {
        let message = bm(arguments).refused();
        assert!(message.contains("this looks like FASTA, which has no qualities"), "{message}");
    }
    assert!(fs::metadata(&out).is_err());
}
