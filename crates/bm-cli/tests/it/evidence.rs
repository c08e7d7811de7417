//! `--evidence` and its effect: scores that use the k-mers of the run.

use std::fs;

use crate::support::{
    MEASLES, NOVASEQ, Row, Scratch, bm, command, files, gzip, json, records, rows, run, some_reads,
    testdata, text_of,
};

/// Keys of a report in `adaptation.evidence`.
const KEYS: [&str; 10] = [
    "bytes",
    "depth",
    "doubts",
    "evaluable",
    "expected_errors",
    "expected_errors_prior",
    "in_use",
    "k",
    "kmers",
    "share",
];

#[test]
fn a_package_contains_the_kmer_evidence() {
    let scratch = Scratch::new();
    let reads = some_reads(&scratch, 3000);
    let (model, without, report) =
        (scratch.path("run.model"), scratch.path("without.model"), scratch.path("adapt.json"));
    let adapted = bm(["adapt", &reads, "-o", &model, "--evidence", "--report", &report]).done();
    assert!(adapted.stderr.contains("\nk-mer evidence in use: "), "{}", adapted.stderr);
    let report = json(&scratch.read("adapt.json"));
    let evidence = report["adaptation"]["evidence"].as_object().unwrap();
    let mut keys: Vec<_> = evidence.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, KEYS);
    assert_eq!(
        (&evidence["in_use"], &evidence["doubts"], &evidence["share"]),
        (&true.into(), &json(b"[]"), &1.0.into())
    );
    assert!(
        evidence["evaluable"].as_f64().unwrap() > 0.5 && evidence["depth"].as_f64().unwrap() > 2.0,
        "{evidence:?}"
    );
    assert!(
        evidence["kmers"].as_u64().unwrap() > 1000 && evidence["bytes"].as_u64().unwrap() > 4000,
        "{evidence:?}"
    );
    // Card and manifest agree, and the file matches the manifest.
    let package = files(&model);
    assert!(
        String::from_utf8_lossy(&package["README.md"]).contains("## K-mer evidence\n\nIn use: ")
    );
    let manifest = json(&package["manifest.json"]);
    assert_eq!(manifest["metrics"]["evidence"]["findings"]["kmers"], evidence["kmers"]);
    assert_eq!(
        manifest["files"]["evidence"]["bytes"].as_u64(),
        Some(package["evidence"].len() as u64)
    );
    bm(["selfcheck", "-m", &model, "--backend", "embedded"]).done();

    // Without --evidence there is no such file, and the rest is the same.
    bm(["adapt", &reads, "-o", &without, "--report", &scratch.path("without.json"), "-q"]).done();
    assert!(json(&scratch.read("without.json"))["adaptation"].get("evidence").is_none());
    let plain = files(&without);
    assert!(!plain.contains_key("evidence") && plain["model.onnx"] == package["model.onnx"]);

    // A row has the expected errors of the network alone: those of the other package.
    let scores = bm(["score", &reads, "-m", &model, "-q"]).done();
    let table = rows(&scores.stdout);
    let alone = rows(&bm(["score", &reads, "-m", &without, "-q"]).done().stdout);
    assert_eq!((table.len(), alone.len()), (3000, 3000));
    for (row, alone) in table.iter().zip(&alone) {
        let Some((prior, evaluable)) = row.evidence else { panic!("{row:?}") };
        assert!(alone.evidence.is_none() && (row.read == alone.read));
        assert!(
            prior.to_string() == alone.expected_errors.unwrap().to_string(),
            "{row:?}, {alone:?}"
        );
        assert!(
            (row.verdict == "unscored") == evaluable.is_nan()
                && (evaluable.is_nan() || (0.0..=1.0).contains(&evaluable)),
            "{row:?}"
        );
    }
    let sum =
        |of: fn(&Row) -> f32| table.iter().map(of).filter(|value| !value.is_nan()).sum::<f32>();
    assert!(sum(|row| row.expected_errors.unwrap()) != sum(|row| row.evidence.unwrap().0));
    // One command gives the same result as two, on any number of threads, from compressed input.
    let packed = scratch.file("reads.fastq.gz", &gzip(&fs::read(&reads).unwrap()));
    for (input, threads) in [(&reads, "1"), (&packed, "7")] {
        assert!(
            bm(["score", input, "--adapt", "-q", "-j", threads]).done().stdout == scores.stdout,
            "{input} -j {threads}"
        );
    }
}

