//! What reports, summary, page and MultiQC say about adapters and about what is cut.

use serde_json::{Value, json};

use crate::reports::{check, schema};
use crate::support::{
    MEASLES, MEASLES_2, MISEQ, NOVASEQ, Run, Scratch, bm, command, json as json_of, run, testdata,
    text_of,
};
use crate::trim::{ADAPTER, parsed, to_text, with_adapters};

const TRUSEQ: &str = "AGATCGGAAGAGCACACGTCTGAACTCCAGTCA";
const TRUSEQ_2: &str = "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT";

/// A file of reads, two in three of which end in an adapter of no kit.
fn input(scratch: &Scratch) -> String {
    scratch.file("reads.fastq", &to_text(&with_adapters().0))
}

/// The same, with fewer reads: enough to learn their k-mers, and not to train a network.
fn few(scratch: &Scratch) -> String {
    scratch.file("reads.fastq", &to_text(&with_adapters().0[..1500]))
}

/// Runs a command with a report, which must follow the schema; returns both.
fn reported(scratch: &Scratch, arguments: &[&str]) -> (Run, Value) {
    let report = scratch.path("report.json");
    let done = run(command(arguments).args(["--report", &report])).done();
    let report = json_of(&scratch.read("report.json"));
    check(&report);
    (done, report)
}

/// Pairs whose mates go on with an adapter after 30 to 79 bases.
fn pairs(scratch: &Scratch) -> [String; 2] {
    let cut = |file: &str, adapter: &str| {
        let mut reads = parsed(&text_of(&testdata(file)));
        reads.truncate(600);
        for (number, (_, sequence, scores)) in reads.iter_mut().enumerate() {
            let end = (30 + number % 50).min(sequence.len());
            let tail = adapter.len().min(sequence.len() - end);
            *sequence = format!("{}{}", &sequence[..end], &adapter[..tail]);
            scores.truncate(sequence.len());
        }
        to_text(&reads)
    };
    [
        scratch.file("one.fastq", &cut(MEASLES, TRUSEQ)),
        scratch.file("two.fastq", &cut(MEASLES_2, TRUSEQ_2)),
    ]
}

#[test]
fn the_report_has_what_is_cut_and_the_adapters_of_each_mate() {
    let scratch = Scratch::new();
    let reads = input(&scratch);
    let (_, report) =
        reported(&scratch, &["filter", &reads, "-o", "-", "-q", "--trim", "--cut-front", "3"]);
    let trim = json!({
        "parts": ["adapters", "poly", "ends"], "price": 19.0, "cut_front": 3, "cut_tail": 0
    });
    assert_eq!(report["trim"], trim);
    let [mate] = &report["adapters_found"].as_array().unwrap()[..] else { panic!("{report:#}") };
    assert_eq!((&mate["mate"], &mate["reads"]), (&json!(1), &report["reads"]["in"]));
    let found = &mate["adapters"][0];
    assert!(ADAPTER.starts_with(&found["sequence"].as_str().unwrap()[..20]), "{found}");
    assert_eq!((&found["name"], &found["accepted"]), (&json!("unknown"), &json!("unknown")));
    assert!(!found["reasons"].as_array().unwrap().is_empty(), "{found}");
    let shown = found["reads"].as_u64().unwrap() as f64 / report["reads"]["in"].as_f64().unwrap();
    assert!((0.5..=0.67).contains(&shown), "{found}");

    // Programs read it back.
    let back: bm_report::Report = serde_json::from_value(report.clone()).unwrap();
    assert_eq!(serde_json::to_value(&back).unwrap(), report);

    // Told: of each mate its own, with the number of reads that show it.
    let [one, two] = pairs(&scratch);
    let (_, report) = reported(
        &scratch,
        &[
            "score",
            &one,
            &two,
            "-q",
            "--trim=adapters",
            "--adapter",
            TRUSEQ,
            "--adapter2",
            TRUSEQ_2,
        ],
    );
    let trim = json!({ "parts": ["adapters"], "price": null, "cut_front": 0, "cut_tail": 0 });
    assert_eq!(report["trim"], trim);
    for (index, sequence) in [TRUSEQ, TRUSEQ_2].iter().enumerate() {
        let mate = &report["adapters_found"][index];
        assert_eq!((&mate["mate"], &mate["reads"]), (&json!(index + 1), &json!(600)));
        let found = &mate["adapters"][0];
        assert_eq!((&found["sequence"], &found["accepted"]), (&json!(sequence), &json!("told")));
        assert!(found["reads"].as_u64().unwrap() > 550, "{found}");
        assert_eq!(found["reasons"], json!([]));
        assert!(found["name"].as_str().unwrap().starts_with("Illumina TruSeq"), "{found}");
    }
    // Found: the adapter of a kit.
    let (_, report) = reported(&scratch, &["filter", &one, "-o", "-", "-q", "--trim"]);
    let found = &report["adapters_found"][0]["adapters"][0];
    assert_eq!(
        (&found["name"], &found["accepted"]),
        (&json!("Illumina TruSeq, read 1"), &json!("kit"))
    );
}

