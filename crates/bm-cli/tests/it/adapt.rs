//! `bm adapt` and `--adapt`: learning a run from its own reads.

use std::fs;
use std::process::Command;

use crate::support::{
    BM, HISEQ, MEASLES, NOVASEQ, Row, Scratch, bm, bm_with_stdin, command, files, gzip, json,
    plain, record, records, rows, run, some_reads, testdata, text_of,
};

#[test]
fn a_learned_package_gives_the_same_scores_in_every_command() {
    let scratch = Scratch::new();
    let reads = some_reads(&scratch, 4000);
    let (model, labels, report) =
        (scratch.path("run.model"), scratch.path("labels.tsv"), scratch.path("adapt.json"));
    let adapted = bm([
        "adapt",
        &reads,
        "-o",
        &model,
        "--evidence",
        "--labels",
        &labels,
        "--report",
        &report,
        "-j",
        "2",
    ])
    .done();
    assert!(
        adapted
            .stderr
            .contains("4000 reads seen, learning from 4000 of them\nadapted to this run: "),
        "{}",
        adapted.stderr
    );
    assert!(adapted.stdout.is_empty());

    // The report and the labels agree.
    let report = json(&scratch.read("adapt.json"));
    let findings = &report["adaptation"]["findings"];
    assert_eq!(
        (report["command"].as_str(), report["adaptation"]["choice"].as_str()),
        (Some("adapt"), Some("adapted"))
    );
    let text = String::from_utf8(scratch.read("labels.tsv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("template\tmate\tlabels"));
    let labels: Vec<_> = lines.map(|line| line.rsplit('\t').next().unwrap()).collect();
    let count = |sign| labels.iter().map(|labels| labels.matches(sign).count() as u64).sum::<u64>();
    assert_eq!(labels.len(), 4000);
    assert_eq!(findings["wrong"].as_u64(), Some(count('X')));
    assert_eq!(findings["labelled"].as_u64(), Some(count('X') + count('=')));
    assert_eq!(findings["bases_kept"].as_u64(), Some(count('X') + count('=') + count('.')));

    // One command gives the same result as two.
    let (kept, scored) = (scratch.path("kept.fastq"), scratch.path("scores.tsv"));
    let filtered = bm([
        "filter",
        &reads,
        "--adapt",
        "-o",
        &kept,
        "--report",
        &scratch.path("filter.json"),
        "-j",
        "1",
    ])
    .done();
    assert!(filtered.stderr.contains("model read-error-adapted version 1"), "{}", filtered.stderr);
    bm(["filter", &reads, "-m", &model, "-o", &scratch.path("kept2.fastq"), "-q"]).done();
    assert!(scratch.read("kept.fastq") == scratch.read("kept2.fastq"));
    let filter = json(&scratch.read("filter.json"));
    assert_eq!(filter["adaptation"], report["adaptation"]);
    bm(["score", &reads, "-m", &model, "-o", &scored, "-q"]).done();
    let scores = rows(&scratch.read("scores.tsv"));
    let passed = scores.iter().filter(|row| row.verdict == "pass").count();
    assert_eq!(records(&scratch.read("kept.fastq")).len(), passed);
    assert!((2000..3800).contains(&passed), "{passed}");

    // The package passes its self-check, and its card can be printed.
    let check = bm(["selfcheck", "-m", &model, "--backend", "embedded"]).done();
    assert!(check.text().contains("ok       embedded"), "{}", check.text());
    assert!(bm(["models", "show", &model]).done().text().starts_with("# read-error-adapted\n"));

    // Compression and threads change nothing; the existing package is replaced.
    let packed = scratch.file("reads.fastq.gz", &gzip(&fs::read(&reads).unwrap()));
    let before = files(&model);
    bm(["adapt", &packed, "-o", &model, "--evidence", "-q", "-j", "7"]).done();
    assert!(files(&model) == before);
    bm(["adapt", &packed, "-o", &model, "-q", "-j", "1"]).done();
    let after = files(&model);
    assert!(
        after["model.onnx"] == before["model.onnx"] && !after.contains_key("evidence"),
        "{:?}",
        after.keys()
    );
    assert!(!scratch.names().iter().any(|name| name.contains("partial")), "{:?}", scratch.names());
}

#[test]
fn a_run_that_cannot_be_learned_keeps_the_model_and_says_why() {
    let scratch = Scratch::new();
    let model = scratch.path("run.model");
    let run = bm(["adapt", &testdata(NOVASEQ), "-o", &model]).done();
    assert!(
        run.stderr
            .contains("not adapted to this run: only 0 bases can be checked against other reads"),
        "{}",
        run.stderr
    );
    let show = bm(["models", "show", &model]).done();
    assert!(
        show.text().starts_with("# read-error version 2\n")
            && show.text().contains("\n- Not adapted: only 0 bases"),
        "{}",
        show.text()
    );
    // The scores equal those of the embedded model, to the bit.
    let with = bm(["score", &testdata(NOVASEQ), "-m", &model, "-q"]).done();
    assert!(with.stdout == bm(["score", &testdata(NOVASEQ), "-q"]).done().stdout);
    let adapted = bm(["score", &testdata(NOVASEQ), "--adapt"]).done();
    assert!(adapted.stderr.contains("not adapted to this run"), "{}", adapted.stderr);
    // Except for the effect of the k-mers.
    let said = |row: &Row| {
        row.evidence.map_or(row.expected_errors, |(prior, _)| Some(prior)).map(f32::to_bits)
    };
    assert!(rows(&adapted.stdout).iter().map(said).eq(rows(&with.stdout).iter().map(said)));
}

#[test]
fn reported_qualities_are_used_if_the_model_does_not_apply_and_nothing_was_learned() {
    let scratch = Scratch::new();
    let text: Vec<u8> = (0..200).flat_map(|i| record(&format!("r{i}"), 100, b'5')).collect();
    let (reads, model) = (scratch.file("constant.fastq", &text), scratch.path("run.model"));
    let run = bm(["adapt", &reads, "-o", &model]).done();
    assert!(run.stderr.contains("reported qualities are used"), "{}", run.stderr);
    for row in rows(&bm(["score", &reads, "-m", &model, "-q"]).done().stdout) {
        assert!((row.expected_errors.unwrap() - 1.0).abs() < 1e-3, "{row:?}");
    }
}

#[test]
fn mates_are_recognised_by_name_and_must_be_in_the_same_order() {
    let scratch = Scratch::new();
    let (first, second) = (testdata(MEASLES), testdata("hiseq_measles/hiseq_measles_2.fastq.gz"));
    let (model, labels) = (scratch.path("run.model"), scratch.path("labels.tsv"));
    bm(["adapt", &first, &second, "-o", &model, "--labels", &labels, "-q"]).done();
    let text = String::from_utf8(scratch.read("labels.tsv")).unwrap();
    let keys: Vec<_> =
        text.lines().skip(1).take(4).map(|line| line.rsplit_once('\t').unwrap().0).collect();
    assert_eq!(keys, ["0\t1", "0\t2", "1\t1", "1\t2"]);
    // The same file twice is not a pair.
    bm(["adapt", &first, &first, "-o", &model, "--labels", &labels, "-q"]).done();
    assert!(
        String::from_utf8(scratch.read("labels.tsv"))
            .unwrap()
            .lines()
            .nth(2)
            .unwrap()
            .starts_with("1\t1\t")
    );

    let text = text_of(&second);
    let all = records(&text);
    let swapped = [&all[..100].concat(), all[101], all[100], &all[102..].concat()].concat();
    let swapped = scratch.file("swapped_2.fastq", &swapped);
    let message =
        bm(["adapt", "-q", &first, &swapped, "-o", &scratch.path("other.model")]).refused();
    assert!(
        message.starts_with(&format!("bm: {swapped}: record 101 (read "))
            && message.contains("mates must be in the same order"),
        "{message}"
    );
    let short = scratch.file("short_2.fastq", &all[..all.len() - 1].concat());
    let message = bm(["adapt", "-q", &first, &short, "-o", &scratch.path("other.model")]).refused();
    assert!(
        message.contains(&format!("{short}: ends after record {}", all.len() - 1)),
        "{message}"
    );
    assert!(!scratch.names().contains(&"other.model".to_owned()));
}

#[test]
fn an_input_that_can_be_read_only_once_is_refused_for_two_passes() {
    let scratch = Scratch::new();
    let text = plain(fs::read(testdata(NOVASEQ)).unwrap());
    let message =
        bm_with_stdin(["filter", "-", "--adapt", "-o", &scratch.path("kept.fastq")], &text)
            .refused();
    assert_eq!(
        message,
        "bm: stdin: --adapt reads its input twice, first to learn and then to score; give it a file\n"
    );
    let pipe = scratch.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let script = format!(
        "cat {} | zcat > {pipe} & exec {BM} filter {pipe} --adapt -o {}; wait",
        testdata(NOVASEQ),
        scratch.path("kept.fastq")
    );
    let refused = run(Command::new("timeout").args(["20", "bash", "-c", &script]));
    assert!(
        refused.code == Some(1) && refused.stderr.contains("a pipe can be read once"),
        "{refused:?}"
    );
    assert_eq!(scratch.names(), ["pipe"]);
    // One pass is enough to learn.
    let model = scratch.path("run.model");
    bm_with_stdin(["adapt", "-", "-o", &model, "-q"], &text).done();
    assert!(scratch.names().contains(&"run.model".to_owned()));
}

#[test]
fn existing_files_and_other_folders_are_not_overwritten() {
    let scratch = Scratch::new();
    let reads = testdata(NOVASEQ);
    fs::create_dir(scratch.path("folder")).unwrap();
    fs::write(scratch.path("folder/notes.txt"), "mine").unwrap();
    let file = scratch.file("file", b"mine");
    let message = bm(["adapt", &reads, "-o", &scratch.path("folder")]).refused();
    assert!(message.contains("is a folder with other things in it"), "{message}");
    let message = bm(["adapt", &reads, "-o", &file]).refused();
    assert!(message.contains("is no folder, expected one for a model package"), "{message}");
    let message = bm(["adapt", &reads, "-o", &scratch.path("no/where")]).refused();
    assert!(message.contains("there is no folder"), "{message}");
    assert_eq!(scratch.read("file"), b"mine");
    assert_eq!(fs::read(scratch.path("folder/notes.txt")).unwrap(), b"mine");
    // An empty folder or a package may be replaced.
    fs::create_dir(scratch.path("empty")).unwrap();
    for _ in 0..2 {
        bm(["adapt", &reads, "-o", &scratch.path("empty"), "-q"]).done();
    }
    assert!(scratch.names() == ["empty", "file", "folder"]);
    // A package with other files in it may not be replaced.
    fs::write(scratch.path("empty/notes.txt"), "mine").unwrap();
    let message = bm(["adapt", &reads, "-o", &scratch.path("empty")]).refused();
    assert!(message.contains("is a folder with other things in it"), "{message}");
    assert_eq!(fs::read(scratch.path("empty/notes.txt")).unwrap(), b"mine");
}

#[test]
fn broken_input_leaves_no_package() {
    let scratch = Scratch::new();
    let mut packed = fs::read(testdata(HISEQ)).unwrap();
    packed.truncate(packed.len() / 2);
    let broken = scratch.file("broken.fastq.gz", &packed);
    let message = bm(["adapt", &broken, "-o", &scratch.path("run.model")]).refused();
    assert!(message.contains("the gzip file is truncated"), "{message}");
    let message = bm([
        "adapt",
        &testdata(NOVASEQ),
        &scratch.path("missing"),
        "-o",
        &scratch.path("run.model"),
    ])
    .refused();
    assert!(message.contains("missing: cannot be opened"), "{message}");
    let message =
        bm(["adapt", &testdata(NOVASEQ), "-m", "mean-q20", "-o", &scratch.path("run.model")])
            .refused();
    assert!(message.contains("mean-q20: cannot be adapted: "), "{message}");
    let cut = scratch.file("cut.fastq", b"@r\nACGT\n+\nII");
    let message = bm(["filter", &cut, "--adapt", "-o", &scratch.path("kept.fastq")]).refused();
    assert!(message.contains("cut.fastq: record 1 (read r"), "{message}");
    assert_eq!(scratch.names(), ["broken.fastq.gz", "cut.fastq"]);
    run(&mut command(["adapt", &cut])).misused();
}

#[test]
fn amplicon_reads_that_contradict_the_model_are_reported() {
    let scratch = Scratch::new();
    // One sequence, a wrong base in each read, and high qualities everywhere.
    let mixed = |i: u64| {
        (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xff51_afd7_ed55_8ccd)
            .wrapping_mul(i | 0x2545_f491_4f6c_dd1d)
    };
    let sequence: Vec<u8> = (1..=120).map(|i| b"ACGT"[(mixed(i) >> 62) as usize]).collect();
    let read = |i: usize| {
        let (mut bases, mut quality) = (sequence.clone(), vec![b'F'; sequence.len()]);
        let at = (i * 7919) % sequence.len();
        bases[at] = if bases[at] == b'A' { b'C' } else { b'A' };
        (quality[(at + 60) % 120], quality[(at + 90) % 120]) = (b'#', b':');
        [format!("@r{i}\n").as_bytes(), &bases, b"\n+\n", &quality, b"\n"].concat()
    };
    let reads = scratch.file("amplicon.fastq", &(0..1000).flat_map(read).collect::<Vec<_>>());
    let report = scratch.path("report.json");
    let filtered =
        bm(["filter", &reads, "-o", &scratch.path("kept.fastq"), "--report", &report]).done();
    let said = "model read-error does not apply: \
                the reads cover few positions and contradict the model: ";
    assert!(
        filtered.stderr.contains(said)
            && filtered.stderr.contains("the errors that their qualities report (EE)"),
        "{}",
        filtered.stderr
    );
    let report = json(&scratch.read("report.json"));
    assert_eq!(
        (&report["domain"]["scored_by"], &report["domain"]["applies"]),
        (&"reported-errors".into(), &false.into())
    );
    // A named model scores the reads anyway.
    let named = bm(["score", &reads, "-m", "read-error"]).done();
    assert!(named.stderr.contains("it scored the reads all the same"), "{}", named.stderr);
}
