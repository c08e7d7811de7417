//! Long reads, to which the default model does not apply: their reported qualities decide, with the
//! limit that their users ask for.

use crate::support::{Scratch, bm, json, record, records, rows, testdata, text_of};

const NANOPORE: &str = "nanopore_lambda_4line.fastq.gz";

/// Returns the length of a read, and the errors per base that its qualities report.
fn reported(record: &[u8]) -> (usize, f64) {
    let quality = record.split(|byte| *byte == b'\n').nth(3).unwrap();
    let errors: f64 = quality.iter().map(|byte| 10f64.powf(f64::from(byte - b'!') / -10.0)).sum();
    (quality.len(), errors / quality.len() as f64)
}

/// Returns reads of 2,000 bases with this average quality, some of it in between.
fn reads_of(qualities: &[u8]) -> Vec<u8> {
    let read = |(number, phred): (usize, &u8)| {
        let name = format!("r{number}");
        let mut text = record(&name, 2_000, b'!' + phred);
        let end = text.len() - 1;
        // More than two distinct values.
        text[end - 30..end - 20].fill(b'!' + phred + 1);
        text[end - 20..end - 10].fill(b'!' + phred - 1);
        text
    };
    qualities.iter().enumerate().flat_map(read).collect()
}

#[test]
fn nanopore_reads_pass_with_one_expected_error_in_ten_bases() {
    let scratch = Scratch::new();
    let (input, report) = (testdata(NANOPORE), scratch.path("report.json"));
    let run = bm(["score", &input, "--report", &report]).done();
    let text = text_of(&input);
    let (mut passed, mut probable) = (0, 0);
    for (row, record) in rows(&run.stdout).iter().zip(records(&text)) {
        let (bases, rate) = reported(record);
        assert_eq!(row.verdict == "pass", rate <= 0.1, "{row:?}: {rate} in {bases}");
        passed += usize::from(rate <= 0.1);
        probable += usize::from(row.probability > 0.5);
    }
    // Probabilities are those of the same event.
    assert!(passed == 90 && (passed..passed + 40).contains(&probable), "{passed} {probable}");
    let line = "long reads pass if at most 1 error in 10 bases is expected, because none of the first \
                reads reports at most 1 error in 100 bases, like Nanopore reads; --max-ee-rate, \
                --max-ee or --threshold sets another limit\n";
    assert!(run.stderr.ends_with(line), "{}", run.stderr);
    assert!(run.stderr.contains("(pass: true error rate of the read <= 10 %)"), "{}", run.stderr);
    let report = json(&scratch.read("report.json"));
    let facts = &report["domain"]["long_reads"];
    assert_eq!(
        (&facts["max_error_rate"], &facts["decided"], &facts["accurate_fraction"]),
        (&0.1.into(), &true.into(), &0.0.into())
    );
    assert_eq!(
        (&report["criteria"]["max_ee_rate"], &report["criteria"]["threshold"]),
        (&0.1.into(), &serde_json::Value::Null)
    );
    // The same reads are kept, also by the table.
    let table = scratch.file("scores.tsv", &run.stdout);
    let kept = bm(["filter", &input, "-o", "-", "-q"]).done().stdout;
    assert_eq!(records(&kept).len(), passed);
    assert!(bm(["filter", &input, "--scores", &table, "-o", "-", "-q"]).done().stdout == kept);
}

#[test]
fn limits_that_are_given_win() {
    let scratch = Scratch::new();
    let (input, report) = (testdata(NANOPORE), scratch.path("report.json"));
    let text = text_of(&input);
    let meet = |meets: &dyn Fn(usize, f64) -> bool| {
        let reads = records(&text);
        reads
            .iter()
            .filter(|read| {
                let (bases, rate) = reported(read);
                meets(bases, rate)
            })
            .count()
    };
    for (flag, value, key, expected) in [
        ("--max-ee-rate", "0.05", "max_ee_rate", meet(&|_, rate| rate <= 0.05)),
        ("--max-ee-rate", "0.15", "max_ee_rate", meet(&|_, rate| rate <= 0.15)),
        ("--max-ee", "200", "max_ee", meet(&|bases, rate| rate * bases as f64 <= 200.0)),
        ("--threshold", "0", "threshold", meet(&|_, _| true)),
    ] {
        let run =
            bm(["filter", &input, flag, value, "-o", "/dev/null", "--report", &report]).done();
        let report = json(&scratch.read("report.json"));
        assert_eq!(report["reads"]["kept"], expected, "{flag} {value}");
        assert_eq!(report["criteria"][key].as_f64(), value.parse().ok(), "{flag} {value}");
        let given = report["criteria"].as_object().unwrap();
        assert_eq!(given.values().filter(|value| !value.is_null()).count(), 1, "{given:?}");
        assert_eq!(report["domain"]["long_reads"]["decided"], false);
        assert!(
            run.stderr.contains("probabilities of long reads are those of at most 1 error in 10")
                && !run.stderr.contains("long reads pass"),
            "{}",
            run.stderr
        );
    }
    // So does a model that is named.
    let named = bm(["filter", &input, "-m", "read-error", "-o", "/dev/null"]).done();
    assert!(!named.stderr.contains("long reads pass"), "{}", named.stderr);
}

