//! Decisions from earlier scores: `bm filter --scores` and `bm tune`.

use std::fs;

use crate::support::{
    HISEQ, MEASLES, MISEQ, MISEQ_2, Scratch, bm, bm_with_stdin, command, json, records, rows, run,
    testdata, text_of,
};

/// A table of `bm tune`, column by column.
fn column(table: &str, name: &str) -> Vec<f64> {
    let mut lines = table.lines();
    let at = lines
        .next()
        .unwrap()
        .split('\t')
        .position(|column| column == name)
        .unwrap_or_else(|| panic!("no column {name}"));
    lines.map(|line| line.split('\t').nth(at).unwrap().parse().unwrap()).collect()
}

#[test]
fn filtering_by_a_table_equals_filtering_by_the_model() {
    let scratch = Scratch::new();
    for (inputs, criteria) in [
        (vec![testdata(HISEQ)], vec!["-t", "0.8"]),
        (vec![testdata(HISEQ)], vec!["--max-ee", "0.5", "--min-length", "100"]),
        (vec![testdata(MEASLES)], vec![]),
        (vec![testdata("derived/empty_reads.fastq.gz")], vec!["-t", "0"]),
        (vec![testdata(MISEQ), testdata(MISEQ_2)], vec!["-t", "0.97"]),
        (vec![testdata(MISEQ), testdata(MISEQ_2)], vec!["-t", "0.97", "--pair", "both"]),
        (vec![testdata(MISEQ), testdata(MISEQ_2)], vec!["--max-ee-rate", "0.001", "--pair", "any"]),
        (vec![testdata(MISEQ), testdata(MISEQ_2)], vec![]),
    ] {
        for name in ["scores.tsv", "scores.tsv.gz", "scores.tsv.zst"] {
            let scores = scratch.path(name);
            run(command(["score", "-q", "-o", &scores]).args(&inputs)).done();
            let filter = |flags: &[&str]| {
                let (kept, dropped, report) =
                    (scratch.path("kept"), scratch.path("dropped"), scratch.path("report"));
                let places = ["filter", "-o", &kept, "--discarded", &dropped, "--report", &report];
                run(command(places).args(&inputs).args(&criteria).args(flags)).done();
                let report = json(&scratch.read("report"));
                (
                    [scratch.read("kept"), scratch.read("dropped")],
                    [report["reads"].clone(), report["reasons"].clone()],
                    report,
                )
            };
            let (expected, counts, _) = filter(&[]);
            let (found, found_counts, report) = filter(&["--scores", &scores, "-j", "3"]);
            assert!(found == expected && found_counts == counts, "{inputs:?} {criteria:?} {name}");
            assert_eq!(report["scores"].as_str(), Some(scores.as_str()));
            assert!(
                report["model"].is_null()
                    && report["engine"].is_null()
                    && report["domain"].is_null()
            );
        }
    }
}

#[test]
fn earlier_verdicts_hold_unless_other_criteria_are_given() {
    let scratch = Scratch::new();
    let (input, scores) = (testdata(HISEQ), scratch.path("scores.tsv"));
    bm(["score", &input, "-t", "0.9", "--min-complexity", "0.8", "-q", "-o", &scores]).done();
    let expected = bm(["filter", &input, "-t", "0.9", "--min-complexity", "0.8", "-q", "-o", "-"])
        .done()
        .stdout;
    let found = bm(["filter", &input, "--scores", &scores, "-o", "-"]).done();
    assert!(
        found.stdout == expected && found.stderr.contains("as decided when they were made"),
        "{}",
        found.stderr
    );
    let all = bm(["filter", &input, "--scores", &scores, "-t", "0", "-q", "-o", "-"]).done();
    assert!(all.stdout == text_of(&input));
}

