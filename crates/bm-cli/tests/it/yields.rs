//! What long reads yield by quality and length, in report, page and MultiQC.

use serde_json::Value;

use crate::reports;
use crate::support::{HISEQ, Scratch, bm, command, json, records, run, testdata, text_of};

const NANOPORE: &str = "nanopore_lambda_4line.fastq.gz";

/// Returns a number of the yield of a report.
fn cell(report: &Value, when: &str, what: &str, quality: u64, length: u64) -> u64 {
    let yields = &report["yield"];
    let place = |key: &str, value: u64| {
        yields[key].as_array().unwrap().iter().position(|it| it.as_u64() == Some(value)).unwrap()
    };
    let (row, column) = (place("qualities", quality), place("lengths", length));
    yields[when][what][row][column].as_u64().unwrap()
}

#[test]
fn a_number_is_what_min_q_and_min_length_keep() {
    let scratch = Scratch::new();
    let input = testdata(NANOPORE);
    let [file, page, multiqc] = ["r.json", "p.html", "S1_mqc.json"].map(|name| scratch.path(name));
    let with = ["--report", &file, "--html", &page, "--multiqc", &multiqc, "--sample", "S1"];
    run(command(["filter", &input, "-q", "-o", "/dev/null"]).args(with)).done();
    let report = json(&scratch.read("r.json"));
    reports::check(&report);
    for (quality, length) in [(7, 0), (10, 0), (10, 5_000), (12, 1_000), (0, 10_000), (15, 0)] {
        let limits = ["--min-q", &quality.to_string(), "--min-length", &length.to_string()];
        // A length of 0 is no rule.
        let limits = if length == 0 { &limits[..2] } else { &limits[..] };
        let kept = run(command(["filter", &input, "-q", "-o", "-"]).args(limits)).done().stdout;
        let kept = records(&kept);
        let bases = |read: &&[u8]| read.split(|byte| *byte == b'\n').nth(1).unwrap().len() as u64;
        let of = |what| cell(&report, "before", what, quality, length);
        assert_eq!(of("reads"), kept.len() as u64, "Q{quality} {length}");
        assert_eq!(of("bases"), kept.iter().map(bases).sum::<u64>(), "Q{quality} {length}");
    }
    // Kept reads have at least Q10.
    let all = records(&text_of(&input)).len() as u64;
    assert_eq!(cell(&report, "before", "reads", 0, 0), all);
    for quality in [0, 7, 10] {
        assert_eq!(
            Some(cell(&report, "after", "reads", quality, 0)),
            report["reads"]["kept"].as_u64()
        );
    }
    let text = String::from_utf8(scratch.read("p.html")).unwrap();
    for words in ["<h2>Yield by quality and length</h2>", "bases, kept reads", "<td>Q12</td>"] {
        assert!(text.contains(words), "{words}");
    }
    let table = json(&scratch.read("S1_yield_mqc.json"));
    let bases = cell(&report, "before", "bases", 10, 5_000) as f64 / 1e6;
    assert_eq!(table["data"]["S1"]["q10_5000"].as_f64(), Some(bases));
    assert_eq!(table["headers"].as_object().unwrap().len(), 56);
    // A table of scores gives the same.
    let scores = scratch.path("scores.tsv");
    bm(["score", &input, "-q", "-o", &scores]).done();
    bm(["filter", &input, "-q", "-o", "/dev/null", "--scores", &scores, "--report", &file]).done();
    assert_eq!(json(&scratch.read("r.json"))["yield"], report["yield"]);
}

#[test]
fn parts_add_up_and_short_reads_have_none() {
    let scratch = Scratch::new();
    let input = scratch.file("reads.fastq", &text_of(&testdata(NANOPORE)));
    let of = |name: &str, options: &[&str]| {
        let report = scratch.path(name);
        let to = ["filter", &input, "-q", "-o", "/dev/null", "--report", &report];
        run(command(to).args(options)).done();
        report
    };
    let whole = of("whole.json", &[]);
    let parts = [
        of("1.json", &["--shard", "1/3"]),
        of("2.json", &["--shard", "2/3"]),
        of("3.json", &["--shard", "3/3"]),
    ];
    let merged = scratch.path("all.json");
    bm(["report", "merge", &parts[0], &parts[1], &parts[2], "-o", &merged]).done();
    let [whole, merged] = [whole, merged].map(|path| json(&std::fs::read(path).unwrap()));
    assert!(whole["yield"].is_object() && whole["yield"] == merged["yield"]);
    let multiqc = scratch.path("S2_mqc.json");
    let short = testdata(HISEQ);
    let report = scratch.path("short.json");
    let to =
        ["filter", &short, "-q", "-o", "/dev/null", "--report", &report, "--multiqc", &multiqc];
    run(&mut command(to)).done();
    assert!(json(&scratch.read("short.json"))["yield"].is_null());
    assert!(!scratch.names().iter().any(|name| name == "S2_yield_mqc.json"));
}
