//! Most reads are not kept: the summary and the report say why, and what would keep more. With
//! `--adapt`, a warning says that the model alone would keep far more.

use serde_json::Value;

use crate::reports;
use crate::support::{
    HISEQ, MISEQ, MISEQ_2, Scratch, bm, command, json, records, run, some_reads, testdata, text_of,
};

/// Filters with a report, which must follow its schema; returns stderr and the report.
#[track_caller]
fn filtered(arguments: &[&str]) -> (String, Value) {
    let scratch = Scratch::new();
    let report = scratch.path("report.json");
    let outputs = ["-o", "/dev/null", "--report", &report];
    let run = run(&mut command([&["filter"], arguments, &outputs].concat())).done();
    let report = json(&scratch.read("report.json"));
    reports::check(&report);
    (run.stderr, report)
}

/// Reads of 250 bases of which the last 100 are bad.
fn with_bad_ends(scratch: &Scratch) -> String {
    let read = |i: usize| {
        let mut state = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bases: Vec<u8> = (0..250)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                b"ACGT"[(state >> 62) as usize]
            })
            .collect();
        let mut quality = [[b'F'; 150].as_slice(), &[b','; 60], &[b'#'; 40]].concat();
        quality[(i * 37) % 150] = b':';
        [format!("@r{i}\n").as_bytes(), &bases, b"\n+\n", &quality, b"\n"].concat()
    };
    scratch.file("tails.fastq", &(0..300).flat_map(read).collect::<Vec<_>>())
}

#[test]
fn bad_ends_are_named_with_what_trimming_keeps() {
    let scratch = Scratch::new();
    let input = with_bad_ends(&scratch);
    let (said, report) = filtered(&[&input]);
    let (_, trimmed) = filtered(&[&input, "--trim"]);
    let kept = trimmed["reads"]["kept"].as_u64().unwrap();
    assert!(report["reads"]["kept"] == 0 && kept > 250, "{said} {kept}");
    let line = "no read is kept: all of them for threshold (probability under 0.5); bad ends are a \
                reason: of the first 300 reads, --trim would keep";
    assert!(said.contains(&format!("{line} {kept} instead of 0, with ")), "{said}");
    let trim = &report["losses"]["trim"];
    assert_eq!(
        (&trim["reads"], &trim["kept"], &trim["kept_trimmed"]),
        (&300.into(), &0.into(), &kept.into())
    );
    let bases = &trimmed["bases"];
    let fraction = bases["kept"].as_f64().unwrap() / bases["in"].as_f64().unwrap();
    assert!((trim["bases_fraction"].as_f64().unwrap() - fraction).abs() < 1e-12);
    // Reads that are bad from end to end have no part worth keeping, and nothing is said of it.
    let text = text_of(&testdata(HISEQ));
    let bad = |record: &&[u8]| {
        let mut record = record.to_vec();
        let end = record.len() - 1;
        let start = record[..end].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        for (at, byte) in record[start..end].iter_mut().enumerate() {
            *byte = b"+,-+/"[at % 5];
        }
        record
    };
    let bad: Vec<u8> = records(&text)[..300].iter().flat_map(bad).collect();
    let (said, report) = filtered(&[&scratch.file("bad.fastq", &bad)]);
    assert!(said.contains("no read is kept") && !said.contains("--trim"), "{said}");
    assert!(report["losses"]["trim"].is_null(), "{report}");
}

#[test]
fn a_looser_limit_keeps_as_many_as_is_said() {
    let nanopore = testdata("nanopore_lambda_4line.fastq.gz");
    let (hiseq, one, other) = (testdata(HISEQ), testdata(MISEQ), testdata(MISEQ_2));
    for (arguments, flag) in [
        (vec![hiseq.as_str(), "-t", "0.98"], "--threshold"),
        (vec![&one, &other, "-t", "1"], "--threshold"),
        (vec![&hiseq, "--max-ee", "0.05"], "--max-ee"),
        (vec![&hiseq, "--max-ee-rate", "0.0004"], "--max-ee-rate"),
        (vec![&hiseq, "--max-ee", "0.05", "--min-length", "150", "--max-n", "0"], "--max-ee"),
        (vec![&one, &other, "--max-ee", "0.01"], "--max-ee"),
        // A limit is named in the words in which it was given.
        (vec![&hiseq, "--min-q", "35"], "--min-q"),
        (vec![&nanopore, "--min-q", "14.5"], "--min-q"),
        (vec![&nanopore, "--max-ee-rate", "0.035"], "--max-ee-rate"),
    ] {
        let (said, report) = filtered(&arguments);
        let losses = &report["losses"];
        let reads = &report["reads"];
        let (reads, kept) = (reads["in"].as_u64().unwrap(), reads["kept"].as_u64().unwrap());
        assert!(2 * kept < reads, "{arguments:?}: {kept}");
        assert_eq!(losses["looser"]["flag"], flag, "{arguments:?}: {report}");
        let value = losses["looser"]["value"].as_f64().unwrap() as f32;
        let promised = losses["looser"]["kept"].as_u64().unwrap();
        assert!(said.contains(&format!("; {flag} {value} would keep ")), "{said}");
        let other = if flag == "--min-q" { "--max-ee-rate" } else { "--min-q" };
        assert!(!said.contains(other), "{said}");
        if flag == "--min-q" {
            let words = format!("(mean quality by expected errors under {})", arguments[2]);
            assert!(said.contains(&words), "{said}");
            let summary = format!("mean quality at least {} (at most ", arguments[2]);
            assert!(said.contains(&summary), "{said}");
        }
        let old =
            arguments.iter().position(|argument| argument.starts_with("-t") || *argument == flag);
        let mut looser: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        looser[old.unwrap() + 1] = value.to_string();
        let looser: Vec<&str> = looser.iter().map(String::as_str).collect();
        let (_, report) = filtered(&looser);
        assert_eq!(report["reads"]["kept"], promised, "{looser:?}");
        assert!(2 * promised >= reads && report["losses"].is_null(), "{looser:?}");
    }
}

