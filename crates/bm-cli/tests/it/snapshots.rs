//! Help texts, messages and reports, compared with committed copies. `BM_BLESS=1 cargo test -p
//! bm-cli` rewrites the copies.

use std::env;
use std::fs;
use std::path::Path;

use crate::support::{MISEQ, MISEQ_2, NOVASEQ, Scratch, bm, command, json, package, run, testdata};

#[track_caller]
fn check(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots").join(name);
    if env::var_os("BM_BLESS").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{name} differs from its copy; if this is intended, run with BM_BLESS=1\n\
         --- was\n{expected}--- is\n{found}"
    );
}

#[test]
fn version() {
    // The version changes with every release, so there is no copy to compare with.
    assert_eq!(bm(["-V"]).done().text(), format!("bm {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help() {
    check("help.txt", bm(["--help"]).done().text());
    for command in [
        "filter",
        "score",
        "tune",
        "adapt",
        "observe",
        "recalibrate",
        "embed",
        "call",
        "classes",
        "classify",
        "report",
        "encode",
        "models",
        "selfcheck",
        "bench-device",
        "truth",
        "completions",
        "man",
    ] {
        check(&format!("help-{command}.txt"), bm([command, "--help"]).done().text());
    }
    check("help-models-show.txt", bm(["models", "show", "--help"]).done().text());
    check("help-report-merge.txt", bm(["report", "merge", "--help"]).done().text());
    check("help-filter-short.txt", bm(["filter", "-h"]).done().text());
}

#[test]
fn usage_errors() {
    let cases: [&[&str]; 9] = [
        &[],
        &["filter"],
        &["filter", "reads.fastq"],
        &["filter", "reads.fastq", "-o", "kept.fastq", "-t", "1.5"],
        &["filter", "reads.fastq", "-o", "kept.fastq", "-t", "-1"],
        &["filter", "reads.fastq", "-o", "kept.fastq", "-j", "0"],
        &["filter", "reads.fastq", "-o", "kept.fastq", "--backend", "gpu"],
        &["filtre"],
        &["models", "show"],
    ];
    let mut text = String::new();
    for arguments in cases {
        let run = crate::support::run(&mut crate::support::command(arguments));
        text += &format!("$ bm {}\n{}\n", arguments.join(" "), run.misused());
    }
    check("usage-errors.txt", &text);
}

/// Replaces what differs from run to run and from machine to machine.
fn masked(text: &str) -> String {
    let mask = |line: &str| match line {
        line if line.contains(" reads/s with ") => {
            "<time> s, <speed> reads/s with ".to_owned() + line.split(" with ").nth(1).unwrap()
        }
        line if line.starts_with("engine embedded ") => {
            "engine embedded <version and device>".to_owned()
        }
        line if line.contains(" reads in: ") => {
            // The counts depend on the model; another test checks that they add up.
            let mut parts = line.split(' ').map(str::to_owned).collect::<Vec<_>>();
            for i in 1..parts.len() {
                if parts[i].starts_with("kept") || parts[i].starts_with("discarded") {
                    parts[i - 1] = "<n>".to_owned();
                }
                if parts[i - 1].starts_with('(') {
                    parts[i - 1] = "(<percent>".to_owned();
                }
            }
            parts.join(" ")
        }
        line => line.to_owned(),
    };
    text.lines().map(mask).map(|line| line + "\n").collect()
}

#[test]
fn summaries() {
    let scratch = Scratch::new();
    let input = testdata(NOVASEQ);
    let mut text = String::new();
    for (shown, arguments) in [
        ("filter -j 1", ["filter", &input, "-o", "/dev/null", "-j", "1"]),
        ("filter -j 2", ["filter", &input, "-o", "/dev/null", "-j", "2"]),
        ("score -t 0.9", ["score", &input, "-o", "/dev/null", "-t", "0.9"]),
    ] {
        let summary = bm(arguments).done().stderr;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let summary = if shown.contains("-j") {
            summary
        } else {
            summary.replace(&format!("with {threads} thread"), "with <n> thread")
        };
        text +=
            &format!("$ bm {shown}\n{}\n", masked(&summary).replace("<n> threads", "<n> thread"));
    }
    let run = bm([
        "encode",
        &testdata("derived/empty_reads.fastq.gz"),
        "-o",
        &scratch.path("features.npy"),
    ])
    .done();
    text += &format!("$ bm encode\n{}", run.stderr);
    check("summaries.txt", &text);
}

#[test]
fn models() {
    let found = bm(["models"]).done();
    // The digest changes with every training; the tests of packages compare it with the file.
    let mut text = found.text().to_owned();
    for line in found.text().lines().skip(1) {
        let sha256 = line.rsplit('\t').next().unwrap();
        assert!(
            sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{sha256}"
        );
        text = text.replace(sha256, "<sha256>");
    }
    check("models.txt", &text);

    let card = fs::read_to_string(package("mean-q20", "README.md")).unwrap();
    for model in ["mean-q20", &package("mean-q20", "")] {
        assert!(bm(["models", "show", model]).done().text() == card, "{model}");
    }
}

// Needs files of Linux, such as /dev/full.
#[cfg(target_os = "linux")]
#[test]
fn error_messages() {
    let scratch = Scratch::new();
    let mut text = String::new();
    let mut add = |message: String| {
        // The record at which a decoder detects a fault of its stream may change.
        let message =
            match (message.split_once(": record "), message.split_once("reading the input failed"))
            {
                (Some((file, _)), Some((_, fault))) => {
                    format!("{file}: <record>: reading the input failed{fault}")
                }
                _ => message,
            };
        // Paths of this machine.
        text += &message
            .replace(&testdata(""), "testdata/")
            .replace(&package("mean-q20", ""), "models/mean-q20")
            .replace(scratch.folder().to_str().unwrap(), "scratch");
    };
    let index = fs::read_to_string(testdata("broken/index.tsv")).unwrap();
    for line in index.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        if columns[1] != "ok" {
            add(bm(["score", &testdata(&format!("broken/{}", columns[0])), "-o", "/dev/null"])
                .refused());
        }
    }
    for file in ["truncated.fastq.gz", "trailing_zeros.fastq.gz"] {
        add(bm(["score", &testdata(&format!("derived/{file}")), "-o", "/dev/null"]).refused());
    }
    let input = testdata("broken/crlf.fastq");
    for arguments in [
        ["score", "missing.fastq", "-o", "/dev/null"],
        ["score", &testdata("broken"), "-o", "/dev/null"],
        ["score", &input, "-o", &input],
        ["score", &input, "-o", &scratch.path("no/scores.tsv")],
        ["score", &input, "-o", &testdata("broken")],
        ["score", &input, "-o", "/dev/full"],
        ["score", &input, "-m", "mean-q99"],
        ["score", &input, "-m", &testdata("broken")],
        ["score", &input, "-m", &input],
        ["models", "show", "mean-q99", ""],
        ["models", "show", &package("mean-q20", "model.onnx"), ""],
        ["selfcheck", "-m", &package("mean-q20", "model.onnx"), ""],
    ] {
        let arguments: Vec<_> =
            arguments.into_iter().filter(|argument| !argument.is_empty()).collect();
        add(crate::support::run(&mut crate::support::command(arguments)).refused());
    }
    check("error-messages.txt", &text);
}

#[test]
fn report_data() {
    let scratch = Scratch::new();
    let (report, multiqc) = (scratch.path("report.json"), scratch.path("sample_mqc.json"));
    let (one, other) = (testdata(MISEQ), testdata(MISEQ_2));
    let arguments = [
        "filter",
        &one,
        &other,
        "-o",
        "/dev/null",
        "-t",
        "0.9",
        "--min-length",
        "210",
        "--singles",
        "/dev/null",
        "-q",
        "-j",
        "1",
    ];
    run(command(arguments).args(["--report", &report, "--multiqc", &multiqc])).done();
    let mut report = json(&scratch.read("report.json"));
    // What differs from run to run, from machine to machine, and from model to model.
    for (group, keys) in [
        ("time", &["wall_s", "reads_per_s"][..]),
        ("engine", &["description"]),
        ("model", &["sha256"]),
    ] {
        keys.iter().for_each(|key| report[group][key] = "…".into());
    }
    report["version"] = "…".into();
    // Columns of numbers, of which the summary is enough to see a change.
    let profile = report["profile"].clone();
    let summaries = |when: &str| [0, 1].map(|mate| profile[when][mate]["summary"].clone());
    report["profile"] = serde_json::json!([summaries("before"), summaries("after")]);
    report["inputs"] = serde_json::json!(["…", "…"]);
    let text = serde_json::to_string_pretty(&report).unwrap()
        + "\n"
        + &String::from_utf8(scratch.read("sample_mqc.json")).unwrap();
    check("report-data.txt", &text);
}
