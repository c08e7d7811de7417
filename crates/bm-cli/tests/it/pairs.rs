//! Pairs: one decision for both mates, and no mate is lost.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{
    MEASLES, MEASLES_2, MISEQ, MISEQ_2, Row, Scratch, bm, bm_with_stdin, command, json, record,
    records, rows, run, testdata, text_of,
};

/// Returns the pairs of two files, interleaved.
fn interleaved(first: &str, second: &str) -> Vec<u8> {
    let (first, second) = (text_of(&testdata(first)), text_of(&testdata(second)));
    records(&first)
        .into_iter()
        .zip(records(&second))
        .flat_map(|(one, other)| [one, other].concat())
        .collect()
}

/// Returns the record without the reason in its description, and the reason.
fn without_reason(record: &[u8]) -> (Vec<u8>, Option<String>) {
    let text = String::from_utf8(record.to_vec()).unwrap();
    let (definition, rest) = text.split_once('\n').unwrap();
    // A tag, where the read has no description.
    match definition.split_once(" reason=").or(definition.split_once("\tZR:Z:")) {
        Some((definition, reason)) => {
            (format!("{definition}\n{rest}").into_bytes(), Some(reason.to_owned()))
        }
        None => (record.to_vec(), None),
    }
}

#[test]
fn every_mate_goes_to_the_output_of_its_verdict_in_every_mode() {
    for (first, second) in [(MEASLES, MEASLES_2), (MISEQ, MISEQ_2)] {
        let (in1, in2) = (testdata(first), testdata(second));
        let all = interleaved(first, second);
        let all = records(&all);
        for mode in ["joint", "both", "any"] {
            let out = Scratch::new();
            let [kept1, kept2, singles, dropped, report] =
                ["1.fq", "2.fq", "s.fq", "d.fq", "r.json"].map(|name| out.path(name));
            let places = [
                "-o",
                &kept1,
                "-O",
                &kept2,
                "--singles",
                &singles,
                "--discarded",
                &dropped,
                "--report",
                &report,
            ];
            run(command(["filter", &in1, &in2, "--pair", mode]).args(places)).done();
            let table = rows(&bm(["score", &in1, &in2, "--pair", mode, "-q"]).done().stdout);
            assert_eq!(table.len(), all.len());

            let [kept1, kept2, singles, dropped] =
                ["1.fq", "2.fq", "s.fq", "d.fq"].map(|name| out.read(name));
            let (kept1, kept2) = (records(&kept1), records(&kept2));
            assert_eq!(kept1.len(), kept2.len(), "{mode}: mates stay together");
            let pairs: Vec<_> =
                kept1.iter().zip(&kept2).flat_map(|(one, other)| [*one, *other]).collect();
            let passing: Vec<_> = all
                .iter()
                .zip(&table)
                .filter(|(_, row)| row.verdict == "pass")
                .map(|(record, _)| *record)
                .collect();
            assert!(pairs == passing, "{mode}: {} kept, {} pass", pairs.len(), passing.len());

            // A single passes alone, and its mate does not.
            let alone = rows(&bm(["score", &in1, "-q"]).done().stdout)
                .into_iter()
                .zip(rows(&bm(["score", &in2, "-q"]).done().stdout));
            let alone: Vec<_> = alone.flat_map(|(one, other)| [one, other]).collect();
            let rescued = |i: usize| table[i].verdict != "pass" && alone[i].verdict == "pass";
            let expected: Vec<_> = (0..all.len()).filter(|i| rescued(*i)).map(|i| all[i]).collect();
            assert!(
                records(&singles) == expected,
                "{mode}: {} singles, expected {}",
                records(&singles).len(),
                expected.len()
            );
            let expected: Vec<_> = (0..all.len())
                .filter(|i| table[*i].verdict != "pass" && !rescued(*i))
                .map(|i| all[i].to_vec())
                .collect();
            let (found, reasons): (Vec<_>, Vec<_>) =
                records(&dropped).into_iter().map(without_reason).unzip();
            assert!(found == expected && reasons.iter().all(Option::is_some), "{mode}");

            let report = json(&out.read("r.json"));
            let count = |key: &str| report["reads"][key].as_u64().unwrap() as usize;
            assert_eq!(count("in"), all.len());
            assert_eq!(count("kept"), pairs.len() + records(&singles).len());
            assert_eq!(count("discarded") + count("unscored"), found.len());
            let reasons = report["reasons"]
                .as_object()
                .unwrap()
                .values()
                .map(|count| count.as_u64().unwrap() as usize)
                .sum::<usize>();
            assert_eq!(reasons, found.len());
            let pairs = serde_json::json!({
                "in": all.len() / 2, "kept": kept1.len(), "singles": records(&singles).len()
            });
            assert_eq!(report["pairs"], pairs);
            assert_eq!(report["criteria"]["pair_mode"], mode);
            if mode == "both" {
                assert!(!records(&singles).is_empty());
            }
        }
    }
}

