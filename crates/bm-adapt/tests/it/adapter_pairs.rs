//! Adapters of pairs: confirmed and found by the ends of inserts, and only there.

use bm_adapt::{Acceptance, Adapters, Reason};
use bm_reads::ReadRef;

use crate::run::{Draw, genome, read, reverse_complement};

const ADAPTERS: [&str; 2] =
    ["CGTTACGGCATTCAGGATCAAGTCCTGATGACCTGA", "TTGCATCCAGTCAACGTAGCCATTGGACTTCAGCA"];
const TRUSEQ: [&str; 2] =
    ["AGATCGGAAGAGCACACGTCTGAACTCCAGTCA", "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT"];

const LENGTH: usize = 100;

type Pair = [Vec<u8>; 2];

fn find(pairs: &[Pair]) -> [Adapters; 2] {
    fn of(sequence: &[u8]) -> ReadRef<'_> {
        ReadRef { name: b"read", sequence, quality_scores: sequence }
    }
    Adapters::find_pairs(pairs.iter().map(|[first, second]| [of(first), of(second)]))
}

fn sequences(adapters: &[Adapters; 2]) -> [Vec<&str>; 2] {
    [0, 1].map(|mate| adapters[mate].found.iter().map(|it| it.sequence.as_str()).collect())
}

fn nothing(pairs: &[Pair], what: &str) {
    assert_eq!(sequences(&find(pairs)), [vec![""; 0], vec![]], "{what}");
}

/// The mates of a molecule between adapters, with errors; past the adapters, G.
fn mates(molecule: &[u8], adapters: [&str; 2], draw: &mut Draw) -> Pair {
    let strands = [molecule.to_vec(), reverse_complement(molecule)];
    [0, 1].map(|mate| {
        let mut all = [&strands[mate], adapters[mate].as_bytes()].concat();
        all.resize(LENGTH, b'G');
        read(&all, draw).sequence
    })
}

/// A molecule of a genome, of either strand.
fn molecule(genome: &[u8], bases: usize, draw: &mut Draw) -> Vec<u8> {
    let start = draw.below(genome.len() - bases + 1);
    let piece = &genome[start..start + bases];
    if draw.chance(0.5) { reverse_complement(piece) } else { piece.to_vec() }
}

/// Pairs of molecules of these lengths.
fn pairs(
    genome: &[u8],
    count: usize,
    adapters: [&str; 2],
    draw: &mut Draw,
    length: impl Fn(usize, &mut Draw) -> usize,
) -> Vec<Pair> {
    (0..count)
        .map(|i| {
            let bases = length(i, draw);
            let molecule = molecule(genome, bases, draw);
            mates(&molecule, adapters, draw)
        })
        .collect()
}

#[test]
fn an_unknown_adapter_is_confirmed_by_mates() {
    let mut draw = Draw::new(1);
    let genome = genome(100_000, 2);
    let made = pairs(&genome, 5000, ADAPTERS, &mut draw, |_, draw| 30 + draw.below(300));
    let adapters = find(&made);
    assert_eq!(sequences(&adapters), ADAPTERS.map(|adapter| vec![adapter]));
    for mate in &adapters {
        let Acceptance::Unknown(reasons) = &mate.found[0].acceptance else {
            panic!("{:?}", mate.found)
        };
        assert_eq!(reasons.last(), Some(&Reason::EndsOfInserts));
    }
    // Without overlapping mates, nothing contradicts.
    let strangers: Vec<Pair> =
        made.iter().zip(made.iter().skip(1)).map(|(a, b)| [a[0].clone(), b[1].clone()]).collect();
    let adapters = find(&strangers);
    assert_eq!(sequences(&adapters), ADAPTERS.map(|adapter| vec![adapter]));
    for mate in &adapters {
        let Acceptance::Unknown(reasons) = &mate.found[0].acceptance else { panic!() };
        assert!(!reasons.contains(&Reason::EndsOfInserts));
    }
}

#[test]
fn an_unknown_adapter_that_mates_contradict_is_dropped() {
    let mut draw = Draw::new(3);
    let genome = genome(100_000, 4);
    // Inserts end at TruSeq. In some first mates, something else covers the end of the read.
    let mut made = pairs(&genome, 5000, TRUSEQ, &mut draw, |i, draw| {
        if i % 20 == 0 { 30 + draw.below(60) } else { 120 }
    });
    for [first, _] in made.iter_mut().skip(1).step_by(20) {
        let start = 40 + draw.below(40);
        first.truncate(start);
        first.extend(ADAPTERS[0].bytes());
        first.resize(LENGTH, b'G');
    }
    let alone = Adapters::find(made.iter().map(|[first, _]| ReadRef {
        name: b"read",
        sequence: first,
        quality_scores: first,
    }));
    assert!(alone.found.iter().any(|adapter| adapter.sequence == ADAPTERS[0]));
    assert_eq!(sequences(&find(&made)), TRUSEQ.map(|adapter| vec![adapter]));
}

