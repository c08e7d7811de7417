//! Runs whose qualities carry nothing: constant, of two values, or ignored.

use std::collections::BTreeMap;
use std::fs;

use crate::reports;
use crate::support::{
    HISEQ, MEASLES, MEASLES_2, Row, Scratch, bm, command, json, record, records, rows, run,
    some_reads, testdata, text_of,
};

/// Returns a file of reads with each quality line replaced by a byte repeated.
fn with_quality(text: &[u8], quality: impl Fn(&[u8], &[u8]) -> u8) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records(text) {
        let lines: Vec<&[u8]> = record.split(|byte| *byte == b'\n').collect();
        let new = vec![quality(lines[1], lines[3]); lines[3].len()];
        out.extend([lines[0], lines[1], b"+", &new].join(&b'\n'));
        out.push(b'\n');
    }
    out
}

/// Returns the files of a pair in the archive's light form: Q30 for reads that pass, Q3 for others.
fn lite(file: &str) -> Vec<u8> {
    let of_read = |_: &[u8], quality: &[u8]| {
        let sum: usize = quality.iter().map(|byte| usize::from(byte - 33)).sum();
        if sum >= 20 * quality.len() { b'?' } else { b'$' }
    };
    with_quality(text_of(&testdata(file)).as_slice(), of_read)
}

/// The true errors of each read that is clear, by name and mate.
fn truth(file: &str) -> BTreeMap<(String, String), f64> {
    let text = String::from_utf8(text_of(&testdata(file))).unwrap();
    let mut errors = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let Ok(number) = fields[2].parse::<f64>() else { continue };
        let count = |field: usize| fields[field].parse::<f64>().unwrap_or(0.0);
        if fields[3] == "1" && count(6) + count(7) <= 5.0 && count(13) >= 0.7 * number {
            let name = fields[0].trim_end_matches("/1").trim_end_matches("/2").to_owned();
            errors.insert((name, fields[1].to_owned()), count(8) + count(9) + count(10));
        }
    }
    errors
}

/// How scores agree with the truth, for the question whether at most 1 % of a read is wrong.
struct Agreement {
    /// Matthews correlation.
    mcc: f64,
    /// log2(expected / true errors).
    log2_ratio: f64,
}

fn agreement<'a>(scored: impl Iterator<Item = (&'a Row, &'a str)>, truth_of: &str) -> Agreement {
    let truth = truth(truth_of);
    let (mut table, mut expected, mut found) = ([[0.0f64; 2]; 2], 0.0, 0.0);
    for (row, mate) in scored {
        let name = row.read.trim_end_matches("/1").trim_end_matches("/2").to_owned();
        let (Some(errors), Some(ee)) = (truth.get(&(name, mate.to_owned())), row.expected_errors)
        else {
            continue;
        };
        let (ee, most) = (f64::from(ee), 0.01 * row.length as f64);
        table[usize::from(*errors <= most)][usize::from(ee <= most)] += 1.0;
        expected += ee;
        found += errors;
    }
    let [[tn, fp], [fn_, tp]] = table;
    assert!(tp + tn + fp + fn_ > 1000.0);
    let below = ((tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_)).sqrt();
    Agreement { mcc: (tp * tn - fp * fn_) / below, log2_ratio: (expected / found).log2() }
}