#[test]
fn a_table_of_other_reads_is_refused() {
    let scratch = Scratch::new();
    let input = testdata(MEASLES);
    let table = bm(["score", &input, "-q"]).done().stdout;
    let lines: Vec<_> = table.split_inclusive(|byte| *byte == b'\n').collect();
    let swapped = [lines[0], lines[2], lines[1]].concat();
    let swapped = [swapped, lines[3..].concat()].concat();
    let without = |column: usize| -> Vec<u8> {
        let cut = |line: &&[u8]| {
            let fields: Vec<_> = line.split(|byte| *byte == b'\t').collect();
            [&fields[..column], &fields[column + 1..]].concat().join(&b'\t')
        };
        lines.iter().flat_map(cut).collect()
    };
    for (content, expected) in [
        (table[..table.len() - lines[lines.len() - 1].len()].to_vec(), "ends before the read"),
        ([table.clone(), lines[1].to_vec()].concat(), "but the reads have ended"),
        (swapped, "line 2 is of "),
        (table[..table.len() - 3].to_vec(), "has no end: the table is cut off"),
        (without(2), "has no column probability"),
        (b"".to_vec(), "has no column read"),
        (
            String::from_utf8(table.clone())
                .unwrap()
                .replacen("\tpass\t", "\tperhaps\t", 1)
                .into_bytes(),
            "expected pass, fail or unscored",
        ),
        (
            String::from_utf8(table.clone())
                .unwrap()
                .replacen("\tpass\t-", "\tpass\tmax_n", 1)
                .into_bytes(),
            "a read that passes has no reason",
        ),
        (
            String::from_utf8(table.clone()).unwrap().replacen("\t0.9", "\t1.9", 1).into_bytes(),
            "expected a probability, found 1.9",
        ),
        (fs::read(&input).unwrap(), "has no column read"),
    ] {
        let scores = scratch.file("scores.tsv", &content);
        let out = Scratch::new();
        let message =
            bm(["filter", &input, "--scores", &scores, "-o", &out.path("kept"), "-q"]).refused();
        assert!(message.contains(&scores) && message.contains(expected), "{message}\n{expected}");
        assert!(out.names().is_empty());
    }
    let scores = scratch.file("scores.tsv", &table);
    let message =
        bm(["filter", &testdata(MISEQ), &testdata(MISEQ_2), "--scores", &scores, "-o", "-"])
            .refused();
    assert!(message.contains("has scores of reads, but pairs are to be filtered"), "{message}");
    let message = bm(["filter", &input, "--scores", &scores, "-o", &scores]).refused();
    assert!(message.contains("is an input too"), "{message}");
    let message =
        bm(["filter", &input, "--scores", &scores, "-m", "mean-q20", "-o", "-"]).misused();
    assert!(message.contains("--scores"), "{message}");
    bm(["score", &input, "-m", "mean-q20", "-q", "-o", &scores]).done();
    let message = bm(["filter", &input, "--scores", &scores, "--max-ee", "1", "-o", "-"]).refused();
    assert!(
        message.contains(&format!("--max-ee: the table {scores} does not count errors")),
        "{message}"
    );
}

#[test]
fn a_fraction_or_a_number_of_bases_chooses_the_threshold() {
    let scratch = Scratch::new();
    let (input, scores) = (testdata(HISEQ), scratch.path("scores.tsv"));
    bm(["score", &input, "-q", "-o", &scores]).done();
    let mut probabilities: Vec<_> =
        rows(&scratch.read("scores.tsv")).iter().map(|row| row.probability).collect();
    probabilities.sort_by(|one, other| other.total_cmp(one));
    for (flags, reads) in [
        (["--keep-fraction", "0.9"], 9_000),
        (["--keep-fraction", "0.12345"], 1_235),
        (["--keep-fraction", "1"], 10_000),
        (["--target-bases", "300k"], 2_000),
        (["--target-bases", "300001"], 2_001),
        (["--target-bases", "1G"], 10_000),
    ] {
        let threshold = probabilities[reads - 1];
        let kept = probabilities.iter().filter(|p| **p >= threshold).count();
        let found =
            bm(["filter", &input, "--scores", &scores, "-q", "-o", "-", flags[0], flags[1]])
                .done()
                .stdout;
        assert_eq!(records(&found).len(), kept, "{flags:?}");
        let tuned = bm(["tune", &scores, flags[0], flags[1]]).done();
        assert_eq!(column(tuned.text(), "reads"), [kept as f64]);
        assert!(
            tuned.stderr.contains(&format!(" are kept at -t {threshold}\n")),
            "{}",
            tuned.stderr
        );
        let again =
            bm(["filter", &input, "-t", &threshold.to_string(), "-q", "-o", "-"]).done().stdout;
        assert!(again == found, "{flags:?}");
    }
    // Another criterion in addition would keep less than requested.
    for other in [["-t", "0.9"], ["--max-ee", "1"], ["--max-ee-rate", "0.01"]] {
        let message = bm([
            "filter",
            &input,
            "--scores",
            &scores,
            "--keep-fraction",
            "0.9",
            "-o",
            "-",
            other[0],
            other[1],
        ])
        .misused();
        assert!(message.contains("cannot be used with"), "{message}");
    }
    let (one, two, pairs) = (testdata(MISEQ), testdata(MISEQ_2), scratch.path("pairs.tsv"));
    bm(["score", &one, &two, "-q", "-o", &pairs]).done();
    let by_mates = [
        "filter",
        &one,
        &two,
        "--scores",
        &pairs,
        "--target-bases",
        "1k",
        "--pair",
        "both",
        "-o",
        "-",
    ];
    let message = bm(by_mates).refused();
    assert!(message.contains("--pair both: ") && message.contains("--pair joint"), "{message}");
    for (flag, value) in
        [("--keep-fraction", "1.1"), ("--target-bases", "0"), ("--target-bases", "many")]
    {
        assert!(bm(["tune", &scores, flag, value]).misused().contains(flag));
    }
    let message = bm_with_stdin(
        ["filter", &input, "--scores", "-", "--keep-fraction", "0.9", "-o", "-"],
        b"",
    )
    .refused();
    assert!(message.contains("a table is read"), "{message}");
}

