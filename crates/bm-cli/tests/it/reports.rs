//! Reports: the JSON file and its schema, the page, the file for MultiQC.

use jsonschema::Validator;
use serde_json::Value;

use crate::support::{
    HISEQ, MISEQ, MISEQ_2, NOVASEQ, Scratch, bm, command, json, run, some_reads, testdata,
};

pub(crate) fn schema() -> Validator {
    let text = include_str!("../../../bm-report/schemas/report-3.json");
    jsonschema::validator_for(&json(text.as_bytes())).unwrap()
}

#[track_caller]
pub(crate) fn check(report: &Value) {
    let errors: Vec<_> = schema()
        .iter_errors(report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?}\n{report:#}");
}

#[test]
fn reports_follow_their_schema() {
    let scratch = Scratch::new();
    let (input, learned) = (testdata(NOVASEQ), some_reads(&scratch, 1500));
    let (scores, model, report) =
        (scratch.path("scores.tsv"), scratch.path("model"), scratch.path("report.json"));
    bm(["score", &input, "-q", "-o", &scores]).done();
    let nanopore = testdata("nanopore_lambda_4line.fastq.gz");
    for arguments in [
        vec!["filter", &input, "-o", "-", "--min-length", "200", "--max-n", "0", "--max-ee", "1"],
        vec![
            "filter",
            &testdata(MISEQ),
            &testdata(MISEQ_2),
            "-o",
            "-",
            "--pair",
            "both",
            "--singles",
            "/dev/null",
        ],
        vec!["filter", &input, "-o", "-", "--scores", &scores],
        vec!["filter", &testdata("derived/empty_reads.fastq.gz"), "-o", "-", "-m", "mean-q20"],
        vec!["score", &nanopore],
        vec!["filter", "--adapt", &learned, "-o", "-"],
        vec!["adapt", &learned, "-o", &model],
        vec!["adapt", &learned, "-o", &model, "--evidence"],
        vec!["adapt", &nanopore, "-o", &model],
        vec!["score", &learned, "-m", &model],
    ] {
        run(command(&arguments).args(["-q", "--report", &report])).done();
        check(&json(&scratch.read("report.json")));
    }
}

#[test]
fn the_schema_refuses_invalid_reports() {
    let scratch = Scratch::new();
    let report = scratch.path("report.json");
    bm(["filter", &testdata(NOVASEQ), "-o", "/dev/null", "-q", "--report", &report]).done();
    let report = json(&scratch.read("report.json"));
    check(&report);
    for (key, value) in [
        ("format", 2.into()),
        ("reads", 5.into()),
        ("command", "encode".into()),
        ("more", "x".into()),
    ] {
        let mut other = report.clone();
        other[key] = value;
        assert!(!schema().is_valid(&other), "{key}");
    }
    let mut other = report.clone();
    other["reasons"]["because"] = 1.into();
    assert!(!schema().is_valid(&other));
    for key in ["reads", "criteria", "time", "inputs"] {
        let mut other = report.clone();
        other.as_object_mut().unwrap().remove(key);
        assert!(!schema().is_valid(&other), "{key}");
    }
}

#[test]
fn the_page_has_the_numbers_of_the_report_for_any_number_of_threads() {
    let scratch = Scratch::new();
    let (report, page) = (scratch.path("report.json"), scratch.path("page.html"));
    let scores = scratch.path("scores.tsv");
    let page_of = |arguments: &[&str], threads: &str| {
        run(command(arguments).args(["-q", "-j", threads, "--html", &page, "--report", &report]))
            .done();
        let text = String::from_utf8(scratch.read("page.html")).unwrap();
        roxmltree::Document::parse_with_options(
            &text,
            roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() },
        )
        .unwrap();
        assert!(
            !text.contains("http://")
                && !text.contains("https://")
                && !text.contains("<script")
                && !text.contains("NaN")
        );
        (text, json(&scratch.read("report.json")))
    };
    let (input, one, other) = (testdata(HISEQ), testdata(MISEQ), testdata(MISEQ_2));
    bm(["score", &input, "-q", "-o", &scores]).done();
    let of_reads = ["Before and after", "Quality along the read", "Bases along the read", "Copies"];
    let everything = [
        "Reads by probability",
        "Effect of other thresholds",
        "Reported and predicted quality",
        "Expected error rate along the read",
    ];
    for (arguments, pictures) in [
        (vec!["filter", &input, "-o", "/dev/null", "--min-complexity", "0.85"], &everything[..]),
        (vec!["filter", &one, &other, "-o", "/dev/null", "-t", "0.9"], &everything[..]),
        (vec!["score", &one, "-o", "/dev/null"], &everything[..]),
        (vec!["filter", &input, "-o", "/dev/null", "--scores", &scores], &everything[..2]),
        (vec!["filter", &input, "-o", "/dev/null", "-m", "mean-q20"], &everything[..2]),
    ] {
        let (text, report) = page_of(&arguments, "1");
        assert!(page_of(&arguments, "3").0 == text, "{arguments:?}: threads change the page");
        let kept = report["reads"]["kept"].as_u64().unwrap();
        let shown = if kept >= 1000 {
            format!("{},{:03}", kept / 1000, kept % 1000)
        } else {
            kept.to_string()
        };
        assert!(text.contains(&format!("<h1>{shown} of ")), "{arguments:?}");
        for (reason, count) in report["reasons"].as_object().unwrap() {
            let count = count.as_u64().unwrap();
            let shown = if count >= 1000 {
                format!("{},{:03}", count / 1000, count % 1000)
            } else {
                count.to_string()
            };
            assert!(
                text.contains(&format!("<td>{reason}</td><td>{shown}</td>")),
                "{arguments:?}: {reason} {shown}"
            );
        }
        for title in of_reads {
            assert!(text.contains(&format!("<h2>{title}</h2>")), "{arguments:?}: {title}");
        }
        for picture in everything {
            assert_eq!(
                text.contains(picture),
                pictures.contains(&picture),
                "{arguments:?}: {picture}"
            );
        }
    }
    // An empty input has a page too.
    let (text, _) =
        page_of(&["filter", &testdata("derived/empty.fastq.gz"), "-o", "/dev/null"], "2");
    assert!(text.contains("<h1>0 of 0 reads kept</h1>") && !text.contains("<figure>"));
}

