//! `bm report merge`: reports of the parts of a run as one.

use std::path::Path;

use serde_json::{Value, json};

use crate::reports::check;
use crate::support::{
    HISEQ, MISEQ, MISEQ_2, NOVASEQ, Scratch, bm, command, json, records, run, some_reads, testdata,
    text_of,
};
use crate::trim::{to_text, with_adapters};

/// Splits FASTQ files, one or two of mates, before the records of these numbers; returns the names of
/// the files of each part.
fn split(scratch: &Scratch, files: &[Vec<u8>], borders: &[usize]) -> Vec<Vec<String>> {
    let records: Vec<_> = files.iter().map(|text| records(text)).collect();
    let ends = borders.iter().copied().chain([records[0].len()]);
    let mut from = 0;
    ends.enumerate()
        .map(|(part, to)| {
            let write = |(mate, records): (usize, &Vec<&[u8]>)| {
                scratch.file(&format!("{part}_{mate}.fastq"), &records[from..to].concat())
            };
            let names = records.iter().enumerate().map(write).collect();
            from = to;
            names
        })
        .collect()
}

/// Borders of this many parts of equal size.
fn even(reads: usize, parts: usize) -> Vec<usize> {
    (1..parts).map(|part| reads * part / parts).collect()
}

/// Runs a command on files with a report, and returns the name of the report.
#[track_caller]
fn report(scratch: &Scratch, name: &str, inputs: &[String], options: &[&str]) -> String {
    let report = scratch.path(name);
    let (command_name, options) = match options {
        ["score" | "recalibrate", ..] => (options[0], &options[1..]),
        _ => ("filter", options),
    };
    let fixed = ["-q", "-o", "/dev/null", "--report", &report];
    run(command([command_name]).args(inputs).args(fixed).args(options)).done();
    report
}

/// Merges reports, and returns the result.
#[track_caller]
fn merge(scratch: &Scratch, name: &str, reports: &[String]) -> Value {
    let output = scratch.path(name);
    run(command(["report", "merge", "-q", "-o", &output]).args(reports)).done();
    json(&scratch.read(name))
}

/// Returns a report without what differs between one run and its parts.
fn compared(mut report: Value) -> Value {
    for key in ["inputs", "outputs", "time", "parts"] {
        report.as_object_mut().unwrap().remove(key);
    }
    report
}

/// Returns a page without the names of its files.
fn page(scratch: &Scratch, name: &str) -> String {
    let page = String::from_utf8(scratch.read(name)).unwrap();
    let (_, page) = page.split_once("<p class=\"run\">").unwrap();
    page.split_once("</p>").unwrap().1.to_owned()
}

/// Expects that the merged report, page and counts of parts are those of one run over all reads.
#[track_caller]
fn check_merged(files: &[&str], borders: &[usize], options: &[&str]) -> Value {
    let scratch = Scratch::new();
    let files: Vec<_> = files.iter().map(|file| text_of(file)).collect();
    let whole = split(&scratch, &files, &[]).remove(0);
    let [html, multiqc] = ["whole.html", "whole_mqc.json"].map(|name| scratch.path(name));
    let more = ["--html", &html, "--multiqc", &multiqc, "--sample", "S"];
    report(&scratch, "whole.json", &whole, &[options, &more].concat());
    let parts = split(&scratch, &files, borders);
    let reports: Vec<_> = parts
        .iter()
        .enumerate()
        .map(|(i, part)| {
            let options = [options, &["--distributions"]].concat();
            report(&scratch, &format!("{i}.json"), part, &options)
        })
        .collect();
    let [output, html, multiqc] =
        ["all.json", "all.html", "all_mqc.json"].map(|name| scratch.path(name));
    run(command(["report", "merge", "-q", "-o", &output, "--html", &html, "--multiqc", &multiqc])
        .args(["--sample", "S"])
        .args(&reports))
    .done();
    let (expected, merged) = (json(&scratch.read("whole.json")), json(&scratch.read("all.json")));
    check(&expected);
    check(&merged);
    assert_eq!(compared(expected), compared(merged.clone()), "{options:?} {borders:?}");
    assert!(page(&scratch, "whole.html") == page(&scratch, "all.html"), "{options:?} {borders:?}");
    assert!(scratch.read("whole_mqc.json") == scratch.read("all_mqc.json"), "{options:?}");
    let inputs: Vec<_> = parts.concat();
    assert_eq!(merged["inputs"], json!(inputs));
    assert_eq!(merged["parts"].as_array().unwrap().len(), parts.len());
    merged
}

