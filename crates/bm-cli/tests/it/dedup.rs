//! Copies: the first one in the file is kept, whatever its qualities.

use crate::support::{MEASLES, MEASLES_2, Scratch, bm, command, json, run, testdata, text_of};
use crate::trim::{Record, parsed, to_text};

fn named(name: &str, sequence: &str) -> Record {
    (name.to_owned(), sequence.to_owned(), "I".repeat(sequence.len()))
}

const A: &str = "ACGTTGCAACGGTACCATTGACGTTGCAACGG";
const B: &str = "TTGACCGATACCGGTTAACCGGATATCCGGAA";

#[test]
fn the_first_of_several_copies_is_kept() {
    let scratch = Scratch::new();
    let reads = [named("a1", A), named("b1", B), named("a2", A), named("a3", &A[1..])];
    let nothing = ["NNNNNNNN"; 2].map(|n| named("n", n));
    let input = scratch.file("reads.fastq", &to_text(&[&reads[..], &nothing].concat()));
    let [dropped, report] = ["dropped.fastq", "report.json"].map(|name| scratch.path(name));
    let places = ["-o", "-", "--discarded", &dropped, "--report", &report];
    let common = ["filter", &input, "--dedup", "-t", "0", "-q"];
    let kept = parsed(&run(command(common).args(places)).done().stdout);
    assert_eq!(kept, [&reads[..2], &reads[3..]].concat());
    let dropped = parsed(&scratch.read("dropped.fastq"));
    assert_eq!(dropped[0].0, "a2\tZR:Z:duplicate");
    let report = json(&scratch.read("report.json"));
    assert_eq!(report["reasons"]["duplicate"], 1);
    assert_eq!(report["reasons"]["only_n"], 2);
    assert_eq!(report["criteria"]["dedup"], true);
}

#[test]
fn pairs_are_copies_if_both_mates_are_and_identifiers_count() {
    let scratch = Scratch::new();
    let pairs = [("p1 1:N:0:AC", A, B), ("p2 1:N:0:AC", A, A), ("p3 1:N:0:GT", A, B)];
    let mates: Vec<_> =
        pairs.iter().flat_map(|(name, one, two)| [named(name, one), named(name, two)]).collect();
    let input = scratch.file("pairs.fastq", &to_text(&mates));
    let kept = |more: &[&str]| {
        let common = ["filter", &input, "--interleaved", "--dedup", "-t", "0", "-q", "-o", "-"];
        let kept = parsed(&run(command(common).args(more)).done().stdout);
        kept.iter().map(|read| read.0[..2].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kept(&[]), ["p1", "p1", "p2", "p2"]);
    assert_eq!(kept(&["--umi", "index1"]), ["p1", "p1", "p2", "p2", "p3", "p3"]);
    assert_eq!(kept(&["--umi", "read1:4"]), ["p1", "p1", "p2", "p2"]);
}

#[test]
fn copies_do_not_depend_on_threads() {
    let scratch = Scratch::new();
    let [first, second] = [MEASLES, MEASLES_2].map(|file| parsed(&text_of(&testdata(file))));
    // Each pair again, under another name, after all of them.
    let again = |reads: &[Record]| {
        let copies = reads
            .iter()
            .map(|(name, bases, scores)| (format!("again{name}"), bases.clone(), scores.clone()));
        to_text(&reads.iter().cloned().chain(copies).collect::<Vec<_>>())
    };
    let one = scratch.file("1.fastq", &again(&first));
    let two = scratch.file("2.fastq", &again(&second));
    let kept = |input: [&str; 2], threads: &str, more: &[&str]| {
        let common = ["filter", input[0], input[1], "-o", "-", "-q", "-j", threads];
        run(command(common).args(more)).done().stdout
    };
    let alone = kept([&one, &two], "1", &["--dedup"]);
    assert!(alone == kept([&one, &two], "3", &["--dedup"]));
    let plain = [MEASLES, MEASLES_2].map(testdata);
    assert!(alone == kept([&plain[0], &plain[1]], "2", &["--dedup"]));
    assert!(parsed(&alone).len() > 1000 && !String::from_utf8_lossy(&alone).contains("@again"));
}

#[test]
fn too_little_memory_and_shards_are_refused() {
    let scratch = Scratch::new();
    let (input, out) = (testdata(MEASLES), scratch.path("out.fastq"));
    let error =
        bm(["filter", &input, "--dedup", "--dedup-memory", "1000", "-o", &out, "-q"]).refused();
    assert!(error.contains("--dedup: there are more than 25 different reads"), "{error}");
    assert!(scratch.names().is_empty());
    bm(["filter", &input, "--dedup", "--shard", "1/2", "-o", &out]).misused();
}
