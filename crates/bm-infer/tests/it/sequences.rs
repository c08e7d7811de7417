//! Models of sequences: every engine against the definition of a convolution.

use bm_infer::backend::Embedded;
use bm_infer::onnx::testing::{Convolution, correction_model, ints, node, tensor};
use bm_infer::onnx::{AttributeProto, ModelProto};
use bm_infer::{Alphabet, Backend, InferError, ModelFile, SequenceSession, SequencesRef};

use crate::backends::{chain, present};
use crate::networks::{Numbers, file, graph};

/// Maximum error of an engine: single precision over some hundred terms, and a sigmoid.
const BOUND: f64 = 2e-6;

/// A network, its alphabet, and numbers to generate sequences from.
struct Case {
    window: Convolution,
    last: Convolution,
    guess: Convolution,
    alphabet: Alphabet,
    numbers: Numbers,
}

fn convolution(numbers: &mut Numbers, outputs: usize, inputs: usize, window: usize) -> Convolution {
    let most = 1.0 / ((inputs * window) as f32).sqrt();
    let (weights, biases) =
        (numbers.around_zero(outputs * inputs * window, most), numbers.around_zero(outputs, 0.5));
    Convolution { outputs, inputs, window, weights, biases }
}

impl Case {
    fn new(seed: u64, codes: usize, channels: usize, hidden: usize, width: usize) -> Self {
        let mut numbers = Numbers::new(seed);
        Self {
            window: convolution(&mut numbers, hidden, channels, width),
            last: convolution(&mut numbers, 1, hidden, 1),
            guess: convolution(&mut numbers, 1, channels, 1),
            alphabet: Alphabet::new(channels, numbers.around_zero(codes * channels, 1.0)).unwrap(),
            numbers,
        }
    }

    fn model(&self) -> ModelProto {
        correction_model(&self.window, &self.last, &self.guess)
    }

    fn file(&self) -> ModelFile {
        file("correction", &self.model())
    }

    fn sequence(&mut self, length: usize) -> Vec<u16> {
        (0..length).map(|_| self.numbers.below(self.alphabet.codes()) as u16).collect()
    }

    /// Returns the outputs by the definition of the network, in double precision.
    fn reference(&self, sequence: &[u16]) -> Vec<f64> {
        let conv = |layer: &Convolution,
                    at: usize,
                    output: usize,
                    value: &dyn Fn(usize, usize) -> f64|
         -> f64 {
            let mut sum = f64::from(layer.biases[output]);
            for place in 0..layer.window {
                let Some(position) =
                    (at + place).checked_sub(layer.window / 2).filter(|p| *p < sequence.len())
                else {
                    continue;
                };
                for input in 0..layer.inputs {
                    let weight =
                        layer.weights[(output * layer.inputs + input) * layer.window + place];
                    sum += f64::from(weight) * value(position, input);
                }
            }
            sum
        };
        let feature = |position: usize, channel: usize| {
            f64::from(self.alphabet.vector(sequence[position]).unwrap()[channel])
        };
        let probability = |at: usize| {
            let hidden: Vec<f64> = (0..self.window.outputs)
                .map(|h| conv(&self.window, at, h, &feature).max(0.0))
                .collect();
            let correction = conv(&self.last, at, 0, &|_, input| hidden[input]);
            1.0 / (1.0 + (-(conv(&self.guess, at, 0, &feature) + correction)).exp())
        };
        (0..sequence.len()).map(probability).collect()
    }
}

fn run(session: &mut dyn SequenceSession, sequences: &[Vec<u16>]) -> Vec<f32> {
    let lengths: Vec<_> = sequences.iter().map(Vec::len).collect();
    let mut output = vec![9.0];
    session.run(SequencesRef::new(&sequences.concat(), &lengths).unwrap(), &mut output).unwrap();
    output
}

#[test]
fn every_engine_agrees_with_the_definition() {
    // Channels below, at and above the length of a vector; windows from one position to more than
    // the shortest sequence.
    for (seed, (codes, channels, hidden, width)) in [
        (470, 10, 16, 9),
        (5, 4, 1, 1),
        (20, 3, 7, 3),
        (94, 12, 33, 15),
        (300, 8, 64, 21),
        (2, 1, 100, 5),
    ]
    .into_iter()
    .enumerate()
    {
        let mut case = Case::new(seed as u64, codes, channels, hidden, width);
        let lengths = [1, 2, 150, 0, 150, 7, 20, 1023, 1, 1025, 3000];
        let sequences: Vec<_> = lengths.into_iter().map(|length| case.sequence(length)).collect();
        let expected: Vec<f64> =
            sequences.iter().flat_map(|sequence| case.reference(sequence)).collect();
        for backend in present() {
            let mut session = backend.backend.load_sequences(&case.file(), &case.alphabet).unwrap();
            let found = run(session.as_mut(), &sequences);
            assert_eq!(found.len(), expected.len());
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let off = (f64::from(*found) - expected).abs();
                assert!(
                    off <= BOUND,
                    "{}, {codes} codes, window {width}, position {i}: {found}, expected {expected}",
                    session.backend()
                );
            }
        }
    }
}