#[test]
fn reports_of_parts_add_up_to_that_of_the_run() {
    let single = testdata(HISEQ);
    for parts in [1, 2, 4, 7] {
        check_merged(&[&single], &even(10_000, parts), &[]);
    }
    // A part of one read, and two without any.
    check_merged(&[&single], &[0, 1, 5000, 5000], &[]);
    for options in [
        &["--max-n", "0", "--min-complexity", "0.9", "--discarded", "/dev/null"][..],
        &["--cut-front", "3", "--cut-tail", "2", "--min-length", "100", "--max-poly-g", "3"],
        &["--trim=poly", "--no-adapters"],
        &["--max-ee-rate", "0.001", "--annotate"],
        &["-m", "mean-q20"],
        &["score"],
        &["recalibrate", "-m", "read-error"],
    ] {
        check_merged(&[&single], &[1, 2600, 9000], options);
    }
    let merged = check_merged(&[&single], &even(10_000, 4), &["-t", "0.9999"]);
    assert_eq!(merged["losses"]["reason"], "threshold");
    let merged = check_merged(&[&single], &even(10_000, 4), &["--max-ee", "0.01"]);
    assert_eq!(merged["losses"]["looser"]["flag"], "--max-ee", "{merged:#}");
}

#[test]
fn reports_of_pairs_add_up_to_that_of_the_run() {
    let pairs = [testdata(MISEQ), testdata(MISEQ_2)];
    let pairs = pairs.each_ref().map(String::as_str);
    for parts in [2, 7] {
        check_merged(&pairs, &even(2000, parts), &[]);
    }
    for how in ["both", "any"] {
        let options = ["--pair", how, "--singles", "/dev/null", "--max-ee", "0.2"];
        let merged = check_merged(&pairs, &[700, 701], &options);
        assert_eq!(merged["pairs"]["in"], 2000);
    }
}

#[test]
fn reports_with_evidence_add_up_to_that_of_the_run() {
    let scratch = Scratch::new();
    let reads = some_reads(&scratch, 3000);
    let model = scratch.path("run.model");
    bm(["adapt", &reads, "-q", "-o", &model, "--evidence"]).done();
    for options in [&["-m", &model, "--recalibrate"][..], &["score", "-m", &model]] {
        let merged = check_merged(&[&reads], &even(3000, 7), options);
        assert!(merged["evidence"]["covered_bases"].as_f64().unwrap() > 100_000.0);
        assert!(merged["model"]["evidence_sha256"].is_string());
        // Read by the parts together, as by the run.
        assert_eq!(merged["adapters_found"][0]["reads"], 3000);
    }
}

/// Returns all numbers of a document that are counts, with their places.
fn counts(value: &Value, place: &str, found: &mut Vec<(String, u64)>) {
    match value {
        Value::Object(children) => {
            children.iter().for_each(|(key, it)| counts(it, &format!("{place}/{key}"), found));
        }
        other => found.extend(other.as_u64().map(|count| (place.to_owned(), count))),
    }
}

#[test]
fn lanes_with_other_adapters_are_added_and_told() {
    let scratch = Scratch::new();
    let with_adapters = to_text(&with_adapters().0);
    let lanes = [testdata(HISEQ), scratch.file("lane_2.fastq", &with_adapters)];
    let options = ["--trim", "--distributions"];
    let reports: Vec<_> = (lanes.iter().enumerate())
        .map(|(i, lane)| {
            report(&scratch, &format!("{i}.json"), std::slice::from_ref(lane), &options)
        })
        .collect();
    let merged = merge(&scratch, "all.json", &reports);
    check(&merged);
    let parts: Vec<_> = (0..2).map(|i| json(&scratch.read(&format!("{i}.json")))).collect();
    for key in ["reads", "reasons", "bases", "trimmed", "adapters"] {
        let mut found = Vec::new();
        counts(&merged[key], "", &mut found);
        for (place, count) in found {
            let of = |part: &Value| part[key].pointer(&place).and_then(Value::as_u64).unwrap_or(0);
            assert_eq!(count, parts.iter().map(of).sum::<u64>(), "{key}{place}");
        }
    }
    assert_eq!(parts[0]["adapters_found"][0]["adapters"], json!([]));
    assert_eq!(
        merged["adapters_found"][0]["adapters"], parts[1]["adapters_found"][0]["adapters"],
        "those of the second lane"
    );
    let looked_at = |report: &Value| report["adapters_found"][0]["reads"].as_u64();
    assert_eq!(looked_at(&merged), Some(10_000 + looked_at(&parts[1]).unwrap()));
    assert!(!merged["adapters_found"][0]["adapters"].as_array().unwrap().is_empty());
    assert_eq!(merged["parts"][1]["adapters_found"], parts[1]["adapters_found"]);
    let warning = merged["warnings"][0].as_str().unwrap();
    assert!(warning.contains("different adapters"), "{warning}");
    let html = scratch.path("all.html");
    let told = run(command(["report", "merge", "--html", &html, "-o", "/dev/null"]).args(&reports));
    let told = told.done().stderr;
    assert!(told.contains(warning) && told.contains("2 parts, "), "{told}");
    assert!(String::from_utf8_lossy(&scratch.read("all.html")).contains(warning));
}

