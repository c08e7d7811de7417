//! `bm filter`: the right reads are kept, and they are written unchanged.

use std::fs;

use serde_json::Value;

use crate::support::{
    HISEQ, MEASLES, MISEQ, NOVASEQ, Scratch, bm, bm_with_stdin, command, gzip, plain, record,
    records, rows, run, shell, testdata, text_of,
};

/// Filters `input` and checks that every read is in the output of its verdict by `bm score`,
/// unchanged and in order.
#[track_caller]
fn check_partition(input: &str, threshold: &str) {
    let scratch = Scratch::new();
    let (kept, dropped, report) =
        (scratch.path("kept.fastq"), scratch.path("dropped.fastq"), scratch.path("report.json"));
    bm([
        "filter",
        input,
        "-o",
        &kept,
        "--discarded",
        &dropped,
        "--report",
        &report,
        "-t",
        threshold,
    ])
    .done();
    let verdicts = rows(&bm(["score", input, "-t", threshold, "-q"]).done().stdout);

    let (text, kept, dropped) =
        (text_of(input), scratch.read("kept.fastq"), scratch.read("dropped.fastq"));
    let all = records(&text);
    assert_eq!(all.len(), verdicts.len());
    let with = |pass: bool| {
        let reads =
            all.iter().zip(&verdicts).filter(move |(_, row)| (row.verdict == "pass") == pass);
        reads.map(|(record, _)| without_plus_text(record)).collect::<Vec<_>>()
    };
    assert!(
        records(&kept) == with(true),
        "kept: {} records, expected {}",
        records(&kept).len(),
        with(true).len()
    );
    let reasons: Vec<_> = verdicts
        .iter()
        .filter(|row| row.verdict != "pass")
        .map(|row| row.reason.as_str())
        .collect();
    let expected: Vec<_> = with(false)
        .iter()
        .zip(&reasons)
        .map(|(record, reason)| with_reason(record, reason))
        .collect();
    assert!(
        records(&dropped) == expected,
        "discarded: {} records, expected {}",
        records(&dropped).len(),
        expected.len()
    );

    let threshold: f32 = threshold.parse().unwrap();
    for row in &verdicts {
        let expected = if row.probability.is_nan() {
            "unscored"
        } else if row.probability >= threshold {
            "pass"
        } else {
            "fail"
        };
        assert_eq!(row.verdict, expected, "{row:?}");
    }

    let report: Value = serde_json::from_slice(&scratch.read("report.json")).unwrap();
    let count = |verdict: &str| verdicts.iter().filter(|row| row.verdict == verdict).count();
    let bases = |passing: bool| -> usize {
        verdicts.iter().filter(|row| !passing || row.verdict == "pass").map(|row| row.length).sum()
    };
    let expected = serde_json::json!({"in": all.len(), "kept": count("pass"), "discarded": count("fail"), "unscored": count("unscored")});
    assert_eq!(report["reads"], expected);
    assert_eq!(report["bases"], serde_json::json!({"in": bases(false), "kept": bases(true)}));
}

/// Returns the record as `bm` writes it.
fn without_plus_text(record: &[u8]) -> Vec<u8> {
    let mut lines: Vec<_> = record.split(|byte| *byte == b'\n').collect();
    lines[2] = b"+";
    lines.join(&b'\n')
}

/// Returns the record as in the file of discarded reads.
fn with_reason(record: &[u8], reason: &str) -> Vec<u8> {
    let end = record.iter().position(|byte| *byte == b'\n').unwrap();
    let has_description = record[..end].contains(&b' ');
    let begins: &[u8] = if has_description { b" reason=" } else { b"\tZR:Z:" };
    [&record[..end], begins, reason.as_bytes(), &record[end..]].concat()
}

#[test]
fn every_read_goes_to_the_output_of_its_verdict() {
    for input in [
        MEASLES,
        MISEQ,
        NOVASEQ,
        "derived/empty_reads.fastq.gz",
        "derived/lowercase_and_iupac.fastq.gz",
    ] {
        check_partition(&testdata(input), "0.5");
    }
}

