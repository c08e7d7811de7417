//! Simple rules in addition to the network, reasons, annotations and recalibrated qualities.

use crate::support::{
    HISEQ, MEASLES, Scratch, bm, bm_with_stdin, command, json, records, rows, run, testdata,
    text_of,
};

/// Writes reads of high quality that break one rule each, and one that breaks none.
fn reads() -> Vec<u8> {
    let read = |name: &str, sequence: &str| {
        format!("@{name} x\n{sequence}\n+\n{}\n", "I".repeat(sequence.len()))
    };
    let varied = "ACGTTGCATCGGATCTAGCTTACGGATTCAAGCTGACCATGTTCGAACTGAGTC";
    [
        read("good", varied),
        read("short", &varied[..30]),
        read("long", &varied.repeat(3)),
        read("unknown", &(varied[..45].to_owned() + "NNNNNRYKM")),
        read("dull", &"AT".repeat(27)),
        read("dark", &(varied[..40].to_owned() + "GGGGTGGGGGGGGG")),
        read("bad", varied).replace('I', "#"),
        "@empty x\n\n+\n\n".to_owned(),
        read("both", &"AT".repeat(10)),
    ]
    .concat()
    .into_bytes()
}

const RULES: [&str; 10] = [
    "--min-length",
    "50",
    "--max-length",
    "150",
    "--max-n",
    "0.1",
    "--min-complexity",
    "0.5",
    "--max-poly-g",
    "10",
];

#[test]
fn every_reason_is_reported_and_the_counts_add_up() {
    let scratch = Scratch::new();
    let input = scratch.file("reads.fastq", &reads());
    let (dropped, report) = (scratch.path("dropped"), scratch.path("report"));
    let run =
        run(command(["filter", &input, "-o", "-", "--discarded", &dropped, "--report", &report])
            .args(RULES))
        .done();
    assert_eq!(records(&run.stdout), records(&reads())[..1]);
    let text = String::from_utf8(scratch.read("dropped")).unwrap();
    let definitions: Vec<_> = text.lines().step_by(4).collect();
    let expected = [
        "@short x reason=min_length",
        "@long x reason=max_length",
        "@unknown x reason=max_n,threshold",
        "@dull x reason=min_complexity",
        "@dark x reason=max_poly_g",
        "@bad x reason=threshold",
        "@empty x reason=empty,min_length",
        "@both x reason=min_length,min_complexity",
    ];
    assert_eq!(definitions, expected);
    let report = json(&scratch.read("report"));
    let reasons = serde_json::json!({
        "empty": 1, "min_length": 2, "max_length": 1, "max_n": 1, "min_complexity": 1, "max_poly_g": 1, "threshold": 1
    });
    assert_eq!(report["reasons"], reasons);
    assert_eq!(
        report["reads"],
        serde_json::json!({"in": 9, "kept": 1, "discarded": 7, "unscored": 1})
    );
    for (key, value) in [
        ("min_length", 50.0),
        ("max_length", 150.0),
        ("max_n", 0.1),
        ("min_complexity", 0.5),
        ("max_poly_g", 10.0),
    ] {
        assert_eq!(report["criteria"][key].as_f64(), Some(value), "{key}");
    }
    // The table agrees.
    let table =
        rows(&crate::support::run(command(["score", &input, "-q"]).args(RULES)).done().stdout);
    let reasons: Vec<_> =
        expected.iter().map(|definition| definition.rsplit_once('=').unwrap().1).collect();
    assert!(table.iter().skip(1).map(|row| row.reason.as_str()).eq(reasons));
    assert_eq!((table[0].verdict.as_str(), table[0].reason.as_str()), ("pass", "-"));
    assert_eq!(table[7].verdict, "unscored");
    assert!(table.iter().skip(1).filter(|row| row.verdict == "fail").count() == 7);
}