#[test]
fn the_order_and_the_grouping_of_reports_change_nothing_but_the_order_of_lists() {
    let scratch = Scratch::new();
    let parts = split(&scratch, &[text_of(&testdata(HISEQ))], &[100, 4000]);
    let [a, b, c] = [0, 1, 2].map(|i| {
        let name = format!("{i}.json");
        report(&scratch, &name, &parts[i], &["--trim", "--distributions", "--max-ee", "0.1"])
    });
    let all = merge(&scratch, "all.json", &[a.clone(), b.clone(), c.clone()]);
    merge(&scratch, "ab.json", &[a.clone(), b.clone()]);
    merge(&scratch, "bc.json", &[b.clone(), c.clone()]);
    let whole = scratch.read("all.json");
    merge(&scratch, "left.json", &[scratch.path("ab.json"), c.clone()]);
    assert!(scratch.read("left.json") == whole);
    merge(&scratch, "right.json", &[a.clone(), scratch.path("bc.json")]);
    assert!(scratch.read("right.json") == whole);
    // A merged report alone stays as it is.
    merge(&scratch, "again.json", &[scratch.path("all.json")]);
    assert!(scratch.read("again.json") == whole);
    let sorted = |mut report: Value| {
        for key in ["inputs", "outputs", "parts"] {
            report[key].as_array_mut().unwrap().sort_by_key(Value::to_string);
        }
        report
    };
    assert_eq!(sorted(merge(&scratch, "other.json", &[c, a, b])), sorted(all));
}

/// Writes a report with other values at these places, and returns its name.
fn changed(scratch: &Scratch, of: &Value, name: &str, changes: &[(&str, Value)]) -> String {
    let mut report = of.clone();
    for (key, value) in changes {
        match report.pointer_mut(key) {
            Some(place) => *place = value.clone(),
            None => report[key.trim_start_matches('/')] = value.clone(),
        }
    }
    scratch.file(name, report.to_string().as_bytes())
}

#[test]
fn shards_of_a_file_count_once_each_and_missing_ones_are_told() {
    let scratch = Scratch::new();
    let of = report(&scratch, "report.json", &[testdata(NOVASEQ)], &["--trim"]);
    let of = json(&scratch.read(Path::new(&of).file_name().unwrap().to_str().unwrap()));
    let shard = |index: u32, n: u32| {
        let shard = json!({"index": index, "of": n});
        changed(&scratch, &of, &format!("{index}of{n}.json"), &[("/shard", shard)])
    };
    let all = merge(&scratch, "all.json", &[shard(2, 3), shard(1, 3), shard(3, 3)]);
    check(&all);
    assert_eq!(all["inputs"], json!([testdata(NOVASEQ)]));
    assert_eq!((&all["reads"]["in"], all.get("warnings")), (&json!(2400), None));
    // Each looked at the same first reads.
    assert_eq!(all["adapters_found"], of["adapters_found"]);
    let output = scratch.path("some.json");
    let some = run(command(["report", "merge", "-q", "-o", &output]).args([shard(3, 3)]));
    let warning = format!("shards 1 and 2 of 3 of {} are missing", testdata(NOVASEQ));
    assert!(some.done().stderr.contains(&warning));
    let some = json(&scratch.read("some.json"));
    assert_eq!(some["warnings"], json!([warning]));
    // The others come later.
    let later = merge(&scratch, "later.json", &[output, shard(2, 3), shard(1, 3)]);
    assert_eq!(later.get("warnings"), None);
    for (other, why) in [
        (shard(3, 3), "shard 3 of 3; each part counts once"),
        (shard(1, 4), "once as 4 shards and once as 3"),
        (scratch.path("report.json"), "once whole and once a shard"),
        (scratch.path("all.json"), "shard 3 of 3; each part counts once"),
    ] {
        let refused = run(command(["report", "merge"]).args([&shard(3, 3), &other])).refused();
        assert!(refused.contains(why), "{refused}");
    }
    let wrong = shard(5, 4);
    assert!(bm(["report", "merge", &wrong]).refused().contains("shard 5 of 4"));
}

