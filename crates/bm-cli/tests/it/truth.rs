//! `bm truth`: the true errors of every read.

use std::fs;

use crate::support::{Scratch, bm, bm_with_stdin, plain, testdata};

const BAM: &str = "hiseq_measles/hiseq_measles.bam";
const REFERENCE: &str = "hiseq_measles/ref.fa";

#[test]
fn a_file_stdin_and_gzip_give_the_same_table() {
    let scratch = Scratch::new();
    let (bam, reference) = (testdata(BAM), testdata(REFERENCE));
    let table = bm(["truth", &bam, "--reference", &reference]).done();
    assert_eq!(table.text().lines().count(), 2999);
    assert!(
        table
            .stderr
            .starts_with("2998 reads in: 2623 mapped, 375 not; 421 errors in 256929 bases scored"),
        "{}",
        table.stderr
    );
    let from_stdin =
        bm_with_stdin(["truth", "-", "-r", &reference, "-q"], &fs::read(&bam).unwrap()).done();
    assert!(from_stdin.stdout == table.stdout && from_stdin.stderr.is_empty());
    bm(["truth", &bam, "-r", &reference, "-q", "-o", &scratch.path("truth.tsv.gz")]).done();
    assert!(plain(scratch.read("truth.tsv.gz")) == table.stdout);
    assert_eq!(scratch.names(), ["truth.tsv.gz"]);
}

#[test]
fn mates_are_compared_without_a_reference() {
    let (first, second) = (
        testdata("miseq_twist/miseq_twist_first2000_1.fastq.gz"),
        testdata("miseq_twist/miseq_twist_first2000_2.fastq.gz"),
    );
    let run = bm(["truth", "--mates", &first, &second]).done();
    let rows: Vec<Vec<_>> =
        run.text().lines().skip(1).map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 4000);
    let overlapping: Vec<_> = rows.iter().filter(|row| row[3] == "1").collect();
    assert!(overlapping.len() > 1000, "{}", overlapping.len());
    for row in &rows {
        let number = |column: usize| row[column].parse::<usize>().unwrap();
        assert_eq!((number(9), number(10), number(12)), (0, 0, 0));
        let errors = if row[15].is_empty() { 0 } else { row[15].split(',').count() };
        assert_eq!(number(8), errors);
        assert!(
            number(13) <= number(5)
                && number(5) + number(6) + number(7) == if row[3] == "1" { number(2) } else { 0 }
        );
    }
}

#[test]
fn mates_in_different_order_are_refused() {
    let scratch = Scratch::new();
    let one = |name: &str| format!("@{name}\nACGT\n+\nIIII\n");
    fs::write(scratch.path("1.fastq"), one("a/1") + &one("b/1")).unwrap();
    fs::write(scratch.path("2.fastq"), one("a/2") + &one("c/2")).unwrap();
    fs::write(scratch.path("3.fastq"), one("a/2")).unwrap();
    let (first, second, short) =
        (scratch.path("1.fastq"), scratch.path("2.fastq"), scratch.path("3.fastq"));
    let message = bm(["truth", "--mates", &first, &second, "-o", &scratch.path("t.tsv")]).refused();
    assert_eq!(
        message,
        format!(
            "bm: {second}: record 2 is c, but in {first} it is b; the mates must be in the same order\n"
        )
    );
    let message = bm(["truth", "--mates", &first, &short, "-o", &scratch.path("t.tsv")]).refused();
    assert!(message.contains("ends after record 1, but"), "{message}");
    assert_eq!(scratch.names(), ["1.fastq", "2.fastq", "3.fastq"]);
}

#[test]
fn broken_input_is_refused_and_leaves_nothing() {
    let scratch = Scratch::new();
    let (bam, reference, out) = (testdata(BAM), testdata(REFERENCE), scratch.path("t.tsv"));
    let bytes = fs::read(&bam).unwrap();
    fs::write(scratch.path("cut.bam"), &bytes[..bytes.len() - 28]).unwrap();
    let cut = scratch.path("cut.bam");
    let message = bm(["truth", &cut, "-r", &reference, "-o", &out]).refused();
    assert!(
        message.starts_with(&format!("bm: {cut}: the file is truncated after record 2998: ")),
        "{message}"
    );
    let message = bm(["truth", &bam, "-r", &testdata("hiseqx_phage/ref.fa"), "-o", &out]).refused();
    assert!(
        message
            .contains("names the sequence ENA|K01711|K01711.1, which the reference does not have"),
        "{message}"
    );
    let missing = scratch.path("missing.fa");
    let message = bm(["truth", &bam, "-r", &missing, "-o", &out]).refused();
    assert_eq!(
        message,
        format!("bm: {missing}: cannot be opened: No such file or directory (os error 2)\n")
    );
    let message = bm(["truth", &bam, "-r", &bam, "-o", &out]).refused();
    assert!(message.starts_with(&format!("bm: {bam}: reference: ")), "{message}");
    let message = bm(["truth", &bam, "-r", &reference, "-o", &reference]).refused();
    assert!(message.contains("is an input too"), "{message}");
    assert_eq!(scratch.names(), ["cut.bam"]);
}

#[test]
fn wrong_usage() {
    let (bam, reference) = (testdata(BAM), testdata(REFERENCE));
    bm(["truth"]).misused();
    bm(["truth", &bam]).misused();
    bm(["truth", "--mates", &bam]).misused();
    bm(["truth", &bam, "-r", &reference, "--mates", &bam, &bam]).misused();
    bm(["truth", "--mates", &bam, &bam, "--long"]).misused();
}