#[test]
fn an_unscored_read_has_nan_scores() {
    let scratch = Scratch::new();
    let reads = some_reads(&scratch, 1500);
    let model = scratch.path("run.model");
    bm(["adapt", &reads, "-o", &model, "--evidence", "-q"]).done();
    let bad = scratch.file("bad.fastq", b"@empty x\n\n+\n\n@n\nNNN\n+\nIII\n@short\nACG\n+\nIII\n");
    let scores = bm(["score", &bad, "-m", &model, "-q"]).done();
    let lines: Vec<_> = scores.text().lines().collect();
    let expected = [
        "read\tlength\tprobability\texpected_errors\tphred_expected_errors\tmean_phred\texpected_errors_prior\tevaluable\tverdict\treason",
        "empty\t0\tnan\tnan\t0\tnan\tnan\tnan\tunscored\tempty",
        "n\t3\tnan\tnan\t0.0003\t40\tnan\tnan\tunscored\tonly_n",
    ];
    assert_eq!(lines[..3], expected);
    let columns: Vec<_> = lines[3].split('\t').collect();
    assert_eq!((columns.len(), columns[0], columns[7]), (10, "short", "0"));
    // Without reads there is only the header.
    let empty = bm(["score", &scratch.file("empty.fastq", b""), "-m", &model, "-q"]).done();
    assert_eq!(empty.text().trim_end(), expected[0]);
}

#[test]
fn the_summary_reports_the_effect_of_kmers_and_kmers_of_another_run() {
    let scratch = Scratch::new();
    let reads = some_reads(&scratch, 3000);
    let (model, html, report) =
        (scratch.path("run.model"), scratch.path("run.html"), scratch.path("report.json"));
    bm(["adapt", &reads, "-o", &model, "--evidence", "--html", &html, "-q"]).done();
    let page = fs::read_to_string(&html).unwrap();
    assert!(page.contains("<h2>K-mer evidence</h2>\n<p>K-mer evidence in use: "), "{page}");

    let scored = bm(["score", &reads, "-m", &model, "--report", &report]).done();
    let own = json(&scratch.read("report.json"))["evidence"].clone();
    let sum = |of: fn(&Row) -> f32| {
        rows(&scored.stdout)
            .iter()
            .map(of)
            .filter(|value| !value.is_nan())
            .map(f64::from)
            .sum::<f64>()
    };
    assert!(
        (own["expected_errors"].as_f64().unwrap() - sum(|row| row.expected_errors.unwrap())).abs()
            < 0.01,
        "{own}"
    );
    assert!(
        (own["expected_errors_prior"].as_f64().unwrap() - sum(|row| row.evidence.unwrap().0)).abs()
            < 0.01,
        "{own}"
    );
    assert!(coverage(&own) > 0.5, "{own}");
    assert!(
        scored.stderr.contains("\nk-mers cover ")
            && !scored.stderr.contains("that the package learned?"),
        "{}",
        scored.stderr
    );

    let other = bm(["score", &testdata(NOVASEQ), "-m", &model, "--report", &report]).done();
    assert!(coverage(&json(&scratch.read("report.json"))["evidence"]) < 0.05);
    assert!(
        other.stderr.contains("; are these reads of the run that the package learned?"),
        "{}",
        other.stderr
    );
    // Without k-mer lookups, the summary does not mention k-mers.
    let plain = bm(["score", &reads, "--report", &report]).done();
    assert!(
        json(&scratch.read("report.json")).get("evidence").is_none()
            && !plain.stderr.contains("k-mers"),
        "{}",
        plain.stderr
    );
}

