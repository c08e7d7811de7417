//! The evidence file, and posterior probabilities.

use std::sync::LazyLock;

use bm_evidence::{BaseSupport, Evidence, EvidenceError};
use bm_kmers::Counter;
use bm_reads::conversion::{Conversion, Strands};
use proptest::prelude::*;

use crate::run::{
    HEAD, RANGES, ROOM, apply, counted, genome, other, reverse_complement, tiled, weights, written,
};

static GENOME: LazyLock<Vec<u8>> = LazyLock::new(|| genome(2000, 1));

fn evidence(level: u32) -> Evidence {
    Evidence::new(
        counted(Counter::sampled(21, ROOM, level), &tiled(&GENOME, 100, 5)),
        weights(level == 0),
    )
}

static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| written(&evidence(0)));

/// Weights in the file: of all kinds of support in all depth ranges, and of an unsupported k-mer.
const FACTORS: usize = RANGES * BaseSupport::COUNT + 1;

/// Offsets of the index and of its level, number of lines and number of k-mers.
const INDEX: usize = HEAD + 4 * FACTORS;
const LEVEL: usize = INDEX + 4;
const LINES: usize = INDEX + 8;
const KMERS: usize = INDEX + 16;

fn read(bytes: &[u8]) -> Result<Evidence, EvidenceError> {
    Evidence::read(&mut &*bytes, bytes.len() as u64)
}

#[track_caller]
fn refusal(bytes: &[u8]) -> String {
    read(bytes).expect_err("it was to be refused").to_string()
}

/// The file with some bytes replaced.
fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = FILE.clone();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn a_written_file_is_read_back() {
    for level in [0, 3] {
        let evidence = evidence(level);
        let file = written(&evidence);
        let other = read(&file).unwrap();
        assert!(other == evidence && written(&other) == file);
        assert_eq!((other.index().k(), other.index().kmers()), (21, evidence.index().kmers()));
        assert_eq!(other.index().fraction(), evidence.index().fraction());
    }
    let empty = Evidence::new(Counter::new(31, ROOM).finish(), weights(true));
    assert!(read(&written(&empty)).unwrap() == empty);
}

#[test]
fn a_truncated_file_is_refused() {
    let lengths = (0..KMERS + 80)
        .chain((KMERS + 80..FILE.len()).step_by(41))
        .chain(FILE.len() - 9..FILE.len());
    for length in lengths {
        let error = refusal(&FILE[..length]);
        assert!(error.starts_with("evidence: "), "{error}");
    }
    assert!(refusal(&FILE[..FILE.len() - 1]).contains("the file ends too early"));
    // Even if the stated size is that of the whole file.
    assert!(Evidence::read(&mut &FILE[..FILE.len() - 1], FILE.len() as u64).is_err());
    assert!(
        refusal(b"").contains("not an evidence file")
            && refusal(b"@read\nACGT\n+\nIIII\n").contains("not an evidence file")
    );
}

#[test]
fn data_after_the_end_is_refused() {
    let file = [FILE.as_slice(), b"\0"].concat();
    assert!(refusal(&file).contains("more data after the end of the index"));
}

#[test]
fn other_formats_and_versions_are_refused() {
    for (at, number) in [(8, 3_u32), (8, 0), (12, 9), (16, 100), (16, u32::MAX)] {
        let error = refusal(&with(at, &number.to_le_bytes()));
        assert!(
            error.contains(&number.to_string()) && error.contains("expected 1 or 2 with"),
            "{error}"
        );
    }
}

#[test]
fn a_conversion_is_kept_and_an_unknown_one_refused() {
    let conversion = Conversion::new(1, 3, Strands::ByMate).unwrap();
    let evidence = evidence(0).with_conversion(Some(conversion));
    let file = written(&evidence);
    assert_eq!(file.len(), FILE.len() + 4);
    let found = read(&file).unwrap();
    assert!(found == evidence && found.conversion() == Some(conversion));
    assert!(read(&FILE).unwrap().conversion().is_none());
    for number in [0_u32, 0x80, 256] {
        let mut other = file.clone();
        other[24..28].copy_from_slice(&number.to_le_bytes());
        assert!(refusal(&other).contains(&format!("unknown conversion of bases {number}")));
    }
}

#[test]
fn weights_that_are_not_finite_numbers_above_0_are_refused() {
    for factor in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, -1.0] {
        for number in [0, 7, FACTORS - 1] {
            let error = refusal(&with(HEAD + 4 * number, &factor.to_le_bytes()));
            assert!(error.contains("a weight of "), "{error}");
        }
    }
}

#[test]
fn a_header_with_wrong_sizes_is_refused_before_memory_is_allocated() {
    for lines in
        [0, 1 << 60, u64::MAX, u64::MAX / 8 + 2, FILE.len() as u64 + 1, FILE.len() as u64, 1]
    {
        refusal(&with(LINES, &lines.to_le_bytes()));
    }
    for kmers in [0, 1 << 60, u64::MAX, FILE.len() as u64 / 4 + 1] {
        refusal(&with(KMERS, &kmers.to_le_bytes()));
    }
    for k in [0_u32, 15, 20, 33, u32::MAX] {
        assert!(refusal(&with(INDEX, &k.to_le_bytes())).contains(&format!("k-mers of {k} bases")));
    }
    for level in [13_u32, 64, u32::MAX] {
        assert!(
            refusal(&with(LEVEL, &level.to_le_bytes()))
                .contains(&format!("one in 2^{level} k-mers"))
        );
    }
}

