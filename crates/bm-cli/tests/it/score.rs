//! `bm score`: a table with a row per read.

use crate::support::{
    BM, HISEQ, MISEQ, MISEQ_2, NOVASEQ, Row, Scratch, bm, bm_with_stdin, command, package, record,
    records, rows, run, shell, testdata, text_of,
};

const HEADER: &str = "read\tlength\tprobability\texpected_errors\tphred_expected_errors\tmean_phred\tverdict\treason\n";

#[test]
fn there_is_one_row_per_read_in_order() {
    for input in [NOVASEQ, "derived/empty_reads.fastq.gz"] {
        let input = testdata(input);
        let table = rows(&bm(["score", &input]).done().stdout);
        let text = text_of(&input);
        let reads: Vec<_> = records(&text)
            .iter()
            .map(|record| {
                let mut lines = record.split(|byte| *byte == b'\n');
                let definition = String::from_utf8_lossy(&lines.next().unwrap()[1..]).into_owned();
                (
                    definition.split([' ', '\t']).next().unwrap().to_owned(),
                    lines.next().unwrap().len(),
                )
            })
            .collect();
        assert!(table.iter().map(|row| (row.read.clone(), row.length)).eq(reads), "{input}");
        assert!(table.iter().all(|row| row.probability.is_nan() == (row.verdict == "unscored")));
    }
}

#[test]
fn probabilities_survive_a_round_trip() {
    let run = bm(["score", &testdata(NOVASEQ), "-q"]).done();
    for line in run.text().lines().skip(1) {
        let written = line.split('\t').nth(2).unwrap();
        let value: f32 = written.parse().unwrap();
        assert!((0.0..=1.0).contains(&value) && value.to_string() == written, "{line}");
    }
}

#[test]
fn a_read_that_cannot_be_scored_is_nan_and_unscored() {
    let run =
        bm_with_stdin(["score", "-", "-q"], b"@empty x\n\n+\n\n@\xe9t\xe9\nNNN\n+\nIII\n").done();
    let expected = b"empty\t0\tnan\tnan\t0\tnan\tunscored\tempty\n\xe9t\xe9\t3\tnan\tnan\t0.0003\t40\tunscored\tonly_n\n";
    assert_eq!(run.stdout, [HEADER.as_bytes(), expected].concat());
}

#[test]
fn the_probability_of_a_read_does_not_depend_on_other_reads() {
    let reads: Vec<_> = (1..40).map(|i| record(&format!("r{i}"), i * 11, 33 + i as u8)).collect();
    let together = rows(&bm_with_stdin(["score", "-", "-q"], &reads.concat()).done().stdout);
    for (read, row) in reads.iter().zip(&together).step_by(7) {
        assert_eq!(
            rows(&bm_with_stdin(["score", "-", "-q"], read).done().stdout),
            std::slice::from_ref(row)
        );
    }
}

#[test]
fn an_input_without_records_gives_the_header() {
    let run = bm(["score", &testdata("derived/empty.fastq.gz")]).done();
    assert_eq!(run.text(), HEADER);
    let run = bm(["score", &testdata("derived/empty.fastq.gz"), "-m", "mean-q20"]).done();
    assert_eq!(
        run.text(),
        "read\tlength\tprobability\tphred_expected_errors\tmean_phred\tverdict\treason\n"
    );
}

#[test]
fn a_package_its_folder_and_its_bare_file_give_the_same_scores() {
    let input = testdata(NOVASEQ);
    for id in ["read-error", "mean-q20"] {
        let expected = bm(["score", &input, "-q", "-m", id]).done().stdout;
        for model in [package(id, ""), package(id, "model.onnx")] {
            let run = bm(["score", &input, "-q", "-m", &model]).done();
            assert!(run.stdout == expected, "{model}");
        }
        assert_eq!(
            bm(["score", &input, "-q"]).done().stdout == expected,
            id == "read-error",
            "the default model"
        );
    }
}

/// Needs the trained models.
#[test]
fn every_model_separates_good_reads_from_bad_ones() {
    let passed = |model: &str| {
        let table = rows(&bm(["score", &testdata(HISEQ), "-q", "-m", model]).done().stdout);
        table.iter().filter(|row| row.verdict == "pass").count()
    };
    // 2 of the 10,000 reads have a mean quality under 20; 1,443 of the reads with known errors have
    // more than 1 % errors.
    assert!((9_950..10_000).contains(&passed("mean-q20")), "{}", passed("mean-q20"));
    assert!((8_000..9_000).contains(&passed("read-error")), "{}", passed("read-error"));
}

