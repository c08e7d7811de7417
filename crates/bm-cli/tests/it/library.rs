//! What a library adds to reads, and which bases it turns into others: no errors of the reads.

use crate::support::{HISEQ, Scratch, bm, command, json, run, testdata, text_of};
use crate::trim::{Record, parsed, to_text};

/// Real reads.
fn reads() -> Vec<Record> {
    parsed(&text_of(&testdata(HISEQ)))
}

/// Numbers that look random, the same in every run.
fn random(number: usize) -> usize {
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as usize
}

/// Adds bases to the start of a read, which keeps its length and its qualities' order.
fn push(read: &mut Record, added: &str) {
    let (_, sequence, scores) = read;
    let length = sequence.len();
    *sequence = (added.to_owned() + sequence)[..length].to_owned();
    *scores = ("F".repeat(added.len()) + scores)[..length].to_owned();
}

/// Adds this many random bases to the start of the reads that `has`.
fn with_identifiers(bases: usize, has: impl Fn(usize) -> bool) -> Vec<Record> {
    let mut reads = reads();
    for (number, read) in reads.iter_mut().enumerate().filter(|(number, _)| has(*number)) {
        let base = |place: usize| &"ACGT"[random(number * 64 + place) % 4..][..1];
        push(read, &(0..bases).map(base).collect::<String>());
    }
    reads
}

/// Filters reads with `--adapt`; returns how many are kept, and what the report says of the library.
fn kept(reads: &[Record]) -> (u64, serde_json::Value) {
    let scratch = Scratch::new();
    let input = scratch.file("reads.fastq", &to_text(reads));
    let report = scratch.path("report.json");
    bm(["filter", &input, "-o", "-", "-q", "--adapt", "--report", &report]).done();
    let report = json(&scratch.read("report.json"));
    (report["reads"]["kept"].as_u64().unwrap(), report["library"].clone())
}

#[test]
fn nothing_is_found_in_reads_as_they_are() {
    let (kept, library) = kept(&reads());
    assert!(library.is_null() && kept > 8000, "{library}");
}

#[test]
fn identifiers_are_no_errors() {
    let (of_sample, _) = kept(&reads());
    for (bases, one_in, share) in [(8, 1, 1.0), (12, 10, 0.1)] {
        let reads = with_identifiers(bases, |number| random(number).is_multiple_of(one_in));
        let (kept, library) = kept(&reads);
        assert!(100 * kept > 98 * of_sample, "{kept} of {of_sample}");
        let structure = &library["structures"][0];
        assert_eq!(structure["bases"], serde_json::json!([bases, bases]), "{library}");
        assert_eq!(structure["what"], format!("{bases} random bases at the start"));
        assert!((structure["share"].as_f64().unwrap() - share).abs() < 0.03, "{library}");
    }
}

#[test]
fn identifiers_are_cut_only_if_that_is_asked_for() {
    let reads = with_identifiers(6, |_| true);
    let scratch = Scratch::new();
    let input = scratch.file("reads.fastq", &to_text(&reads));
    for (trim, cut) in [(None, 0), (Some("--trim=adapters"), 6)] {
        let mut filter = command(["filter", &input, "-o", "-", "-q", "-t", "0"]);
        let kept = parsed(&run(filter.args(trim)).done().stdout);
        assert_eq!(kept.len(), reads.len());
        let is_right = |(kept, whole): &(&Record, &Record)| kept.1 == whole.1[cut..];
        let right = kept.iter().zip(&reads).filter(is_right).count();
        assert!(1000 * right >= 995 * reads.len(), "{right} of {} with {trim:?}", reads.len());
    }
}

#[test]
fn converted_bases_are_no_errors_and_come_out_as_they_are() {
    let (of_sample, _) = kept(&reads());
    for (from, to, percent) in [('C', 'T', 97), ('C', 'T', 50), ('A', 'G', 20)] {
        let mut reads = reads();
        for (number, (_, sequence, _)) in reads.iter_mut().enumerate() {
            let turn = |(place, base): (usize, char)| {
                let turns = base == from && random(number * 1024 + place) % 100 < percent;
                if turns { to } else { base }
            };
            *sequence = sequence.chars().enumerate().map(turn).collect();
        }
        let (kept, library) = kept(&reads);
        assert!(100 * kept > 98 * of_sample, "{kept} of {of_sample}");
        let conversion = serde_json::json!({ "from": from.to_string(), "to": to.to_string() });
        assert_eq!(library["conversion"], conversion, "{library}");
        // A package keeps it.
        let scratch = Scratch::new();
        let input = scratch.file("reads.fastq", &to_text(&reads));
        let package = scratch.path("run.model");
        bm(["adapt", &input, "-o", &package, "--evidence", "-q"]).done();
        let filtered = bm(["filter", &input, "-o", "-", "-m", &package, "-q"]).done();
        let records = parsed(&filtered.stdout);
        assert_eq!(records.len() as u64, kept);
        let is_there = |record: &Record| reads.contains(record);
        assert!(records.iter().take(200).all(is_there));
    }
}
