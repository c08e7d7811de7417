//! Index reads: read in step with the reads, written for those that are kept, and never judged.

use crate::support::{MEASLES, MEASLES_2, Run, Scratch, command, records, run, testdata, text_of};

/// Pairs of a real run, and generated index reads of them.
struct Pairs {
    scratch: Scratch,
    mates: [Vec<Vec<u8>>; 2],
    index: [Vec<Vec<u8>>; 2],
}

impl Pairs {
    fn new(number: usize) -> Self {
        let mates = [MEASLES, MEASLES_2].map(|file| {
            let text = text_of(&testdata(file));
            records(&text)[..number].iter().map(|record| record.to_vec()).collect::<Vec<_>>()
        });
        let index = [1, 2].map(|file: usize| {
            let record = |(place, read): (usize, &Vec<u8>)| {
                let line_end = read.iter().position(|byte| *byte == b'\n').unwrap();
                let bases: Vec<u8> = (0..8).map(|i| b"ACGTN"[(place * file + i * i) % 5]).collect();
                // Qualities of Phred 2 alone: nothing judges them.
                [&read[..line_end], b" x=\t1\n", &bases, b"\n+\n########\n"].concat()
            };
            mates[0].iter().enumerate().map(record).collect()
        });
        Self { scratch: Scratch::new(), mates, index }
    }

    /// Writes the records from one place to another into files.
    fn files(&self, lane: &str, from: usize, to: usize) -> [String; 4] {
        let file = |name: &str, all: &[Vec<u8>]| {
            self.scratch.file(&format!("{lane}_{name}.fastq"), &all[from..to].concat())
        };
        [
            file("R1", &self.mates[0]),
            file("R2", &self.mates[1]),
            file("I1", &self.index[0]),
            file("I2", &self.index[1]),
        ]
    }

    /// Returns the index reads of the reads whose names are those of these records.
    fn index_of(&self, file: usize, kept: &[u8]) -> Vec<u8> {
        let name =
            |record: &[u8]| record.split(|byte| b" /\n".contains(byte)).next().unwrap().to_vec();
        let mut kept = records(kept).into_iter().map(name).peekable();
        let mut expected = Vec::new();
        for (read, index) in self.mates[0].iter().zip(&self.index[file]) {
            if kept.next_if(|kept| *kept == name(read)).is_some() {
                expected.extend_from_slice(index);
            }
        }
        assert!(kept.next().is_none() && !expected.is_empty());
        expected
    }
}

fn filter(arguments: &[&str]) -> Run {
    run(command(["filter", "-q"]).args(arguments))
}

#[test]
fn index_reads_of_kept_pairs_are_written_in_step() {
    let pairs = Pairs::new(500);
    let [r1, r2, i1, i2] = pairs.files("all", 0, 500);
    let [a, b] = [pairs.files("a", 0, 200), pairs.files("b", 200, 500)];
    let out = Scratch::new();
    let [k1, k2, o1, o2, singles, dropped] =
        ["k1", "k2", "o1", "o2", "s", "d"].map(|name| out.path(name));
    let to = ["-o", &k1, "-O", &k2, "--index-output", &o1, &o2];
    let lanes: Vec<&str> = a.iter().chain(&b).map(String::as_str).collect();
    let flags = ["-1", &a[0], &b[0], "-2", &a[1], &b[1], "--index", &a[2], &a[3], &b[2], &b[3]];
    for inputs in [&[&r1, &r2, "--index", &i1, &i2][..], &flags, &lanes] {
        for rules in [&["-j", "1"][..], &["-j", "2", "--singles", &singles, "--pair", "both"]] {
            filter(&[inputs, &to, rules, &["--discarded", &dropped]].concat()).done();
            let kept = out.read("k1");
            assert!(records(&kept).len() > 100 && records(&kept).len() < 500);
            assert!(out.read("o1") == pairs.index_of(0, &kept), "{inputs:?} {rules:?}");
            assert!(out.read("o2") == pairs.index_of(1, &kept), "{inputs:?} {rules:?}");
            let without = [&["-o", "-", &r1, &r2], &rules[..2]].concat();
            let lost = 1000 - 2 * records(&kept).len();
            let rest = records(&out.read("d")).len();
            assert!(rest <= lost && filter(&without).done().code == Some(0), "{rest} {lost}");
        }
    }
    // The reads are those that are kept without index reads; these need no output.
    let alone = filter(&[&r1, &r2, "-o", "-"]).done().stdout;
    assert!(filter(&[&r1, &r2, &i1, "-o", "-"]).done().stdout == alone);
    assert!(filter(&[&r1, &r2, "--index", &i1, "-o", "-", "--trim"]).done().stdout.len() > 1000);
}

