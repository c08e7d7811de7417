//! Runs in which a cycle of the instrument failed.

use std::fs;

use crate::support::{HISEQ, Scratch, bm, bm_with_stdin, json, records, rows, testdata, text_of};

/// Returns real reads in which a cycle, from 0, gives A in four of five.
fn always_a(cycle: usize) -> Vec<u8> {
    let text = text_of(&testdata(HISEQ));
    let mut out = Vec::new();
    for (number, record) in records(&text).into_iter().enumerate() {
        let mut record = record.to_vec();
        let sequence = record.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        if number % 5 > 0 && record[sequence + cycle..].contains(&b'+') {
            record[sequence + cycle] = b'A';
        }
        out.extend(record);
        if !out.ends_with(b"\n") {
            out.push(b'\n');
        }
    }
    out
}

/// Returns the expected errors of all reads by a table of scores.
fn expected(table: &[u8]) -> f64 {
    rows(table).iter().filter_map(|row| row.expected_errors).map(f64::from).sum()
}

#[test]
fn a_failed_cycle_is_named_with_its_rate_and_everything_is_judged() {
    let scratch = Scratch::new();
    let reads = scratch.file("reads.fastq", &always_a(149));
    let (model, report) = (scratch.path("run.model"), scratch.path("report.json"));
    let adapted = bm(["adapt", &reads, "--evidence", "-o", &model, "--report", &report]).done();
    let facts = &json(&scratch.read("report.json"))["adaptation"];
    let cycles = facts["failed_cycles"].as_array().unwrap();
    let last = cycles.last().unwrap();
    assert_eq!((&last["mate"], &last["cycle"]), (&1.into(), &150.into()), "{cycles:?}");
    assert!((0.5..0.7).contains(&last["wrong"].as_f64().unwrap()), "{last}");
    assert_eq!((&facts["choice"], &facts["evidence"]["in_use"]), (&"adapted".into(), &true.into()));
    assert!(adapted.stderr.contains("150 (") && adapted.stderr.contains("failed cycles"));

    // The package knows its cycles; one call does the same.
    let (by_package, at_once) = (
        bm(["score", &reads, "-m", &model, "-q"]).done(),
        bm(["score", &reads, "--adapt", "-q"]).done(),
    );
    assert_eq!(by_package.stdout, at_once.stdout);
    // The errors of the cycle are expected in addition to those of the run as it was.
    let as_it_was = bm(["score", &testdata(HISEQ), "--adapt", "-q"]).done();
    let number = rows(&as_it_was.stdout).len() as f64;
    let more = (expected(&at_once.stdout) - expected(&as_it_was.stdout)) / number;
    assert!((more - 0.6).abs() < 0.06, "{more} more errors in a read");
    // Reads that are second mates by their names have other cycles.
    let renamed: Vec<u8> = records(&fs::read(&reads).unwrap())
        .into_iter()
        .flat_map(|record| {
            let end = record.iter().position(|byte| b" \n".contains(byte)).unwrap();
            let rest = record[end..].iter().skip_while(|byte| **byte != b'\n');
            [&record[..end], b"/2"].concat().into_iter().chain(rest.copied()).collect::<Vec<_>>()
        })
        .collect();
    let second = scratch.file("second.fastq", &renamed);
    let plain = scratch.path("plain.model");
    bm(["adapt", &reads, "-o", &plain, "-q"]).done();
    let [first, second] =
        [&reads, &second].map(|reads| bm(["score", reads, "-m", &plain, "-q"]).done().stdout);
    assert!(expected(&first) - expected(&second) > 0.5 * number);
}

#[test]
fn kmers_of_a_stream_with_a_failed_cycle_are_refused_with_the_reason() {
    let scratch = Scratch::new();
    let (model, report) = (scratch.path("run.model"), scratch.path("report.json"));
    let arguments = ["adapt", "-", "--evidence", "-o", &model, "--report", &report, "-q"];
    bm_with_stdin(arguments, &always_a(149)).done();
    let facts = &json(&scratch.read("report.json"))["adaptation"];
    assert_eq!(facts["evidence"]["in_use"], false, "{facts}");
    let doubt = facts["evidence"]["doubts"][0].as_str().unwrap();
    assert!(
        doubt.contains("a stream cannot be read again") && doubt.contains("as a file"),
        "{doubt}"
    );
    assert_eq!(facts["choice"], "adapted");
}