#[test]
fn a_pair_is_scored_by_the_errors_of_both_mates() {
    let (in1, in2) = (testdata(MISEQ), testdata(MISEQ_2));
    let table =
        |flags: &[&str]| rows(&run(command(["score", &in1, &in2, "-q"]).args(flags)).done().stdout);
    let probability = |row: &Row| row.pair.unwrap().1;
    for pair in table(&[]).chunks(2) {
        assert_eq!(pair.iter().map(|row| row.pair.unwrap().0).collect::<Vec<_>>(), [1, 2]);
        let template = |row: &Row| row.read.rsplit_once('/').unwrap().0.to_owned();
        assert_eq!(template(&pair[0]), template(&pair[1]));
        assert!(
            probability(&pair[0]).to_bits() == probability(&pair[1]).to_bits()
                && pair[0].verdict == pair[1].verdict
        );
        assert_eq!(pair[0].verdict == "pass", probability(&pair[0]) >= 0.5);
    }
    for pair in table(&["--max-ee", "2"]).chunks(2) {
        let errors: f32 = pair.iter().map(|row| row.expected_errors.unwrap()).sum();
        assert!(
            (errors - 2.0).abs() < 1e-5 || (pair[0].verdict == "pass") == (errors <= 2.0),
            "{pair:?}"
        );
        assert!(pair[0].verdict == "pass" || pair[0].reason == "max_ee");
    }
}

#[test]
fn two_files_and_one_interleaved_file_give_the_same_result() {
    let scratch = Scratch::new();
    let (in1, in2) = (testdata(MISEQ), testdata(MISEQ_2));
    let mixed = scratch.file("mixed.fastq", &interleaved(MISEQ, MISEQ_2));
    let expected = bm(["filter", &in1, &in2, "-o", "-", "-q", "-j", "1"]).done().stdout;
    assert!(records(&expected).len() > 1_000);
    assert!(bm(["filter", &mixed, "--interleaved", "-o", "-", "-q"]).done().stdout == expected);
    let stdin = bm_with_stdin(
        ["filter", "-", "--interleaved", "-o", "-", "-q", "-j", "3"],
        &interleaved(MISEQ, MISEQ_2),
    )
    .done();
    assert!(stdin.stdout == expected);
    let (one, other) = (scratch.path("1.fq.gz"), scratch.path("2.fq.zst"));
    bm(["filter", &mixed, "--interleaved", "-o", &one, "-O", &other, "-q"]).done();
    let again = bm(["filter", &one, &other, "-o", "-", "-q", "-t", "0"]).done().stdout;
    assert!(again == expected, "and back");
    let scores = bm(["score", &in1, &in2, "-q"]).done().stdout;
    assert!(bm(["score", &mixed, "--interleaved", "-q", "-j", "4"]).done().stdout == scores);
}