#[test]
fn the_probability_falls_with_the_expected_errors() {
    let mut table = rows(&bm(["score", &testdata(HISEQ), "-q"]).done().stdout);
    assert!(table.iter().all(|row| {
        row.expected_errors.is_some_and(|errors| errors > 0.0 && errors < row.length as f32)
    }));
    table.sort_by(|a, b| a.expected_errors.partial_cmp(&b.expected_errors).unwrap());
    // All reads have the same length.
    assert!(table.is_sorted_by(|a, b| a.probability >= b.probability));
}

#[test]
fn the_table_includes_the_reported_errors() {
    let text = text_of(&testdata(NOVASEQ));
    let table = rows(&bm(["score", &testdata(NOVASEQ), "-q"]).done().stdout);
    for (row, record) in table.iter().zip(records(&text)) {
        let expected = reported(record);
        assert!(
            (f64::from(row.phred_expected_errors) - expected).abs() <= 1e-6 * expected,
            "{row:?}, expected {expected}"
        );
        let quality = record.split(|byte| *byte == b'\n').nth(3).unwrap();
        let mean =
            quality.iter().map(|byte| f64::from(byte - b'!')).sum::<f64>() / quality.len() as f64;
        assert!(
            (f64::from(row.mean_phred) - mean).abs() < 1e-5
                && (row.reason == "-") == (row.verdict == "pass"),
            "{row:?}"
        );
    }
}

#[test]
fn limits_on_expected_errors_decide_instead_of_the_threshold() {
    let input = testdata(HISEQ);
    for (flags, passes) in [
        (
            ["--max-ee", "1", "-j", "2"],
            (|row| row.expected_errors.unwrap() <= 1.0) as fn(&Row) -> bool,
        ),
        (["--max-ee-rate", "0.002", "-j", "2"], |row| {
            f64::from(row.expected_errors.unwrap()) <= 0.002 * row.length as f64
        }),
        (["--max-ee", "2", "-t", "0.9"], |row| {
            row.expected_errors.unwrap() <= 2.0 && row.probability >= 0.9
        }),
        (["--max-ee", "0", "-j", "2"], |_| false),
    ] {
        let [a, b, c, d] = flags;
        let table = rows(&bm(["score", &input, "-q", a, b, c, d]).done().stdout);
        assert!(table.iter().all(|row| (row.verdict == "pass") == passes(row)), "{flags:?}");
        let kept = bm(["filter", &input, "-o", "-", "-q", a, b, c, d]).done().stdout;
        assert_eq!(
            records(&kept).len(),
            table.iter().filter(|row| row.verdict == "pass").count(),
            "{flags:?}"
        );
    }
    for (flag, value) in [
        ("--max-ee", "-1"),
        ("--max-ee", "nan"),
        ("--max-ee", "inf"),
        ("--max-ee-rate", "1.5"),
        ("--max-ee-rate", "x"),
    ] {
        let message = bm(["score", &input, flag, value]).misused();
        assert!(message.contains(flag) && message.contains("expected"), "{message}");
    }
    let message = bm(["score", &input, "-m", "mean-q20", "--max-ee", "1"]).refused();
    assert!(message.contains("the model mean-q20 does not count errors"), "{message}");
}

/// Returns the expected errors by the reported qualities.
fn reported(record: &[u8]) -> f64 {
    let quality = record.split(|byte| *byte == b'\n').nth(3).unwrap();
    quality.iter().map(|byte| 10f64.powf(f64::from(byte - b'!') / -10.0)).sum()
}