#[test]
fn reports_of_other_runs_are_refused_with_what_differs() {
    let scratch = Scratch::new();
    let parts = split(&scratch, &[text_of(&testdata(NOVASEQ))], &[400]);
    let first = report(&scratch, "first.json", &parts[0], &["--distributions"]);
    let refused = |other: &str, expected: &[&str]| {
        let message = bm(["report", "merge", &first, other]).refused();
        for part in expected {
            assert!(message.contains(part), "{message}");
        }
    };
    let other = |options: &[&str]| report(&scratch, "other.json", &parts[1], options);
    refused(
        &other(&["-t", "0.9", "--min-length", "20"]),
        &[
            "other.json: not of the same run as ",
            "first.json: ",
            "/criteria/threshold is 0.9",
            "/criteria/min_length is 20, not null",
        ],
    );
    refused(&other(&["score"]), &["/command is \"score\", not \"filter\""]);
    refused(&other(&["-m", "mean-q20"]), &["/model/id is \"mean-q20\", not \"read-error\""]);
    refused(&other(&["--trim"]), &["/trim is {"]);
    refused(
        &other(&["--trim", "--adapter", "ACGTACGTACGTA"]),
        &["/adapters_found is [", "ACGTACGTACGTA"],
    );
    refused(&first, &["each part counts once"]);
    let learned = some_reads(&scratch, 1500);
    let adapted = |name: &str| report(&scratch, name, std::slice::from_ref(&learned), &["--adapt"]);
    refused(&adapted("adapted.json"), &["/adaptation is {", "learn the run once"]);
    let adapt = scratch.path("adapt.json");
    let model = scratch.path("model");
    bm(["adapt", &learned, "-q", "-o", &model, "--report", &adapt]).done();
    refused(&adapt, &["adapt.json: /command: a report of \"adapt\""]);
    let of = json(&scratch.read("first.json"));
    let inputs = ("/inputs", json!(["other.fastq"]));
    for (key, value, expected) in [
        ("/format", json!(2), "/format: 2, of another version of bm; this one reads format 3"),
        ("/program", json!("fastp"), "expected a report of bm"),
        ("/version", json!("0.0.9"), "/version is \"0.0.9\", not "),
        ("/reads/in", json!(399), "/reads/in: 399, but 400 reads kept, discarded and unscored"),
        ("/more", json!(1), "/more: found 1, expected nothing"),
        ("/reads/kept", json!(u64::MAX), "/reads/kept: 18446744073709551615 is larger than"),
        ("/reads/kept", json!("many"), "expected u64"),
        ("/distributions/lengths/kept", json!([]), "lengths: columns of"),
        (
            "/profile/before/0/summary/q30_bases",
            json!(1),
            "/profile/before/0/summary/q30_bases: found 1",
        ),
        ("/profile/after/0/lengths/150", json!(1), "reads, but"),
        ("/profile/before/0/cycles/a/7", json!(0), "bases, but"),
    ] {
        refused(
            &changed(&scratch, &of, "changed.json", &[(key, value), inputs.clone()]),
            &["changed.json: ", expected],
        );
    }
    // Sums that are too large.
    let most = json!(1_u64 << 52);
    let large = [("/bases/in", most.clone()), ("/inputs", json!(["a"]))];
    let one = changed(&scratch, &of, "one.json", &large);
    let large = [("/bases/in", json!((1_u64 << 52) + 1)), ("/inputs", json!(["b"]))];
    let two = changed(&scratch, &of, "two.json", &large);
    let message = bm(["report", "merge", &one, &two]).refused();
    assert!(message.contains("the sum of /bases/in is larger than"), "{message}");
}

#[test]
fn streams_may_have_one_name() {
    let scratch = Scratch::new();
    let of = json(&scratch.read({
        report(&scratch, "report.json", &[testdata(NOVASEQ)], &[]);
        "report.json"
    }));
    let stream = json!(["stdin"]);
    let one = changed(&scratch, &of, "one.json", &[("/inputs", stream.clone())]);
    let time = ("/time/wall_s", json!(123.5));
    let two = changed(&scratch, &of, "two.json", &[("/inputs", stream.clone()), time]);
    let merged = merge(&scratch, "all.json", &[one.clone(), two]);
    assert_eq!(
        (&merged["inputs"], &merged["reads"]["in"]),
        (&json!(["stdin", "stdin"]), &json!(1600))
    );
    assert_eq!(merged["time"]["wall_s"], 123.5);
    let message = bm(["report", "merge", &one, &one]).refused();
    assert!(message.contains("with the same counts and times"), "{message}");
}