#[test]
fn by_default_no_rule_applies() {
    let run = bm_with_stdin(["filter", "-", "-o", "-"], &reads()).done();
    // All reads except the empty one, the bad one, and the one with unknown bases.
    assert!(
        run.stderr.starts_with("9 reads in: 6 kept") && !run.stderr.contains("not kept for"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_limit_that_is_not_a_fraction_is_wrong_usage() {
    for flag in ["--max-n", "--min-complexity"] {
        for value in ["-0.1", "1.1", "nan", "x"] {
            let message = bm(["filter", &testdata(MEASLES), "-o", "-", flag, value]).misused();
            assert!(message.contains(flag) && message.contains("from 0 to 1"), "{message}");
        }
    }
}

#[test]
fn annotations_equal_the_values_in_the_table() {
    let input = testdata(MEASLES);
    let table = rows(&bm(["score", &input, "-q"]).done().stdout);
    let run = bm(["filter", &input, "-o", "-", "--annotate", "-q", "-t", "0"]).done();
    let text = text_of(&input);
    let scored =
        records(&text).into_iter().zip(&table).filter(|(_, row)| row.verdict != "unscored");
    let mut annotated = records(&run.stdout).into_iter();
    for (record, row) in scored {
        let found = String::from_utf8(annotated.next().unwrap().to_vec()).unwrap();
        let original = String::from_utf8(record.to_vec()).unwrap();
        let (definition, rest) = original.split_once('\n').unwrap();
        assert_eq!(
            found,
            format!(
                "{definition} p={} ee={}\n{rest}",
                row.probability,
                row.expected_errors.unwrap()
            )
        );
    }
    assert!(annotated.next().is_none());
    // A model without expected errors.
    let run = bm(["filter", &input, "-o", "-", "--annotate", "-q", "-m", "mean-q20"]).done();
    let first = run.text().lines().next().unwrap();
    assert!(first.contains(" p=") && !first.contains(" ee="), "{first}");
}

#[test]
fn what_is_added_behind_a_plain_name_can_be_copied_into_sam() {
    let scratch = Scratch::new();
    let text = text_of(&testdata(HISEQ));
    let lines = |record: &[u8]| -> Vec<String> {
        String::from_utf8(record.to_vec()).unwrap().lines().map(str::to_owned).collect()
    };
    let bodies: Vec<String> =
        records(&text)[..400].iter().map(|record| lines(record)[1..].join("\n")).collect();
    let descriptions = ["", " RG:Z:lane1\tBC:Z:ACGT", "\tZP:f:0.5", " 1:N:0:ACGT", " RG:lane1"];
    let input: String = (bodies.iter().enumerate())
        .map(|(at, body)| format!("@r{at}{}\n{body}\n", descriptions[at % descriptions.len()]))
        .collect();
    let (input, dropped) = (scratch.file("in.fastq", input.as_bytes()), scratch.path("d.fastq"));
    let table = rows(&bm(["score", &input, "-q"]).done().stdout);
    let options = ["--annotate", "--recalibrate", "--discarded", &dropped, "--max-ee", "0.6"];
    let run = run(&mut command(["filter", &input, "-o", "-"].into_iter().chain(options))).done();
    let dropped = scratch.read("d.fastq");
    let (kept, dropped) = (records(&run.stdout), records(&dropped));
    assert!(kept.len() > 5 && dropped.len() > 5, "{} {}", kept.len(), dropped.len());
    for (record, is_kept) in
        kept.iter().map(|it| (it, true)).chain(dropped.iter().map(|it| (it, false)))
    {
        let found = &lines(record)[0];
        let name = found[2..].split([' ', '\t']).next().unwrap();
        let at: usize = name.parse().unwrap();
        let (p, ee) = (table[at].probability, table[at].expected_errors.unwrap());
        let own = descriptions[at % descriptions.len()];
        let last = |words: bool| match (words, is_kept) {
            (true, true) => " recalibrated=read-error/2",
            (true, false) => " reason=max_ee",
            (false, true) => "\tZM:Z:read-error/2",
            (false, false) => "\tZR:Z:max_ee",
        };
        let expected = match at % descriptions.len() {
            0 | 1 => format!("@r{at}{own}\tZP:f:{p}\tZE:f:{ee}{}", last(false)),
            // A tag stands once.
            2 => format!("@r{at}{own}\tZE:f:{ee}{}", last(false)),
            _ => format!("@r{at}{own} p={p} ee={ee}{}", last(true)),
        };
        assert_eq!(*found, expected);
    }
    assert!(run.stderr.contains("ZP"), "{}", run.stderr);
}

#[test]
fn recalibrated_qualities_sum_to_the_expected_errors() {
    let input = testdata(HISEQ);
    let scratch = Scratch::new();
    let (dropped, expected) = (scratch.path("dropped"), scratch.path("expected"));
    let table = rows(&bm(["score", &input, "-q"]).done().stdout);
    let run =
        bm(["filter", &input, "-o", "-", "--recalibrate", "--discarded", &dropped, "-q"]).done();
    bm(["filter", &input, "-o", "/dev/null", "--discarded", &expected, "-q"]).done();
    assert!(scratch.read("dropped") == scratch.read("expected"), "discarded reads are unchanged");
    let text = text_of(&input);
    let kept = records(&text).into_iter().zip(&table).filter(|(_, row)| row.verdict == "pass");
    let (mut errors, mut found) = (0.0, 0.0);
    for ((record, row), written) in kept.zip(records(&run.stdout)) {
        let lines = |record: &[u8]| -> Vec<String> {
            String::from_utf8(record.to_vec()).unwrap().lines().map(str::to_owned).collect()
        };
        let (before, after) = (lines(record), lines(written));
        assert_eq!(after[0], format!("{} recalibrated=read-error/2", before[0]));
        assert!(
            after[1..3] == before[1..3]
                && after[3].len() == before[3].len()
                && after[3] != before[3]
        );
        assert!(after[3].bytes().all(|byte| (b'!'..=b'!' + 41).contains(&byte)));
        errors += f64::from(row.expected_errors.unwrap());
        found +=
            after[3].bytes().map(|byte| 10f64.powf(f64::from(byte - b'!') / -10.0)).sum::<f64>();
    }
    // Quality scores are whole numbers, so the sums differ slightly.
    assert!((found / errors - 1.0).abs() < 0.03, "{found} of {errors}");
}

#[test]
fn qualities_that_the_model_cannot_give_are_refused() {
    let scratch = Scratch::new();
    let (input, scores, kept) = (testdata(HISEQ), scratch.path("scores.tsv"), scratch.path("kept"));
    bm(["score", &input, "-q", "-o", &scores]).done();
    let nanopore = testdata("nanopore_lambda_4line.fastq.gz");
    for (input, flags, expected) in [
        (&input, ["-m", "mean-q20"], "the model mean-q20 gives no error probabilities of bases"),
        (&input, ["--scores", &scores], "has no error probabilities of bases"),
        (&nanopore, ["-t", "0"], "model read-error does not apply"),
    ] {
        let message =
            bm(["filter", input, "-o", &kept, "--recalibrate", flags[0], flags[1]]).refused();
        assert!(message.contains("--recalibrate: ") && message.contains(expected), "{message}");
        assert_eq!(scratch.names(), ["scores.tsv"]);
    }
}