#[test]
fn reads_like_hifi_pass_with_one_expected_error_in_a_hundred_bases() {
    let scratch = Scratch::new();
    let report = scratch.path("report.json");
    // Qualities of reads, and the limit that they should meet.
    let mut hifi = vec![35; 40];
    hifi.extend([25, 19, 12]);
    let mut good_nanopore = vec![25; 27];
    good_nanopore.extend([17; 12]);
    good_nanopore.push(8);
    let mixed = vec![10; 20];
    for (name, qualities, limit, kept) in [
        ("HiFi", hifi, 0.01, 41),
        ("like the best Nanopore run", good_nanopore, 0.1, 39),
        ("each at the limit, but for some bases", mixed, 0.1, 20),
    ] {
        let input = scratch.file("reads.fastq", &reads_of(&qualities));
        bm(["filter", &input, "-o", "/dev/null", "--report", &report]).done();
        let report = json(&scratch.read("report.json"));
        assert_eq!(report["criteria"]["max_ee_rate"].as_f64(), Some(limit), "{name}");
        let expected =
            records(&reads_of(&qualities)).iter().filter(|read| reported(read).1 <= limit).count();
        assert_eq!(report["reads"]["kept"], expected, "{name}");
        assert!(expected == kept || name.starts_with("each"), "{name}: {expected}");
    }
    // Qualities without information: all are at the limit, and none is over it.
    let constant: Vec<u8> =
        (0..30).flat_map(|i| record(&format!("r{i}"), 1_000 + 7 * i, b'+')).collect();
    let input = scratch.file("reads.fastq", &constant);
    let kept = bm(["filter", &input, "-o", "-", "-q"]).done().stdout;
    assert!(kept == constant);
}

#[test]
fn short_reads_keep_the_threshold_of_the_model() {
    let scratch = Scratch::new();
    let constant: Vec<u8> = (0..60).flat_map(|i| record(&format!("r{i}"), 100 + i, b'5')).collect();
    let input = scratch.file("reads.fastq", &constant);
    let report = scratch.path("report.json");
    bm(["score", &input, "--report", &report, "-q"]).done();
    let report = json(&scratch.read("report.json"));
    assert_eq!(report["domain"]["scored_by"], "reported-errors");
    assert!(
        report["domain"]["long_reads"].is_null() && report["criteria"]["max_ee_rate"].is_null()
    );
    assert!(!report["criteria"]["threshold"].is_null());
}

/// Takes a few seconds.
#[test]
fn long_reads_that_teach_nothing_are_judged_in_the_same_way_after_learning() {
    let scratch = Scratch::new();
    let input = testdata(NANOPORE);
    let plain = bm(["filter", &input, "-o", "-", "-q"]).done().stdout;
    let adapted = bm(["filter", &input, "--adapt", "-o", "-"]).done();
    assert!(
        adapted.stderr.contains("reported qualities are used")
            && adapted.stderr.contains("long reads pass if at most 1 error in 10 bases"),
        "{}",
        adapted.stderr
    );
    // The reason suits such reads, and the plain run does not advise what teaches nothing.
    assert!(
        adapted.stderr.contains("long reads have gaps, most of them in homopolymers")
            && !adapted.stderr.contains("strains"),
        "{}",
        adapted.stderr
    );
    let said = bm(["filter", &input, "-o", "/dev/null"]).done().stderr;
    assert!(said.contains("does not apply") && !said.contains("--adapt"), "{said}");
    assert_eq!(records(&adapted.stdout).len(), records(&plain).len());
    // The package of such a run has the same event, so its threshold keeps about as many.
    let model = scratch.path("run.model");
    bm(["adapt", &input, "-o", &model, "-q"]).done();
    let by_package = bm(["filter", &input, "-m", &model, "-o", "-"]).done();
    assert!(by_package.stderr.contains("error rate of the read <= 10 %"), "{}", by_package.stderr);
    let (kept, expected) = (records(&by_package.stdout).len(), records(&plain).len());
    assert!((expected..expected + 40).contains(&kept), "{kept}, expected {expected} or a few more");
}
