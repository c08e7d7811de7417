//! Counts are correct, in any amount of memory and with any number of threads.

use std::collections::HashMap;

use bm_kmers::{Counter, Index, kmer};
use bm_reads::base;

use crate::run::{Draw, ROOM, count, counted, genome, reverse_complement, tiled};

/// Reads with errors, with N, in lower case, shorter than a k-mer and empty.
fn mixed(seed: u64) -> Vec<Vec<u8>> {
    let (genome, mut draw) = (genome(3000, seed), Draw::new(seed + 1));
    let read = |number: usize| {
        let start = draw.below(2880);
        let mut read = genome[start..start + 120].to_vec();
        for _ in 0..draw.below(3) {
            read[draw.below(120)] = b"ACGTNnRacgt"[draw.below(11)];
        }
        if number.is_multiple_of(3) {
            read.make_ascii_lowercase();
        }
        if number.is_multiple_of(2) { reverse_complement(&read.to_ascii_uppercase()) } else { read }
    };
    let mut reads: Vec<_> = (0..400).map(read).collect();
    reads.extend([Vec::new(), b"ACGT".to_vec(), vec![b'N'; 90], vec![b'A'; 90], vec![b't'; 90]]);
    reads
}

/// Returns the count of each k-mer of reads, by the first of its two strands in the alphabet.
fn naive(reads: &[Vec<u8>], k: usize) -> HashMap<Vec<u8>, u32> {
    let mut counts = HashMap::new();
    for read in reads {
        for window in read.to_ascii_uppercase().windows(k) {
            if window.iter().all(|base| b"ACGT".contains(base)) {
                *counts.entry(window.to_vec().min(reverse_complement(window))).or_insert(0) += 1;
            }
        }
    }
    counts
}

