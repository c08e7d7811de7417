//! A device with CoreML's contract: blocks of one shape, half precision, sequences side by side.

use std::path::Path;

use bm_infer::backend::{Counts, Fault, OnnxRuntime};
use bm_infer::onnx::ModelProto;
use bm_infer::onnx::correction::{Convolution, Correction};
use bm_infer::{
    Alphabet, Backend, InferError, Layout, ModelFile, SequenceSession, SequencesRef, Variant,
};

use crate::backends::{chain, library, run, stand_in};
use crate::networks::{Numbers, columns, file, gemm_model, graph, layers};

/// Half precision: eleven bits in the input, in the weights and after every node.
const TOLERANCE: f32 = 5e-3;

fn network(seed: u64, channels: usize, hidden: usize, window: usize) -> Correction {
    let mut numbers = Numbers::new(seed);
    let mut layer = |outputs: usize, inputs: usize, window: usize| {
        let most = 1.0 / ((inputs * window) as f32).sqrt();
        let (weights, biases) = (
            numbers.around_zero(outputs * inputs * window, most),
            numbers.around_zero(outputs, 0.5),
        );
        Convolution { outputs, inputs, window, weights, biases }
    };
    Correction {
        window: layer(hidden, channels, window),
        last: layer(1, hidden, 1),
        guess: layer(1, channels, 1),
    }
}

fn alphabet(codes: usize, channels: usize) -> Alphabet {
    Alphabet::new(channels, Numbers::new(9).around_zero(codes * channels, 1.0)).unwrap()
}

fn sequences(lengths: &[usize], codes: usize) -> Vec<u16> {
    let mut numbers = Numbers::new(4);
    (0..lengths.iter().sum()).map(|_| numbers.below(codes) as u16).collect()
}