#[test]
fn a_report_has_nothing_about_adapters_that_were_not_looked_for() {
    let scratch = Scratch::new();
    let clean = testdata(NOVASEQ);
    for (arguments, trim, found) in [
        (vec!["filter", &clean, "-o", "-", "-q"], false, false),
        (vec!["filter", &clean, "-o", "-", "-q", "--no-adapters"], false, false),
        (vec!["filter", &clean, "-o", "-", "-q", "--trim", "--no-adapters"], true, false),
        (vec!["filter", &clean, "-o", "-", "-q", "--cut-tail", "1"], true, false),
        (vec!["filter", &clean, "-o", "-", "-q", "--trim"], true, true),
    ] {
        let (_, report) = reported(&scratch, &arguments);
        assert_eq!(report.get("trim").is_some(), trim, "{arguments:?}");
        assert_eq!(report.get("adapters_found").is_some(), found, "{arguments:?}");
    }
    // Nothing is left of a read.
    let (_, report) =
        reported(&scratch, &["filter", &clean, "-o", "-", "-q", "--cut-front", "900"]);
    assert_eq!(report["reasons"], json!({ "no_insert": 800 }));
    // Looked for, and not there.
    let (_, report) = reported(&scratch, &["filter", &clean, "-o", "-", "-q", "--trim"]);
    assert_eq!(report["adapters_found"], json!([{ "mate": 1, "reads": 800, "adapters": [] }]));
}

#[test]
fn the_report_of_adapt_has_the_adapters() {
    let scratch = Scratch::new();
    let reads = few(&scratch);
    let model = scratch.path("run.model");
    let (_, report) = reported(&scratch, &["adapt", &reads, "-o", &model, "-q"]);
    let found = &report["adapters_found"][0]["adapters"][0];
    assert!(ADAPTER.starts_with(&found["sequence"].as_str().unwrap()[..20]), "{report:#}");
}

#[test]
fn the_schema_refuses_invalid_adapters_and_cuts() {
    let scratch = Scratch::new();
    let reads = input(&scratch);
    let (_, report) = reported(&scratch, &["filter", &reads, "-o", "-", "-q", "--trim"]);
    for (place, value) in [
        ("/trim/parts/0", json!("primers")),
        ("/trim/price", json!("19")),
        ("/trimmed/bases/adapters", json!(-1)),
        ("/adapters/reads", json!(null)),
        ("/adapters_found/0/mate", json!(3)),
        ("/adapters_found/0/adapters/0/accepted", json!("guessed")),
        ("/adapters_found/0/adapters/0/reasons", json!(["why not"])),
    ] {
        let mut other = report.clone();
        *other.pointer_mut(place).unwrap() = value;
        assert!(!schema().is_valid(&other), "{place}");
    }
}

/// Returns the lines of a summary that begin with a word, or have it.
fn lines(done: &Run, word: &str) -> Vec<String> {
    done.stderr.lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
}

