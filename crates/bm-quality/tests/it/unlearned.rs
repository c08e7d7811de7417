//! What `read-error` gives where its training data had nothing: Phred 0 and 1, high qualities, short
//! reads. Nothing there may look better than what was learned.

use bm_infer::backend::Embedded;
use bm_quality::{QualityModel, Verdict};
use bm_reads::ReadRef;

/// Phred scores 0 to 93.
const SCORES: u8 = 94;
/// The highest Phred score in the training data.
const HIGHEST_LEARNED: usize = 41;

fn model() -> QualityModel {
    QualityModel::embedded("read-error", &Embedded::new()).unwrap()
}

/// The expected errors of a read of each Phred score alone, and whether the read passes.
fn ladder(length: usize) -> Vec<(f32, bool)> {
    let mut model = model();
    let sequence = b"ACGT".repeat(length.div_ceil(4))[..length].to_vec();
    let qualities: Vec<_> = (0..SCORES).map(|score| vec![b'!' + score; length]).collect();
    let reads: Vec<_> = qualities
        .iter()
        .map(|quality_scores| ReadRef { name: b"r", sequence: &sequence, quality_scores })
        .collect();
    let predictions = model.predict(&reads).unwrap();
    predictions
        .iter()
        .map(|p| (p.expected_errors().unwrap(), p.verdict(model.threshold()) == Verdict::Pass))
        .collect()
}

const LENGTHS: [usize; 12] = [1, 2, 3, 5, 8, 9, 20, 50, 99, 100, 150, 300];

#[test]
fn a_read_of_a_lower_quality_has_no_fewer_expected_errors() {
    for length in LENGTHS {
        for (score, pair) in ladder(length).windows(2).enumerate() {
            // Sums of equal numbers in another order.
            assert!(
                pair[1].0 <= pair[0].0 * (1.0 + 1e-5),
                "{length} bases, Phred {score}: {pair:?}"
            );
        }
    }
}

#[test]
fn reads_of_phred_0_and_1_count_as_phred_2_and_fail() {
    for length in LENGTHS {
        let ladder = ladder(length);
        for (expected, passes) in &ladder[..2] {
            assert!((expected / ladder[2].0 - 1.0).abs() < 1e-5, "{length} bases: {ladder:?}");
            // A read of a few bases may well have none that is wrong.
            assert!(length < 8 || !passes, "{length} bases pass: {ladder:?}");
        }
        assert!(ladder[0].0 > 2.0 * ladder[20].0, "{length} bases: {ladder:?}");
    }
}

#[test]
fn qualities_above_the_highest_that_was_learned_count_as_it() {
    for length in LENGTHS {
        let ladder = ladder(length);
        let learned = ladder[HIGHEST_LEARNED].0;
        for (expected, _) in &ladder[HIGHEST_LEARNED..] {
            assert!(
                (expected / learned - 1.0).abs() < 1e-5,
                "{length} bases: {expected} {learned}"
            );
        }
    }
}

/// Every single quality of a read, not only that of all bases at once.
#[test]
fn a_lower_quality_of_one_base_never_lowers_the_expected_errors() {
    let mut model = model();
    let length = 60;
    let sequence = vec![b'A'; length];
    let rows: Vec<Vec<u8>> = [40, 37, 25, 12]
        .into_iter()
        .flat_map(|around: u8| {
            [0, 1, 4, 9, 30, 59].into_iter().flat_map(move |at| {
                (0..SCORES).map(move |score| {
                    let mut quality = vec![b'!' + around; length];
                    quality[at] = b'!' + score;
                    quality
                })
            })
        })
        .collect();
    let reads: Vec<_> = rows
        .iter()
        .map(|quality_scores| ReadRef { name: b"r", sequence: &sequence, quality_scores })
        .collect();
    let predictions = model.predict(&reads).unwrap();
    let expected: Vec<_> = predictions.iter().map(|p| p.expected_errors().unwrap()).collect();
    for ladder in expected.chunks(usize::from(SCORES)) {
        for (score, pair) in ladder.windows(2).enumerate() {
            assert!(pair[1] <= pair[0] * (1.0 + 1e-5), "Phred {score}: {pair:?}");
        }
    }
}