#[test]
fn the_file_for_multiqc_has_a_bar_for_every_reason() {
    let scratch = Scratch::new();
    let (report, multiqc) = (scratch.path("report.json"), scratch.path("x_mqc.json"));
    let input = testdata("derived/empty_reads.fastq.gz");
    bm([
        "filter",
        &input,
        "-o",
        "/dev/null",
        "-q",
        "--max-length",
        "100",
        "--report",
        &report,
        "--multiqc",
        &multiqc,
    ])
    .done();
    let (report, found) = (json(&scratch.read("report.json")), json(&scratch.read("x_mqc.json")));
    let mut bars = report["reasons"].clone();
    bars["kept"] = report["reads"]["kept"].clone();
    assert_eq!(found["data"], serde_json::json!({ "empty_reads": bars }));
    assert!(bars["empty"].as_u64() == Some(100) && bars["max_length"].as_u64() > Some(0));
    assert_eq!(found["plot_type"], "bargraph");
}

/// MultiQC adds up samples of a section only if their files have one set of data.
#[test]
fn every_section_for_multiqc_is_a_file_with_one_set_of_data() {
    let scratch = Scratch::new();
    let (report, multiqc) = (scratch.path("report.json"), scratch.path("S1_mqc.json"));
    let files = ["S1_R1_001.fastq.gz", "S1_R2_001.fastq.gz"].map(|name| scratch.path(name));
    std::fs::copy(testdata(MISEQ), &files[0]).unwrap();
    std::fs::copy(testdata(MISEQ_2), &files[1]).unwrap();
    let outputs = ["-o", "/dev/null", "-q", "--report", &report, "--multiqc", &multiqc];
    run(command(["filter", &files[0], &files[1], "--trim"]).args(outputs)).done();
    let report = json(&scratch.read("report.json"));
    let of = |section: &str| json(&scratch.read(&format!("S1{section}_mqc.json")))["data"].clone();
    let names: Vec<_> =
        scratch.names().into_iter().filter(|name| name.ends_with("_mqc.json")).collect();
    assert_eq!(names.len(), 9, "{names:?}");
    for name in names {
        let section = json(&scratch.read(&name));
        let samples = section["data"].as_object().unwrap();
        assert!(samples.keys().all(|sample| ["S1", "S1 R1", "S1 R2"].contains(&sample.as_str())));
    }
    let row = of("_general")["S1"].clone();
    assert_eq!(row["reads_in"].as_f64(), report["reads"]["in"].as_f64());
    let summary = |when: &str, key: &str| -> f64 {
        let of = |mate: usize| report["profile"][when][mate]["summary"][key].as_f64().unwrap();
        of(0) + of(1)
    };
    let q30 = 100.0 * summary("after", "q30_bases") / summary("after", "bases");
    assert!((row["q30_after"].as_f64().unwrap() - q30).abs() < 1e-9);
    let line = of("_quality_before")["S1 R2"].clone();
    assert_eq!((line[0][0].as_f64(), line.as_array().unwrap().len()), (Some(1.0), 251));
    assert_eq!(of("_bases")["S1"]["kept"], report["bases"]["kept"]);
}