#[test]
fn a_sequence_does_not_depend_on_the_other_sequences_to_the_bit() {
    let mut case = Case::new(7, 470, 10, 16, 9);
    let sequences: Vec<_> =
        [150, 150, 1, 2500, 36, 150, 999].into_iter().map(|length| case.sequence(length)).collect();
    let mut session = Embedded::new().load_sequences(&case.file(), &case.alphabet).unwrap();
    let bits = |output: Vec<f32>| output.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    let together = bits(run(session.as_mut(), &sequences));
    let apart: Vec<u32> = sequences
        .iter()
        .flat_map(|sequence| bits(run(session.as_mut(), std::slice::from_ref(sequence))))
        .collect();
    assert_eq!(together, apart);
}

#[test]
fn no_positions_give_no_output() {
    let case = Case::new(1, 5, 2, 3, 3);
    for backend in present() {
        let mut session = backend.backend.load_sequences(&case.file(), &case.alphabet).unwrap();
        assert_eq!(run(session.as_mut(), &[]), []);
        assert_eq!(run(session.as_mut(), &[vec![], vec![]]), []);
    }
}

#[test]
fn unknown_codes_are_refused_before_an_engine_runs() {
    let case = Case::new(1, 5, 2, 3, 3);
    for backend in present() {
        let mut session = backend.backend.load_sequences(&case.file(), &case.alphabet).unwrap();
        let error =
            session.run(SequencesRef::new(&[0, 4, 5, 1], &[4]).unwrap(), &mut vec![]).unwrap_err();
        assert!(
            matches!(error, InferError::UnknownCode { position: 2, code: 5, codes: 5 }),
            "{error}"
        );
    }
}

/// Returns the message with which the embedded engine refuses a changed model.
fn refusal(change: impl FnOnce(&mut ModelProto)) -> String {
    let case = Case::new(3, 5, 2, 3, 3);
    let mut model = case.model();
    change(&mut model);
    let file = match ModelFile::from_bytes("changed.onnx", prost::Message::encode_to_vec(&model)) {
        Ok(file) => file,
        Err(error) => return chain(&error),
    };
    chain(
        &Embedded::new().load_sequences(&file, &case.alphabet).err().expect("it was to be refused"),
    )
}

#[test]
fn nodes_that_the_embedded_engine_does_not_run_are_named() {
    let set = |model: &mut ModelProto, index: usize, attribute: AttributeProto| {
        let attributes = &mut graph(model).node[index].attribute;
        attributes.retain(|old| old.name != attribute.name);
        attributes.push(attribute);
    };
    let weights = |model: &mut ModelProto, name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        change(
            &mut graph(model)
                .initializer
                .iter_mut()
                .find(|tensor| tensor.name == name)
                .unwrap()
                .raw_data,
        );
    };
    for (expected, message) in [
        (
            "window (Conv) does not keep the length of the sequence",
            refusal(|model| set(model, 0, ints("strides", &[1, 2]))),
        ),
        (
            "window (Conv) does not keep the length of the sequence",
            refusal(|model| set(model, 0, ints("dilations", &[1, 2]))),
        ),
        (
            "window (Conv) does not keep the length of the sequence",
            refusal(|model| set(model, 0, ints("pads", &[0, 1, 0, 0]))),
        ),
        (
            "window (Conv) does not keep the length of the sequence",
            refusal(|model| set(model, 0, ints("pads", &[0, -1, 0, 3]))),
        ),
        // Pads whose sum overflows.
        (
            "window (Conv) does not keep the length of the sequence",
            refusal(|model| set(model, 0, ints("pads", &[0, i64::MAX, 0, i64::MAX]))),
        ),
        ("pads is [1], expected 4 numbers", refusal(|model| set(model, 0, ints("pads", &[1])))),
        ("Erf is not one of", refusal(|model| graph(model).node[1].op_type = "Erf".into())),
        ("window (Conv) is of operator set 6", refusal(|model| model.opset_import[0].version = 6)),
        (
            "BatchNormalization does not follow a convolution",
            refusal(|model| graph(model).node.push(node("BatchNormalization", &["h"], "more"))),
        ),
        (
            "takes nothing_makes_this",
            refusal(|model| graph(model).node[1].input[0] = "nothing_makes_this".into()),
        ),
        ("is defined twice", refusal(|model| graph(model).node.push(node("Relu", &["z"], "sum")))),
        (
            "not finite",
            refusal(|model| {
                weights(model, "window.weight", &|raw| {
                    raw[..4].copy_from_slice(&f32::NAN.to_le_bytes())
                })
            })
            .replace("NaN", "not finite"),
        ),
        ("no node has the output", refusal(|model| graph(model).node.pop().map_or((), drop))),
        ("has 4 values", refusal(|model| weights(model, "window.bias", &|raw| raw.extend([0; 4])))),
    ] {
        assert!(
            message.contains(expected) && !message.contains('\n'),
            "expected {expected}: {message}"
        );
    }
}

