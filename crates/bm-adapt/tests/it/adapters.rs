//! Adapters: found where there are some, and only there.

use std::path::Path;

use bm_adapt::{Acceptance, Adapters, Reason};
use bm_reads::ReadRef;
use bm_reads::fastq::{BatchSize, Reader, RecordBatch};
use flate2::read::MultiGzDecoder;

use crate::run::{Draw, genome, other, read, reverse_complement};

const ADAPTER: &str = "CGTTACGGCATTCAGGATCAAGTCCTGATGACCTGA";
const ADAPTER_2: &str = "TTGCATCCAGTCAACGTAGCCATTGGACTTCAGCA";

fn testdata(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name);
    let mut reader = Reader::new(MultiGzDecoder::new(std::fs::File::open(path).unwrap()));
    let mut batch = RecordBatch::default();
    reader.read_batch(&mut batch, BatchSize::Records(usize::MAX)).unwrap();
    batch.iter().map(|record| record.sequence.to_vec()).collect()
}

fn phage() -> Vec<Vec<u8>> {
    testdata("hiseqx_phage/hiseqx_phage.fastq.gz")
}

fn find(reads: &[Vec<u8>]) -> Adapters {
    Adapters::find(reads.iter().map(|sequence| ReadRef {
        name: b"read",
        sequence,
        quality_scores: sequence,
    }))
}

fn sequences(adapters: &Adapters) -> Vec<&str> {
    adapters.found.iter().map(|adapter| adapter.sequence.as_str()).collect()
}

/// Reads with an adapter in a fraction of them, then G; one base in 200 of it is wrong.
fn with(
    reads: &[Vec<u8>],
    fraction: f64,
    seed: u64,
    adapter: impl Fn(&mut Draw) -> String,
) -> (Vec<Vec<u8>>, usize) {
    let mut draw = Draw::new(seed);
    let mut shown = 0;
    let made = reads
        .iter()
        .map(|read| {
            let length = read.len();
            let insert = if draw.chance(fraction) { 15 + draw.below(length - 15) } else { length };
            let mut tail = adapter(&mut draw).into_bytes();
            tail.resize(length, b'G');
            for base in &mut tail {
                if draw.chance(0.005) {
                    *base = other(*base, &mut draw);
                }
            }
            shown += usize::from(length - insert >= 12);
            [&read[..insert], &tail[..length - insert]].concat()
        })
        .collect();
    (made, shown)
}

#[test]
fn nothing_is_found_where_there_is_no_adapter() {
    for name in [
        "hiseqx_phage/hiseqx_phage.fastq.gz",
        "miseq_twist/miseq_twist_first2000_1.fastq.gz",
        "miseq_twist/miseq_twist_first2000_2.fastq.gz",
        "hiseq_measles/hiseq_measles_1.fastq.gz",
        "hiseq_measles/hiseq_measles_2.fastq.gz",
        "novaseq_A00129_800.fastq.gz",
        "nanopore_lambda_4line.fastq.gz",
    ] {
        let adapters = find(&testdata(name));
        assert!(adapters.found.is_empty(), "{name}: {:?}", adapters.found);
    }
    assert_eq!(find(&[]), Adapters::default());
    for [first, second] in [
        [
            "miseq_twist/miseq_twist_first2000_1.fastq.gz",
            "miseq_twist/miseq_twist_first2000_2.fastq.gz",
        ],
        ["hiseq_measles/hiseq_measles_1.fastq.gz", "hiseq_measles/hiseq_measles_2.fastq.gz"],
    ] {
        let (first_mates, second_mates) = (testdata(first), testdata(second));
        let pairs = first_mates.iter().zip(&second_mates).map(|(first, second)| {
            [first, second].map(|sequence| ReadRef {
                name: b"read",
                sequence,
                quality_scores: sequence,
            })
        });
        for mate in Adapters::find_pairs(pairs) {
            assert!(mate.found.is_empty(), "{first}: {:?}", mate.found);
        }
    }
    assert!(find(&[b"".to_vec(), b"ACG".to_vec(), vec![b'N'; 200]]).found.is_empty());
}

