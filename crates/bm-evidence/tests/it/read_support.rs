//! Exactly the wrong bases of a read are accused.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bm_evidence::{BaseSupport, Evidence, ReadSupport};
use bm_kmers::{Counter, Index};
use proptest::collection::btree_map;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::run::{
    Draw, ROOM, accused, apply, counted, genome, look, other, reading, reverse_complement, tiled,
    weights,
};

const K: usize = 21;

/// A genome, and a run that has each of its places 30 times.
static DEEP: LazyLock<(Vec<u8>, Index)> = LazyLock::new(|| {
    let genome = genome(6000, 1);
    let index = counted(Counter::new(K, ROOM), &tiled(&genome, 150, 5));
    (genome, index)
});

/// A piece of the genome far from its ends, where the run is as deep as elsewhere.
fn piece(start: usize, length: usize) -> Vec<u8> {
    DEEP.0[500 + start..500 + start + length].to_vec()
}

/// Of each base, whether anything is known.
fn known(index: &Index, read: &[u8]) -> Vec<bool> {
    look(index, read).iter().map(|statement| statement.is_known()).collect()
}

#[test]
fn reads_without_errors_are_known_and_not_accused() {
    let mut support = ReadSupport::default();
    for (start, length) in (0..4000).step_by(37).zip((K..151).cycle()) {
        for read in [
            piece(start, length),
            reverse_complement(&piece(start, length)),
            piece(start, length).to_ascii_lowercase(),
        ] {
            assert!(
                known(&DEEP.1, &read).iter().all(|known| *known),
                "{length} bases from {start}"
            );
            assert_eq!(accused(&DEEP.1, &read), [0; 0], "{length} bases from {start}");
        }
        support.look(&DEEP.1, &reading(&DEEP.1, &piece(start, length)));
        assert!((20..=30).contains(&support.depth()), "{}", support.depth());
    }
}

#[test]
fn one_wrong_base_is_accused_wherever_it_is() {
    for at in 0..150 {
        for by in 1..4 {
            let mut read = piece(7 * at, 150);
            read[at] = other(read[at], by);
            assert_eq!(accused(&DEEP.1, &read), [at]);
            assert!(known(&DEEP.1, &read).iter().all(|known| *known));
        }
    }
    // Of a read that has hardly more than a k-mer, too.
    for (length, at) in [
        (K + 1, 0),
        (K + 1, K),
        (K + 5, 3),
        (2 * K, 0),
        (2 * K, K - 1),
        (2 * K, K),
        (2 * K, 2 * K - 1),
    ] {
        let mut read = piece(100, length);
        read[at] = other(read[at], 1);
        assert_eq!(accused(&DEEP.1, &read), [at], "of {length}");
    }
}

#[test]
fn a_wrong_base_near_unknown_ones_is_accused_and_they_are_not() {
    for (n, at) in [(70, 69), (70, 71), (70, 60), (70, 80), (0, 1), (149, 148), (0, 0), (20, 149)] {
        let mut read = piece(300, 150);
        read[at] = other(read[at], 2);
        read[n] = b'N';
        assert_eq!(accused(&DEEP.1, &read), if n == at { vec![] } else { vec![at] }, "N at {n}");
        assert!(!look(&DEEP.1, &read)[n].is_known(), "N at {n}");
    }
    // Nothing but unknown bases around.
    let mut read = piece(300, 150);
    read[40..60].fill(b'N');
    assert_eq!(accused(&DEEP.1, &read), [0; 0]);
}

#[test]
fn two_wrong_bases_within_a_kmer_are_both_accused() {
    for distance in 1..=K {
        for at in [0, 1, 40, 63, 149 - distance] {
            let mut read = piece(900 + 3 * at, 150);
            read[at] = other(read[at], 1);
            read[at + distance] = other(read[at + distance], 3);
            assert_eq!(accused(&DEEP.1, &read), [at, at + distance]);
        }
    }
}

/// Expects an accusation within two bases of the place, and few others; returns how many.
#[track_caller]
fn near(read: &[u8], at: usize) -> usize {
    let accused = accused(&DEEP.1, read);
    assert!(accused.iter().any(|place| place.abs_diff(at) <= 2), "{accused:?}, expected {at}");
    // Who comes from the other side and is out of step notices late; where few bases are left,
    // never.
    assert!(
        accused.len() <= 12 && accused.iter().all(|place| place.abs_diff(at) < K),
        "{accused:?}, expected {at}"
    );
    accused.len()
}

#[test]
fn a_base_too_many_or_too_few_is_accused_near_by() {
    let mut accused = Vec::new();
    for at in 25..125 {
        let read = piece(5 * at, 150);
        let mut longer = read.clone();
        // Beside an equal base nobody can tell which of them is too many.
        let base = (1..4).map(|by| other(read[at], by)).find(|base| *base != read[at - 1]).unwrap();
        longer.insert(at, base);
        accused.push(near(&longer, at));
        let mut shorter = read.clone();
        // Between two tiles that stand nobody looks: a base that is missing right there is not
        // missed.
        if !at.is_multiple_of(K) && read[at] != read[at - 1] && read[at] != read[at + 1] {
            shorter.remove(at);
            accused.push(near(&shorter, at));
        }
    }
    accused.sort_unstable();
    assert!(
        accused[accused.len() / 2] <= 2 && accused.iter().sum::<usize>() <= 4 * accused.len(),
        "{accused:?}"
    );
}