#[test]
fn reported_errors_are_used_if_the_model_does_not_apply_and_the_summary_says_so() {
    let constant: Vec<_> = (0..60).map(|i| record(&format!("r{i}"), 100 + i, b'5')).collect();
    let long = text_of(&testdata("nanopore_lambda_4line.fastq.gz"));
    for (text, expected) in
        [(constant.concat(), "every base has quality 20"), (long, "half of the reads have ")]
    {
        let scratch = Scratch::new();
        let report = scratch.path("report.json");
        let run = bm_with_stdin(["score", "-", "--report", &report], &text).done();
        let said = format!("model read-error does not apply: {expected}");
        assert!(
            run.stderr.contains(&said)
                && run.stderr.contains("scored by the errors that their qualities report (EE)"),
            "{}",
            run.stderr
        );
        for (row, record) in rows(&run.stdout)
            .iter()
            .zip(records(&text))
            .filter(|(row, _)| row.verdict != "unscored")
        {
            let (found, expected) = (f64::from(row.expected_errors.unwrap()), reported(record));
            assert!((found - expected).abs() <= 1e-6 * expected, "{row:?}, expected {expected}");
            assert_eq!(row.expected_errors, Some(row.phred_expected_errors));
        }
        let written: serde_json::Value =
            serde_json::from_slice(&scratch.read("report.json")).unwrap();
        assert_eq!(written["domain"]["applies"], false);
        assert_eq!(written["domain"]["scored_by"], "reported-errors");
        assert!(
            written["domain"]["reasons"][0].as_str().unwrap().starts_with(expected),
            "{written}"
        );

        // A named model is used, and the summary says why it does not apply.
        let named = bm_with_stdin(["score", "-", "-m", "read-error"], &text).done();
        assert!(
            named.stderr.contains(&said) && named.stderr.contains("all the same, as it was named"),
            "{}",
            named.stderr
        );
        assert!(named.stdout != run.stdout);
    }
    assert!(!bm(["score", &testdata(HISEQ)]).done().stderr.contains("does not apply"));
}

#[test]
fn a_table_can_be_a_gzip_file() {
    let scratch = Scratch::new();
    let input = testdata("broken/crlf.fastq");
    let expected = bm(["score", &input, "-q"]).done().stdout;
    bm(["score", &input, "-q", "-o", &scratch.path("scores.tsv.gz")]).done();
    assert_eq!(crate::support::plain(scratch.read("scores.tsv.gz")), expected);
    let run = shell(&format!("'{BM}' score '{input}' -q -o - | wc -l")).done();
    assert_eq!(run.text().trim(), "6");
}

#[test]
fn a_table_can_be_parquet() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    let scratch = Scratch::new();
    for inputs in
        [vec![testdata(MISEQ), testdata(MISEQ_2)], vec![testdata("derived/empty_reads.fastq.gz")]]
    {
        let (parquet, text) = (scratch.path("scores.parquet"), scratch.path("scores.tsv"));
        run(command(["score", "-q", "-o", &parquet, "-j", "3"]).args(&inputs)).done();
        run(command(["score", "-q", "-o", &text]).args(&inputs)).done();
        let expected = String::from_utf8(scratch.read("scores.tsv")).unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&parquet).unwrap()).unwrap();
        let mut found = Vec::new();
        for row in reader.get_row_iter(None).unwrap() {
            let show = |field: &Field| match field {
                Field::Null => "nan".to_owned(),
                Field::Str(text) => text.clone(),
                Field::Float(value) => value.to_string(),
                Field::Int(value) => value.to_string(),
                other => panic!("{other:?}"),
            };
            let row = row.unwrap();
            if found.is_empty() {
                found.push(
                    row.get_column_iter()
                        .map(|(name, _)| name.clone())
                        .collect::<Vec<_>>()
                        .join("\t"),
                );
            }
            found.push(
                row.get_column_iter().map(|(_, field)| show(field)).collect::<Vec<_>>().join("\t"),
            );
        }
        // The table may format numbers differently.
        let numbers = |line: &str| {
            line.split('\t')
                .map(|field| field.parse::<f32>().map_or(field.to_owned(), |v| v.to_string()))
                .collect::<Vec<_>>()
        };
        assert!(
            found
                .iter()
                .map(|line| numbers(&line.replace("nan", "NaN")))
                .eq(expected.lines().map(numbers))
        );
        let first = scratch.read("scores.parquet");
        run(command(["score", "-q", "-o", &parquet, "-j", "1"]).args(&inputs)).done();
        assert!(scratch.read("scores.parquet") == first, "threads change the file");
    }
    let message = bm(["filter", &testdata(NOVASEQ), "-o", &scratch.path("kept.parquet")]).refused();
    assert!(message.contains(".parquet is for the table of `bm score`"), "{message}");
    let message = bm(["tune", &scratch.path("scores.parquet")]).refused();
    assert!(message.contains("is Parquet, which is not read here"), "{message}");
}