#[test]
fn rare_adapters_are_found_by_mates() {
    let mut draw = Draw::new(5);
    let genome = genome(1_000_000, 6);
    for (few, kept) in [(8, true), (4, false)] {
        for adapters in [ADAPTERS, TRUSEQ] {
            let made = pairs(&genome, 10_000, adapters, &mut draw, |i, draw| {
                if i < few { 30 + 6 * i } else { 150 + draw.below(300) }
            });
            let alone = Adapters::find(made.iter().map(|[first, _]| ReadRef {
                name: b"read",
                sequence: first,
                quality_scores: first,
            }));
            assert!(alone.found.is_empty());
            let found = find(&made);
            if !kept {
                assert_eq!(sequences(&found), [vec![""; 0], vec![]]);
                continue;
            }
            for (mate, adapter) in found.iter().zip(adapters) {
                let [found] = &mate.found[..] else { panic!("{:?}", mate.found) };
                assert!(found.sequence.len() >= 15 && adapter.starts_with(&found.sequence));
                assert_eq!((&found.acceptance, found.reads), (&Acceptance::Mates, 8));
                assert_eq!(found.kit.is_some(), adapter == TRUSEQ[0] || adapter == TRUSEQ[1]);
            }
        }
    }
}

#[test]
fn short_tails_show_the_start_of_an_adapter() {
    let mut draw = Draw::new(7);
    let genome = genome(100_000, 8);
    let made = pairs(&genome, 5000, ADAPTERS, &mut draw, |i, draw| {
        if i % 100 == 0 { 88 + i / 100 % 5 } else { 150 + draw.below(300) }
    });
    for (found, adapter) in sequences(&find(&made)).iter().zip(ADAPTERS) {
        assert!(
            found.len() == 1 && found[0].len() >= 8 && adapter.starts_with(found[0]),
            "{found:?}"
        );
    }
}

#[test]
fn ends_at_one_place_show_no_adapter() {
    let mut draw = Draw::new(9);
    let genome = genome(100_000, 10);
    // One amplicon, and several of the same length with the same primers.
    let amplicon = &genome[..80];
    let made: Vec<Pair> = (0..2000).map(|_| mates(amplicon, ADAPTERS, &mut draw)).collect();
    nothing(&made, "an amplicon");
    let made: Vec<Pair> = (0..2000)
        .map(|_| {
            let middle = molecule(&genome, 40, &mut draw);
            let whole = [&genome[..20], &middle, &genome[100..120]].concat();
            mates(&whole, ADAPTERS, &mut draw)
        })
        .collect();
    nothing(&made, "amplicons with the same primers");
    // Molecules end at one primer, at different lengths: the bases before the end are the same. Read
    // from the primer, they end anywhere.
    let made: Vec<Pair> = (0..2000)
        .map(|_| {
            let start = draw.below(60);
            mates(&genome[start..90], ADAPTERS, &mut draw)
        })
        .collect();
    assert_eq!(sequences(&find(&made)), [vec![], vec![ADAPTERS[1]]]);
}

#[test]
fn repeats_show_no_adapter() {
    let mut draw = Draw::new(11);
    let long = ["", ""];
    // Tandem repeats of 171 bases, which differ in a tenth of them; reads begin anywhere, or at a
    // restriction site, which gives all fragments the same start and the same end.
    for different in [0.0, 0.02, 0.1] {
        let unit = genome(171, 12);
        let mut satellite = Vec::new();
        while satellite.len() < 200_000 {
            let copy: Vec<u8> = unit
                .iter()
                .map(|base| if draw.chance(different) { b"ACGT"[draw.below(4)] } else { *base })
                .collect();
            satellite.extend(copy);
        }
        let made = pairs(&satellite, 10_000, long, &mut draw, |_, draw| 150 + draw.below(500));
        nothing(&made, "a satellite");
        let made: Vec<Pair> = (0..10_000)
            .map(|_| {
                let start = 171 * draw.below(900);
                let length = 171 * (1 + draw.below(3)) + 60;
                mates(&satellite[start..start + length], long, &mut draw)
            })
            .collect();
        nothing(&made, "a satellite, cut");
    }
    // Direct and inverted repeats at many places of a genome.
    for turned in [false, true] {
        let unit = genome(150, 13);
        let other = if turned { reverse_complement(&unit) } else { unit.clone() };
        let mut all = Vec::new();
        while all.len() < 500_000 {
            all.extend((0..300).map(|_| b"ACGT"[draw.below(4)]));
            all.extend(&unit);
            all.extend((0..draw.below(100)).map(|_| b"ACGT"[draw.below(4)]));
            all.extend(&other);
        }
        let made = pairs(&all, 20_000, long, &mut draw, |_, draw| 150 + draw.below(300));
        nothing(&made, "pairs of repeats");
    }
    // Low complexity.
    let units = ["A", "AC", "ACG", "AAAT", "ACGTT", "GGGTTA", "ACACGTG"];
    let made: Vec<Pair> = (0..10_000)
        .map(|i| {
            let sequence = units[i % units.len()].repeat(500);
            let bases = 150 + draw.below(200);
            let molecule = molecule(sequence.as_bytes(), bases, &mut draw);
            mates(&molecule, long, &mut draw)
        })
        .collect();
    nothing(&made, "microsatellites");
}