/// Returns the fraction of bases covered by k-mers, from the report of a run.
fn coverage(evidence: &serde_json::Value) -> f64 {
    evidence["covered_bases"].as_f64().unwrap() / evidence["bases"].as_f64().unwrap()
}

/// Writes a few reads of a large genome, which have no k-mer in common.
fn few_reads(scratch: &Scratch) -> String {
    scratch.file("few.fastq", &records(&text_of(&testdata(NOVASEQ)))[..20].concat())
}

#[test]
fn few_reads_give_no_evidence() {
    let scratch = Scratch::new();
    let (reads, model, report) =
        (few_reads(&scratch), scratch.path("run.model"), scratch.path("adapt.json"));
    let said = "k-mer evidence not in use: ";
    let adapted = bm(["adapt", &reads, "-o", &model, "--evidence", "--report", &report]).done();
    assert!(adapted.stderr.contains(said), "{}", adapted.stderr);
    let evidence = &json(&scratch.read("adapt.json"))["adaptation"]["evidence"];
    assert!(
        evidence["in_use"] == false && evidence["doubts"].as_array().unwrap().len() == 1,
        "{evidence}"
    );
    assert!(!files(&model).contains_key("evidence"));
    assert!(bm(["models", "show", &model]).done().text().contains("\n- Not in use: "));
    // The reads are scored as without --evidence.
    let before = bm(["score", &reads, "-q"]).done();
    let learned = bm(["score", &reads, "--adapt"]).done();
    assert!(learned.stdout == before.stdout && learned.stderr.contains(said), "{}", learned.stderr);
    assert!(bm(["score", &reads, "-m", &model, "-q"]).done().stdout == before.stdout);
    // A run without reads or k-mers gives no evidence, either.
    for content in
        [Vec::new(), b"@r\nACGT\n+\nIIII\n".to_vec(), b"@r\nNNNN\n+\nIIII\n@e\n\n+\n\n".to_vec()]
    {
        let reads = scratch.file("fewer.fastq", &content);
        let scored = bm(["score", &reads, "--adapt"]).done();
        assert!(scored.stderr.contains(said), "{}", scored.stderr);
    }
}

#[test]
fn kmers_of_copies_count_once() {
    let scratch = Scratch::new();
    let reads = some_reads(&scratch, 2000);
    let text = fs::read(&reads).unwrap();
    let copies = scratch.file(
        "copies.fastq",
        &records(&text).iter().flat_map(|record| record.repeat(5)).collect::<Vec<_>>(),
    );
    let evidence = |input: &str| {
        bm(["score", input, "--adapt", "-q", "--report", &scratch.path("report.json")]).done();
        json(&scratch.read("report.json"))["adaptation"]["evidence"].clone()
    };
    let [once, five_times] = [evidence(&reads), evidence(&copies)];
    assert_eq!(five_times["in_use"], true, "{five_times}");
    let kmers = |evidence: &serde_json::Value| evidence["kmers"].as_f64().unwrap();
    // Reads of few qualities are not taken for copies: their k-mers count each time.
    assert!(kmers(&five_times) < 1.2 * kmers(&once), "{once} {five_times}");
    assert!(five_times["depth"].as_f64().unwrap() <= 1.5 * once["depth"].as_f64().unwrap());
}

