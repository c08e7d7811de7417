//! Trimming: adapters that are found in the run, tails, bad ends, fixed cuts.

use crate::support::{
    HISEQ, MEASLES, MEASLES_2, Run, Scratch, bm, bm_with_stdin, command, json, records, rows, run,
    testdata, text_of,
};

/// An adapter of no kit.
pub(crate) const ADAPTER: &str = "CGTTACGGCATTCAGGATCAAGTCCTGATGACCTGA";

/// A record: name, bases, quality scores.
pub(crate) type Record = (String, String, String);

pub(crate) fn to_text(records: &[Record]) -> Vec<u8> {
    let line = |(name, sequence, scores): &Record| format!("@{name}\n{sequence}\n+\n{scores}\n");
    records.iter().map(line).collect::<String>().into_bytes()
}

pub(crate) fn parsed(text: &[u8]) -> Vec<Record> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    (lines.chunks(4))
        .map(|record| (record[0][1..].to_owned(), record[1].clone(), record[3].clone()))
        .collect()
}

/// Real reads, of which two in three are cut at some place and go on with the adapter, and the place
/// where each ends.
pub(crate) fn with_adapters() -> (Vec<Record>, Vec<usize>) {
    let mut reads = parsed(&text_of(&testdata(HISEQ)));
    let mut ends = Vec::new();
    for (number, (_, sequence, _)) in reads.iter_mut().enumerate() {
        let length = sequence.len();
        let end = if number % 3 == 0 { length } else { 30 + number * 7 % (length - 30) };
        let tail = (ADAPTER.to_owned() + &"G".repeat(length))[..length - end].to_owned();
        *sequence = sequence[..end].to_owned() + &tail;
        ends.push(end);
    }
    (reads, ends)
}

fn with_input(arguments: &[&str], input: &str) -> Run {
    run(command(["filter", input, "-o", "-", "-q"]).args(arguments)).done()
}

#[test]
fn adapters_that_the_run_shows_are_cut_and_other_reads_stay_whole() {
    let scratch = Scratch::new();
    let (reads, ends) = with_adapters();
    let input = scratch.file("reads.fastq", &to_text(&reads));
    let trimmed = with_input(&["--trim=adapters", "-t", "0"], &input);
    let kept = parsed(&trimmed.stdout);
    let (mut right, mut tails, mut clean, mut cut) = (0, 0, 0, 0);
    for (name, sequence, scores) in &kept {
        let place = reads.iter().position(|read| read.0 == *name).unwrap();
        let (end, (_, whole, whole_scores)) = (ends[place], &reads[place]);
        assert!(whole.starts_with(sequence), "{sequence} of {whole}");
        assert!(whole_scores.starts_with(scores.as_str()));
        assert_eq!(sequence.len(), scores.len());
        if end == whole.len() {
            clean += 1;
            cut += usize::from(sequence.len() < end);
        } else if whole.len() - end >= 6 {
            tails += 1;
            right += usize::from(sequence.len().abs_diff(end) <= 1);
        }
    }
    assert!(tails > 500 && right * 100 >= tails * 98, "{right} of {tails} ends are right");
    assert!(clean > 300 && cut * 100 <= clean, "{cut} of {clean} clean reads are cut");
    assert!(kept.len() + 10 > reads.len());
}

#[test]
fn without_trim_the_user_is_told_of_adapters_and_records_stay_as_they_are() {
    let scratch = Scratch::new();
    let (reads, _) = with_adapters();
    let input = scratch.file("reads.fastq", &to_text(&reads));
    let (with, without) = (scratch.path("with.fastq"), scratch.path("without.fastq"));
    let told = bm(["filter", &input, "-o", &with]).done();
    let line = told.stderr.lines().next().unwrap();
    assert!(line.contains("of the first reads run into an adapter (CGTTACGG"), "{line}");
    assert!(line.contains("--trim"), "{line}");
    let silent = bm(["filter", &input, "-o", &without, "--no-adapters"]).done();
    assert!(!silent.stderr.contains("adapter"), "{}", silent.stderr);
    assert_eq!(scratch.read("with.fastq"), scratch.read("without.fastq"));
    let clean = bm(["filter", &testdata(HISEQ), "-o", &with]).done();
    assert!(!clean.stderr.contains("adapter"), "{}", clean.stderr);
    let whole = to_text(&reads);
    let whole = records(&whole);
    assert!(records(&scratch.read("without.fastq")).iter().all(|record| whole.contains(record)));
}