#[test]
fn pairs_of_unequal_mates_stay_together() {
    // Mates of very different lengths, more than one batch of each, and one pair longer than a
    // batch.
    let mut files = [Vec::new(), Vec::new()];
    for i in 0..4_000_usize {
        files[0].extend(record(&format!("r{i}/1"), 20 + i % 7, b'I'));
        files[1].extend(record(
            &format!("r{i}/2"),
            if i == 2_000 { 400_000 } else { 250 - i % 100 },
            b'I',
        ));
    }
    let scratch = Scratch::new();
    let [in1, in2] = ["1", "2"].map(|name| scratch.path(name));
    std::fs::write(&in1, &files[0]).unwrap();
    std::fs::write(&in2, &files[1]).unwrap();
    for (a, b) in [(&in1, &in2), (&in2, &in1)] {
        // The file that is read first decides the number of records from the other.
        let swapped = a == &in2;
        let (k1, k2) = (scratch.path("k1"), scratch.path("k2"));
        let run = bm(["filter", a, b, "-o", &k1, "-O", &k2, "-q", "-t", "0", "-j", "2"]);
        if swapped {
            let message = run.refused();
            assert!(
                message.contains(
                    "record 1 (read r0/1, byte 0): is by its name not the second mate of"
                ),
                "{message}"
            );
        } else {
            run.done();
            assert!(scratch.read("k1") == files[0] && scratch.read("k2") == files[1]);
        }
    }
}

#[test]
fn wrapped_interleaved_mates_are_read_like_unwrapped_ones() {
    // Enough records for batches to end between any two lines of a record.
    let mut wrapped = Vec::new();
    let mut plain = Vec::new();
    for i in 0..9_000 {
        for mate in [1, 2] {
            let record = record(&format!("r{i}/{mate}"), 70 + i % 90, b'I');
            let lines: Vec<_> = record.split(|byte| *byte == b'\n').collect();
            let fold = |line: &[u8]| line.chunks(60).collect::<Vec<_>>().join(&b'\n');
            wrapped.extend(
                [lines[0].to_vec(), fold(lines[1]), b"+".to_vec(), fold(lines[3]), Vec::new()]
                    .join(&b'\n'),
            );
            plain.extend(record);
        }
    }
    let run = bm_with_stdin(["filter", "-", "--interleaved", "-o", "-", "-q", "-t", "0"], &wrapped)
        .done();
    assert!(run.stdout == plain);
}

#[test]
fn reads_that_are_not_mates_are_refused_with_both_addresses() {
    let scratch = Scratch::new();
    let reads = |names: &[&str]| -> Vec<u8> {
        names.iter().flat_map(|name| record(name, 50, b'I')).collect()
    };
    let file = |name: &str, names: &[&str]| scratch.file(name, &reads(names));
    let (abc, abd, ab) = (
        file("abc", &["a/1", "b/1", "c/1"]),
        file("abd", &["a/2", "b/2", "d/2"]),
        file("ab", &["a/2", "b/2"]),
    );
    let none = file("none", &[]);
    for (first, second, expected) in [
        (
            &abc,
            &abd,
            format!(
                "{abd}: record 3 (read d/2, byte 218): is no mate of {abc}: record 3 (read c/1, byte 218)"
            ),
        ),
        (
            &abc,
            &ab,
            format!(
                "{ab}: ends after record 2, but {abc} goes on with record 3 (read c/1, byte 218)"
            ),
        ),
        (
            &ab,
            &abd,
            format!(
                "{ab}: ends after record 2, but {abd} goes on with record 3 (read d/2, byte 218)"
            ),
        ),
        (
            &none,
            &ab,
            format!(
                "{none}: ends after record 0, but {ab} goes on with record 1 (read a/2, byte 0)"
            ),
        ),
        (
            &ab,
            &none,
            format!(
                "{none}: ends after record 0, but {ab} goes on with record 1 (read a/2, byte 0)"
            ),
        ),
        (
            &abd,
            &abc,
            format!(
                "{abc}: record 1 (read a/1, byte 0): is by its name not the second mate of {abd}: record 1 (read a/2, byte 0)"
            ),
        ),
        (&abc, &abc, format!("{abc}: is named for both mates")),
    ] {
        for command in ["filter", "score"] {
            let out = Scratch::new();
            let message = bm([command, first, second, "-o", &out.path("1"), "-q"]).refused();
            assert!(message.starts_with(&format!("bm: {expected}")), "{message}\n{expected}");
            assert!(out.names().is_empty());
        }
    }
    // The same in an interleaved file.
    for (names, expected) in [
        (&["a/1", "a/2", "b/1"][..], "ends after record 3 (read b/1, byte 218), which has no mate"),
        (&["a/1"], "ends after record 1 (read a/1, byte 0), which has no mate"),
        (&["a/1", "b/2"], ": record 2 (read b/2, byte 109): is no mate of "),
        (
            &["a/1", "a/2", "b/2", "b/1"],
            ": record 4 (read b/1, byte 327): is by its name not the second mate of ",
        ),
    ] {
        let message =
            bm_with_stdin(["filter", "-", "--interleaved", "-o", "-", "-q"], &reads(names))
                .refused();
        assert!(message.contains(expected), "{message}");
    }
    // The message names the fault in the record of the mate, not a missing mate.
    let cut = [reads(&["a/1"]), b"@a/2\nACGT\n+\nIII\n".to_vec()].concat();
    let message = bm_with_stdin(["filter", "-", "--interleaved", "-o", "-", "-q"], &cut).refused();
    assert!(
        message.contains("record 2 (read a/2, byte 109): 4 bases but 3 quality scores"),
        "{message}"
    );
    let cut = scratch.file("cut", b"@a/2\nACGT\n+\nIIII\n@b/2\nACGT\n+\nIII\n");
    let message = bm(["filter", &abc, &cut, "-o", "-", "-q"]).refused();
    assert!(
        message.contains("cut: record 2 (read b/2, byte 17): 4 bases but 3 quality scores"),
        "{message}"
    );
}