#[test]
fn every_threshold_from_0_to_1_is_applied_exactly() {
    // The median probability divides the file, for any model.
    let input = testdata(MEASLES);
    let mut probabilities: Vec<_> = rows(&bm(["score", &input, "-q"]).done().stdout)
        .iter()
        .map(|row| row.probability)
        .filter(|p| !p.is_nan())
        .collect();
    probabilities.sort_by(f32::total_cmp);
    let middle = probabilities[probabilities.len() / 2].to_string();
    for threshold in ["0", "1", "1e-3", middle.as_str()] {
        check_partition(&input, threshold);
    }
}

#[test]
fn a_threshold_of_0_keeps_every_scored_read() {
    let run =
        bm(["filter", &testdata("derived/empty_reads.fastq.gz"), "-o", "-", "-t", "0"]).done();
    assert_eq!(records(&run.stdout).len(), 900);
    assert!(
        run.stderr.contains("1000 reads in: 900 kept (90.00 %), 0 discarded, 100 unscored\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_threshold_that_is_not_a_probability_is_wrong_usage() {
    let input = testdata("broken/crlf.fastq");
    for threshold in ["-1", "-0.1", "1.01", "nan", "inf", "half", ""] {
        let scratch = Scratch::new();
        for command in ["filter", "score"] {
            let message =
                bm([command, &input, "-o", &scratch.path("out"), "--threshold", threshold])
                    .misused();
            assert!(
                message.contains("--threshold") && message.contains("from 0 to 1"),
                "{message}"
            );
        }
        assert_eq!(scratch.names(), [""; 0]);
    }
}

/// Needs the trained model.
#[test]
fn good_reads_are_kept_and_bad_ones_discarded() {
    let mut text = Vec::new();
    for (name, bases, quality) in
        [("good", 150, b'I'), ("bad", 150, b'#'), ("good_short", 60, b'F'), ("bad_long", 700, b'$')]
    {
        text.extend(record(name, bases, quality));
    }
    let run = bm_with_stdin(["filter", "-", "-o", "-", "-q"], &text).done();
    assert_eq!(run.stdout, [record("good", 150, b'I'), record("good_short", 60, b'F')].concat());
}

#[test]
fn output_does_not_depend_on_threads() {
    // Ten batches, so that threads could finish in another order.
    let input = testdata(HISEQ);
    let scratch = Scratch::new();
    let threshold = {
        let table = rows(&bm(["score", &input, "-q", "-o", "-", "-j", "1"]).done().stdout);
        let mut probabilities: Vec<_> = table.iter().map(|row| row.probability).collect();
        probabilities.sort_by(f32::total_cmp);
        probabilities[probabilities.len() / 2].to_string()
    };
    let mut outputs = Vec::new();
    for threads in ["1", "2", "8"] {
        let (kept, dropped, table) = (
            scratch.path("kept.fastq"),
            scratch.path("dropped.fastq.gz"),
            scratch.path("scores.tsv"),
        );
        bm([
            "filter",
            &input,
            "-o",
            &kept,
            "--discarded",
            &dropped,
            "-t",
            &threshold,
            "-j",
            threads,
            "-q",
        ])
        .done();
        bm(["score", &input, "-o", &table, "-t", &threshold, "-j", threads, "-q"]).done();
        outputs
            .push(["kept.fastq", "dropped.fastq.gz", "scores.tsv"].map(|name| scratch.read(name)));
    }
    let [kept, dropped, table] = &outputs[0];
    assert!(!records(kept).is_empty() && !records(&plain(dropped.clone())).is_empty());
    assert_eq!(rows(table).len(), 10_000);
    assert!(outputs.iter().all(|other| *other == outputs[0]), "threads change the output");
}

#[test]
fn output_does_not_depend_on_the_compression_of_the_input() {
    let scratch = Scratch::new();
    let original = testdata("derived/no_final_newline.fastq.gz");
    let text = text_of(&original);
    let expected = bm(["filter", &scratch.file("plain.fastq", &text), "-o", "-", "-q", "-t", "0"])
        .done()
        .stdout;
    assert_eq!(
        expected,
        [text.as_slice(), b"\n"].concat(),
        "every read of this file can be scored"
    );

    // The members end in the middle of lines.
    let members: Vec<u8> = text.chunks(9_973).flat_map(gzip).collect();
    let inputs = [
        original,
        testdata("derived/multimember.fastq.gz"),
        testdata("derived/bgzip.fastq.gz"),
        testdata("derived/crlf.fastq.gz"),
        scratch.file("gzip_without_the_name", &gzip(&text)),
        scratch.file("plain_under_the_name.gz", &text),
        scratch.file("members.fastq.gz", &members),
    ];
    for input in &inputs {
        assert!(
            bm(["filter", input, "-o", "-", "-q", "-t", "0"]).done().stdout == expected,
            "{input}"
        );
        let stdin = fs::read(input).unwrap();
        assert!(
            bm_with_stdin(["filter", "-", "-o", "-", "-q", "-t", "0"], &stdin).done().stdout
                == expected,
            "{input} on stdin"
        );
    }
}

#[test]
fn gzip_output_is_the_plain_output_compressed() {
    let scratch = Scratch::new();
    let input = testdata(MEASLES);
    let expected = bm(["filter", &input, "-o", "-", "-q"]).done().stdout;
    for name in ["kept.fastq", "kept.fastq.gz", "kept.fastq.bgz"] {
        bm(["filter", &input, "-o", &scratch.path(name), "-q"]).done();
        assert_eq!(scratch.read(name).starts_with(&[0x1f, 0x8b]), name != "kept.fastq");
        assert!(plain(scratch.read(name)) == expected, "{name}");
    }
}

#[test]
fn kept_records_are_written_byte_for_byte() {
    let odd: [(&[u8], &[u8]); 8] = [
        (b"@a b\tc  d \nACGT\n+\nIIII\n", b"@a b\tc  d \nACGT\n+\nIIII\n"),
        (
            b"@tab\tfirst then space\nacgtn\n+\n@+!~I\n",
            b"@tab\tfirst then space\nacgtn\n+\n@+!~I\n",
        ),
        (
            b"@Universit\xe9 \xff\x80\nACGTRYKMSWBDHVN\n+\n+++++++++++++++\n",
            b"@Universit\xe9 \xff\x80\nACGTRYKMSWBDHVN\n+\n+++++++++++++++\n",
        ),
        (b"@same extra\nA-C.G*U\n+same extra\nIIIIIII\n", b"@same extra\nA-C.G*U\n+\nIIIIIII\n"),
        (b"@same extra\nACGT\n+same\nIIII\n", b"@same extra\nACGT\n+\nIIII\n"),
        (b"@crlf x\r\nACGT\r\n+\r\nII#I\r\n", b"@crlf x\nACGT\n+\nII#I\n"),
        (b"@\nACGT\n+\nIIII\n", b"@\nACGT\n+\nIIII\n"),
        (b"@@twice\nACGT\n+\n@@@@\n", b"@@twice\nACGT\n+\n@@@@\n"),
    ];
    let (input, expected) =
        (odd.map(|(input, _)| input).concat(), odd.map(|(_, output)| output).concat());
    for end in [input.len(), input.len() - 1] {
        let run = bm_with_stdin(["filter", "-", "-o", "-", "-q", "-t", "0"], &input[..end]).done();
        assert_eq!(run.stdout.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }
}

#[test]
fn unscored_reads_are_discarded_and_counted() {
    let text = b"@empty\n\n+\n\n@unknown\nNNNN\n+\nIIII\n@known\nACGT\n+\nIIII\n";
    let scratch = Scratch::new();
    let dropped = scratch.path("dropped.fastq");
    let run =
        bm_with_stdin(["filter", "-", "-o", "-", "--discarded", &dropped, "-t", "0"], text).done();
    assert_eq!(run.stdout, b"@known\nACGT\n+\nIIII\n");
    assert_eq!(
        scratch.read("dropped.fastq"),
        b"@empty\tZR:Z:empty\n\n+\n\n@unknown\tZR:Z:only_n\nNNNN\n+\nIIII\n"
    );
    assert!(
        run.stderr.starts_with("3 reads in: 1 kept (33.33 %), 0 discarded, 2 unscored\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn reads_longer_than_the_window_are_written_whole() {
    let input = testdata("nanopore_lambda_4line.fastq.gz");
    let text = text_of(&input);
    let scratch = Scratch::new();
    // A few reads are enough to check that nothing is cut.
    let some = records(&text)[..12].concat();
    let input = scratch.file("long.fastq", &some);
    let run = bm(["filter", &input, "-o", "-", "-q", "-t", "0"]).done();
    assert!(run.stdout == some);
    check_partition(&input, "0.5");
}

#[test]
fn an_input_without_records_gives_valid_empty_outputs() {
    let scratch = Scratch::new();
    for (input, extra) in [
        (testdata("derived/zero_bytes.fastq"), None),
        (testdata("derived/empty.fastq.gz"), None),
        (scratch.file("blank.fastq", b"\n\n"), None),
        ("-".to_owned(), Some(b"".as_slice())),
    ] {
        let out = Scratch::new();
        let (kept, dropped, report) =
            (out.path("kept.fastq.gz"), out.path("dropped.fastq"), out.path("report.json"));
        let arguments =
            ["filter", &input, "-o", &kept, "--discarded", &dropped, "--report", &report];
        let run = bm_with_stdin(arguments, extra.unwrap_or_default()).done();
        assert!(
            run.stderr.starts_with("0 reads in: 0 kept, 0 discarded, 0 unscored\n"),
            "{}",
            run.stderr
        );
        assert_eq!(out.names(), ["dropped.fastq", "kept.fastq.gz", "report.json"]);
        let content = out.read("kept.fastq.gz");
        assert!(content.starts_with(&[0x1f, 0x8b]) && plain(content).is_empty());
        assert!(out.read("dropped.fastq").is_empty());
        let report: Value = serde_json::from_slice(&out.read("report.json")).unwrap();
        assert_eq!(report["reads"]["in"], 0);
    }
}

#[test]
fn a_closed_stdin_is_an_error_and_an_empty_one_is_not() {
    let message = shell("\"$BM\" filter - -o - <&-").refused();
    assert!(message.contains("stdin: was closed when the program started"), "{message}");
    let run = shell("\"$BM\" filter - -o - < /dev/null").done();
    assert!(run.stdout.is_empty() && run.stderr.starts_with("0 reads in"), "{}", run.stderr);
}

#[test]
fn the_report_has_the_documented_keys() {
    let scratch = Scratch::new();
    let (kept, report, input) =
        (scratch.path("kept.fastq"), scratch.path("report.json"), testdata(NOVASEQ));
    for (command, workers) in [("filter", 3), ("score", 1)] {
        bm([
            command,
            &input,
            "-o",
            &kept,
            "--report",
            &report,
            "-t",
            "0.25",
            "-j",
            &workers.to_string(),
        ])
        .done();
        let mut report: Value = serde_json::from_slice(&scratch.read("report.json")).unwrap();
        let time = report.as_object_mut().unwrap().remove("time").unwrap();
        let keys: Vec<_> = time.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["reads_per_s", "threads", "wall_s"]);
        assert_eq!(time["threads"], workers);
        assert!(
            time["wall_s"].as_f64().unwrap() > 0.0 && time["reads_per_s"].as_f64().unwrap() > 0.0
        );
        // No read that fails 0.25 meets a stricter threshold: 0.99 to 0.25 in steps of 0.01.
        let misses = report.as_object_mut().unwrap().remove("near_misses").unwrap();
        assert_eq!(misses.as_object().unwrap().len(), 1);
        let steps: Vec<u64> = serde_json::from_value(misses["threshold"].clone()).unwrap();
        assert!(steps.len() == 99 && steps[..75].iter().all(|reads| *reads == 0), "{steps:?}");
        assert!(steps.iter().sum::<u64>() <= report["reads"]["discarded"].as_u64().unwrap());
        let profile = report.as_object_mut().unwrap().remove("profile").unwrap();
        let summary = |when: &str| profile[when][0]["summary"].clone();
        assert_eq!(summary("before")["bases"], 120_000);
        assert_eq!(summary("after")["reads"], report["reads"]["kept"]);
        let reads = report["reads"].clone();
        let sum: u64 =
            ["kept", "discarded", "unscored"].iter().map(|key| reads[key].as_u64().unwrap()).sum();
        assert_eq!((reads["in"].as_u64(), sum), (Some(800), 800));
        let sha256 = bm(["models"])
            .done()
            .text()
            .lines()
            .nth(1)
            .unwrap()
            .rsplit('\t')
            .next()
            .unwrap()
            .to_owned();
        let expected = serde_json::json!({
            "format": 3, "program": "bm", "version": env!("CARGO_PKG_VERSION"), "command": command,
            "inputs": [input], "outputs": [kept], "reads": reads, "reasons": {"threshold": reads["discarded"]}, "bases": {"in": 120_000, "kept": report["bases"]["kept"]},
            "bases_by_reason": {"threshold": 120_000 - report["bases"]["kept"].as_u64().unwrap()},
            "model": {"id": "read-error", "version": 2, "encoding": "quality-place version 1",
                "label": "pass: true error rate of the read <= 1 %",
                "threshold": 0.25, "sha256": sha256},
            "domain": {"applies": true, "reasons": [], "scored_by": "model"},
            "criteria": {"threshold": 0.25, "max_ee": null, "max_ee_rate": null, "min_length": null, "max_length": null, "max_n": null,
                "min_complexity": null, "max_poly_g": null},
            "engine": {"backend": "embedded", "description": report["engine"]["description"]},
        });
        assert_eq!(report, expected);
    }
}

#[test]
fn phred_64_qualities_are_converted() {
    // The same reads as in the other file, with qualities as Phred+64.
    let text = text_of(&testdata(HISEQ));
    let to_64 = |record: &&[u8]| {
        let mut record = record.to_vec();
        let start = record[..record.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        let end = record.len() - 1;
        record[start..end].iter_mut().for_each(|byte| *byte += 31);
        record
    };
    let scratch = Scratch::new();
    let input =
        scratch.file("phred64.fastq", &records(&text).iter().flat_map(to_64).collect::<Vec<_>>());
    let expected = bm(["filter", &testdata(HISEQ), "-o", "-", "-q"]).done().stdout;
    for threads in ["1", "3"] {
        assert!(
            bm(["filter", &input, "--phred64", "-o", "-", "-q", "-j", threads]).done().stdout
                == expected
        );
    }
    // Phred+33 is not accepted as Phred+64.
    let message = bm(["filter", &testdata(HISEQ), "--phred64", "-o", "-", "-q"]).refused();
    assert!(message.contains("record 1 (") && message.contains("is no Phred + 64"), "{message}");
}

/// Returns a file of 60 reads of 150 bases, with the quality bytes that `byte` returns.
fn with_qualities(scratch: &Scratch, byte: impl Fn(usize) -> u8) -> String {
    let read = |i: usize| {
        let bases: Vec<u8> = (0..150).map(|at| b"ACGT"[(i * 7 + at * at + at / 3) % 4]).collect();
        let quality: Vec<u8> = (0..150).map(|at| byte(i * 31 + at)).collect();
        [format!("@r{i}\n").as_bytes(), &bases, b"\n+\n", &quality, b"\n"].concat()
    };
    scratch.file("reads.fastq", &(0..60).flat_map(read).collect::<Vec<_>>())
}

#[test]
fn phred_64_that_is_not_stated_is_refused_by_every_command_that_reads_qualities() {
    let scratch = Scratch::new();
    let old = testdata("derived/phred64.fastq.gz");
    let out = scratch.path("out");
    let why = "the quality bytes of the first 667 reads are `B` to `i`, which looks like Phred+64: \
               --phred64 converts them; --phred33 reads them as they are, as Q33 to Q72";
    let commands = [
        vec!["filter", &old, "-o", &out],
        vec!["filter", &old, "-o", &out, "-m", "read-error", "-t", "0"],
        vec!["filter", &old, "--interleaved", "-o", &out],
        vec!["filter", &old, "--adapt", "-o", &out],
        vec!["score", &old, "-o", &out],
        vec!["score", &old, "--trim"],
        vec!["adapt", &old, "-o", &out],
        vec!["encode", &old, "-o", &out],
        vec!["truth", "--mates", &old, &old, "-o", &out],
    ];
    for arguments in commands {
        let refused = run(&mut command(&arguments));
        assert!(refused.stdout.is_empty(), "{arguments:?}");
        assert_eq!(refused.refused(), format!("bm: {old}: {why}\n"), "{arguments:?}");
        assert!(scratch.names().is_empty(), "{arguments:?}: {:?}", scratch.names());
        for flag in ["--phred64", "--phred33"] {
            let stated = run(command(&arguments).arg(flag).arg("-q"));
            // Learning may still find that mates are no mates.
            assert!(!stated.stderr.contains("looks like"), "{arguments:?}: {}", stated.stderr);
        }
        for name in scratch.names() {
            let path = scratch.folder().join(name);
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
        }
    }
    let both = bm(["score", &old, "--phred64", "--phred33"]).misused();
    assert!(both.contains("cannot be used with"), "{both}");
    // The second mates may be older than the first ones, in another folder of a laboratory.
    let text = text_of(&testdata("derived/multimember.fastq.gz"));
    let new = scratch.file("new.fastq", &text);
    let message = bm(["filter", &new, &old, "-o", &out, "-O", &scratch.path("out2")]).refused();
    assert_eq!(message, format!("bm: {old}: {why}\n"));
    // One read is enough, and so is stdin.
    let old_text = text_of(&old);
    let message = bm_with_stdin(["score", "-"], records(&old_text)[0]).refused();
    assert!(message.starts_with("bm: stdin: the quality bytes of the first 1 reads"), "{message}");
}

#[test]
fn solexa_scores_are_refused_without_the_flag_that_does_not_help() {
    let scratch = Scratch::new();
    let input = with_qualities(&scratch, |at| b';' + (at % 40) as u8);
    let message = bm(["score", &input]).refused();
    assert!(
        message.contains("`;` to `b`, which looks like Solexa's format")
            && !message.contains("--phred64"),
        "{message}"
    );
}

#[test]
fn phred_33_is_not_taken_for_phred_64() {
    let scratch = Scratch::new();
    let cases: [(&str, &dyn Fn(usize) -> u8); 8] = [
        // Mates merged by adding their qualities; consensus and HiFi reads.
        ("merged", &|at| b"FJOZ`hjl"[at % 8]),
        ("consensus", &|at| b"Z]`bdfhj~"[at % 9]),
        ("one low quality", &|at| if at == 800 { b'#' } else { b"FZ]`"[at % 4] }),
        ("good reads", &|at| b"@BDFHIJ"[at % 7]),
        ("all Q30", &|_| b'?'),
        ("all Q40", &|_| b'I'),
        ("all Q71", &|_| b'h'),
        ("all Q93", &|_| b'~'),
    ];
    for (what, byte) in cases {
        let input = with_qualities(&scratch, byte);
        let [unstated, stated] = ["-q", "--phred33"].map(|flag| bm(["score", &input, flag]).done());
        assert!(unstated.stdout == stated.stdout, "{what}");
        assert!(!stated.stderr.contains("Phred+64"), "{what}: {}", stated.stderr);
        bm(["adapt", &input, "-o", &scratch.path("run.model")]).done();
    }
}