#[test]
fn an_unknown_adapter_is_found_to_the_base() {
    for (fraction, seed) in [(0.5, 1), (0.1, 2), (0.01, 3), (0.01, 4)] {
        let (reads, shown) = with(&phage(), fraction, seed, |_| ADAPTER.to_owned());
        let adapters = find(&reads);
        assert_eq!(sequences(&adapters), [ADAPTER], "{fraction}");
        let adapter = &adapters.found[0];
        let counted = adapter.reads as f64 / shown as f64;
        assert!((0.97..=1.01).contains(&counted), "{} of {shown}", adapter.reads);
        assert_eq!(
            adapter.acceptance,
            Acceptance::Unknown(vec![Reason::OneStrand, Reason::NoReadBeginsInside])
        );
        assert!(adapter.kit.is_none() && adapter.contexts > 25.0, "{}", adapter.contexts);
        for (row, base) in adapter.probabilities.iter().zip(ADAPTER.bytes()) {
            let most = row[b"ACGT".iter().position(|letter| *letter == base).unwrap()];
            assert!(most > 0.85 && (row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{row:?}");
        }
    }
}

#[test]
fn a_known_kit_needs_ten_reads() {
    const NEXTERA: &str = "CTGTCTCTTATACACATCTCCGAGCCCACGAGAC";
    let (reads, shown) = with(&phage(), 0.004, 5, |_| NEXTERA.to_owned());
    assert!((15..60).contains(&shown));
    let adapters = find(&reads);
    assert!(NEXTERA.starts_with(sequences(&adapters)[0]) && adapters.found.len() == 1);
    assert_eq!(adapters.found[0].kit.unwrap().name, "Illumina Nextera, read 1");
    assert_eq!(adapters.found[0].acceptance, Acceptance::Kit);
    let (reads, shown) = with(&phage()[..2000], 0.003, 6, |_| NEXTERA.to_owned());
    assert!((1..10).contains(&shown) && find(&reads).found.is_empty());
}

#[test]
fn a_barcode_inside_does_not_end_an_adapter() {
    for kinds in [2, 24] {
        let barcodes = genome(8 * kinds, 8);
        let (reads, _) = with(&phage(), 0.5, 7, |draw| {
            let at = 8 * draw.below(kinds);
            let barcode = std::str::from_utf8(&barcodes[at..at + 8]).unwrap();
            format!("{}{barcode}{}", &ADAPTER[..20], &ADAPTER[20..])
        });
        let adapters = find(&reads);
        let [found] = sequences(&adapters)[..] else { panic!("{:?}", sequences(&adapters)) };
        assert_eq!((&found[..20], &found[28..]), (&ADAPTER[..20], &ADAPTER[20..]), "{kinds}");
        assert!(found[20..28].contains('N'), "{found}");
    }
}

#[test]
fn several_adapters_are_found() {
    let (reads, _) = with(&phage(), 0.5, 9, |draw| {
        if draw.chance(0.6) { ADAPTER.to_owned() } else { ADAPTER_2.to_owned() }
    });
    assert_eq!(sequences(&find(&reads)), [ADAPTER, ADAPTER_2]);
    // Two that begin alike, as of both mates in one file.
    let truseq = ["AGATCGGAAGAGCACACGTCTGAACTCCAGTCA", "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT"];
    let (reads, _) =
        with(&phage(), 0.3, 10, |draw| truseq[usize::from(draw.chance(0.4))].to_owned());
    assert_eq!(sequences(&find(&reads)), truseq);
}

#[test]
fn the_order_of_the_reads_does_not_matter() {
    let (mut reads, _) = with(&phage(), 0.3, 11, |draw| {
        if draw.chance(0.5) { ADAPTER.to_owned() } else { ADAPTER_2.to_owned() }
    });
    let found = find(&reads);
    assert_eq!(found.found.len(), 2);
    assert_eq!(find(&reads), found);
    reads.reverse();
    assert_eq!(find(&reads), found);
    reads.sort();
    assert_eq!(find(&reads), found);
}

/// Reads of 100 bases from anywhere in a sequence.
fn shotgun(of: &[u8], count: usize, stranded: bool, draw: &mut Draw) -> Vec<Vec<u8>> {
    (0..count)
        .map(|_| {
            let start = draw.below(of.len() - 100);
            let piece = &of[start..start + 100];
            let turned = !stranded && draw.chance(0.5);
            let piece = if turned { reverse_complement(piece) } else { piece.to_vec() };
            read(&piece, draw).sequence
        })
        .collect()
}

/// A genome with many copies of a repeat of 300 bases, of which a fraction of the bases differ.
fn repeats(bases: usize, different: f64, one_strand: bool, draw: &mut Draw) -> Vec<u8> {
    let repeat = genome(300, 77);
    let mut made = Vec::new();
    while made.len() < bases {
        made.extend((0..500 + draw.below(1500)).map(|_| b"ACGT"[draw.below(4)]));
        let mut copy = repeat.clone();
        for base in &mut copy {
            if draw.chance(different) {
                *base = other(*base, draw);
            }
        }
        let turned = !one_strand && draw.chance(0.5);
        made.extend(if turned { reverse_complement(&copy) } else { copy });
    }
    made
}

#[test]
fn repeats_and_sequences_of_many_copies_are_no_adapters() {
    let mut draw = Draw::new(12);
    for stranded in [false, true] {
        for different in [0.02, 0.1] {
            let genome = repeats(2_000_000, different, stranded, &mut draw);
            let adapters = find(&shotgun(&genome, 30_000, stranded, &mut draw));
            assert!(adapters.found.is_empty(), "{stranded} {different} {:?}", adapters.found);
        }
        let mut reads = shotgun(&genome(5_000, 13), 20_000, stranded, &mut draw);
        reads.extend(shotgun(&genome(2_000_000, 14), 10_000, stranded, &mut draw));
        let adapters = find(&reads);
        assert!(adapters.found.is_empty(), "{stranded} {:?}", adapters.found);
    }
}

/// Turns C into T: all but one in a hundred, and before G all but 60 %.
fn converted(molecule: &[u8], draw: &mut Draw) -> Vec<u8> {
    let next = molecule.iter().skip(1).chain([&b'A']);
    let convert = |(base, next): (&u8, &u8)| match (base, next) {
        (b'C', b'G') if draw.chance(0.6) => b'C',
        (b'C', _) if !draw.chance(0.01) => b'T',
        _ => *base,
    };
    molecule.iter().zip(next).map(convert).collect()
}

#[test]
fn converted_genomes_have_no_adapters_but_those_of_kits() {
    for different in [0.02, 0.1] {
        let mut draw = Draw::new(15);
        let genome = repeats(2_000_000, different, true, &mut draw);
        // Reads begin anywhere.
        let whole: Vec<_> = shotgun(&genome, 20_000, false, &mut draw)
            .iter()
            .map(|molecule| converted(molecule, &mut draw))
            .collect();
        assert_eq!(sequences(&find(&whole)), [""; 0]);
        // Reads begin at restriction sites, CCGG, and end there.
        let sites: Vec<usize> =
            (0..genome.len() - 4).filter(|at| &genome[*at..*at + 4] == b"CCGG").collect();
        let fragments: Vec<&[u8]> = sites
            .windows(2)
            .map(|ends| &genome[ends[0] + 1..ends[1] + 3])
            .filter(|fragment| (30..400).contains(&fragment.len()))
            .collect();
        for adapter in ["", "AGATCGGAAGAGCACACGTCTGAACTCCAGTCA"] {
            let reads: Vec<_> = (0..20_000)
                .map(|_| {
                    let fragment = fragments[draw.below(fragments.len())];
                    let strand = if draw.chance(0.5) {
                        reverse_complement(fragment)
                    } else {
                        fragment.to_vec()
                    };
                    let mut molecule = converted(&strand, &mut draw);
                    molecule.extend(adapter.bytes());
                    molecule.truncate(100);
                    read(&molecule, &mut draw).sequence
                })
                .collect();
            let expected: Vec<&str> =
                Some(adapter).filter(|it| !it.is_empty()).into_iter().collect();
            assert_eq!(sequences(&find(&reads)), expected);
        }
    }
}