#[test]
fn the_summary_names_adapters_and_counts_what_was_cut() {
    let scratch = Scratch::new();
    let reads = input(&scratch);
    let (done, report) = reported(&scratch, &["filter", &reads, "-o", "/dev/null", "--trim"]);
    let [line] = &lines(&done, "adapters: ")[..] else { panic!("{}", done.stderr) };
    let (start, end) = line.split_once(" in ").unwrap();
    assert_eq!(start, format!("adapters: unknown ({}...)", &ADAPTER[..13]));
    let total = report["reads"]["in"].as_u64().unwrap();
    assert!(end.ends_with(&format!(" % of the first {total} reads")), "{end}");
    let cut = &report["trimmed"];
    let bases = &cut["bases"];
    let expected = format!(
        "trimmed: {} of the kept reads; bases cut: {} adapters, {} poly, {} ends",
        cut["reads"], bases["adapters"], bases["poly"], bases["ends"]
    );
    let [line] = &lines(&done, "trimmed: ")[..] else { panic!("{}", done.stderr) };
    assert!(line.replace(&format!(", {} library", bases["library"]), "") == expected, "{line}");

    // Only what was asked for.
    let (done, report) =
        reported(&scratch, &["filter", &reads, "-o", "/dev/null", "--cut-tail", "2", "-t", "0"]);
    assert_eq!(lines(&done, "adapters: "), [""; 0]);
    let reads_in = report["reads"]["in"].as_u64().unwrap();
    assert_eq!(
        lines(&done, "trimmed: "),
        [format!("trimmed: {reads_in} of the kept reads; bases cut: {} fixed", 2 * reads_in)]
    );

    // Of each mate.
    let [one, two] = pairs(&scratch);
    let arguments = ["--adapter", TRUSEQ, "--adapter2", TRUSEQ_2];
    let filter = ["filter", &one, &two, "-o", "/dev/null", "--trim=adapters"];
    let done = run(command(filter).args(arguments)).done();
    for (mate, sequence) in [("first", TRUSEQ), ("second", TRUSEQ_2)] {
        let [line] = &lines(&done, &format!("adapters of {mate} mates: "))[..] else {
            panic!("{}", done.stderr)
        };
        assert!(line.contains(&sequence[..13]) && line.ends_with("of the first 600 reads"));
    }
}

#[test]
fn the_summary_says_where_no_adapter_was_found_and_nothing_else() {
    let scratch = Scratch::new();
    let clean = testdata(NOVASEQ);
    let (done, _) = reported(&scratch, &["filter", &clean, "-o", "/dev/null", "--trim=adapters"]);
    assert_eq!(lines(&done, "adapter"), ["adapters: none found in the first 800 reads"]);
    assert_eq!(lines(&done, "trimmed"), ["trimmed: none of the kept reads"]);
    for arguments in [&["-q"][..], &[], &["--no-adapters"]] {
        let done = run(command(["filter", &clean, "-o", "/dev/null"]).args(arguments)).done();
        assert!(!done.stderr.contains("adapter") && !done.stderr.contains("trimmed"));
    }
}

#[test]
fn adapters_that_are_not_judged_are_announced() {
    let scratch = Scratch::new();
    let reads = few(&scratch);
    let model = scratch.path("run.model");
    let adapted = run(&mut command(["adapt", &reads, "-o", &model, "--evidence"])).done();
    let [line] = &lines(&adapted, "adapters: ")[..] else { panic!("{}", adapted.stderr) };
    assert!(line.contains(&ADAPTER[..13]), "{line}");
    for (arguments, end) in [
        (vec!["filter", "-m", &model], ", and they stay in the output; --trim cuts them off"),
        (vec!["filter", "--adapt"], ", and they stay in the output; --trim cuts them off"),
        (
            vec!["filter", "--adapt", "--cut-tail", "1"],
            ", and they stay in the output; --trim=adapters cuts them off",
        ),
        (vec!["score", "--adapt"], ""),
    ] {
        let arguments = [&arguments[..], &[&reads, "-o", "/dev/null"]].concat();
        let (done, report) = reported(&scratch, &arguments);
        let (reads, bases) = (&report["adapters"]["reads"], &report["adapters"]["bases"]);
        let expected =
            format!("{reads} reads end in an adapter: these {bases} bases are not judged");
        assert_eq!(lines(&done, "not judged"), [expected + end], "{}", done.stderr);
        assert_eq!(lines(&done, "adapters: ").len(), 1);
    }
    let (done, _) = reported(&scratch, &["filter", &reads, "-o", "/dev/null", "--adapt", "--trim"]);
    assert_eq!(lines(&done, "not judged"), [""; 0]);
}

