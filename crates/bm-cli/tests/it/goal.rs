//! `bm filter --keep-fraction` and `--target-bases` in one command: the reads that `bm score` and
//! `bm filter --scores` keep.

use std::fs;

use crate::long_reads::run_of_a_genome;
use crate::support::{
    HISEQ, MEASLES, MISEQ, MISEQ_2, Scratch, bm, bm_with_stdin, command, gzip, json, plain,
    records, run, shell, testdata, text_of,
};

const NANOPORE: &str = "nanopore_lambda_4line.fastq.gz";
const FRACTION: [&str; 2] = ["--keep-fraction", "0.3"];
const BASES: [&str; 2] = ["--target-bases", "200k"];

/// Filters in one command, on one and on four threads, and in two commands, with what both need and what
/// scoring needs; returns what is kept, after comparing all outputs.
fn same(inputs: &[String], goal: [&str; 2], both: &[&str], scoring: &[&str]) -> Vec<u8> {
    let scratch = Scratch::new();
    let bam = inputs[0].ends_with(".bam");
    let names = if bam { ["kept.bam", "lost.bam"] } else { ["kept.fq", "lost.fq"] };
    let [kept, lost] = names.map(|name| scratch.path(name));
    let table = scratch.path("scores.tsv");
    run(command(["score", "-q", "-o", &table]).args(inputs).args(both).args(scoring)).done();
    let filter = |more: &[&str]| {
        let to = ["filter", "-q", "-o", &kept, "--discarded", &lost];
        run(command(to).args(inputs).args(goal).args(both).args(more)).done();
        names.map(|name| match bam {
            // The header has the command line.
            true => records_of_bam(&scratch.read(name)),
            false => scratch.read(name),
        })
    };
    let expected = filter(&["--scores", &table]);
    for threads in ["1", "4"] {
        let found = filter(&[scoring, &["-j", threads]].concat());
        assert!(found == expected, "{inputs:?} {goal:?} {both:?} {scoring:?} -j {threads}");
    }
    let [kept, lost] = expected;
    assert!(!kept.is_empty() && !lost.is_empty(), "{inputs:?} {goal:?}");
    kept
}

/// Returns the records of a BAM file, without its header.
fn records_of_bam(stored: &[u8]) -> Vec<u8> {
    crate::bam::records_of(&crate::bam::inflated(stored)).1.concat()
}

#[test]
fn one_command_keeps_the_reads_of_two() {
    let scratch = Scratch::new();
    let text = text_of(&testdata(NANOPORE));
    let plain = scratch.file("plain.fastq", &text);
    let gz = scratch.file("again.fastq.gz", &gzip(&text));
    for goal in [FRACTION, BASES] {
        let long = [testdata(NANOPORE), plain.clone(), gz.clone()];
        let kept = long.map(|file| same(&[file], goal, &[], &[]));
        assert!(kept[0] == kept[1] && kept[0] == kept[2]);
        same(&[testdata(HISEQ)], goal, &[], &[]);
        same(&[testdata(HISEQ)], goal, &["--min-length", "140"], &["-m", "mean-q20"]);
        same(&[testdata(MISEQ), testdata(MISEQ_2)], goal, &[], &[]);
        same(&[testdata(MISEQ), testdata(MISEQ_2)], goal, &[], &["--trim"]);
        same(&[testdata(HISEQ)], goal, &[], &["--trim"]);
        same(&[testdata("bam/nanopore.bam")], FRACTION, &[], &[]);
        same(&[testdata("bam/pairs.bam")], ["--target-bases", "30k"], &[], &[]);
    }
}

#[test]
fn a_run_is_learned_once_and_ranked_by_what_was_learned() {
    let scratch = Scratch::new();
    let long = scratch.file("run.fastq", &run_of_a_genome([b"", b""]).0);
    same(&[long], BASES, &[], &["--adapt"]);
    // Adapters are not judged, but kept.
    same(&[testdata(MEASLES)], FRACTION, &[], &["--adapt"]);
}