#[test]
fn other_reasons_are_named_and_no_figure_is_invented() {
    let (hiseq, one, other) = (testdata(HISEQ), testdata(MISEQ), testdata(MISEQ_2));
    for (arguments, line) in [
        (
            vec![hiseq.as_str(), "--min-length", "151"],
            "no read is kept: all of them for min_length (fewer bases than 151)\n",
        ),
        (
            vec![&hiseq, "--max-length", "100"],
            "no read is kept: all of them for max_length (more bases than 100)\n",
        ),
        // Mates that are judged one by one.
        (
            vec![&one, &other, "-t", "1", "--pair", "both"],
            "(probability under 1); bm score and bm tune show what other thresholds keep\n",
        ),
    ] {
        let (said, report) = filtered(&arguments);
        assert!(said.contains(line), "{arguments:?}: {said}");
        assert!(report["losses"]["looser"].is_null(), "{arguments:?}: {report}");
    }
    // A table says nothing of other limits.
    let scratch = Scratch::new();
    let table = scratch.path("scores.tsv");
    bm(["score", &hiseq, "-t", "1", "-o", &table, "-q"]).done();
    let (said, report) = filtered(&[&hiseq, "--scores", &table]);
    assert!(said.contains(" for threshold (probability under the limit)\n"), "{said}");
    assert!(report["losses"]["looser"].is_null() && report["losses"]["trim"].is_null());
    let page = scratch.path("page.html");
    bm(["filter", &hiseq, "--min-length", "151", "-o", "/dev/null", "--html", &page]).done();
    let page = String::from_utf8(scratch.read("page.html")).unwrap();
    assert!(page.contains("no read is kept: all of them for min_length"));
}

#[test]
fn nothing_is_said_where_at_least_half_of_the_reads_are_kept_or_there_are_none() {
    let empty = testdata("derived/empty.fastq.gz");
    for arguments in [vec![testdata(HISEQ)], vec![testdata(MISEQ), testdata(MISEQ_2)], vec![empty]]
    {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (said, report) = filtered(&arguments);
        assert!(!said.contains("kept: ") && !said.contains("most reads"), "{said}");
        assert!(report["losses"].is_null(), "{report}");
    }
}

/// Returns the reads with five bases of every second one exchanged for others, each the one of the
/// lowest quality among twenty: they differ as errors do. The qualities stay.
fn half_changed(text: &[u8]) -> Vec<u8> {
    let changed = |(number, record): (usize, &&[u8])| {
        let mut record = record.to_vec();
        let lines: Vec<&[u8]> = record.split(|byte| *byte == b'\n').collect();
        let (start, quality) = (lines[0].len() + 1, lines[3].to_vec());
        if number % 2 == 0 {
            let mut state = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for part in 0..5 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let (first, turn) = (20 + 22 * part, (state >> 40) as usize);
                let places = (0..20).map(|place| first + (place + turn) % 20);
                let lowest = places.min_by_key(|place| quality[*place]).unwrap();
                let byte = &mut record[start + lowest];
                *byte = if *byte == b'A' { b'C' } else { b'A' };
            }
        }
        record
    };
    records(text).iter().enumerate().flat_map(changed).collect()
}

/// Takes some seconds.
#[test]
fn a_warning_says_that_the_model_alone_would_keep_far_more_than_adapt() {
    let scratch = Scratch::new();
    let whole = text_of(&testdata(HISEQ));
    let changed = scratch.file("changed.fastq", &half_changed(&whole));
    let (_, plain) = filtered(&[&changed]);
    let (said, report) = filtered(&[&changed, "--adapt", "-q"]);
    let (alone, kept) = (&plain["reads"]["kept"], &report["reads"]["kept"]);
    assert!(
        10 * kept.as_u64().unwrap() < 8 * alone.as_u64().unwrap(),
        "the test needs reads that --adapt does not keep: {kept} of {alone}"
    );
    let facts = &report["model_alone"];
    assert_eq!(
        (&facts["reads"], &facts["kept_alone"], &facts["kept"], &facts["warns"]),
        (&report["reads"]["in"], alone, kept, &true.into())
    );
    // Also with -q, on one line.
    assert_eq!(said.lines().count(), 1, "{said}");
    let grouped = |count: &Value| {
        let digits = count.to_string();
        let (thousands, rest) = digits.split_at(digits.len() - 3);
        format!("{thousands},{rest}")
    };
    let start = format!(
        "bm: note: of the first 10,000 reads, {} are kept with --adapt; the model alone would keep \
         {}. ",
        grouped(kept),
        grouped(alone)
    );
    assert!(said.starts_with(&start), "{said}, expected {start}");
    // The middle of the reads is no end of them.
    assert_eq!(facts["why"]["left_out_bases"], false, "{facts}");
    assert!(facts["why"]["excess"].is_null() && !said.contains("UMI"), "{said}");
    // A run that is as it should be.
    let good = some_reads(&scratch, 3_000);
    let (said, report) = filtered(&[&good, "--adapt", "-q"]);
    assert!(said.is_empty() && report["model_alone"]["warns"] == false, "{said} {report}");
    assert_eq!(report["model_alone"]["kept"], report["reads"]["kept"]);
    let (_, plain) = filtered(&[&good]);
    assert_eq!(report["model_alone"]["kept_alone"], plain["reads"]["kept"]);
}