#[test]
fn a_row_equals_the_result_of_filtering_at_its_threshold() {
    let scratch = Scratch::new();
    let (input, scores) = (testdata(HISEQ), scratch.path("scores.tsv"));
    bm(["score", &input, "-q", "-o", &scores]).done();
    let table = rows(&scratch.read("scores.tsv"));
    let tuned = bm(["tune", &scores, "-q"]).done();
    let all: f64 = table.iter().map(|row| f64::from(row.expected_errors.unwrap())).sum();
    let all_bad: f64 = table.iter().map(|row| 1.0 - f64::from(row.probability)).sum();
    let of = |name: &str| column(tuned.text(), name);
    let thresholds = of("threshold");
    assert!(thresholds.len() > 10 && thresholds.is_sorted());
    for (i, threshold) in thresholds.iter().enumerate() {
        let kept: Vec<_> =
            table.iter().filter(|row| row.probability >= *threshold as f32).collect();
        let errors: f64 = kept.iter().map(|row| f64::from(row.expected_errors.unwrap())).sum();
        let bases: usize = kept.iter().map(|row| row.length).sum();
        let bad: f64 = kept.iter().map(|row| 1.0 - f64::from(row.probability)).sum();
        for (name, expected, tolerance) in [
            ("reads", kept.len() as f64, 0.0),
            ("kept", kept.len() as f64 / 1e4, 5.1e-5),
            ("bases", bases as f64, 0.0),
            ("expected_errors", errors, 0.06),
            ("errors_per_mb", 1e6 * errors / bases as f64, 0.06),
            ("errors_removed", 1.0 - errors / all, 5.1e-5),
            ("bad_reads", bad, 0.06),
            ("bad_reads_caught", 1.0 - bad / all_bad, 5.1e-5),
        ] {
            assert!(
                (of(name)[i] - expected).abs() <= tolerance,
                "{name} at {threshold}: {}, expected {expected}",
                of(name)[i]
            );
        }
    }
}

