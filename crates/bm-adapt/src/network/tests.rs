//! The gradient against PyTorch's, and against finite differences of the definition.

use bm_encode::{BaseQualityPlace, CodeEncoder};

use bm_reads::ReadRef;
use proptest::prelude::*;
use serde::Deserialize;

use super::{Example, Network, Rows, Scores, Surroundings, Tables, gradient, log_loss};

/// Channels of a vector: six of the quality, its log-odds, seventeen of the place, four of the
/// letter.
const VECTOR: usize = 28;
const REPORTED: usize = 6;
const PLACE: std::ops::Range<usize> = 7..24;
/// Channels of the window.
const NEAR: [usize; 10] = [0, 1, 2, 3, 4, 5, 24, 25, 26, 27];
const NINE: usize = 9;
const EIGHT: usize = 8;

/// Offsets of the groups of parameters in the golden file, and their end.
const GROUPS: [(&str, usize); 7] = [
    ("window", 0),
    ("place", 720),
    ("bias", 856),
    ("last", 864),
    ("a", 872),
    ("b", 873),
    ("end", 874),
];

/// The file that `research/adapt/gradient_golden.py` writes.
#[derive(Deserialize)]
struct Golden {
    parameters: Vec<f32>,
    reads: Vec<Read>,
    loss: f64,
    gradient: Vec<f64>,
}

/// A read, and its bases to learn from.
#[derive(Clone, Debug, Deserialize)]
struct Read {
    codes: Vec<u16>,
    at: Vec<usize>,
    wrong: Vec<bool>,
    weight: Vec<f32>,
}

fn examples(reads: &[Read]) -> Vec<Example> {
    let of_read = |read: &Read| -> Vec<Example> {
        let bases = read.at.iter().zip(&read.wrong).zip(&read.weight);
        bases
            .map(|((at, wrong), weight)| {
                let around = Surroundings::of(&read.codes, *at);
                Example {
                    around,
                    log_odds: Scores::new().log_odds(&around),
                    wrong: *wrong,
                    weight: *weight,
                }
            })
            .collect()
    };
    reads.iter().flat_map(of_read).collect()
}

/// Returns the mean weighted log loss by the tables, and its gradient.
fn loss_and_gradient(network: &Network, examples: &[Example]) -> (f64, Vec<f32>) {
    let scores = Scores::new();
    let tables = Tables::of(network, &scores);
    let loss = |example: &Example| {
        f64::from(example.weight) * log_loss(tables.logit(&example.around, &scores), example.wrong)
    };
    let mean = examples.iter().map(loss).sum::<f64>() / examples.len() as f64;
    let (rows, numbered) = Rows::of(examples);
    // In blocks of different lengths, like those at the end of a round of training.
    (mean, gradient(network, &scores, &rows, numbered.chunks(7)))
}

/// Asserts that each slope agrees within 1e-4 of itself plus 1e-6 of the largest of its group.
///
/// Single precision has seven digits. The second bound is for slopes whose terms cancel; measured
/// differences are 3e-7 of the largest.
#[track_caller]
fn assert_close(name: &str, found: &[f32], expected: &[f64]) {
    let largest = expected.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(*found) - expected).abs();
        assert!(
            off <= 1e-4 * expected.abs() + 1e-6 * largest,
            "{name}[{i}]: {found}, PyTorch has {expected}"
        );
    }
}

#[test]
fn loss_and_gradient_are_those_of_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("../../tests/golden/gradient.json"))
        .expect("the golden file");
    let examples = examples(&golden.reads);
    assert!(examples.len() >= 200, "{} examples", examples.len());
    let network = Network { parameters: golden.parameters };
    let (loss, slopes) = loss_and_gradient(&network, &examples);
    assert_eq!((slopes.len(), golden.gradient.len()), (874, 874));
    assert!((loss / golden.loss - 1.0).abs() < 1e-6, "loss {loss}, PyTorch has {}", golden.loss);
    for group in GROUPS.windows(2) {
        let ((name, from), (_, to)) = (group[0], group[1]);
        assert_close(name, &slopes[from..to], &golden.gradient[from..to]);
    }
}

/// Returns the mean weighted log loss by the definition, in double precision and without tables.
fn loss(parameters: &[f64], vectors: &[f32], reads: &[Read]) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for read in reads {
        for ((at, wrong), weight) in read.at.iter().zip(&read.wrong).zip(&read.weight) {
            let logit = logit(parameters, vectors, &read.codes, *at);
            let x = if *wrong { -logit } else { logit };
            sum += f64::from(*weight) * (x.max(0.0) + (-x.abs()).exp().ln_1p());
            count += 1.0;
        }
    }
    sum / count
}