#[test]
fn results_do_not_depend_on_threads_streams_or_compression() {
    let scratch = Scratch::new();
    let (reads, _) = with_adapters();
    // Several batches, more reads than are learned from at once.
    let text = to_text(&reads).repeat(5);
    let input = scratch.file("reads.fastq", &text);
    let expected = with_input(&["--trim", "-j", "1"], &input).stdout;
    assert!(expected.len() * 4 > text.len());
    for threads in ["2", "7"] {
        assert!(with_input(&["--trim", "-j", threads], &input).stdout == expected, "{threads}");
    }
    let piped = bm_with_stdin(["filter", "-", "-o", "-", "--trim", "-q"], &text).done();
    assert!(piped.stdout == expected);
}

#[test]
fn pairs_are_cut_where_their_insert_ends_and_stay_pairs() {
    let scratch = Scratch::new();
    let [first, second] = [MEASLES, MEASLES_2].map(|file| parsed(&text_of(&testdata(file))));
    // Pairs whose mates are the two strands of the first one's bases, with no adapter that could be
    // found: each goes on with other bases.
    let complement = |sequence: &str| -> String {
        let pairs = |base| match base {
            'A' => 'T',
            'C' => 'G',
            'G' => 'C',
            'T' => 'A',
            other => other,
        };
        sequence.chars().rev().map(pairs).collect()
    };
    let mut mates = [Vec::new(), Vec::new()];
    let mut ends = Vec::new();
    for (number, (one, other)) in first.iter().zip(&second).enumerate().take(600) {
        let (end, length) = (40 + number % 50, one.1.len());
        let next = &first[(number + 300) % first.len()].1;
        let last = &second[(number + 500) % second.len()].1;
        let strands = [one.1[..end].to_owned(), complement(&one.1[..end])];
        for (i, (strand, behind)) in strands.iter().zip([next, last]).enumerate() {
            let sequence = (strand.clone() + behind)[..length.min(other.1.len())].to_owned();
            let scores = "F".repeat(sequence.len());
            mates[i].push((format!("{number}"), sequence, scores));
        }
        ends.push(end);
    }
    let [one, other] = [0, 1].map(|i| scratch.file(&format!("{i}.fastq"), &to_text(&mates[i])));
    let (kept, kept2) = (scratch.path("kept.fastq"), scratch.path("kept2.fastq"));
    bm(["filter", &one, &other, "-o", &kept, "-O", &kept2, "--trim=adapters", "-t", "0", "-q"])
        .done();
    let [one, other] = ["kept.fastq", "kept2.fastq"].map(|name| parsed(&scratch.read(name)));
    assert_eq!(one.len(), other.len());
    let mut right = 0;
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one.0, other.0);
        let end = ends[one.0.parse::<usize>().unwrap()];
        right += usize::from(one.1.len() == end && other.1.len() == end);
    }
    assert!(one.len() > 550 && right * 100 >= one.len() * 98, "{right} of {}", one.len());
}

#[test]
fn bad_ends_are_cut_and_the_rest_is_judged() {
    let scratch = Scratch::new();
    let reads = parsed(&text_of(&testdata(HISEQ)));
    let decay = |(name, sequence, _): &Record| {
        let length = sequence.len();
        (name.clone(), sequence.clone(), "F".repeat(100) + &"#".repeat(length - 100))
    };
    let reads: Vec<Record> = reads.iter().filter(|read| read.1.len() >= 120).map(decay).collect();
    let input = scratch.file("reads.fastq", &to_text(&reads));
    assert_eq!(parsed(&with_input(&[], &input).stdout).len(), 0);
    let kept = parsed(&with_input(&["--trim"], &input).stdout);
    assert!(kept.len() * 10 > reads.len() * 8, "{} of {}", kept.len(), reads.len());
    assert!(kept.iter().all(|(_, sequence, _)| (60..=101).contains(&sequence.len())));
    // The length rule holds for what is left.
    assert_eq!(parsed(&with_input(&["--trim", "--min-length", "110"], &input).stdout).len(), 0);
    assert_eq!(parsed(&with_input(&["--trim=adapters,poly"], &input).stdout).len(), 0);
}