/// Names of files and samples are text, wherever a page shows them.
#[test]
fn markup_in_the_name_of_a_file_is_text_in_every_report() {
    let scratch = Scratch::new();
    let tag = "<img src=x onerror=alert(1)>";
    let input = scratch.path(&format!("{tag}.fastq.gz"));
    std::fs::copy(testdata(NOVASEQ), &input).unwrap();
    let scores = scratch.path(&format!("{tag}.tsv"));
    bm(["score", "-q", &input, "-o", &scores]).done();
    let (page, multiqc, report) =
        (scratch.path("page.html"), scratch.path("x_mqc.json"), scratch.path("report.json"));
    let filter = ["filter", &input, "-o", "-", "-q", "--html", &page, "--multiqc", &multiqc];
    for more in [vec![], vec!["--scores", scores.as_str()]] {
        run(command(filter).args(&more).args(["--report", &report])).done();
        let shown = scratch.read("page.html");
        assert!(!String::from_utf8_lossy(&shown).contains("<img"), "{more:?}");
        let escaped = "&lt;img src=x onerror=alert(1)&gt;";
        assert!(String::from_utf8_lossy(&shown).contains(escaped), "{more:?}");
        let samples = &json(&scratch.read("x_mqc.json"))["data"];
        assert!(samples.as_object().unwrap().contains_key(escaped), "{samples}");
        // The report is data: names are as they are.
        assert_eq!(json(&scratch.read("report.json"))["inputs"][0], input.as_str());
    }
    let tune = ["tune", &scores, "-q", "-o", "/dev/null", "--html", &page];
    bm(tune).done();
    assert!(!String::from_utf8_lossy(&scratch.read("page.html")).contains("<img"));
    let reads = scratch.path(&format!("{tag}.fastq"));
    std::fs::rename(some_reads(&scratch, 1500), &reads).unwrap();
    let model = scratch.path("run.model");
    bm(["adapt", &reads, "-q", "-o", &model, "--html", &page]).done();
    assert!(!String::from_utf8_lossy(&scratch.read("page.html")).contains("<img"));
    assert!(!String::from_utf8_lossy(&scratch.read("run.model/README.md")).contains("<img"));
}

/// A name with a line end cannot add lines to what `bm` prints.
#[test]
fn line_ends_in_names_add_no_lines_to_messages() {
    let scratch = Scratch::new();
    let input = scratch.path("reads\nbm: all is well.fastq.gz");
    let content = std::fs::read(testdata("derived/bgzip.fastq.gz")).unwrap();
    std::fs::write(&input, &content[..content.len() - 28]).unwrap();
    let scores = scratch.path("scores\nbm: all is well.tsv");
    let warned = bm(["score", "-q", &input, "-o", &scores]).done().stderr;
    assert_eq!(warned.lines().count(), 1, "{warned}");
    let summary = bm(["filter", &input, "-o", "/dev/null", "--scores", &scores]).done().stderr;
    assert!(!summary.lines().any(|line| line.starts_with("bm: all is well")), "{summary}");
}