#[test]
fn an_unscored_mate_discards_its_pair_unless_one_mate_is_enough() {
    let scratch = Scratch::new();
    let first = scratch.file("1", &[record("a", 100, b'I'), record("b", 100, b'I')].concat());
    let second = scratch.file("2", &[b"@a\n\n+\n\n".to_vec(), record("b", 100, b'I')].concat());
    let kept = |flags: &[&str]| {
        let run = run(command(["filter", &first, &second, "-o", "-"]).args(flags)).done();
        (records(&run.stdout).len(), run.stderr)
    };
    let (reads, said) = kept(&[]);
    assert!(
        reads == 2 && said.contains("4 reads in: 2 kept (50.00 %), 1 discarded, 1 unscored\n2 pairs in, scored joint: 1 kept"),
        "{said}"
    );
    assert!(said.contains("not kept for: 1 empty, 1 mate\n"), "{said}");
    assert_eq!(kept(&["--pair", "both"]).0, 2);
    assert_eq!(kept(&["--pair", "any"]).0, 4);
    let singles = scratch.path("s");
    let (reads, said) = kept(&["--singles", &singles]);
    assert!(
        reads == 2 && said.contains("1 kept (50.00 %), 1 reads kept without their mate"),
        "{said}"
    );
    assert!(scratch.read("s") == record("a", 100, b'I'));
}

#[test]
fn options_for_pairs_need_pairs() {
    let input = testdata(MEASLES);
    for flags in [&["-O", "x"][..], &["--singles", "x"], &["--pair", "both"]] {
        let message = run(command(["filter", &input, "-o", "-"]).args(flags)).misused();
        assert!(message.contains(&format!("{} is for pairs", flags[0])), "{message}");
        assert!(message.contains("--interleaved"), "{message}");
    }
    let message = bm(["filter", &input, &input, "--interleaved", "-o", "-"]).refused();
    assert!(message.contains("is named twice"), "{message}");
}

#[test]
fn pairs_do_not_depend_on_threads() {
    let (in1, in2) = (testdata(MEASLES), testdata(MEASLES_2));
    let outputs: HashSet<_> = ["1", "2", "3", "8"]
        .map(|threads| {
            let out = Scratch::new();
            let names = ["1.gz", "2.gz", "s", "d"].map(|name| out.path(name));
            let places = [
                "-o",
                &names[0],
                "-O",
                &names[1],
                "--singles",
                &names[2],
                "--discarded",
                &names[3],
            ];
            run(command(["filter", &in1, &in2, "-q", "-j", threads]).args(places)).done();
            ["1.gz", "2.gz", "s", "d"].map(|name| out.read(name))
        })
        .into();
    assert_eq!(outputs.len(), 1);
}