fn logit(parameters: &[f64], vectors: &[f32], codes: &[u16], at: usize) -> f64 {
    let reported = f64::from(vectors[usize::from(codes[at]) * VECTOR + REPORTED]);
    let hidden = hidden(parameters, vectors, codes, at);
    let correction: f64 = hidden
        .iter()
        .zip(&parameters[864..])
        .map(|(hidden, weight)| hidden.max(0.0) * weight)
        .sum();
    parameters[872] * reported + parameters[873] + correction
}

/// The hidden layer before its `relu`.
fn hidden(parameters: &[f64], vectors: &[f32], codes: &[u16], at: usize) -> [f64; EIGHT] {
    let vector =
        |at: usize| codes.get(at).map(|code| &vectors[usize::from(*code) * VECTOR..][..VECTOR]);
    std::array::from_fn(|unit| {
        let mut sum = parameters[856 + unit];
        for (place, channel) in PLACE.enumerate() {
            sum += parameters[720 + place * EIGHT + unit]
                * vector(at).map_or(0.0, |own| f64::from(own[channel]));
        }
        for offset in 0..NINE {
            let Some(near) = (at + offset).checked_sub(NINE / 2).and_then(vector) else { continue };
            for (i, channel) in NEAR.into_iter().enumerate() {
                sum +=
                    parameters[(offset * NEAR.len() + i) * EIGHT + unit] * f64::from(near[channel]);
            }
        }
        sum
    })
}

/// Returns whether a unit is so close to its kink that a step, or single precision, may cross it.
fn is_on_a_kink(parameters: &[f64], vectors: &[f32], reads: &[Read]) -> bool {
    let near = |read: &Read, at: usize| {
        hidden(parameters, vectors, &read.codes, at).iter().any(|hidden| hidden.abs() < 1e-5)
    };
    reads.iter().any(|read| read.at.iter().any(|at| near(read, *at)))
}

/// Reads of up to 25 bases, all of them examples.
fn reads() -> impl Strategy<Value = Vec<Read>> {
    let base = (prop::sample::select(b"ACGTN".to_vec()), 33..=126u8, any::<bool>(), 0.1..2.0f32);
    let read = prop::collection::vec(base, 1..25).prop_map(|bases| {
        let sequence: Vec<u8> = bases.iter().map(|base| base.0).collect();
        let quality_scores: Vec<u8> = bases.iter().map(|base| base.1).collect();
        let mut codes = Vec::new();
        let read = ReadRef { name: b"r", sequence: &sequence, quality_scores: &quality_scores };
        BaseQualityPlace.encode_into(read, &mut codes).expect("a valid read");
        let (wrong, weight) = bases.iter().map(|base| (base.2, base.3)).unzip();
        Read { at: (0..codes.len()).collect(), codes, wrong, weight }
    });
    prop::collection::vec(read, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(48)
    })]

    #[test]
    fn the_gradient_agrees_with_finite_differences(
        reads in reads(),
        parameters in prop::collection::vec(-0.3..0.3f32, 874),
        direction in prop::collection::vec(-1.0..1.0f64, 874),
    ) {
        // Small enough to stay on one side of every kink, large enough for double precision.
        const STEP: f64 = 1e-7;
        let vectors = BaseQualityPlace.vectors();
        let start: Vec<f64> = parameters.iter().map(|value| f64::from(*value)).collect();
        prop_assume!(!is_on_a_kink(&start, &vectors, &reads));
        let examples = examples(&reads);
        let (found, slopes) = loss_and_gradient(&Network { parameters }, &examples);
        let expected = loss(&start, &vectors, &reads);
        prop_assert!(
            (found - expected).abs() < 1e-5 * (1.0 + expected),
            "loss {found}, by the definition {expected}"
        );
        for group in GROUPS.windows(2) {
            let ((name, from), (_, to)) = (group[0], group[1]);
            let moved = |step: f64| {
                let mut parameters = start.clone();
                (from..to).for_each(|i| parameters[i] += step * direction[i]);
                loss(&parameters, &vectors, &reads)
            };
            let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let found: f64 = (from..to).map(|i| f64::from(slopes[i]) * direction[i]).sum();
            // Terms may cancel: the tolerance is relative to the sum of their absolute values.
            let size: f64 = (from..to).map(|i| (f64::from(slopes[i]) * direction[i]).abs()).sum();
            prop_assert!(
                (found - expected).abs() < 1e-4 * size + 1e-7,
                "{name}: {found}, by finite differences {expected}"
            );
        }
    }
}
