//! `bm filter --sheet`: every sample of a sheet, its outputs, and the reports of all.

use std::fs;

use serde_json::Value;

use crate::support::{
    HISEQ, MEASLES, MEASLES_2, MISEQ, MISEQ_2, NOVASEQ, Scratch, bm, command, files, json, plain,
    records, run, testdata, text_of,
};

/// Returns the schema of reports.
fn schema() -> jsonschema::Validator {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../bm-report/schemas/report-3.json");
    jsonschema::validator_for(&json(&fs::read(path).unwrap())).unwrap()
}

#[test]
fn each_sample_has_the_outputs_of_its_own_run_and_all_have_reports_together() {
    let out = Scratch::new();
    let [t1, t2, single] = [MISEQ, MISEQ_2, HISEQ].map(testdata);
    let texts = [MEASLES, MEASLES_2].map(|file| text_of(&testdata(file)));
    let cut = |name: &str, mate: usize, from: usize, to: usize| {
        out.file(name, &records(&texts[mate])[from..to].concat())
    };
    let [m1, m2] = [cut("m1.fq", 0, 0, 700), cut("m2.fq", 1, 0, 700)];
    let [n1, n2] = [cut("n1.fq", 0, 700, 1499), cut("n2.fq", 1, 700, 1499)];
    let sheet = format!(
        "sample,fastq_1,fastq_2,strandedness\npairs,{m1},{m2},auto\n\
         pairs,{t1},{t2},auto\nmixed,{n1},{n2},auto\nmixed,{single},,auto\n"
    );
    let sheet = out.file("samples.csv", sheet.as_bytes());
    let folder = out.path("kept");
    let rules = ["--min-length", "60", "--pair", "both"];
    let said = run(command(["filter", "--sheet", &sheet, "-o", &folder]).args(rules)).done().stderr;
    assert!(["pairs", "mixed"].iter().all(|it| said.contains(&format!("sample {it}\n"))));
    let found = files(&folder);
    let mut expected = Vec::new();
    for (sample, reads) in
        [("all", &[][..]), ("mixed", &["_R1", "_R2", "_singles"]), ("pairs", &["_R1", "_R2"])]
    {
        expected.extend(reads.iter().map(|file| format!("{sample}{file}.fastq.gz")));
        expected.extend([".html", ".json"].map(|end| format!("{sample}{end}")));
    }
    expected.sort();
    let (for_multiqc, others): (Vec<_>, Vec<_>) =
        found.keys().cloned().partition(|name| name.ends_with("_mqc.json"));
    assert_eq!(others, expected);
    // MultiQC puts the samples together itself.
    assert!(for_multiqc.iter().all(|name| !name.starts_with("all")));

    let [one, other, singles] = ["1.fq", "2.fq", "s.fq"].map(|name| out.path(name));
    let filter = |inputs: &[&str]| {
        let to = ["-o", &one, "-O", &other, "--singles", &singles, "-q"];
        run(command(["filter"]).args(inputs).args(to).args(rules)).done();
    };
    let text = |name: &str| plain(found[name].clone());
    filter(&["-1", &m1, &t1, "-2", &m2, &t2]);
    // Without --singles, mates that pass alone are not kept.
    assert!(text("pairs_R1.fastq.gz") == text_of(&one));
    assert!(text("pairs_R2.fastq.gz") == text_of(&other));
    filter(&["-1", &n1, "-2", &n2, "-U", &single]);
    assert!(text("mixed_R1.fastq.gz") == text_of(&one));
    assert!(text("mixed_singles.fastq.gz") == text_of(&singles));

    let schema = schema();
    let report = |name: &str| -> Value { json(&found[&format!("{name}.json")]) };
    let samples = ["pairs", "mixed"].map(report);
    let all = report("all");
    for report in samples.iter().chain([&all]) {
        assert!(schema.is_valid(report), "{:?}", schema.validate(report).unwrap_err());
    }
    assert_eq!(all["samples"], serde_json::json!(["pairs", "mixed"]));
    let sum: u64 = samples.iter().map(|it| it["reads"]["in"].as_u64().unwrap()).sum();
    assert_eq!(all["reads"]["in"], sum);
    for (sample, report) in ["pairs", "mixed"].into_iter().zip(&samples) {
        let section =
            |name: &str| json(&found[&format!("{sample}{name}_mqc.json")])["data"].clone();
        assert_eq!(section("")[sample]["kept"], report["reads"]["kept"]);
        assert!(section("_general").get(sample).is_some());
    }
    let page = String::from_utf8_lossy(&found["all.html"]);
    assert!(page.contains("of 2 samples") && page.contains("Samples"));
}