#[test]
fn index_reads_of_single_and_of_interleaved_reads_are_kept_too() {
    let pairs = Pairs::new(400);
    let [r1, _, i1, _] = pairs.files("x", 0, 400);
    let out = Scratch::new();
    let [kept, index] = ["k", "i"].map(|name| out.path(name));
    let to = ["-o", &kept, "--index-output", &index];
    for inputs in [&[&r1[..], "--index", &i1][..], &[&r1, &i1], &["-U", &r1, "--index", &i1]] {
        filter(&[inputs, &to].concat()).done();
        assert!(out.read("i") == pairs.index_of(0, &out.read("k")), "{inputs:?}");
    }
    let mates = pairs.mates[0].iter().zip(&pairs.mates[1]);
    let mates: Vec<u8> = mates.flat_map(|(one, other)| [&one[..], other].concat()).collect();
    let both = pairs.scratch.file("both.fq", &mates);
    filter(&[&["--interleaved", &both, "--index", &i1, "-O", "/dev/null"], &to[..]].concat())
        .done();
    assert!(out.read("i") == pairs.index_of(0, &out.read("k")));
}

#[test]
fn index_reads_that_are_not_in_step_are_refused_and_leave_no_output() {
    let pairs = Pairs::new(60);
    let [r1, r2, i1, i2] = pairs.files("x", 0, 60);
    let write = |name: &str, all: Vec<Vec<u8>>| pairs.scratch.file(name, &all.concat());
    let all = &pairs.index[0];
    let short = write("short.fq", all[..59].to_vec());
    let long = write("long.fq", [&all[..], &all[..1]].concat());
    let mut swapped = all.clone();
    swapped.swap(10, 20);
    let swapped = write("swapped.fq", swapped);
    let cut = pairs.scratch.file("cut.fq", &all.concat()[..1030]);
    for (index, parts) in [
        (&short, &["short.fq: ends after record 59, but", "goes on with record 60"][..]),
        (&long, &["_R1.fastq: ends after record 60, but", "long.fq goes on with record 61"]),
        (&swapped, &["swapped.fq: record 11 ", "is no index read of", "in the same order"]),
        (&cut, &["cut.fq: record"]),
        (&r1, &["is named twice"]),
    ] {
        let out = Scratch::new();
        let [kept, other, places] = ["k", "k2", "i"].map(|name| out.path(name));
        let message = filter(&[
            &r1,
            &r2,
            "--index",
            index,
            "-o",
            &kept,
            "-O",
            &other,
            "--index-output",
            &places,
        ])
        .refused();
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        assert!(out.names().is_empty());
    }
    for (arguments, part) in [
        (&["--index", &i1, &i2, "--index-output", "x"][..], "--index-output: names 1 files"),
        (&["--index-output", "x"], "--index-output: names 1 files, and there are 0"),
        (&["--index", &i1, "--shard", "1/2"], "--shard: index reads are not divided"),
        (&["--index", &i1, &i2, &short], "--index: 3 files for 1 lanes"),
    ] {
        let message = filter(&[&[&r1[..], &r2, "-o", "/dev/null"], arguments].concat()).refused();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn index_reads_are_cut_into_numbered_files_at_the_same_pairs() {
    let pairs = Pairs::new(500);
    let [r1, r2, i1, _] = pairs.files("all", 0, 500);
    let out = Scratch::new();
    let [k1, k2, o1] = ["k1", "k2", "o1"].map(|name| out.path(name));
    let to = ["-o", &k1, "-O", &k2, "--index-output", &o1, "--split-reads", "150"];
    filter(&[&[r1.as_str(), &r2, "--index", &i1][..], &to].concat()).done();
    let parts = out.names().into_iter().filter(|name| name.ends_with(".k1")).count();
    assert!(parts > 1);
    for number in 1..=parts {
        let kept = out.read(&format!("{number:04}.k1"));
        assert!(out.read(&format!("{number:04}.o1")) == pairs.index_of(0, &kept), "{number}");
    }
    assert_eq!(out.names().len(), 3 * parts);
    // Merged reads go elsewhere, so that index reads would not be in step.
    let merge = ["--merge", "m"];
    filter(&[&[r1.as_str(), &r2, "--index", &i1][..], &to[..6], &merge].concat()).misused();
}