#[test]
fn of_what_the_run_does_not_have_nothing_is_known() {
    let elsewhere = genome(2000, 99);
    for read in elsewhere.chunks(150) {
        assert!(look(&DEEP.1, read).iter().all(|statement| *statement == BaseSupport::NONE));
    }
    for length in 0..K {
        assert_eq!(look(&DEEP.1, &piece(0, length)), vec![BaseSupport::NONE; length]);
    }
    assert_eq!(look(&DEEP.1, &[b'N'; 200]), [BaseSupport::NONE; 200]);
}

#[test]
fn a_place_that_is_seen_once_beside_a_deep_genome_is_not_accused() {
    let rare = genome(3000, 2);
    // Reads of it touch, and do not overlap.
    let reads: Vec<_> = rare.chunks(150).map(<[u8]>::to_vec).collect();
    for level in [0, 2] {
        let index =
            counted(Counter::sampled(K, ROOM, level), tiled(&DEEP.0, 150, 5).iter().chain(&reads));
        let evidence = Evidence::new(index, weights(level == 0));
        for read in &reads {
            assert_eq!(accused(evidence.index(), read), [0; 0], "one in 2^{level}");
            let mut probabilities = [0.01; 150];
            apply(&evidence, read, &mut probabilities);
            assert!(probabilities.iter().all(|p| *p <= 0.010_001), "{probabilities:?}");
        }
    }
    // A read that goes over into such a place: where it does may be accused, what follows is not.
    let read = [&piece(50, 75), &rare[..75]].concat();
    let accused = accused(&DEEP.1, &read);
    assert!(accused.len() <= 2 && accused.iter().all(|at| (74..80).contains(at)), "{accused:?}");
}

#[test]
fn what_a_witness_saw_before_does_not_matter() {
    let mut support = ReadSupport::default();
    let mut wrong = piece(10, 150);
    wrong[75] = other(wrong[75], 1);
    let reads = [
        piece(0, 150),
        wrong.clone(),
        vec![],
        genome(300, 5),
        piece(3, 30),
        reverse_complement(&wrong),
        wrong[..80].to_vec(),
    ];
    for _ in 0..2 {
        for read in &reads {
            let statements = support.look(&DEEP.1, &reading(&DEEP.1, read));
            assert_eq!(statements, look(&DEEP.1, read));
        }
    }
}

/// Bases that repeat, with changes: any k-mer may follow itself.
fn repeats(draw: &mut Draw, bases: usize) -> Vec<u8> {
    let mut sequence = Vec::new();
    while sequence.len() < bases {
        let unit: Vec<u8> = (0..=draw.below(4)).map(|_| b"ACGT"[draw.below(4)]).collect();
        (0..draw.below(40)).for_each(|_| sequence.extend(&unit));
        sequence.push(b"ACGT"[draw.below(4)]);
    }
    sequence.truncate(bases);
    sequence
}

#[test]
fn a_walk_along_repeats_ends() {
    for seed in 0..60 {
        let mut draw = Draw::new(seed);
        let genome = repeats(&mut draw, 2000);
        let mut run = tiled(&genome, 120, 7);
        for read in &mut run {
            for _ in 0..draw.below(5) {
                let at = draw.below(read.len());
                match draw.below(3) {
                    0 => read[at] = other(read[at], 1 + draw.below(3)),
                    1 => drop(read.remove(at)),
                    _ => read.insert(at, b"ACGT"[draw.below(4)]),
                }
            }
        }
        let index = counted(Counter::new(17, ROOM), &run);
        for read in &run {
            assert_eq!(look(&index, read).len(), read.len());
        }
        for _ in 0..50 {
            let read = repeats(&mut draw, 200);
            assert_eq!(look(&index, &read).len(), 200);
        }
    }
}

proptest! {
    // Of drawn errors one in many thousands is borne out by accident, as the index keeps k-mers
    // without all their bits.
    #![proptest_config(ProptestConfig { cases: 400, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn drawn_errors_are_accused_on_both_strands(
        start in 0..4500_usize,
        length in 100..=150_usize,
        errors in btree_map(0..100_usize, 1..4_usize, 0..=3),
    ) {
        let mut read = piece(start, length);
        errors.iter().for_each(|(at, by)| read[*at] = other(read[*at], *by));
        let places: BTreeSet<usize> = errors.into_keys().collect();
        prop_assert_eq!(accused(&DEEP.1, &read).into_iter().collect::<BTreeSet<_>>(), places.clone());
        let mirrored: BTreeSet<usize> = accused(&DEEP.1, &reverse_complement(&read)).into_iter().map(|at| length - 1 - at).collect();
        prop_assert_eq!(mirrored, places);
    }

    #[test]
    fn any_bytes_are_looked_at(read in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(look(&DEEP.1, &read).len(), read.len());
    }

    #[test]
    fn pieces_in_any_order_are_looked_at(pieces in proptest::collection::vec((0..5000_usize, 1..60_usize), 0..12)) {
        let read: Vec<u8> = pieces.iter().flat_map(|(start, length)| piece(*start, *length)).collect();
        prop_assert_eq!(look(&DEEP.1, &read).len(), read.len());
    }
}