/// A normalisation is part of the convolution before, and activations are those of models of rows.
#[test]
fn normalisations_and_activations_of_sequences_agree_on_every_engine() {
    let mut case = Case::new(8, 30, 4, 7, 5);
    let sequences: Vec<_> = [1, 40, 3, 200].map(|length| case.sequence(length)).into();
    for activation in ["Tanh", "LeakyRelu", "Sigmoid", "Relu"] {
        let mut model = case.model();
        let graph = graph(&mut model);
        let at = graph.node.iter().position(|node| node.op_type == "Relu").unwrap();
        graph.node[at].op_type = activation.into();
        graph.node[at].input[0] = "normalised".into();
        let inputs = ["z", "scale", "shift", "mean", "variance"];
        graph.node.insert(at, node("BatchNormalization", &inputs, "normalised"));
        for (name, offset) in inputs[1..].iter().zip([1.5, 0.0, 0.0, 1.5]) {
            let values: Vec<f32> =
                case.numbers.around_zero(7, 1.0).into_iter().map(|x| x + offset).collect();
            graph.initializer.push(tensor(name, &[7], &values));
        }
        let file = file(activation, &model);
        let mut first: Option<Vec<f32>> = None;
        for backend in present() {
            let mut session = backend.backend.load_sequences(&file, &case.alphabet).unwrap();
            let found = run(session.as_mut(), &sequences);
            let first = first.get_or_insert_with(|| found.clone());
            for (a, b) in first.iter().zip(&found) {
                let off = f64::from(a - b).abs();
                assert!(off <= BOUND, "{}, {activation}: {b}, others {a}", backend.label);
            }
        }
        // The normalisation changes the outputs.
        assert_ne!(
            first.unwrap()[..9],
            run(
                present()[0].backend.load_sequences(&case.file(), &case.alphabet).unwrap().as_mut(),
                &sequences,
            )[..9]
        );
    }
}

/// ONNX Runtime computes an output of negative height for it.
#[test]
fn a_kernel_larger_than_its_input_is_refused_by_every_engine() {
    let case = Case::new(3, 5, 2, 3, 3);
    let mut model = case.model();
    let attributes = &mut graph(&mut model).node[0].attribute;
    attributes.retain(|attribute| attribute.name != "kernel_shape");
    attributes.push(ints("kernel_shape", &[17, 3]));
    for backend in present() {
        let error = backend
            .backend
            .load_sequences(&file("kernel", &model), &case.alphabet)
            .err()
            .expect("it was to be refused");
        assert!(
            matches!(error, InferError::ModelUnsupported { .. }),
            "{}: {error:?}",
            backend.label
        );
    }
}

#[test]
fn models_and_alphabets_must_have_as_many_features() {
    let case = Case::new(3, 5, 2, 3, 3);
    let other = Alphabet::new(3, vec![0.0; 15]).unwrap();
    let rows = ModelFile::from_bytes(
        "rows.onnx",
        bm_infer::onnx::testing::dense(&[(1, vec![1.0, 1.0], vec![0.0])]),
    )
    .unwrap();
    for backend in present() {
        let message = chain(
            &backend.backend.load_sequences(&case.file(), &other).err().expect("another width"),
        );
        assert!(message.contains("takes 2 features per position, the alphabet has 3"), "{message}");
        let message = chain(
            &backend.backend.load_sequences(&rows, &case.alphabet).err().expect("a model of rows"),
        );
        assert!(message.contains("not a model of sequences"), "{message}");
        let message =
            chain(&backend.backend.load(&case.file()).err().expect("a model of sequences"));
        assert!(message.contains("it is a model of sequences"), "{message}");
    }
}

#[test]
fn tables_that_need_too_much_memory_are_refused() {
    // The file has few weights, but every code of a large alphabet has a row for every place in the
    // window.
    let mut case = Case::new(3, 1, 1, 256, 21);
    case.alphabet = Alphabet::new(1, vec![0.5; 65_536]).unwrap();
    let message = chain(
        &Embedded::new()
            .load_sequences(&case.file(), &case.alphabet)
            .err()
            .expect("350 million numbers"),
    );
    assert!(message.contains("weights in total, expected at most"), "{message}");
}

#[test]
fn weights_that_many_nodes_use_have_a_limit() {
    // Every node alone is small, but together they would need too much memory; the file holds the
    // weights once.
    let case = Case::new(3, 470, 10, 256, 21);
    let mut model = case.model();
    let window = graph(&mut model).node[0].clone();
    for i in 0..20 {
        let mut again = window.clone();
        (again.name, again.output) = (format!("again{i}"), vec![format!("again{i}")]);
        graph(&mut model).node.push(again);
    }
    let message = chain(
        &Embedded::new()
            .load_sequences(&file("again", &model), &case.alphabet)
            .err()
            .expect("50 million numbers"),
    );
    assert!(message.contains("weights in total, expected at most"), "{message}");
    assert!(
        Embedded::new().load_sequences(&case.file(), &case.alphabet).is_ok(),
        "once is not too much"
    );
}