#[test]
fn samples_of_single_reads_have_one_file_of_reads() {
    let out = Scratch::new();
    let [a, b] = [HISEQ, NOVASEQ].map(testdata);
    let sheet = out.file("s.csv", format!("sample,fastq_1\na,{a}\nb,{b}\n").as_bytes());
    let folder = out.path("kept");
    bm(["filter", "--sheet", &sheet, "-o", &folder, "-q"]).done();
    let found = files(&folder);
    for (sample, reads) in [("a", &a), ("b", &b)] {
        let kept = bm(["filter", reads, "-o", "-", "-q"]).done().stdout;
        assert!(plain(found[&format!("{sample}.fastq.gz")].clone()) == kept);
    }
    assert_eq!(json(&found["all.json"])["reads"]["in"], 10_800);
    assert!(!found.contains_key("a_R1.fastq.gz") && found.contains_key("b.fastq.gz"));
}

#[test]
fn samples_that_are_learned_each_by_itself_have_a_report_of_all() {
    let out = Scratch::new();
    let [reads, one, other] = [HISEQ, MEASLES, MEASLES_2].map(testdata);
    let sheet = format!("sample,fastq_1,fastq_2\nphage,{reads},\nvirus,{one},{other}\n");
    let sheet = out.file("s.csv", sheet.as_bytes());
    let folder = out.path("kept");
    bm(["filter", "--sheet", &sheet, "-o", &folder, "--adapt", "--dedup"]).done();
    let found = files(&folder);
    let [phage, virus, all] =
        ["phage", "virus", "all"].map(|name| json(&found[&format!("{name}.json")]));
    assert!(schema().is_valid(&all), "{:?}", schema().validate(&all).unwrap_err());
    assert_ne!(phage["model"], virus["model"]);
    assert!(all["model"].is_null() && all.get("adaptation").is_none());
    for (part, sample) in all["parts"].as_array().unwrap().iter().zip([&phage, &virus]) {
        assert_eq!(part["model"], sample["model"]);
        assert_eq!(part["sample"], sample["samples"][0]);
    }
    assert_eq!(all["criteria"]["pair_mode"], "joint");
    assert_eq!(all["criteria"]["dedup"], true);
    for kind in ["reads", "bases"] {
        let kept = |report: &Value| report[kind]["kept"].as_u64().unwrap();
        assert_eq!(kept(&all), kept(&phage) + kept(&virus));
    }
    let page = String::from_utf8_lossy(&found["all.html"]);
    assert!(page.contains("samples have models of their own"));
    // The same reports, merged again by their files.
    let reports = ["phage", "virus"].map(|name| format!("{folder}/{name}.json"));
    let merged = bm(["report", "merge", &reports[0], &reports[1], "-q"]).done().stdout;
    assert!(merged == found["all.json"]);
}

#[test]
fn a_sample_that_fails_is_named_and_the_others_go_on() {
    let out = Scratch::new();
    let [m1, m2] = [MEASLES, MEASLES_2].map(testdata);
    let single = testdata(NOVASEQ);
    let broken = out.file("broken.fq", &text_of(&m2)[..5001]);
    let sheet =
        format!("sample,fastq_1,fastq_2\nbad,{single},{broken}\ngood,{m1}x,\nlast,{m1},{m2}\n");
    let sheet = out.file("samples.csv", sheet.as_bytes());
    let folder = out.path("kept");
    let run = bm(["filter", "--sheet", &sheet, "-o", &folder, "-q"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("bm: sample bad: ") && run.stderr.contains("broken.fq"));
    assert!(run.stderr.contains("bm: sample good: "), "{}", run.stderr);
    assert!(run.stderr.ends_with("bm: 2 of 3 samples failed: bad, good\n"), "{}", run.stderr);
    let names: Vec<String> = files(&folder).into_keys().collect();
    assert!(names.iter().all(|name| name.starts_with("last") || name.starts_with("all")));
    assert!(
        names.contains(&"last_R2.fastq.gz".to_owned()) && names.contains(&"all.json".to_owned())
    );
}

#[test]
fn a_sheet_that_cannot_be_used_is_refused_before_any_work() {
    let out = Scratch::new();
    let reads = testdata(NOVASEQ);
    let folder = out.path("kept");
    for (rows, part) in [
        (format!("a/b,{reads},"), "no file name: a/b"),
        (format!("a,{reads},\nA,x,"), "line 3: the samples A and a"),
        (format!("all,{reads},"), "all.json"),
        (format!("x,{reads},y\nx_R1,z,"), "x_R1.fastq.gz"),
        (String::new(), "has no samples"),
    ] {
        let sheet = format!("sample,fastq_1,fastq_2\n{rows}\n");
        let sheet = out.file("samples.csv", sheet.as_bytes());
        let message = bm(["filter", "--sheet", &sheet, "-o", &folder]).refused();
        assert!(message.contains(part), "{message}");
        assert_eq!(out.names(), ["samples.csv"]);
    }
    let sheet = out.path("samples.csv");
    for other in [&[&reads[..]][..], &["-U", &reads], &["-O", "x"], &["--report", "x"]] {
        let arguments = ["filter", "--sheet", &sheet, "-o", &folder];
        run(command(arguments).args(other)).misused();
    }
}