/// A name in a file of adapters is text, and adds neither lines nor markup to what is printed.
#[test]
fn names_of_adapters_stay_on_their_line() {
    let scratch = Scratch::new();
    let reads = input(&scratch);
    let name = format!("<b>\u{1b}[31m{}", "x".repeat(500));
    let adapters = scratch.file("adapters.fa", format!(">{name}\n{ADAPTER}\n").as_bytes());
    let filter = ["filter", &reads, "-o", "/dev/null", "--trim", "--adapter", &adapters];
    let (done, report) = reported(&scratch, &filter);
    let [line] = &lines(&done, "adapters: ")[..] else { panic!("{}", done.stderr) };
    assert!(line.len() < 200 && !line.contains('\u{1b}'), "{line}");
    let page = scratch.path("page.html");
    run(command(filter).args(["-q", "--html", &page])).done();
    let page = String::from_utf8(scratch.read("page.html")).unwrap();
    assert!(page.contains("<td>&lt;b&gt;") && !page.contains("<b>\u{fffd}"));
    assert!(!page.contains(&"x".repeat(100)));
    let named = report["adapters_found"][0]["adapters"][0]["name"].as_str().unwrap();
    assert!(named.starts_with("<b>") && named.len() > 500, "{named}");
}

/// Returns a count as the page writes it.
fn apart(value: &Value) -> String {
    let digits = value.as_u64().unwrap().to_string();
    let groups =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap());
    groups.collect::<Vec<_>>().join(",")
}

#[test]
fn the_page_has_the_adapters_and_what_was_cut_for_any_number_of_threads() {
    let scratch = Scratch::new();
    let reads = few(&scratch);
    let page = scratch.path("page.html");
    let page_of = |arguments: &[&str]| {
        let filter = [&["filter", &reads, "-o", "/dev/null", "--html", &page, "-q"], arguments];
        let (_, report) = reported(&scratch, &filter.concat());
        (String::from_utf8(scratch.read("page.html")).unwrap(), report)
    };
    let (text, report) = page_of(&["--trim", "-j", "1"]);
    assert!(page_of(&["--trim", "-j", "3"]).0 == text);
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    roxmltree::Document::parse_with_options(&text, options).unwrap();
    assert!(text.contains("<h2>Adapters</h2>") && text.contains("<h2>What was cut</h2>"));
    let adapter = &report["adapters_found"][0]["adapters"][0];
    let sequence = adapter["sequence"].as_str().unwrap();
    let row =
        format!("<td>unknown</td><td class=\"bases\">{sequence}</td><td class=\"count\">{} (", {
            apart(&adapter["reads"])
        });
    assert!(text.contains(&row) && text.contains("of no known kit: "), "{row}");
    for name in ["adapters", "poly", "ends"] {
        let [reads, bases] =
            ["reads_by_reason", "bases"].map(|of| apart(&report["trimmed"][of][name]));
        let row = format!("<td>{name}</td><td>{reads}</td><td>{bases}</td>");
        assert!(text.contains(&row), "{row}");
    }
    assert!(text.contains("Read lengths") && text.contains("by the length that is left"));

    let (text, _) = page_of(&["--cut-tail", "1"]);
    assert!(text.contains("<h2>What was cut</h2>") && !text.contains("<h2>Adapters</h2>"));
    assert!(text.contains("<td>fixed</td>") && !text.contains("<td>ends</td>"));
    let (text, _) = page_of(&["--adapt"]);
    assert!(!text.contains("<h2>What was cut</h2>") && text.contains("<h2>Adapters</h2>"));
    assert!(text.contains("bases are not judged, and they stay in the output"));
    let (text, _) = page_of(&[]);
    assert!(!text.contains("<h2>What was cut</h2>") && !text.contains("<h2>Adapters</h2>"));

    let (model, adapted) = (scratch.path("run.model"), scratch.path("adapted.html"));
    run(&mut command(["adapt", &reads, "-o", &model, "--html", &adapted, "-q"])).done();
    let text = String::from_utf8(scratch.read("adapted.html")).unwrap();
    assert!(text.contains("<h2>Adapters</h2>") && text.contains(sequence));
}