#[test]
fn palindromes_and_mates_with_the_same_bases_show_no_adapter() {
    let mut draw = Draw::new(14);
    // Palindromes of all lengths at many places.
    let mut all = Vec::new();
    while all.len() < 500_000 {
        let half = genome(20 + draw.below(40), all.len() as u64);
        all.extend((0..200).map(|_| b"ACGT"[draw.below(4)]));
        all.extend(&half);
        all.extend(reverse_complement(&half));
    }
    let whole = pairs(&all, 20_000, ["", ""], &mut draw, |_, draw| 150 + draw.below(300));
    nothing(&whole, "palindromes");
    let of_one = |turn: bool| -> Vec<Pair> {
        let second = |first: &Vec<u8>| if turn { reverse_complement(first) } else { first.clone() };
        whole.iter().map(|[first, _]| [first.clone(), second(first)]).collect()
    };
    nothing(&of_one(false), "the same file twice");
    nothing(&of_one(true), "mates turned");
    // One palindrome, with molecules that begin and end inside.
    let palindrome = [genome(300, 15), reverse_complement(&genome(300, 15))].concat();
    let made = pairs(&palindrome, 10_000, ["", ""], &mut draw, |_, draw| 150 + draw.below(300));
    nothing(&made, "one palindrome");
}

#[test]
fn mates_of_other_numbers_and_lengths_are_taken() {
    nothing(&[], "nothing");
    nothing(&vec![[b"".to_vec(), b"ACGT".to_vec()]; 50], "short reads");
    nothing(&vec![[vec![b'N'; 100], vec![b'N'; 100]]; 50], "unknown bases");
    let long = genome(5000, 16);
    let made = vec![[long.clone(), reverse_complement(&long)]; 200];
    nothing(&made, "long reads");
}

#[test]
fn what_follows_few_ends_or_is_of_the_sample_is_no_adapter() {
    let mut draw = Draw::new(17);
    let genome = genome(100_000, 18);
    let long = ["", ""];
    let others = pairs(&genome, 5000, long, &mut draw, |_, draw| 150 + draw.below(300));
    // After most inserts come different bases.
    let mut made = others.clone();
    made.extend((0..100).map(|i| {
        let tails: [Vec<u8>; 2] = if i % 10 == 0 {
            ADAPTERS.map(|adapter| adapter.as_bytes().to_vec())
        } else {
            [0, 1].map(|_| (0..40).map(|_| b"ACGT"[draw.below(4)]).collect())
        };
        let molecule = molecule(&genome, 40 + i % 31, &mut draw);
        mates(&molecule, tails.each_ref().map(|tail| str::from_utf8(tail).unwrap()), &mut draw)
    }));
    nothing(&made, "different tails");
    // After all inserts comes a microsatellite.
    let tail = "AC".repeat(30);
    let mut made = others.clone();
    made.extend(pairs(&genome, 100, [&tail, &tail], &mut draw, |i, _| 40 + i % 30));
    nothing(&made, "microsatellites");
    // A mobile element between two copies of the target site, each time another one, and molecules
    // from the start of the first site to the end of the second: they seem to end with the first.
    let element = crate::run::genome(200, 19);
    let mut made = others;
    let mut sites = Vec::new();
    for i in 0..60 {
        let site = molecule(&genome, 25 + i % 30, &mut draw);
        let start = molecule(&genome, 200, &mut draw);
        let whole = [start.as_slice(), &site, &element, &site, &start].concat();
        sites.push(mates(&whole[200..whole.len() - 200], long, &mut draw));
        made.extend(pairs(&whole, 20, long, &mut draw, |_, draw| 150 + draw.below(200)));
    }
    assert_eq!(sequences(&find(&sites)).map(|found| found.len()), [1, 1]);
    made.extend(sites);
    nothing(&made, "mobile elements");
}