fn written(index: &Index) -> Vec<u8> {
    let mut bytes = Vec::new();
    index.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn counts_are_those_of_both_strands_together() {
    for k in [17, 19, 23, 27, 31] {
        let reads = mixed(k as u64);
        let (index, expected) = (counted(Counter::new(k, ROOM), &reads), naive(&reads, k));
        assert_eq!((index.k(), index.fraction()), (k, 1.0));
        assert_eq!(index.kmers(), expected.values().filter(|count| **count > 1).count() as u64);
        for (kmer, expected) in expected {
            let expected = if expected > 1 { expected } else { 0 };
            let strands = [count(&index, &kmer), count(&index, &reverse_complement(&kmer))];
            assert_eq!(strands, [expected; 2], "{}", String::from_utf8_lossy(&kmer));
        }
    }
}

#[test]
fn u_counts_as_t_and_counts_end_at_4095() {
    let mut counter = Counter::new(17, ROOM);
    for _ in 0..2500 {
        counter.observe(b"ACGTACGGTTATACGAT");
        counter.observe(b"acguacgguuauacgau");
    }
    let index = counter.finish();
    assert_eq!((index.kmers(), count(&index, b"ACGTACGGTTATACGAT")), (1, 4095));
}

#[test]
fn a_run_without_kmers_has_an_empty_index() {
    for reads in [vec![], vec![b"ACGT".to_vec()], vec![vec![b'N'; 100]]] {
        let index = counted(Counter::new(31, ROOM), &reads);
        assert_eq!((index.kmers(), index.fraction()), (0, 1.0));
        assert_eq!(count(&index, &[b'A'; 31]), 0);
    }
}

#[test]
fn counts_do_not_depend_on_the_number_of_parts() {
    let mut reads = mixed(1);
    reads.extend(tiled(&genome(30_000, 2), 120, 20));
    // With memory for all k-mers, and with too little.
    for bytes in [ROOM, 300_000, 30_000] {
        let whole = written(&counted(Counter::new(21, bytes), &reads));
        for parts in [0, 1, 2, 7, 256, 5000] {
            let mut parts = Counter::new(21, bytes).split(parts);
            for part in &mut parts {
                reads.iter().for_each(|read| part.observe(read));
            }
            let number = parts.len();
            assert!(
                written(&Counter::join(parts).unwrap().finish()) == whole,
                "{number} parts, {bytes} bytes"
            );
        }
    }
    assert!(Counter::join([]).is_none());
}

#[test]
fn kmers_that_do_not_fit_are_left_out_and_the_counts_of_the_others_hold() {
    let reads: Vec<_> = tiled(&genome(400_000, 3), 100, 10);
    let expected = naive(&reads, 21);
    let all = counted(Counter::new(21, ROOM), &reads);
    let mut before = all.kmers();
    for bytes in [4_000_000, 2_000_000, 1_000_000] {
        let index = counted(Counter::new(21, bytes), &reads);
        assert!(
            index.fraction() < 1.0 && index.kmers() < before,
            "{bytes} bytes: {} k-mers",
            index.kmers()
        );
        assert!(index.bytes() <= bytes, "{bytes} bytes: {}", index.bytes());
        before = index.kmers();
        let (mut found, mut seen, mut kept, mut more) = (0, 0, 0, 0);
        for (kmer, expected) in &expected {
            let count = count(&index, kmer);
            // A k-mer that was dropped and seen again is counted from then on. The index finds a
            // few wrong k-mers.
            more += u32::from(count > *expected);
            if count > 0 {
                found += 1;
                seen += count;
                kept += expected;
            }
        }
        assert!(20_000 * more < expected.len() as u32, "{more} of {}", expected.len());
        assert!(
            found <= index.kmers() + 20 && 10 * found >= 9 * index.kmers(),
            "{found} of {}",
            index.kmers()
        );
        assert!(10 * seen > 8 * kept, "{seen} of {kept}");
        let ratio = found as f64 / expected.len() as f64 / index.fraction();
        assert!((0.5..=1.2).contains(&ratio), "{ratio} of the expected fraction");
    }
}

#[test]
fn counting_goes_on_with_hardly_any_memory_and_the_index_is_read_back() {
    let mut reads = vec![vec![b'A'; 200]; 3];
    reads.extend(tiled(&genome(60_000, 4), 100, 20));
    // The hash of poly-A is always among those that are kept.
    reads.extend(vec![vec![b'T'; 200]; 3]);
    for bytes in [0, 1, 8192, 40_000] {
        let index = counted(Counter::new(21, bytes), &reads);
        assert!(index.fraction() > 0.0 && index.fraction() < 1.0, "{bytes} bytes");
        let file = written(&index);
        assert!(
            Index::read(&mut file.as_slice(), file.len() as u64).unwrap() == index,
            "{bytes} bytes"
        );
    }
}

#[test]
fn the_length_of_kmers_is_odd_and_grows_with_the_genome_and_shrinks_with_errors() {
    let codes = |reads: &[Vec<u8>]| {
        reads
            .iter()
            .map(|read| read.iter().map(|base| base::code(*base)).collect())
            .collect::<Vec<Vec<u8>>>()
    };
    let length =
        |reads: &[Vec<u8>], rate| kmer::length_for(codes(reads).iter().map(Vec::as_slice), rate);
    let (small, large) = (tiled(&genome(2000, 5), 150, 3), tiled(&genome(200_000, 6), 150, 130));
    for (reads, rate) in [
        (&small, 0.0),
        (&small, 0.5),
        (&large, 0.001),
        (&large, f64::NAN),
        (&vec![], 0.01),
        (&vec![vec![b'N'; 9]], 0.01),
    ] {
        let k = length(reads, rate);
        assert!((kmer::SHORTEST..=kmer::LONGEST).contains(&k) && !k.is_multiple_of(2), "{k}");
    }
    assert!(length(&small, 0.001) < length(&large, 0.001));
    assert!(length(&large, 0.06) < length(&large, 0.001));
    assert_eq!(length(&tiled(&genome(200_000, 6), 36, 30), 0.001), 19);
}

#[test]
fn an_index_of_empty_lines_is_refused_before_it_takes_memory() {
    // Four k-mers in a million lines: a megabyte of file, thirty-two of memory.
    let header = |lines: u64, kmers: u64| {
        [
            &17_u32.to_le_bytes()[..],
            &0_u32.to_le_bytes(),
            &lines.to_le_bytes(),
            &kmers.to_le_bytes(),
        ]
        .concat()
    };
    let lines = 1_000_000;
    let mut taken = vec![0; lines as usize];
    taken[0] = 4;
    let file = [header(lines, 4), taken, vec![2; 16]].concat();
    let error = Index::read(&mut file.as_slice(), file.len() as u64).unwrap_err().to_string();
    assert!(error.contains("4 k-mers in 1000000 lines"), "{error}");
}

#[test]
fn of_reads_with_many_errors_the_frequent_kmers_stay_where_memory_is_full() {
    // Depth 100, and an error in one base of 33: most k-mers are seen once.
    let (genome, mut draw) = (genome(40_000, 5), Draw::new(6));
    let read = |draw: &mut Draw| {
        let start = draw.below(39_000);
        let mut read = genome[start..start + 1_000].to_vec();
        for base in &mut read {
            if draw.below(25) == 0 {
                *base = b"ACGT"[draw.below(4)];
            }
        }
        read
    };
    let reads: Vec<_> = (0..4_000).map(|_| read(&mut draw)).collect();
    let little = 7_000_000;
    let (all, sampled, frequent) = (
        counted(Counter::new(17, ROOM), &reads),
        counted(Counter::new(17, little), &reads),
        counted(Counter::new(17, little).of_many_errors(), &reads),
    );
    assert_eq!(all.fraction(), 1.0);
    assert!(sampled.fraction() < 1.0, "{sampled:?}");
    assert_eq!(frequent.fraction(), 1.0);
    // Nearly all k-mers of the genome are there, and hardly an occurrence is lost before they are frequent.
    let kmers = genome[1_000..39_000].windows(17);
    let counts = kmers.map(|kmer| [&all, &frequent].map(|index| f64::from(count(index, kmer))));
    let counts: Vec<[f64; 2]> = counts.collect();
    assert!(counts.iter().all(|[all, found]| found <= all));
    let few = counts.iter().filter(|[all, found]| *found < 0.8 * all).count();
    assert!(few as f64 <= 0.002 * counts.len() as f64, "{few} of {}", counts.len());
    assert!(frequent.kmers() < all.kmers());
    // Without depth, k-mers are sampled as those of other reads.
    let shallow: Vec<_> = (0..1_000).map(|seed| crate::run::genome(1_000, 100 + seed)).collect();
    let [one, other] = [Counter::new(17, little), Counter::new(17, little).of_many_errors()]
        .map(|counter| counted(counter, &shallow));
    assert!(one.fraction() < 1.0 && written(&one) == written(&other));
}
