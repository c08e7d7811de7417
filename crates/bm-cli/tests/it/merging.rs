//! Overlapping mates as one read: of the molecule's length, with posterior qualities, judged by them.

use std::collections::HashMap;

use crate::support::{
    HISEQ, MEASLES, MEASLES_2, MISEQ, MISEQ_2, Scratch, bm, command, json, run, testdata, text_of,
};
use crate::trim::{ADAPTER, Record, parsed, to_text};

fn complement(sequence: &str) -> String {
    let of = |base| match base {
        'A' => 'T',
        'C' => 'G',
        'G' => 'C',
        'T' => 'A',
        other => other,
    };
    sequence.chars().rev().map(of).collect()
}

/// Pairs of 100 bases, made from the molecules that the first bases of real reads are, of 40 to 150
/// bases, and from pairs of such reads, which do not overlap. Mates of short molecules go on with adapters.
fn pairs() -> (Vec<Record>, Vec<Record>, HashMap<String, String>) {
    let reads = parsed(&text_of(&testdata(HISEQ)));
    let (mut first, mut second, mut molecules) = (Vec::new(), Vec::new(), HashMap::new());
    for (number, two) in reads.chunks_exact(2).enumerate() {
        let molecule = match number % 5 {
            0 => two[0].1.clone() + &two[1].1,
            _ => two[0].1[..40 + number * 7 % 111].to_owned(),
        };
        let read = |strand: String| (strand + ADAPTER + &"T".repeat(60))[..100].to_owned();
        let name = format!("pair{number}");
        first.push((name.clone(), read(molecule.clone()), "F".repeat(100)));
        second.push((name.clone(), read(complement(&molecule)), "F".repeat(100)));
        molecules.insert(name, molecule);
    }
    (first, second, molecules)
}

#[test]
fn mates_that_overlap_become_the_molecule_and_others_stay_pairs() {
    let scratch = Scratch::new();
    let (first, second, molecules) = pairs();
    let one = scratch.file("1.fastq", &to_text(&first));
    let two = scratch.file("2.fastq", &to_text(&second));
    let paths = ["merged.fq", "o1.fq", "o2.fq", "report.json"].map(|name| scratch.path(name));
    let arguments = [
        "filter", &one, &two, "-q", "-t", "0", "--merge", &paths[0], "-o", &paths[1], "-O",
        &paths[2], "--report", &paths[3],
    ];
    bm(arguments).done();
    let merged = parsed(&scratch.read("merged.fq"));
    let mut right = 0;
    // Bases of one mate and of both, and those with the highest quality.
    let mut highest = [[0; 2]; 2];
    for (name, sequence, scores) in &merged {
        let (name, bases) = name.split_once("\tZF:B:I,").unwrap();
        let molecule = &molecules[name];
        right += usize::from(sequence == molecule);
        assert_eq!(sequence.len(), scores.len());
        let (of_first, of_second) = bases.split_once(',').unwrap();
        let [of_first, of_second] = [of_first, of_second].map(|it| it.parse::<usize>().unwrap());
        assert_eq!(of_first, sequence.len().min(100), "{name}");
        assert_eq!(of_first + of_second, sequence.len());
        // What both mates agree about has the highest quality, and nothing else.
        let shared = sequence.len().saturating_sub(100)..of_first;
        for (place, (base, score)) in sequence.bytes().zip(scores.bytes()).enumerate() {
            let of_both = shared.contains(&place) && base != b'N';
            let count = &mut highest[usize::from(of_both)];
            count[0] += 1;
            count[1] += usize::from(score == b'J');
        }
    }
    let [alone, both] = highest;
    assert!(alone[1] == 0 && both[1] * 100 >= both[0] * 99 && both[0] > 10_000, "{highest:?}");
    let overlap = molecules.values().filter(|molecule| molecule.len() <= 150).count();
    assert!(right * 100 >= overlap * 99, "{right} of {overlap}");
    // Reads of one small genome: a few pairs of different molecules overlap by chance.
    assert!(merged.len() - right <= 10, "{} are wrong", merged.len() - right);
    // The others come out as they came, in order.
    let names: Vec<_> = merged.iter().map(|(name, ..)| name.split('\t').next().unwrap()).collect();
    let [kept, mates] = ["o1.fq", "o2.fq"].map(|name| parsed(&scratch.read(name)));
    let others = |reads: Vec<Record>| -> Vec<Record> {
        reads.into_iter().filter(|read| !names.contains(&read.0.as_str())).collect()
    };
    let bases: usize = first.iter().chain(&second).map(|read| read.1.len()).sum();
    assert!(kept == others(first) && mates == others(second));
    let report = json(&scratch.read("report.json"));
    assert_eq!(report["pairs"]["merged"], merged.len());
    assert_eq!(report["pairs"]["kept"], molecules.len());
    assert_eq!(report["trim"]["merge"], true);
    let cut = &report["trimmed"]["bases"];
    let cut: u64 = cut.as_object().unwrap().values().map(|bases| bases.as_u64().unwrap()).sum();
    let kept: usize = kept.iter().chain(&mates).chain(&merged).map(|read| read.1.len()).sum();
    assert_eq!(report["bases"]["kept"], kept);
    assert_eq!(kept as u64 + cut, bases as u64);
}