/// Applies any evidence that was read, and checks that probabilities stay probabilities.
fn use_it(evidence: &Evidence) {
    let mut wrong = GENOME[500..650].to_vec();
    (0..150).step_by(25).for_each(|at| wrong[at] = other(wrong[at], 1));
    for read in [&wrong, &reverse_complement(&wrong), &genome(150, 3), &vec![b'A'; 150]] {
        let mut probabilities = [0.1; 150];
        apply(evidence, read, &mut probabilities);
        assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{probabilities:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_file_with_wrong_bytes_is_refused_or_used(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        of_the_head in any::<bool>(),
    ) {
        let mut file = FILE.clone();
        for (at, byte) in changes {
            let at = at.index(if of_the_head { KMERS + 400 } else { file.len() });
            file[at] = byte;
        }
        if let Ok(evidence) = read(&file) {
            use_it(&evidence);
        }
    }

    #[test]
    fn any_bytes_after_a_head_are_refused_or_used(
        rest in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let file = [&FILE[..INDEX], &rest].concat();
        if let Ok(evidence) = read(&file) {
            use_it(&evidence);
        }
    }
}

#[test]
fn look_ups_in_an_index_without_a_free_cell_end() {
    // One line with all cells in use: no free cell ends the search.
    let line: Vec<u8> = (0..8_u32).flat_map(|cell| (cell << 12 | 2).to_le_bytes()).collect();
    let index = [
        &21_u32.to_le_bytes()[..],
        &0_u32.to_le_bytes(),
        &1_u64.to_le_bytes(),
        &8_u64.to_le_bytes(),
        &[8],
        &line,
    ];
    let evidence = read(&[&FILE[..INDEX], &index.concat()].concat()).unwrap();
    assert_eq!(evidence.index().kmers(), 8);
    use_it(&evidence);
}

#[test]
fn probabilities_stay_probabilities() {
    let priors = [0.0, f32::MIN_POSITIVE, 1e-30, 1e-9, 0.01, 0.5, 1.0 - f32::EPSILON / 2.0, 1.0];
    let mut wrong = GENOME[500..650].to_vec();
    (0..150).step_by(30).for_each(|at| wrong[at] = other(wrong[at], 1));
    // With the lowest and the highest weights that a file may hold.
    let extreme = |factor: f32| read(&with(HEAD, &factor.to_le_bytes().repeat(FACTORS))).unwrap();
    for evidence in [
        evidence(0),
        evidence(2),
        extreme(f32::MAX),
        extreme(f32::MIN_POSITIVE),
        extreme(f32::from_bits(1)),
    ] {
        for read in [&wrong[..], &GENOME[500..650], &genome(150, 3)] {
            for prior in priors {
                let mut probabilities = [prior; 150];
                apply(&evidence, read, &mut probabilities);
                assert!(
                    probabilities.iter().all(|p| (0.0..=1.0).contains(p)),
                    "{prior}: {probabilities:?}"
                );
            }
        }
    }
    // Certain priors stay certain.
    for prior in [0.0, 1.0] {
        let mut probabilities = [prior; 150];
        apply(&evidence(0), &wrong, &mut probabilities);
        assert_eq!(probabilities, [prior; 150]);
    }
}

#[test]
fn the_probability_of_a_wrong_base_rises_and_that_of_the_others_falls() {
    let evidence = evidence(0);
    let mut read = GENOME[500..650].to_vec();
    read[77] = other(read[77], 2);
    let mut probabilities = [0.01; 150];
    assert_eq!(apply(&evidence, &read, &mut probabilities), 150);
    for (at, p) in probabilities.iter().enumerate() {
        assert!(if at == 77 { *p > 0.1 } else { *p < 0.01 }, "{at}: {p}");
    }
    let mut probabilities = [0.01; 150];
    assert_eq!(apply(&evidence, &genome(150, 3), &mut probabilities), 0);
    assert!(probabilities.iter().all(|p| (*p - 0.01).abs() < 1e-8));
}

#[test]
fn the_rest_of_a_longer_read_or_of_more_probabilities_is_left_alone() {
    let evidence = evidence(0);
    let sequence = &GENOME[500..650];
    let posterior = |bases: usize, probabilities: usize| {
        let mut probabilities = vec![0.25; probabilities];
        let covered = apply(&evidence, &sequence[..bases], &mut probabilities);
        (covered, probabilities)
    };
    let (covered, whole) = posterior(150, 150);
    assert_eq!(covered, 150);
    let (covered, fewer) = posterior(150, 100);
    assert_eq!((covered, &fewer[..]), (100, &whole[..100]));
    let (covered, more) = posterior(100, 150);
    assert_eq!((covered, &more[100..]), (100, &[0.25; 50][..]));
    assert!(more[..100].iter().all(|p| *p < 0.25));
    assert_eq!(posterior(0, 10), (0, vec![0.25; 10]));
    assert_eq!(posterior(150, 0), (0, vec![]));
}
