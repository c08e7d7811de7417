//! `score_reads` has the scores, the decisions and the errors of `Score`, without a file.

use std::fs;
use std::path::{Path, PathBuf};

use bm_pipeline::{Inputs, RunSettings, Score, ScoreSource, Silent, Totals, score_reads};
use bm_quality::ScoredBy;

fn testdata(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(file)
}

/// What is known of a read: name, mate, probability, expected errors, probability of the pair,
/// verdict and reasons.
type Row = (Vec<u8>, usize, [f32; 3], String);

/// Scores reads without a file.
fn visited(settings: &RunSettings) -> Result<(Vec<Row>, Totals, ScoredBy), String> {
    let mut rows = Vec::new();
    let done = score_reads(settings, &Silent, |scored, decision| {
        let pair = scored.joint.and_then(|joint| joint.probability());
        for (i, (mate, fate)) in scored.template.mates().iter().zip(decision.fates()).enumerate() {
            let prediction = scored.prediction(mate);
            let numbers = [
                prediction.probability().map(|p| p.get()),
                prediction.expected_errors(),
                pair.map(|p| p.get()),
            ];
            let mut reasons = Vec::new();
            fate.reasons.write(&mut reasons);
            let outcome = fate.verdict.name().to_owned() + " " + str::from_utf8(&reasons).unwrap();
            let numbers = numbers.map(|number| number.unwrap_or(f32::NAN));
            rows.push((mate.record.name().to_vec(), i + 1, numbers, outcome));
        }
    })
    .map_err(|error| error.with_causes())?;
    assert!(done.outputs.is_empty());
    let ScoreSource::Model { applicability, .. } = done.source else { panic!("a model scores") };
    Ok((rows, done.totals, applicability.scored_by()))
}

/// Scores reads into a table and reads that.
fn table(settings: &RunSettings) -> Result<(Vec<Row>, Totals, ScoredBy), String> {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("scores.tsv");
    let score = Score { settings: settings.clone(), output: output.clone() };
    let done = score
        .run(&Silent)
        .and_then(|finished| finished.commit())
        .map_err(|error| error.with_causes())?;
    let text = fs::read(output).unwrap();
    let mut lines = text.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n');
    let fields = |line: &[u8]| -> Vec<Vec<u8>> {
        line.split(|byte| *byte == b'\t').map(<[u8]>::to_vec).collect()
    };
    let header = fields(lines.next().unwrap());
    let rows = lines.map(|line| {
        let fields = fields(line);
        let of = |name: &str| {
            let column = header.iter().position(|column| column == name.as_bytes())?;
            Some(&fields[column])
        };
        let text = |name| of(name).map(|field| str::from_utf8(field).unwrap());
        let number = |name| text(name).map_or(f32::NAN, |text| text.parse().unwrap());
        let numbers = ["probability", "expected_errors", "pair_probability"].map(number);
        let outcome = [text("verdict").unwrap(), text("reason").unwrap()].join(" ");
        let mate = text("mate").map_or(1, |text| text.parse().unwrap());
        (of("read").unwrap().clone(), mate, numbers, outcome)
    });
    let rows = rows.collect();
    let ScoreSource::Model { applicability, .. } = done.source else { panic!("a model scores") };
    Ok((rows, done.totals, applicability.scored_by()))
}

/// Compares numbers by their bits, and everything else as it is.
fn assert_same(
    found: &Result<(Vec<Row>, Totals, ScoredBy), String>,
    expected: &Result<(Vec<Row>, Totals, ScoredBy), String>,
    run: &str,
) {
    match (found, expected) {
        (Ok((rows, totals, scored_by)), Ok(expected)) => {
            let bits = |rows: &[Row]| -> Vec<_> {
                let bits = |(name, mate, numbers, outcome): &Row| {
                    let numbers = numbers.map(|number| number.to_bits());
                    (name.clone(), *mate, numbers, outcome.clone())
                };
                rows.iter().map(bits).collect()
            };
            assert!(bits(rows) == bits(&expected.0), "{run}");
            assert_eq!((totals, scored_by), (&expected.1, &expected.2), "{run}");
        }
        (Err(found), Err(expected)) => assert_eq!(found, expected, "{run}"),
        _ => panic!("{run}: one of both fails: {:?}, {:?}", found.is_ok(), expected.is_ok()),
    }
}

#[test]
fn all_test_files_have_the_scores_or_the_error_of_the_table() {
    let mut failed = 0;
    let mut fell_back = 0;
    for folder in [".", "broken", "derived", "hiseq_measles"] {
        for entry in fs::read_dir(testdata(folder)).unwrap() {
            let path = entry.unwrap().path();
            if !path.to_string_lossy().contains(".fastq") {
                continue;
            }
            let settings = RunSettings::new(Inputs::single(&path));
            let found = visited(&settings);
            assert_same(&found, &table(&settings), &path.display().to_string());
            match found {
                Ok((.., ScoredBy::ReportedErrors)) => fell_back += 1,
                Ok(_) => {}
                Err(_) => failed += 1,
            }
        }
    }
    assert!(failed >= 20, "{failed} broken files are refused");
    assert!(
        fell_back >= 2,
        "reported errors score {fell_back} files, those of Nanopore among them"
    );
}

#[test]
fn pairs_are_visited_as_pairs_for_any_number_of_threads() {
    let [first, second] =
        [1, 2].map(|mate| testdata(&format!("hiseq_measles/hiseq_measles_{mate}.fastq.gz")));
    let mut settings = RunSettings::new(Inputs::pair(first, second));
    settings.rules.max_n = Some(0.01);
    let expected = table(&settings);
    for threads in [1, 2, 8] {
        settings.threads = threads;
        let found = visited(&settings);
        assert_eq!(found.as_ref().unwrap().0.len(), 2 * 1499);
        assert_same(&found, &expected, &format!("{threads} threads"));
    }
}

#[test]
fn a_named_model_is_used_where_it_does_not_apply() {
    let mut settings = RunSettings::new(Inputs::single(testdata("nanopore_lambda_4line.fastq.gz")));
    let (reported, _, scored_by) = visited(&settings).unwrap();
    assert_eq!(scored_by, ScoredBy::ReportedErrors);
    settings.engine.model = Some("read-error".to_owned());
    let (named, _, scored_by) = visited(&settings).unwrap();
    assert_eq!(scored_by, ScoredBy::Model);
    assert!(reported.iter().zip(&named).any(|(one, other)| one.2[1] != other.2[1]));
}

#[test]
fn text_in_memory_has_the_scores_of_its_file() {
    for file in ["derived/zstd.fastq.zst", "derived/crlf.fastq.gz", "broken/all_n.fastq"] {
        let path = testdata(file);
        let text = RunSettings::new(Inputs::text(fs::read(&path).unwrap()));
        assert_same(&visited(&text), &table(&RunSettings::new(Inputs::single(path))), file);
    }
    let empty = RunSettings::new(Inputs::text(""));
    assert!(visited(&empty).unwrap().0.is_empty());
    let broken = RunSettings::new(Inputs::text("@a\nACGT\n+\nIII\n"));
    assert_eq!(
        visited(&broken).unwrap_err(),
        "reads in memory: record 1 (read a, byte 0): 4 bases but 3 quality scores"
    );
    let mut learning = RunSettings::new(Inputs::text(""));
    learning.learning_bytes = Some(bm_pipeline::LEARNING_BYTES);
    let refused = "reads in memory: a run is learned from files; write the reads to a file";
    assert_eq!(visited(&learning).unwrap_err(), refused);
    assert_eq!(format!("{:?}", Inputs::text("@a")).matches("2 bytes").count(), 1);
}