#[test]
fn the_better_call_wins_and_the_merged_read_is_judged() {
    let scratch = Scratch::new();
    let (mut first, second, molecules) = pairs();
    // Bad ends of first mates, with wrong bases, over good bases of the second ones.
    for (_, sequence, scores) in &mut first {
        let bad: String =
            sequence[60..].chars().map(|it| if it == 'A' { 'C' } else { it }).collect();
        sequence.replace_range(60.., &bad);
        scores.replace_range(60.., &"#".repeat(40));
    }
    let one = scratch.file("1.fastq", &to_text(&first));
    let two = scratch.file("2.fastq", &to_text(&second));
    let out = scratch.path("out.fq");
    let run = |more: &[&str]| {
        let common = ["filter", &one, &two, "-q", "-o", &out, "--merge", "-"];
        parsed(&run(command(common).args(more)).done().stdout)
    };
    let merged = run(&["-m", "read-error", "--max-ee-rate", "0.01"]);
    let right = merged
        .iter()
        .filter(|(name, sequence, _)| molecules[name.split('\t').next().unwrap()] == *sequence);
    let (right, overlap) = (right.count(), molecules.values().filter(|it| it.len() <= 130).count());
    assert!(right * 100 >= overlap * 97, "{right} of {overlap}");
    // As pairs, they have too many errors.
    let pairs =
        ["filter", &one, &two, "-q", "-o", "-", "-m", "read-error", "--max-ee-rate", "0.01"];
    assert!(parsed(&bm(pairs).done().stdout).len() < right / 10);
    // The rules hold for the merged read.
    let long = run(&["-m", "read-error", "--max-ee-rate", "0.01", "--min-length", "90"]);
    assert!(!long.is_empty() && long.iter().all(|read| read.1.len() >= 90));
    let longer = merged.iter().filter(|read| read.1.len() >= 90);
    assert!(long.iter().eq(longer));
}

#[test]
fn real_mates_give_the_same_bytes_on_any_number_of_threads() {
    let scratch = Scratch::new();
    let [one, two] = [MISEQ, MISEQ_2].map(testdata);
    let merged = |threads: &str, more: &[&str]| {
        let out = scratch.path("out.fq");
        let common = ["filter", &one, &two, "-q", "-o", &out, "--merge", "-", "-j", threads];
        run(command(common).args(more)).done().stdout
    };
    for more in [&["--trim"][..], &["--annotate", "--umi", "read1:4"]] {
        let alone = merged("1", more);
        assert!(alone == merged("3", more));
        assert!(parsed(&alone).len() > 1000, "{}", parsed(&alone).len());
    }
}

#[test]
fn what_cannot_be_merged_is_refused() {
    let scratch = Scratch::new();
    let out = scratch.path("out.fq");
    bm(["filter", &testdata(MEASLES), "-o", "-", "--merge", &out]).misused();
    let [one, two] = [MEASLES, MEASLES_2].map(testdata);
    let error = bm(["filter", &one, &two, "-o", &out, "--merge", "-", "-m", "mean-q20"]).refused();
    assert!(error.contains("--merge: the model mean-q20 gives no error probabilities"), "{error}");
    let error = bm(["filter", &one, &two, "-o", &out, "--merge", &out]).refused();
    assert!(error.contains("out.fq"), "{error}");
}