#[test]
fn long_reads_are_ranked_by_error_rate() {
    let scratch = Scratch::new();
    let (scores, page) = (scratch.path("scores.tsv"), scratch.path("page.html"));
    let input = testdata("nanopore_lambda_4line.fastq.gz");
    bm(["score", &input, "-q", "-o", &scores]).done();
    let tuned = bm(["tune", &scores, "--html", &page]).done();
    assert!(tuned.stderr.contains("ranked by expected errors per base: "), "{}", tuned.stderr);
    assert!(tuned.stderr.contains("with bm filter --max-ee-rate;"), "{}", tuned.stderr);
    let (limits, reads) = (column(tuned.text(), "max_ee_rate"), column(tuned.text(), "reads"));
    assert!(limits.len() > 10 && limits.is_sorted_by(|one, next| one > next), "{limits:?}");
    for (limit, reads) in limits.iter().zip(&reads).step_by(3) {
        let limit = limit.to_string();
        let kept = bm(["filter", &input, "--max-ee-rate", &limit, "-q", "-o", "-"]).done().stdout;
        assert_eq!(records(&kept).len() as f64, *reads, "{limit}");
    }
    // Probabilities of half of the reads are all but the same; rates are not.
    let chosen = bm(["tune", &scores, "--keep-fraction", "0.5", "--html", &page]).done();
    let limit = column(chosen.text(), "max_ee_rate")[0];
    let words = format!(" are kept at --max-ee-rate {limit}\n");
    assert!(chosen.stderr.ends_with(&words), "{}", chosen.stderr);
    let by = |flag: &str, value: &str| {
        bm(["filter", &input, flag, value, "-q", "-o", "-"]).done().stdout
    };
    assert!(by("--max-ee-rate", &limit.to_string()) == by("--keep-fraction", "0.5"));
    let page = String::from_utf8(scratch.read("page.html")).unwrap();
    assert!(page.contains(&format!("At --max-ee-rate {limit}, ")), "{limit}");
    assert!(page.contains("<th scope=\"col\">max. error rate</th>"));
    // Short reads have a threshold.
    bm(["score", &testdata(HISEQ), "-q", "-o", &scores]).done();
    assert!(bm(["tune", &scores, "-q"]).done().text().starts_with("kept\tthreshold\t"));
}

#[test]
fn several_tables_are_read_as_one_if_they_are_of_the_same_kind() {
    let scratch = Scratch::new();
    let (one, other, pairs) =
        (scratch.path("1.tsv"), scratch.path("2.tsv.gz"), scratch.path("p.tsv"));
    bm(["score", &testdata(MISEQ), "-q", "-o", &one]).done();
    bm(["score", &testdata(MISEQ_2), "-q", "-o", &other]).done();
    bm(["score", &testdata(MISEQ), &testdata(MISEQ_2), "-q", "-o", &pairs]).done();
    let both = bm(["tune", &one, &other, "-q"]).done();
    assert_eq!(column(both.text(), "reads")[0], 4_000.0);
    let run = bm(["tune", &pairs]).done();
    assert!(
        column(run.text(), "bad_pairs")[0] > 0.0 && run.stderr.starts_with("2000 pairs; "),
        "{}",
        run.stderr
    );
    let message = bm(["tune", &one, &pairs]).refused();
    assert!(message.contains("p.tsv: has other columns than the table before"), "{message}");
    let empty = scratch.file("empty.tsv", &bm_with_stdin(["score", "-", "-q"], b"").done().stdout);
    assert_eq!(
        bm(["tune", &empty, "-q"]).done().text().lines().nth(1).unwrap().split('\t').nth(2),
        Some("0")
    );
}

#[test]
fn the_page_is_self_contained_and_has_the_rows_of_the_table() {
    let scratch = Scratch::new();
    let (scores, page) = (scratch.path("scores.tsv"), scratch.path("page.html"));
    for (inputs, flags, expected) in [
        (vec![testdata(HISEQ)], vec![], ">bad reads removed</th>"),
        (vec![testdata(HISEQ)], vec!["--keep-fraction", "0.5"], "5,000 of 10,000 reads are kept"),
        (vec![testdata(MISEQ), testdata(MISEQ_2)], vec![], ">bad pairs removed</th>"),
        (
            vec![testdata(HISEQ), "-m".to_owned(), "mean-q20".to_owned()],
            vec![],
            ">bad reads left</th>",
        ),
        (vec![testdata("derived/empty.fastq.gz")], vec![], "<h2>Thresholds</h2>"),
    ] {
        run(command(["score", "-q", "-o", &scores]).args(&inputs)).done();
        let table = run(command(["tune", &scores, "-q", "--html", &page]).args(&flags)).done();
        let text = String::from_utf8(scratch.read("page.html")).unwrap();
        roxmltree::Document::parse_with_options(
            &text,
            roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() },
        )
        .unwrap();
        assert!(text.contains(expected), "{expected}");
        assert!(
            !text.contains("http://")
                && !text.contains("https://")
                && !text.contains("<script")
                && !text.contains("NaN")
        );
        let (_, thresholds) = text.split_once("<h2>Thresholds</h2>").unwrap();
        assert_eq!(thresholds.matches("<tr").count() - 1, table.text().lines().count() - 1);
    }
}