#[test]
fn memory_is_a_number_of_bytes() {
    let scratch = Scratch::new();
    let (reads, model) = (some_reads(&scratch, 1500), scratch.path("run.model"));
    for size in ["", "x", "2Q", "G", "1 2", "0x10"] {
        let said =
            run(&mut command(["adapt", &reads, "-o", &model, "--evidence", "--max-memory", size]))
                .misused();
        assert!(said.contains("expected a number of bytes, such as 500M or 2G"), "{said}");
    }
    for size in ["0", "1M", "486M"] {
        let said =
            run(&mut command(["adapt", &reads, "-o", &model, "--evidence", "--max-memory", size]))
                .misused();
        assert!(said.contains("expected at least 537M"), "{said}");
    }
    for size in ["--max-memory=-1", "--max-memory=-1G"] {
        run(&mut command(["adapt", &reads, "-o", &model, "--evidence", size])).misused();
    }
    // Without counting, the option is refused.
    let said = run(&mut command(["adapt", &reads, "-o", &model, "--max-memory", "1G"])).misused();
    assert!(said.contains("--evidence"), "{said}");
    let kept = scratch.path("kept.fastq");
    for arguments in [
        vec!["filter", &reads, "-o", &kept, "--max-memory", "1G"],
        vec!["score", &reads, "--max-memory", "1G"],
    ] {
        let said = run(&mut command(arguments)).misused();
        assert!(said.contains("--adapt"), "{said}");
    }
    run(&mut command(["filter", &reads, "-o", &kept, "--evidence"])).misused();
    assert_eq!(scratch.names(), ["reads.fastq"]);
    // A small run needs little memory: the result is the same to the bit.
    let mut before = None;
    for size in ["537M", "1.5G", "2GiB", "3000000000"] {
        bm(["adapt", &reads, "-o", &model, "--evidence", "--max-memory", size, "-q"]).done();
        let package = files(&model);
        assert!(package.contains_key("evidence"));
        assert!(before.is_none_or(|before| before == package), "{size}");
        before = Some(package);
    }
}

#[test]
fn a_sample_of_the_kmers_is_used_if_memory_is_short() {
    let scratch = Scratch::new();
    let text = fs::read(some_reads(&scratch, 4000)).unwrap();
    // Mixed with unrelated reads, each from another position.
    let mut state = 1_u64;
    let mut drawn = || {
        state = (state ^ state << 13).wrapping_mul(0x2545_f491_4f6c_dd1d);
        state ^= state >> 29;
        b"ACGT"[(state >> 62) as usize]
    };
    let mut mixed = Vec::new();
    for (number, record) in records(&text).iter().enumerate() {
        mixed.extend_from_slice(record);
        for copy in 0..3 {
            let sequence: Vec<u8> = (0..150).map(|_| drawn()).collect();
            mixed.extend(
                [
                    format!("@e{number}.{copy}\n").as_bytes(),
                    &sequence,
                    b"\n+\n",
                    &[b'F'; 150],
                    b"\n",
                ]
                .concat(),
            );
        }
    }
    let reads = scratch.file("mixed.fastq", &mixed);
    let (model, report) = (scratch.path("run.model"), scratch.path("adapt.json"));
    let arguments =
        ["adapt", &reads, "-o", &model, "--evidence", "--max-memory", "537M", "--report", &report];
    let adapted = bm(arguments).done();
    assert!(adapted.stderr.contains(" MB, 1 in 2 k-mers), "), "{}", adapted.stderr);
    let evidence = &json(&scratch.read("adapt.json"))["adaptation"]["evidence"];
    assert!(evidence["share"].as_f64().unwrap() < 1.0 && evidence["in_use"] == true, "{evidence}");
    let scores = bm(["score", &reads, "-m", &model, "-q"]).done();
    assert!(
        bm(["score", &reads, "--adapt", "--max-memory", "537M", "-q", "-j", "1"]).done().stdout
            == scores.stdout
    );
    // K-mers seen once are not counted as errors.
    let elsewhere: Vec<_> =
        rows(&scores.stdout).into_iter().filter(|row| row.read.starts_with('e')).collect();
    assert_eq!(elsewhere.len(), 12_000);
    let raised = |row: &&Row| row.expected_errors.unwrap() > 1.001 * row.evidence.unwrap().0;
    let raised = elsewhere.iter().filter(raised).count();
    assert!(raised < 120, "{raised} of {}", elsewhere.len());
}

#[test]
fn mates_are_counted_together_on_any_number_of_threads() {
    let scratch = Scratch::new();
    let (first, second) = (testdata(MEASLES), testdata("hiseq_measles/hiseq_measles_2.fastq.gz"));
    let model = |threads: &str| {
        let model = scratch.path(&format!("{threads}.model"));
        bm(["adapt", &first, &second, "-o", &model, "--evidence", "-q", "-j", threads]).done();
        files(&model)
    };
    assert!(model("1") == model("5"));
}