#[test]
fn learning_from_pairs_does_not_depend_on_their_layout() {
    let scratch = Scratch::new();
    let (in1, in2) = (testdata(MEASLES), testdata(MEASLES_2));
    let mixed = scratch.file("mixed.fastq", &interleaved(MEASLES, MEASLES_2));
    let expected = bm(["filter", "--adapt", &in1, &in2, "-o", "-"]).done();
    let found = bm(["filter", "--adapt", &mixed, "--interleaved", "-o", "-"]).done();
    assert!(found.stdout == expected.stdout, "{}\n{}", found.stderr, expected.stderr);
}

/// Bases and qualities of a mate, from 0 bases to more than a window.
fn mate() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    prop_oneof![1 => Just(0usize), 12 => 1..320usize].prop_flat_map(|bases| {
        let letter = prop_oneof![20 => select(b"ACGT".as_slice()), 1 => Just(b'N')];
        // Similar qualities within a read, so that some reads are good and some are not.
        let quality = select(b"#2;FI".as_slice())
            .prop_flat_map(move |most| vec(prop_oneof![30 => Just(most), 1 => b'!'..=b'J'], bases));
        (vec(letter, bases), quality)
    })
}

proptest! {
    // Each case starts about five processes.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn random_pairs_are_the_same_in_one_file_and_in_two(
        pairs in vec((mate(), mate()), 0..40),
        naming in select(vec![["/1", "/2"], [" 1:N:0:A", " 2:N:0:A"], ["", ""]]),
        mode in select(vec!["joint", "both", "any"]),
        threads in select(vec!["1", "2", "5"]),
        threshold in select(vec!["0.02", "0.5", "0.98"]),
    ) {
        let record = |number: usize, mate: usize, (sequence, quality_scores): &(Vec<u8>, Vec<u8>)| {
            let definition = format!("@r{number}{}\n", naming[mate]);
            [definition.as_bytes(), sequence, b"\n+\n", quality_scores, b"\n"].concat()
        };
        let mates = |mate: usize| {
            let read = move |pair: &'_ (_, _)| if mate == 0 { pair.0 } else { pair.1 };
            let reads = pairs.iter().map(|(one, other)| (one, other)).map(move |pair| read(&pair));
            reads.enumerate().map(move |(i, read)| record(i, mate, read))
        };
        let files = [0, 1].map(|mate| mates(mate).collect::<Vec<_>>().concat());
        let mixed: Vec<u8> = mates(0).zip(mates(1)).flat_map(|(one, other)| [one, other].concat()).collect();
        let scratch = Scratch::new();
        let [in1, in2] = [0, 1].map(|i| scratch.file(&format!("in{i}"), &files[i]));
        let input = scratch.file("mixed", &mixed);

        // The model is named, so that the check of the first reads cannot differ between the
        // layouts.
        let flags = ["-q", "-m", "read-error", "--pair", mode, "-t", threshold];
        let filtered = |inputs: &[&str], threads: &str| {
            let [singles, dropped] = ["singles", "dropped"].map(|name| scratch.path(name));
            let places = ["-o", "-", "--singles", &singles, "--discarded", &dropped, "-j", threads];
            let kept = run(command(["filter"]).args(inputs).args(flags).args(places)).done().stdout;
            [kept, scratch.read("singles"), scratch.read("dropped")]
        };
        let expected = filtered(&[&in1, &in2], "1");
        prop_assert!(filtered(&[&input, "--interleaved"], threads) == expected, "in one file, {threads} threads");
        prop_assert!(filtered(&[&in1, &in2], threads) == expected, "{threads} threads");
        let [kept, singles, dropped] = expected.each_ref().map(|text| records(text).len());
        prop_assert_eq!(kept + singles + dropped, 2 * pairs.len());
        prop_assert!(kept.is_multiple_of(2));

        // The outputs for each mate, interleaved, equal the output for both.
        let [one, other] = ["1", "2"].map(|name| scratch.path(name));
        run(command(["filter", &input, "--interleaved", "-o", &one, "-O", &other, "-j", threads]).args(flags)).done();
        let [one, other] = ["1", "2"].map(|name| scratch.read(name));
        let turns = records(&one).into_iter().zip(records(&other));
        let turns: Vec<u8> = turns.flat_map(|(one, other)| [one, other].concat()).collect();
        prop_assert!(records(&one).len() == records(&other).len() && turns == expected[0]);
    }
}