#[test]
fn a_page_needs_the_distributions_of_all_reports() {
    let scratch = Scratch::new();
    let parts = split(&scratch, &[text_of(&testdata(NOVASEQ))], &[400]);
    let with = report(&scratch, "with.json", &parts[0], &["--distributions"]);
    let without = report(&scratch, "without.json", &parts[1], &[]);
    let (html, output) = (scratch.path("all.html"), scratch.path("all.json"));
    let message =
        bm(["report", "merge", &with, &without, "-o", &output, "--html", &html]).refused();
    assert!(message.contains("without.json: has no distributions"), "{message}");
    assert!(!scratch.names().iter().any(|name| name.starts_with("all")), "{:?}", scratch.names());
    let told = bm(["report", "merge", "-q", &with, &without, "-o", &output]).done().stderr;
    assert!(told.contains("without.json has no distributions"), "{told}");
    assert_eq!(json(&scratch.read("all.json")).get("distributions"), None);
    // Without -o, the report is on stdout.
    let printed = bm(["report", "merge", "-q", &with, &without]).done().stdout;
    assert!(printed == scratch.read("all.json"));
    let packed = scratch.path("all.json.gz");
    bm(["report", "merge", "-q", &with, &without, "-o", &packed]).done();
    let again = bm(["report", "merge", "-q", &packed]).done().stdout;
    assert!(again == printed);
}

/// Returns the places of all values of a document, of lists only the first and the last.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    found.push(place.to_owned());
    match value {
        Value::Object(children) => {
            children.iter().for_each(|(key, it)| places(it, &format!("{place}/{key}"), found));
        }
        Value::Array(children) => {
            for i in [0, children.len().saturating_sub(1)] {
                if let Some(child) = children.get(i) {
                    places(child, &format!("{place}/{i}"), found);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn no_report_makes_bm_panic() {
    let scratch = Scratch::new();
    let parts = split(&scratch, &[text_of(&testdata(NOVASEQ))], &[300]);
    let options = ["--trim", "--distributions", "-t", "0.9999"];
    let reports: Vec<_> =
        [0, 1].map(|i| report(&scratch, &format!("{i}.json"), &parts[i], &options)).to_vec();
    let of = merge(&scratch, "all.json", &reports);
    let (html, multiqc) = (scratch.path("all.html"), scratch.path("all_mqc.json"));
    let mut found = Vec::new();
    places(&of, "", &mut found);
    found.retain(|place| !place.is_empty());
    assert!(found.len() > 150, "{}", found.len());
    let mut refused = 0;
    for (i, place) in found.iter().enumerate() {
        let values =
            [json!(null), json!(-1), json!(1e300), json!(1_u64 << 53), json!("9.5"), json!([{}])];
        for value in [&values[i % 6], &values[(i + 3) % 6]] {
            let hostile = changed(&scratch, &of, "hostile.json", &[(place, value.clone())]);
            let merging =
                bm(["report", "merge", &hostile, "-q", "--html", &html, "--multiqc", &multiqc]);
            if merging.code != Some(0) {
                let message = merging.refused();
                assert!(
                    message.contains("hostile.json: ") || message.contains("merge: "),
                    "{message}"
                );
                refused += 1;
            }
        }
    }
    assert!(refused > found.len(), "{refused}");
    let text = scratch.read("all.json");
    for (hostile, expected) in [
        (Vec::new(), "line 1 column 0"),
        (text[..text.len() / 2].to_vec(), "at line "),
        ([&text[..], b"x"].concat(), "trailing characters at line"),
        ("[".repeat(100_000).into_bytes(), "recursion limit exceeded at line 1"),
        (
            b"{\"program\": \"bm\", \"format\": 3, \"command\": \"filter\"}".to_vec(),
            "missing field",
        ),
        (b"\xff\xfe".to_vec(), "at line 1 column 1"),
        (b"5".to_vec(), "expected a report of bm"),
        (vec![b' '; (64 << 20) + 1], "more than 64 MB"),
    ] {
        let file = scratch.file("hostile.json", &hostile);
        let message = bm(["report", "merge", &file]).refused();
        assert!(message.contains("hostile.json: ") && message.contains(expected), "{message}");
    }
}