#[test]
fn ranked_reads_can_be_written_with_new_qualities_pieces_and_merged() {
    let scratch = Scratch::new();
    let (one, two) = (testdata(MISEQ), testdata(MISEQ_2));
    let bases = |text: &[u8]| -> usize {
        let lines = |read: &[u8]| read.split(|byte| *byte == b'\n').nth(1).map_or(0, <[u8]>::len);
        records(text).into_iter().map(lines).sum()
    };
    // Qualities change, and which reads are kept does not.
    let input = testdata(HISEQ);
    let with = ["filter", &input, "-q", "-o", "-", "--keep-fraction", "0.25"];
    let kept = run(&mut command(with)).done().stdout;
    let new = run(command(with).arg("--recalibrate")).done().stdout;
    assert!(bases(&kept) == bases(&new) && records(&kept).len() == records(&new).len());
    // Merged pairs are ranked as merged reads.
    let paths = ["1", "2", "merged"].map(|name| scratch.path(name));
    let to = ["-o", &paths[0], "-O", &paths[1], "--merge", &paths[2], "-q"];
    let goal = ["--target-bases", "100k"];
    run(command(["filter", &one, &two]).args(to).args(goal)).done();
    let found: usize = ["1", "2", "merged"].iter().map(|name| bases(&scratch.read(name))).sum();
    assert!((100_000..101_000).contains(&found), "{found}");
    // Every sample of a sheet reaches the goal.
    let nanopore = testdata(NANOPORE);
    let sheet = format!("sample,fastq_1,fastq_2\nlong,{nanopore},\npairs,{one},{two}\n");
    let (sheet, folder) = (scratch.file("sheet.csv", sheet.as_bytes()), scratch.path("samples"));
    bm(["filter", "--sheet", &sheet, "-o", &folder, "-q", "--target-bases", "100k"]).done();
    let of = |name: &str| bases(&plain(fs::read(format!("{folder}/{name}")).unwrap()));
    let expected = bm(["filter", &one, &two, "-o", "-", "-q", "--target-bases", "100k"]).done();
    let pairs = of("pairs_R1.fastq.gz") + of("pairs_R2.fastq.gz");
    assert!(pairs == bases(&expected.stdout) && pairs > 100_000);
    let expected = bm(["filter", &nanopore, "-o", "-", "-q", "--target-bases", "100k"]).done();
    assert_eq!(of("long.fastq.gz"), bases(&expected.stdout));
}

#[test]
fn the_report_has_the_model_and_the_criteria_that_reach_the_goal() {
    let scratch = Scratch::new();
    let (input, report) = (testdata(NANOPORE), scratch.path("report.json"));
    let said = bm(["filter", &input, "-o", "/dev/null", "--report", &report, BASES[0], BASES[1]]);
    let said = said.done().stderr;
    let short =
        bm(["filter", &testdata(HISEQ), "-o", "/dev/null", FRACTION[0], FRACTION[1]]).done();
    assert!(!short.stderr.contains("most reads are not kept"), "{}", short.stderr);
    // How much is kept was chosen: nothing is said of other limits.
    assert!(said.contains("the best long reads by length and errors"), "{said}");
    for other in ["would keep", "long reads pass", "most reads are not kept"] {
        assert!(!said.contains(other), "{said}");
    }
    let report = json(&scratch.read("report.json"));
    assert!(report["criteria"]["min_weight"].as_f64().is_some_and(|it| it > 0.0 && it < 1.0));
    assert!(report["scores"].is_null() && !report["model"].is_null());
    assert_eq!(report["domain"]["long_reads"]["decided"], false);
}

#[test]
fn what_is_read_once_or_in_parts_is_refused() {
    let scratch = Scratch::new();
    let (one, two) = (testdata(MISEQ), testdata(MISEQ_2));
    let text = text_of(&one);
    let message = bm_with_stdin(["filter", "-", "-o", "-", FRACTION[0], FRACTION[1]], &text);
    assert_eq!(
        message.refused(),
        "bm: stdin: --keep-fraction reads its input twice, first to rank the reads and then to keep the \
         best ones; give it a file, or name the table that `bm score` made of the same reads with \
         --scores\n"
    );
    let pipe = scratch.path("pipe");
    let script = format!(
        "mkfifo {pipe}; (zcat {one} > {pipe} &); {} filter {pipe} -o - --target-bases 1k",
        env!("CARGO_BIN_EXE_bm")
    );
    let message = shell(&script).stderr;
    assert!(
        message.contains("a pipe can be read once") && message.contains("--scores"),
        "{message}"
    );
    let message =
        bm(["filter", &one, "-o", "-", "--target-bases", "1k", "--shard", "1/2"]).misused();
    assert!(message.contains("cannot be used with"), "{message}");
    let (to, singles) = (scratch.path("kept"), scratch.path("singles"));
    let message =
        run(command(["filter", "-1", &one, "-2", &two, "-U", &testdata(HISEQ), "-o", &to]).args([
            "--singles",
            &singles,
            "--keep-fraction",
            "0.5",
        ]))
        .refused();
    assert!(message.contains("are not ranked together; filter each apart"), "{message}");
    let message =
        bm(["filter", &one, &two, "-o", &to, "--pair", "any", "--keep-fraction", "0.5"]).refused();
    assert!(message.contains("--pair any: ") && message.contains("--pair joint"), "{message}");
    // A table and stdin in step.
    let table = scratch.path("scores.tsv");
    bm(["score", &one, "-q", "-o", &table]).done();
    let kept = bm(["filter", &one, "-q", "-o", "-", FRACTION[0], FRACTION[1]]).done().stdout;
    let streamed = run(command(["filter", "-", "-q", "-o", "-", "--scores", &table])
        .args(FRACTION)
        .stdin(std::process::Stdio::from(fs::File::open(scratch.file("in.fq", &text)).unwrap())));
    assert!(streamed.done().stdout == kept);
}
