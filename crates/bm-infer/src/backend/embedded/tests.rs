//! The same networks on every instruction set give the same bits.

use super::*;
use crate::onnx::testing::{Convolution, classifier, correction_model, dense};
use crate::{SequencesRef, TensorRef};

/// Every instruction set of this machine, and vectors of four floats, as NEON has them.
fn engines() -> Vec<Embedded> {
    let four_lanes = Embedded { instructions: InstructionSet::FourLanes };
    Embedded::all().into_iter().chain([four_lanes]).collect()
}

/// Reproducible numbers (a linear congruential generator: Knuth, MMIX).
struct Numbers(u64);

impl Numbers {
    fn word(&mut self) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// Numbers in −`most`..`most`.
    fn around_zero(&mut self, count: usize, most: f32) -> Vec<f32> {
        let unit = |word: u32| (word >> 8) as f32 / (1 << 24) as f32;
        (0..count).map(|_| (2.0 * unit(self.word()) - 1.0) * most).collect()
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Compares the outputs of `run` on all engines; returns how many outputs there were.
#[track_caller]
fn compare(label: &str, run: impl Fn(&Embedded) -> Vec<f32>) -> usize {
    let engines = engines();
    let expected = run(&engines[0]);
    assert!(expected.iter().all(|value| value.is_finite()), "{label}");
    for engine in &engines[1..] {
        let found = run(engine);
        let different = bits(&found).iter().zip(bits(&expected)).filter(|(a, b)| **a != *b).count();
        assert!(
            found.len() == expected.len() && different == 0,
            "{label}: {different} of {} outputs differ between {} and {}",
            expected.len(),
            engine.describe(),
            engines[0].describe()
        );
    }
    expected.len()
}

/// Returns the outputs for `rows` random rows.
fn rows(engine: &Embedded, model: &ModelFile, rows: usize) -> Vec<f32> {
    let features = model.signature().features;
    let input = Numbers(5).around_zero(rows * features, 1.5);
    let mut output = Vec::new();
    let mut session = engine.load(model).expect("a model of rows");
    session
        .run(TensorRef::new([rows, features], &input).expect("a matrix"), &mut output)
        .expect("finite");
    output
}

/// Returns the outputs for random sequences over a random alphabet.
fn sequences(engine: &Embedded, model: &ModelFile) -> Vec<f32> {
    const CODES: usize = 100;
    let mut numbers = Numbers(6);
    let channels = model.signature().features;
    let vectors = numbers.around_zero(CODES * channels, 1.0);
    let alphabet = Alphabet::new(channels, vectors).expect("an alphabet");
    let lengths = [1, 2, 7, 20, 150, 151, 1024, 3000];
    let codes: Vec<u16> =
        (0..lengths.iter().sum()).map(|_| (numbers.word() as usize % CODES) as u16).collect();
    let mut output = Vec::new();
    let mut session = engine.load_sequences(model, &alphabet).expect("a model of sequences");
    session
        .run(SequencesRef::new(&codes, &lengths).expect("sequences"), &mut output)
        .expect("finite");
    output
}

#[test]
fn shipped_models_give_the_same_bits() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let mut of_layouts = [0, 0];
    for package in std::fs::read_dir(folder).expect("the shipped models") {
        let path = package.expect("a folder").path().join("model.onnx");
        if !path.is_file() {
            continue;
        }
        let model = ModelFile::open(&path).expect("a model");
        let label = path.display().to_string();
        match model.signature().layout {
            Layout::Sequences => {
                of_layouts[1] += compare(&label, |engine| sequences(engine, &model))
            }
            _ => of_layouts[0] += compare(&label, |engine| rows(engine, &model, 2000)),
        }
    }
    assert!(of_layouts[0] >= 2000 && of_layouts[1] >= 4000, "{of_layouts:?}");
}

#[test]
fn dense_networks_of_every_width_give_the_same_bits() {
    for widths in [&[300, 128, 64, 1][..], &[1, 1], &[7, 31, 17, 16], &[64, 15, 1], &[5, 33, 2]] {
        let mut numbers = Numbers(widths[0] as u64);
        let layers: Vec<_> = widths
            .windows(2)
            .map(|pair| {
                let most = (6.0 / pair[0] as f32).sqrt();
                (
                    pair[1],
                    numbers.around_zero(pair[0] * pair[1], most),
                    numbers.around_zero(pair[1], 0.5),
                )
            })
            .collect();
        let model = ModelFile::from_bytes("dense", dense(&layers)).expect("a model");
        assert_eq!(compare(&format!("{widths:?}"), |engine| rows(engine, &model, 205)) % 205, 0);
    }
}

#[test]
fn classifiers_of_convolutions_give_the_same_bits() {
    for shape in [[1, 4], [2, 150], [3, 7], [8, 33]] {
        let mut numbers = Numbers(shape[1] as u64);
        let model = classifier(shape, |count, terms| {
            numbers.around_zero(count, 2.0 / (terms as f32).sqrt())
        });
        let bytes = prost::Message::encode_to_vec(&model);
        let model = ModelFile::from_bytes("classifier", bytes).expect("a model");
        assert_eq!(compare(&format!("{shape:?}"), |engine| rows(engine, &model, 205)), 205);
    }
}

#[test]
fn corrections_of_every_width_give_the_same_bits() {
    // A hidden layer below, at and above the lengths of vectors: with and without one kernel for all.
    for hidden in [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 32, 33, 64] {
        for window in [1, 5, 21] {
            let mut numbers = Numbers(hidden as u64 * 100 + window as u64);
            let mut convolution = |outputs: usize, inputs: usize, window: usize| Convolution {
                outputs,
                inputs,
                window,
                weights: numbers.around_zero(outputs * inputs * window, 0.6),
                biases: numbers.around_zero(outputs, 0.5),
            };
            let model = correction_model(
                &convolution(hidden, 10, window),
                &convolution(1, hidden, 1),
                &convolution(1, 10, 1),
            );
            let bytes = prost::Message::encode_to_vec(&model);
            let model = ModelFile::from_bytes("correction", bytes).expect("a model");
            let label = format!("{hidden} hidden units, a window of {window}");
            assert_eq!(compare(&label, |engine| sequences(engine, &model)), 4355);
        }
    }
}