/// MultiQC would show the bases of the earlier run beside the reads of the later one.
#[test]
fn a_section_that_a_run_does_not_have_is_removed_but_no_file_of_others() {
    let scratch = Scratch::new();
    let reads = testdata(MISEQ);
    let file = scratch.path("x_mqc.json");
    let filter = ["filter", &reads, "-o", "/dev/null", "-q", "--multiqc", &file];
    run(command(filter).arg("--trim")).done();
    assert!(scratch.names().contains(&"x_bases_mqc.json".to_owned()));
    run(&mut command(filter)).done();
    assert!(!scratch.names().contains(&"x_bases_mqc.json".to_owned()));
    let of_others = r#"{"id": "mine", "plot_type": "bargraph", "data": {"S1": {"kept": 1}}}"#;
    for content in [of_others, "bm_bases"] {
        std::fs::write(scratch.path("x_bases_mqc.json"), content).unwrap();
        run(&mut command(filter)).done();
        assert_eq!(scratch.read("x_bases_mqc.json"), content.as_bytes());
    }
    let names = scratch.names();
    assert!(names.iter().all(|name| name.ends_with("_mqc.json")), "{names:?}");
}

#[test]
fn multiqc_gets_the_bases_by_what_became_of_them() {
    let scratch = Scratch::new();
    let reads = few(&scratch);
    let file = scratch.path("x_mqc.json");
    let filter = ["filter", &reads, "-o", "/dev/null", "-q", "--multiqc", &file];
    let (_, plain) = reported(&scratch, &filter);
    let first = json_of(&scratch.read("x_mqc.json"));
    assert_eq!(first["data"]["reads"]["kept"], plain["reads"]["kept"]);

    let (_, report) = reported(&scratch, &[&filter[..], &["--trim", "--cut-tail", "1"]].concat());
    let found = json_of(&scratch.read("x_mqc.json"));
    assert_eq!((&found["id"], &found["plot_type"]), (&first["id"], &first["plot_type"]));
    assert_eq!(found["data"]["reads"]["kept"], report["reads"]["kept"]);
    assert_eq!(found["data"]["reads"]["threshold"], report["reasons"]["threshold"]);
    let found = json_of(&scratch.read("x_bases_mqc.json"));
    let bases = found["data"]["reads"].as_object().unwrap();
    let total: u64 = bases.values().map(|bases| bases.as_u64().unwrap()).sum();
    assert_eq!(total, report["bases"]["in"]);
    assert_eq!(bases["kept"], report["bases"]["kept"]);
    for name in ["adapters", "poly", "ends", "fixed"] {
        assert_eq!(bases[name], report["trimmed"]["bases"][name], "{name}");
    }
    assert!(bases["adapters"].as_u64().unwrap() > 10_000 && bases["fixed"].as_u64().unwrap() > 0);
}

#[test]
fn a_run_of_which_most_bases_are_cut_is_told_so_and_long_reads_have_no_adapters_looked_for() {
    let scratch = Scratch::new();
    let (input, kept) = (testdata("nanopore_lambda_4line.fastq.gz"), scratch.path("kept.fastq"));
    let done = bm(["filter", &input, "-o", &kept, "--trim"]).done();
    let [line] = &lines(&done, "trimmed: ")[..] else { panic!("{}", done.stderr) };
    assert!(line.contains("more bases are cut off as bad ends than are kept"), "{line}");
    assert!(line.contains("--trim-price 9"), "{line}");
    assert!(!done.stderr.contains("adapters:"), "{}", done.stderr);
    let done = bm(["filter", &input, "-o", &kept, "--trim", "--trim-price", "1"]).done();
    assert!(!done.stderr.contains("more bases are cut"), "{}", done.stderr);
}