#[test]
fn fixed_cuts_are_exact() {
    let scratch = Scratch::new();
    let reads: Vec<Record> = parsed(&text_of(&testdata(HISEQ))).into_iter().take(200).collect();
    let input = scratch.file("reads.fastq", &to_text(&reads));
    let kept =
        parsed(&with_input(&["--cut-front", "7", "--cut-tail", "11", "-t", "0"], &input).stdout);
    assert_eq!(kept.len(), reads.len());
    for (kept, whole) in kept.iter().zip(&reads) {
        let inside = 7..whole.1.len() - 11;
        assert_eq!((&*kept.1, &*kept.2), (&whole.1[inside.clone()], &whole.2[inside]));
    }
    // Nothing is left of reads that are shorter: they are not kept, for this reason.
    let dropped = scratch.path("dropped.fastq");
    with_input(&["--cut-front", "900", "--discarded", &dropped], &input);
    let dropped = parsed(&scratch.read("dropped.fastq"));
    assert_eq!(dropped.len(), reads.len());
    assert!(dropped.iter().zip(&reads).all(|(lost, whole)| lost.1 == whole.1));
    assert!(dropped.iter().all(|(name, ..)| name.ends_with("reason=no_insert")));
}

#[test]
fn a_table_has_the_part_to_keep_and_filters_like_the_model() {
    let scratch = Scratch::new();
    let (reads, _) = with_adapters();
    let input = scratch.file("reads.fastq", &to_text(&reads));
    let table = scratch.path("scores.tsv");
    bm(["score", &input, "-o", &table, "--trim", "-q"]).done();
    let expected = with_input(&["--trim"], &input).stdout;
    assert!(with_input(&["--scores", &table], &input).stdout == expected);
    let rows = rows(&scratch.read("scores.tsv"));
    assert_eq!(rows.len(), reads.len());
    let mut with_adapter = 0;
    for row in &rows {
        let (from, to, adapter_bases) = row.part.unwrap();
        assert!(from <= to && to <= row.length);
        assert!(adapter_bases <= row.length - to || from == to, "{}", row.read);
        with_adapter += usize::from(adapter_bases > 0);
    }
    assert!(with_adapter > 500);
}

#[test]
fn the_report_adds_up() {
    let scratch = Scratch::new();
    let (reads, _) = with_adapters();
    let input = scratch.file("reads.fastq", &to_text(&reads));
    let (kept, report) = (scratch.path("kept.fastq"), scratch.path("report.json"));
    bm(["filter", &input, "-o", &kept, "--trim", "--cut-tail", "2", "--report", &report, "-q"])
        .done();
    let report = json(&scratch.read("report.json"));
    let kept = parsed(&scratch.read("kept.fastq"));
    let bases: usize = kept.iter().map(|read| read.1.len()).sum();
    let whole: usize = (kept.iter())
        .map(|read| reads.iter().find(|whole| whole.0 == read.0).unwrap().1.len())
        .sum();
    assert_eq!(report["bases"]["kept"], bases);
    let cut = report["trimmed"]["bases"].as_object().unwrap();
    let total: u64 = cut.values().map(|bases| bases.as_u64().unwrap()).sum();
    assert_eq!(total as usize, whole - bases);
    assert_eq!(cut["fixed"], 2 * kept.len());
    assert_eq!(report["trimmed"]["reads"], kept.len());
    let by_reason = &report["trimmed"]["reads_by_reason"];
    assert_eq!(by_reason["fixed"], kept.len());
    let with_adapter = by_reason["adapters"].as_u64().unwrap() as usize;
    assert!(with_adapter > 400 && with_adapter < kept.len(), "{with_adapter}");
    assert!(cut["adapters"].as_u64().unwrap() > 10_000);
    assert!(report["adapters"]["reads"].as_u64().unwrap() > 500);
}

#[test]
fn recalibrated_and_annotated_reads_are_cut_alike() {
    let scratch = Scratch::new();
    let (reads, _) = with_adapters();
    let input = scratch.file("reads.fastq", &to_text(&reads));
    let plain = parsed(&with_input(&["--trim"], &input).stdout);
    let changed = parsed(&with_input(&["--trim", "--recalibrate", "--annotate"], &input).stdout);
    assert_eq!(plain.len(), changed.len());
    for (plain, changed) in plain.iter().zip(&changed) {
        assert_eq!(plain.1, changed.1);
        assert_eq!(plain.2.len(), changed.2.len());
        assert!(changed.0.contains("recalibrated=") && changed.0.contains(" p="));
    }
    assert!(plain.iter().zip(&changed).any(|(plain, changed)| plain.2 != changed.2));
}

#[test]
fn wrong_usage() {
    for (arguments, expected) in [
        (["--trim=primers", "-q"], "invalid value 'primers'"),
        (["--trim-price", "5"], "--trim"),
        (["--cut-front=-1", "-q"], "invalid value"),
    ] {
        let message = run(command(["filter", "x", "-o", "-"]).args(arguments)).misused();
        assert!(message.contains(expected), "{message}");
    }
}
