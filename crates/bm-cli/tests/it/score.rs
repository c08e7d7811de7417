//! `bm score`: a row a read.

use crate::support::{BM, HISEQ, NOVASEQ, Scratch, bm, bm_with_stdin, package, record, records, rows, shell, testdata, text_of};

#[test]
fn there_is_a_row_a_read_in_order() {
    for input in [NOVASEQ, "derived/empty_reads.fastq.gz"] {
        let input = testdata(input);
        let table = rows(&bm(["score", &input]).done().stdout);
        let text = text_of(&input);
        let reads: Vec<_> = records(&text)
            .iter()
            .map(|record| {
                let mut lines = record.split(|byte| *byte == b'\n');
                let definition = String::from_utf8_lossy(&lines.next().unwrap()[1..]).into_owned();
                (definition.split([' ', '\t']).next().unwrap().to_owned(), lines.next().unwrap().len())
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
fn what_cannot_be_scored_is_nan_and_unscored() {
    let run = bm_with_stdin(["score", "-", "-q"], b"@empty x\n\n+\n\n@\xe9t\xe9\nNNN\n+\nIII\n").done();
    assert_eq!(run.stdout, b"read\tlength\tprobability\tverdict\nempty\t0\tnan\tunscored\n\xe9t\xe9\t3\tnan\tunscored\n");
}

#[test]
fn a_read_has_one_probability_whatever_is_beside_it() {
    let reads: Vec<_> = (1..40).map(|i| record(&format!("r{i}"), i * 11, 33 + i as u8)).collect();
    let together = rows(&bm_with_stdin(["score", "-", "-q"], &reads.concat()).done().stdout);
    for (read, row) in reads.iter().zip(&together).step_by(7) {
        assert_eq!(rows(&bm_with_stdin(["score", "-", "-q"], read).done().stdout), std::slice::from_ref(row));
    }
}

#[test]
fn an_input_without_records_gives_the_header() {
    let run = bm(["score", &testdata("derived/empty.fastq.gz")]).done();
    assert_eq!(run.text(), "read\tlength\tprobability\tverdict\n");
}

#[test]
fn a_package_its_folder_and_its_bare_file_are_one_model() {
    let input = testdata(NOVASEQ);
    let expected = bm(["score", &input, "-q"]).done().stdout;
    for model in ["mean-q20", &package(""), &package("model.onnx")] {
        let run = bm(["score", &input, "-q", "-m", model]).done();
        assert!(run.stdout == expected, "{model}");
    }
}

/// Needs the trained model.
#[test]
fn a_good_run_passes() {
    let table = rows(&bm(["score", &testdata(HISEQ), "-q"]).done().stdout);
    let passed = table.iter().filter(|row| row.verdict == "pass").count();
    // 2 of the 10,000 reads have a mean quality under 20.
    assert!((9_950..10_000).contains(&passed), "{passed}");
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