fn outputs(session: &mut dyn SequenceSession, codes: &[u16], lengths: &[usize]) -> Vec<f32> {
    let mut output = vec![9.0];
    session
        .run(SequencesRef::new(codes, lengths).unwrap(), &mut output)
        .unwrap_or_else(|error| panic!("{}: {}", session.backend(), chain(&error)));
    output
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn sequences_of_any_length_are_as_in_full_precision() {
    let Some(device) = stand_in() else { return };
    let exact = OnnxRuntime::new(library().unwrap());
    let lengths = [1, 2, 150, 0, 150, 7, 20, 1023, 1, 1025, 3000, 150, 36, 250];
    for (codes, channels, hidden, window, shape) in [
        (470, 10, 16, 9, [1, 4096]),
        (470, 10, 16, 9, [16, 64]),
        (94, 12, 33, 15, [2, 128]),
        (20, 3, 7, 3, [5, 33]),
        (5, 4, 1, 1, [1, 64]),
    ] {
        let network = network(window as u64, channels, hidden, window);
        let (alphabet, input) = (alphabet(codes, channels), sequences(&lengths, codes));
        let label = format!("{codes} codes, window {window}, {shape:?}");
        let open = file("open", &network.to_model());
        let mut reference = exact.load_sequences(&open, &alphabet).unwrap();
        let expected = outputs(reference.as_mut(), &input, &lengths);
        let half = file("half", &network.to_half_model(shape));
        let [rows, columns] = shape;
        assert_eq!(half.signature().layout, Layout::Columns { rows, columns });
        for backend in [&device as &dyn Backend, &exact] {
            let mut session = backend.load_sequences(&half, &alphabet).unwrap();
            assert_eq!(session.signature().batch, Some(rows * columns));
            let found = outputs(session.as_mut(), &input, &lengths);
            let most = largest_difference(&found, &expected);
            assert!(most <= TOLERANCE, "{}, {label}: {most:e}", backend.name());
            // Where a sequence is in a block, and beside which others, makes no difference.
            let mut at = 0;
            for length in lengths {
                let alone = outputs(session.as_mut(), &input[at..at + length], &[length]);
                let most = largest_difference(&alone, &found[at..at + length]);
                assert!(most <= 1e-6, "{}, {label}, {length} alone: {most:e}", backend.name());
                at += length;
            }
            assert_eq!(outputs(session.as_mut(), &[], &[0]), []);
            let unknown = [0, codes as u16];
            let input = SequencesRef::new(&unknown, &[2]).unwrap();
            let error = session.run(input, &mut Vec::new()).unwrap_err();
            assert!(matches!(error, InferError::UnknownCode { position: 1, .. }), "{error}");
        }
    }
}

#[test]
fn rows_of_any_number_are_as_in_full_precision() {
    let Some(device) = stand_in() else { return };
    let layers = layers(&[30, 16, 8, 1], 8);
    let rows = Numbers::new(3).rows(300, 30);
    let exact = OnnxRuntime::new(library().unwrap());
    let expected = run(&mut *exact.load(&file("open", &gemm_model(&layers))).unwrap(), &rows);
    for shape in [[1, 64], [2, 48], [1, 1]] {
        let mut session = device.load(&file("columns", &columns(&layers, shape))).unwrap();
        for batch in [0, 1, 63, 64, 65, 300] {
            let found = run(&mut *session, &rows[..batch * 30]);
            assert!(largest_difference(&found, &expected[..batch]) <= TOLERANCE, "{batch}");
        }
    }
}

/// A sum of one and a number that half precision cannot add to it, and then the difference from one,
/// enlarged: only where the result of the first layer is rounded is there nothing left.
#[test]
fn results_between_layers_are_rounded() {
    let Some(device) = stand_in() else { return };
    let tiny = 2.0_f32.powi(-13);
    let mut layers = layers(&[1, 1, 1], 1);
    (layers[0].weights[0], layers[0].biases[0]) = (1.0, tiny);
    (layers[1].weights[0], layers[1].biases[0]) = (1024.0, -1024.0);
    let columns = columns(&layers, [1, 64]);
    let single = OnnxRuntime::new(library().unwrap());
    let single = run(&mut *single.load(&file("single", &columns)).unwrap(), &[1.0]);
    assert!((single[0] - 0.531_209).abs() < 1e-5, "{single:?}");
    // The comparison with the CPU does not have the input 1, so the device is accepted.
    let half = run(&mut *device.load(&file("half", &columns)).unwrap(), &[1.0]);
    assert_eq!(half, [0.5]);
}

fn refusal<T>(loaded: Result<T, InferError>) -> String {
    match loaded {
        Err(error @ InferError::ModelUnsupported { .. }) => error.to_string(),
        Err(error) => panic!("not as a model: {}", chain(&error)),
        Ok(_) => panic!("it was loaded"),
    }
}

#[test]
fn models_that_are_not_for_the_device_are_refused() {
    let Some(device) = stand_in() else { return };
    let network = network(1, 3, 4, 9);
    let (open, half) = (network.to_model(), network.to_half_model([2, 64]));
    let sequences =
        |model: &ModelProto| refusal(device.load_sequences(&file("m", model), &alphabet(5, 3)));
    let form = "expected an input [1, features, rows, columns], as model.ane.onnx has";
    assert!(sequences(&open).contains(form));
    let other = refusal(device.load_sequences(&file("m", &half), &alphabet(5, 4)));
    assert!(other.contains("it takes 3 features per position, the alphabet has 4"), "{other}");
    let narrow = sequences(&network.to_half_model([8, 12]));
    assert!(narrow.contains("it has rows of 12 columns, expected more than 12"), "{narrow}");
    // Zeros between sequences are not what a second window sees.
    let mut deep = half.clone();
    let nodes = &mut graph(&mut deep).node;
    let mut second = nodes.iter().find(|node| node.name == "window").unwrap().clone();
    (second.input[0], second.output[0]) = ("h".into(), "h2".into());
    second.name = "second".into();
    let at = nodes.iter().position(|node| node.name == "last").unwrap();
    nodes[at].input[0] = "h2".into();
    nodes.insert(at, second);
    let deep = sequences(&deep);
    assert!(deep.contains("second (Conv) has a window of 9 over values"), "{deep}");

    let rows = |model: &ModelProto| refusal(device.load(&file("m", model)));
    assert!(rows(&gemm_model(&layers(&[3, 2, 1], 1))).contains(form));
    assert!(rows(&half).contains("it is a model of sequences, expected one of rows"));
    // The CPU would mix the rows of a batch just so.
    let exact = OnnxRuntime::new(library().unwrap());
    assert!(refusal(exact.load(&file("m", &half))).contains("a model of sequences"));
}

#[test]
fn a_device_that_is_missing_wrong_or_fails_is_an_error() {
    let Some(device) = stand_in() else { return };
    assert_eq!((device.name(), device.variant()), ("stand-in", Variant::NeuralEngine));
    let rows = file("rows", &columns(&layers(&[30, 16, 1], 8), [1, 64]));
    let half = file("half", &network(1, 10, 16, 9).to_half_model([2, 512]));
    let alphabet = alphabet(94, 10);
    for (fault, expected) in [
        (Fault::Wrong, "failed its self-check: the maximum difference from the CPU over"),
        (Fault::Low, "failed its self-check: the maximum difference from the CPU over"),
        (Fault::Missing, "the stand-in backend is not available: this machine has no"),
    ] {
        let device = device.clone().with_fault(fault);
        for error in [device.load(&rows).err(), device.load_sequences(&half, &alphabet).err()] {
            let message = chain(&error.unwrap());
            assert!(message.contains(expected), "{fault:?}: {message}");
        }
        assert_eq!(device.check().is_err(), fault == Fault::Missing);
    }
    let fails = device.with_fault(Fault::Fails);
    let mut session = fails.load_sequences(&half, &alphabet).unwrap();
    let error = session.run(SequencesRef::new(&[1], &[1]).unwrap(), &mut Vec::new()).unwrap_err();
    assert_eq!(chain(&error), "the stand-in backend failed: the device does not answer");
}

/// Probabilities of errors are small: a tenth of them is less than the tolerance of one of them.
#[test]
fn small_probabilities_that_are_too_low_are_noticed() {
    let Some(device) = stand_in() else { return };
    let mut network = network(1, 10, 16, 9);
    network.guess.biases[0] -= 6.0;
    let half = file("half", &network.to_half_model([2, 512]));
    assert!(device.load_sequences(&half, &alphabet(94, 10)).is_ok());
    let low = device.with_fault(Fault::Low).load_sequences(&half, &alphabet(94, 10));
    let message = chain(&low.err().unwrap());
    assert!(message.contains("the sum of the probabilities of 1024 rows differs"), "{message}");
}

#[test]
fn the_device_counts_calls_columns_and_padding() {
    let Some(device) = stand_in() else { return };
    let half = file("half", &network(1, 10, 16, 9).to_half_model([4, 1024]));
    let alphabet = alphabet(94, 10);
    let mut session = device.load_sequences(&half, &alphabet).unwrap();
    assert_eq!(device.counts(), Counts::default());
    let lengths = [1000, 150];
    outputs(session.as_mut(), &sequences(&lengths, 94), &lengths);
    // 1,000 columns, four zeros, the first 16 positions of the second sequence and four more; then
    // the other 134 after four that are repeated.
    let used = 1000 + 20 + 4 + 134;
    assert_eq!(device.counts(), Counts { calls: 1, columns: 4096, empty: 4096 - used });
    // 250 reads of 150 bases with four zeros between them.
    let lengths = [150; 250];
    outputs(session.as_mut(), &sequences(&lengths, 94), &lengths);
    assert_eq!(device.counts().calls, 1 + 10);
}

/// The file of the shipped models for the Neural Engine: as many columns as it says, and zeros
/// between reads as its window asks for.
#[test]
fn shipped_models_run_on_the_device() {
    let Some(device) = stand_in() else { return };
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let (mut of_rows, mut of_sequences) = (0, 0);
    for package in std::fs::read_dir(models).unwrap() {
        let folder = package.unwrap().path();
        let [open, half] = ["model.onnx", "model.ane.onnx"].map(|name| folder.join(name));
        if !open.is_file() {
            continue;
        }
        let [open, half] = [open, half].map(|path| ModelFile::open(&path).unwrap());
        let exact = OnnxRuntime::new(library().unwrap());
        let features = open.signature().features;
        let (found, expected) = if open.signature().layout == Layout::Sequences {
            of_sequences += 1;
            let alphabet = alphabet(470, features);
            let lengths = [150, 36, 1, 5000, 250, 150, 149, 20_000];
            let input = sequences(&lengths, 470);
            let mut pair = [
                device.load_sequences(&half, &alphabet).unwrap(),
                exact.load_sequences(&open, &alphabet).unwrap(),
            ];
            let [found, expected] =
                pair.each_mut().map(|session| outputs(session.as_mut(), &input, &lengths));
            (found, expected)
        } else {
            of_rows += 1;
            let rows = Numbers::new(1).rows(3000, features);
            let mut pair = [device.load(&half).unwrap(), exact.load(&open).unwrap()];
            let [found, expected] = pair.each_mut().map(|session| run(session.as_mut(), &rows));
            (found, expected)
        };
        // Of outputs that are no probabilities, half precision has so many digits.
        let largest = expected.iter().fold(1.0_f32, |largest, value| largest.max(value.abs()));
        let most = largest_difference(&found, &expected) / largest;
        assert!(most <= TOLERANCE, "{}: {most:e}", folder.display());
    }
    assert!(of_rows >= 1 && of_sequences >= 1);
}