/// Returns the columns of a table of scores that models decide about.
fn by_model(table: &[u8]) -> Vec<String> {
    let text = String::from_utf8(table.to_vec()).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split('\t').collect();
    let of_file = ["phred_expected_errors", "mean_phred"];
    let is_of_model = |column: usize| !of_file.contains(&header[column]);
    let line = |line: &str| {
        let fields = line.split('\t').enumerate().filter(|(column, _)| is_of_model(*column));
        fields.map(|(_, field)| field).collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect()
}

#[test]
fn ignored_qualities_change_nothing_but_what_outputs_copy() {
    let scratch = Scratch::new();
    let text = text_of(&testdata(HISEQ));
    let reads = scratch.file("reads.fastq", &text);
    let other = |_: &[u8], quality: &[u8]| b'#' + quality[3] % 60;
    let others = scratch.file("others.fastq", &with_quality(&text, other));
    let model = scratch.path("run.model");
    let adapt = ["adapt", &reads, "--evidence", "--ignore-quality", "-o", &model, "-q"];
    bm(adapt).done();
    let mut tables = Vec::new();
    for (file, threads) in [(&reads, "1"), (&others, "2")] {
        let score = ["score", file, "--adapt", "--ignore-quality", "-q", "-j", threads];
        tables.push(by_model(&bm(score).done().stdout));
    }
    // The package knows that it is for reads without qualities.
    tables.push(by_model(&bm(["score", &others, "-m", &model, "-q"]).done().stdout));
    assert!(tables[0].len() == 10_001 && tables[0] == tables[1] && tables[0] == tables[2]);
    // Kept records come out as they came in.
    let kept = bm(["filter", &others, "-m", &model, "-o", "-", "-q"]).done().stdout;
    let all = fs::read(&others).unwrap();
    let all = records(&all);
    let kept = records(&kept);
    assert!((5_000..9_900).contains(&kept.len()), "{}", kept.len());
    let mut rest = all.iter();
    assert!(kept.iter().all(|kept| rest.any(|record| record == kept)));
    // It is better than the instrument: MCC of the reported qualities is 0.53.
    let scored = bm(["score", &others, "-m", &model, "-q"]).done().stdout;
    let scored = rows(&scored);
    let found =
        agreement(scored.iter().map(|row| (row, "1")), "hiseqx_phage/hiseqx_phage.truth.tsv.gz");
    assert!(found.mcc > 0.95 && found.log2_ratio.abs() < 0.3, "{} {}", found.mcc, found.log2_ratio);
}

#[test]
fn nothing_is_known_without_qualities_and_without_other_reads() {
    let scratch = Scratch::new();
    let kept = scratch.path("kept.fastq");
    let reads = testdata(HISEQ);
    let message = bm(["filter", &reads, "--ignore-quality", "-o", &kept]).refused();
    assert!(
        message.starts_with("bm: --ignore-quality: the model read-error has nothing else to score")
            && message.contains("--adapt learns the run"),
        "{message}"
    );
    bm(["score", &reads, "--ignore-quality", "-m", "mean-q20"]).refused();
    // Too few reads overlap.
    let few = some_reads(&scratch, 20);
    for arguments in [
        ["filter", &few, "--adapt", "--ignore-quality", "-o", &kept, "-q"],
        ["recalibrate", &few, "--evidence", "--ignore-quality", "-o", &kept, "-q"],
    ] {
        let message = bm(arguments).refused();
        assert!(
            message.starts_with(&format!("bm: {few}: no qualities to look at, and no error rate"))
                && message.contains("bases can be checked against other reads"),
            "{message}"
        );
    }
    run(&mut command(["adapt", &reads, "--ignore-quality", "-o", &kept])).misused();
    let table = scratch.file("scores.tsv", b"");
    run(&mut command(["filter", &reads, "--ignore-quality", "--scores", &table, "-o", &kept]))
        .misused();
    assert_eq!(scratch.names(), ["reads.fastq", "scores.tsv"]);
}

#[test]
fn a_run_with_one_or_two_quality_values_has_a_table_of_its_own() {
    let scratch = Scratch::new();
    for (kind, of) in [("constant", None), ("lite", Some(()))] {
        let [first, second] = [MEASLES, MEASLES_2].map(|file| {
            let text = match of {
                None => with_quality(&text_of(&testdata(file)), |_, _| b'?'),
                Some(()) => lite(file),
            };
            scratch.file(&format!("{}.fastq", file.replace('/', "_")), &text)
        });
        let report = scratch.path("report.json");
        let scores =
            bm(["score", &first, &second, "--adapt", "-q", "--report", &report]).done().stdout;
        let report = json(&scratch.read("report.json"));
        reports::check(&report);
        assert_ne!(report["adaptation"]["choice"], "reported", "{kind}");
        let scored = rows(&scores);
        let mates = scored.iter().enumerate().map(|(i, row)| (row, ["1", "2"][i % 2]));
        let found = agreement(mates, "hiseq_measles/hiseq_measles.truth.tsv.gz");
        assert!(
            found.mcc > 0.77 && found.log2_ratio.abs() < 0.3,
            "{kind}: {} {}",
            found.mcc,
            found.log2_ratio
        );
    }
}

#[test]
fn reads_without_known_bases_stay_unscored() {
    let scratch = Scratch::new();
    let mut text = text_of(&testdata(HISEQ));
    text.extend(b"@n\nNNNN\n+\nIIII\n@empty\n\n+\n\n");
    text.extend(record("long", 20_000, b'I'));
    let reads = scratch.file("reads.fastq", &text);
    let scored = bm(["score", &reads, "--adapt", "--ignore-quality", "-q"]).done().stdout;
    let scored = rows(&scored);
    let last: Vec<&str> = scored[10_000..].iter().map(|row| row.verdict.as_str()).collect();
    assert_eq!(last[..2], ["unscored", "unscored"]);
    assert_eq!(scored.len(), 10_003);
}
