//! Thousands of damaged models in every engine: an error or a result, never a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bm_infer::onnx::testing::classifier;
use bm_infer::{ModelFile, TensorRef};
use prost::Message;

use crate::backends::{Present, present};
use crate::networks::{Numbers, columns, fixed_batch, gemm_model, layers};

/// How far a model got.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Fate {
    NotRead,
    NotLoaded,
    NotRun,
    Answered,
}

/// Reads, loads and runs a model in one engine, as far as that succeeds.
fn fate(bytes: &[u8], present: &Present) -> (Fate, Vec<f32>) {
    let Ok(file) = ModelFile::from_bytes("mutant", bytes.to_vec()) else {
        return (Fate::NotRead, vec![]);
    };
    let Ok(mut session) = present.backend.load(&file) else { return (Fate::NotLoaded, vec![]) };
    let features = file.signature().features;
    let rows = Numbers::new(1).rows(3, features);
    let mut output = Vec::new();
    if session.run(TensorRef::new([3, features], &rows).unwrap(), &mut output).is_err() {
        return (Fate::NotRun, vec![]);
    }
    assert_eq!(output.len(), 3 * file.signature().outputs);
    assert!(output.iter().all(|value| value.is_finite()));
    (Fate::Answered, output)
}

/// Runs mutants through every engine; `mutant` returns mutant `i`.
///
/// Returns for how many the first engine had a result.
fn survive(what: &str, count: usize, mutant: impl Fn(usize) -> Vec<u8>) -> usize {
    let present = present();
    let mut answered = 0;
    for i in 0..count {
        let bytes = mutant(i);
        let fates: Vec<_> = present
            .iter()
            .map(|present| {
                catch_unwind(AssertUnwindSafe(|| fate(&bytes, present))).unwrap_or_else(|_| {
                    panic!("{}: mutant {i} of {what} made it panic", present.label)
                })
            })
            .collect();
        answered += usize::from(fates.first().is_some_and(|(fate, _)| *fate == Fate::Answered));
        // Two engines that both have a result must agree. Only probabilities are compared: unbounded
        // outputs may be differences of large numbers, with no correct digits.
        let answers: Vec<_> =
            fates.iter().zip(&present).filter(|((fate, _), _)| *fate == Fate::Answered).collect();
        for pair in answers.windows(2) {
            let [((_, first), a), ((_, second), b)] = pair else { continue };
            for (x, y) in first.iter().zip(second) {
                let close = (x - y).abs() <= 1e-5 * (1.0 + x.abs());
                assert!(
                    close,
                    "mutant {i} of {what}: {} returns {x}, {} returns {y}",
                    a.label, b.label
                );
            }
        }
    }
    answered
}

#[test]
fn a_small_model_with_any_bit_flipped_causes_no_panic() {
    let whole = gemm_model(&layers(&[3, 4, 1], 6)).encode_to_vec();
    let answered = survive("flipped bits", whole.len() * 8, |i| {
        let mut bytes = whole.clone();
        bytes[i / 8] ^= 1 << (i % 8);
        bytes
    });
    assert!(whole.len() * 8 > 2000, "{} mutants are few", whole.len() * 8);
    // Most bits belong to the format and not to the weights; if no mutant ran, the engines were not
    // tested.
    assert!(answered > 100, "{answered} of {} mutants were answered", whole.len() * 8);
}

#[test]
fn random_damage_to_models_of_every_layout_causes_no_panic() {
    let network = layers(&[5, 4, 3, 2], 7);
    for (what, model) in [
        ("open", gemm_model(&network)),
        ("fixed", fixed_batch(&network, 2)),
        ("columns", columns(&network, [1, 2])),
        ("classifier", classifier([2, 5], |count, _| Numbers::new(3).around_zero(count, 0.7))),
    ] {
        let whole = model.encode_to_vec();
        survive(what, 1000, |i| damaged(&whole, i));
    }
}

/// Returns a model with random damage, number `i`.
fn damaged(whole: &[u8], i: usize) -> Vec<u8> {
    let mut numbers = Numbers::new(i as u64);
    let mut bytes = whole.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        match numbers.below(6) {
            0 => bytes[at] = numbers.word() as u8,
            1 => bytes[at] = [0x00, 0x01, 0x7f, 0x80, 0xff][numbers.below(5)],
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, numbers.word() as u8),
            4 => bytes.truncate(at + 1),
            _ => {
                // A piece of the model, repeated elsewhere.
                let length = numbers.below(40).min(whole.len() - 1);
                let from = numbers.below(whole.len() - length);
                bytes.splice(at..at, whole[from..from + length].iter().copied());
            }
        }
    }
    bytes
}

/// Models of sequences in blocks of one shape, on the device in place of CoreML and on the CPU.
#[cfg(feature = "stand-in")]
#[test]
fn random_damage_to_models_in_half_precision_causes_no_panic() {
    use bm_infer::backend::OnnxRuntime;
    use bm_infer::onnx::correction::{Convolution, Correction};
    use bm_infer::{Alphabet, Backend, SequencesRef};

    let Some(device) = crate::backends::stand_in() else { return };
    let exact = OnnxRuntime::new(crate::backends::library().unwrap());
    let layer = |outputs: usize, inputs: usize, window: usize| Convolution {
        outputs,
        inputs,
        window,
        weights: Numbers::new(2).around_zero(outputs * inputs * window, 0.5),
        biases: vec![0.25; outputs],
    };
    let network =
        Correction { window: layer(3, 2, 5), last: layer(1, 3, 1), guess: layer(1, 2, 1) };
    let whole = network.to_half_model([2, 32]).encode_to_vec();
    let alphabet = Alphabet::new(2, Numbers::new(1).around_zero(10, 1.0)).unwrap();
    let mut answered = 0;
    for i in 0..1500 {
        let bytes = if i < 1000 {
            damaged(&whole, i)
        } else {
            let mut bytes = whole.clone();
            let bit = i * 7919 % (8 * whole.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        let Ok(file) = ModelFile::from_bytes("mutant", bytes) else { continue };
        for backend in [&device as &dyn Backend, &exact] {
            let run = || {
                let mut session = backend.load_sequences(&file, &alphabet).ok()?;
                let mut output = Vec::new();
                let input = SequencesRef::new(&[0, 1, 2, 3, 4, 4, 3], &[3, 0, 4]).unwrap();
                session.run(input, &mut output).ok()?;
                Some(output)
            };
            let output = catch_unwind(AssertUnwindSafe(run))
                .unwrap_or_else(|_| panic!("{}: mutant {i} made it panic", backend.name()));
            if let Some(output) = output {
                assert!(output.len() % 7 == 0 && output.iter().all(|value| value.is_finite()));
                answered += 1;
            }
        }
    }
    assert!(answered > 100, "{answered} were answered");
}