#[test]
fn evidence_of_one_run_is_not_copied_to_another() {
    let scratch = Scratch::new();
    let (reads, model, other) =
        (some_reads(&scratch, 1500), scratch.path("run.model"), scratch.path("other.model"));
    bm(["adapt", &reads, "-o", &model, "--evidence", "-q"]).done();
    assert!(files(&model).contains_key("evidence"));
    // A run that cannot be learned: the base model stays, and the evidence of the other run does
    // not.
    let few = few_reads(&scratch);
    for arguments in [
        vec!["adapt", &few, "-m", &model, "-o", &other, "-q"],
        vec!["adapt", &few, "-m", &model, "-o", &other, "-q", "--evidence"],
    ] {
        run(&mut command(arguments)).done();
        let package = files(&other);
        let manifest = json(&package["manifest.json"]);
        assert!(
            !package.contains_key("evidence") && manifest["files"].get("evidence").is_none(),
            "{manifest}"
        );
        assert!(
            rows(&bm(["score", &few, "-m", &other, "-q"]).done().stdout)
                .iter()
                .all(|row| row.evidence.is_none())
        );
    }
    let adapted = bm(["score", &few, "-m", &model, "--adapt", "-q"]).done();
    assert!(rows(&adapted.stdout).iter().all(|row| row.evidence.is_none()));
    bm(["adapt", &reads, "-m", &model, "-o", &other, "--evidence", "-q"]).done();
    assert!(files(&other)["evidence"].len() > 1000);
}

#[test]
fn a_package_with_evidence_but_without_learning_passes_its_selfcheck() {
    let scratch = Scratch::new();
    // Too few reads to learn from, but enough for the k-mers of a very small genome; some of them
    // are golden reads.
    let (reads, model) = (some_reads(&scratch, 300), scratch.path("run.model"));
    let adapted = bm(["adapt", &reads, "-o", &model, "--evidence"]).done();
    assert!(
        adapted.stderr.contains("not adapted to this run")
            && adapted.stderr.contains("k-mer evidence in use"),
        "{}",
        adapted.stderr
    );
    let check = bm(["selfcheck", "-m", &model, "--backend", "embedded"]).done();
    assert!(check.text().contains("ok       embedded"), "{}", check.text());
}

#[test]
fn broken_evidence_is_refused_by_name() {
    let scratch = Scratch::new();
    let (reads, model) = (some_reads(&scratch, 1500), scratch.path("run.model"));
    bm(["adapt", &reads, "-o", &model, "--evidence", "-q"]).done();
    let file = format!("{model}/evidence");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let message = bm(["filter", &reads, "-m", &model, "-o", &scratch.path("kept.fastq")]).refused();
    assert!(message.contains(&model) && message.contains("evidence"), "{message}");
    fs::remove_file(&file).unwrap();
    let message = bm(["score", &reads, "-m", &model, "-o", &scratch.path("scores.tsv")]).refused();
    assert!(message.contains(&model) && message.contains("evidence"), "{message}");
    assert_eq!(scratch.names(), ["reads.fastq", "run.model"]);
}

#[test]
fn a_model_without_kmer_support_is_refused() {
    let scratch = Scratch::new();
    let (reads, old) = (some_reads(&scratch, 1500), scratch.path("old.model"));
    bm(["adapt", &testdata(NOVASEQ), "-o", &old, "-q"]).done();
    fs::remove_file(format!("{old}/experience.json")).unwrap();
    let mut manifest = json(&fs::read(format!("{old}/manifest.json")).unwrap());
    manifest["files"].as_object_mut().unwrap().remove("experience.json");
    fs::write(format!("{old}/manifest.json"), manifest.to_string()).unwrap();
    let message =
        bm(["adapt", &reads, "-m", &old, "--evidence", "-o", &scratch.path("run.model"), "-q"])
            .refused();
    assert!(message.contains("k-mer evidence"), "{message}");
    // Without k-mers, the model can be adapted.
    bm(["adapt", &reads, "-m", &old, "-o", &scratch.path("run.model"), "-q"]).done();
}
