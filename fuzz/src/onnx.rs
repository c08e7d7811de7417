//! Bytes as a model file: an error, or finite outputs of the right length, which depend neither on
//! other inputs of the batch nor (beyond rounding) on the instruction set.

use bm_infer::backend::Embedded;
use bm_infer::onnx::correction::Correction;
use bm_infer::onnx::{ModelProto, TensorProto};
use bm_infer::{Alphabet, Backend, InferError, ModelFile, SequencesRef, TensorRef};
use prost::Message;

use crate::message;

/// Most features of a model that is run: larger models take longer and reach no other code.
const MOST_FEATURES: usize = 1 << 12;

/// Unit roundoff of `f32`.
const U: f64 = 1.0 / (1u64 << 24) as f64;

/// Runs a model file on the embedded engine, with and without vector instructions.
///
/// # Panics
///
/// If a message has several lines; if only one instruction set refuses the model; if an output has
/// the wrong length, is not finite, or depends on other rows; or if the instruction sets disagree.
pub fn check(bytes: &[u8]) {
    // `bm adapt` reads its start model with this function.
    if let Err(reason) = Correction::read(bytes) {
        assert!(!reason.contains(|c: char| c.is_control()), "{reason:?}");
    }
    match ModelFile::from_bytes("input.onnx", bytes.to_vec()) {
        Err(error) => drop(message(&error)),
        Ok(file) => {
            let sizes = Sizes::of(&file);
            check_engines(&file, sizes.as_ref(), rows);
            check_engines(&file, sizes.as_ref(), sequences);
        }
    }
}

/// Runs a model on one engine, with signed numbers or their absolute values.
type Run = fn(&ModelFile, Embedded, Numbers) -> Result<Vec<f32>, InferError>;

fn check_engines(file: &ModelFile, sizes: Option<&Sizes>, run: Run) {
    if file.signature().features > MOST_FEATURES {
        return;
    }
    let vector = run(file, Embedded::new(), Numbers::Signed);
    let scalar = run(file, Embedded::scalar(), Numbers::Signed);
    for answer in [&vector, &scalar] {
        match answer {
            Ok(output) => assert!(output.iter().all(|value| value.is_finite())),
            Err(error) => drop(message(error)),
        }
    }
    // All instruction sets must refuse the same models. Other errors (a float overflow) may differ.
    let refuses = |answer: &Result<Vec<f32>, InferError>| match answer {
        Err(error @ (InferError::ModelInvalid { .. } | InferError::ModelUnsupported { .. })) => {
            Some(error.to_string())
        }
        _ => None,
    };
    assert_eq!(refuses(&vector), refuses(&scalar));
    let Some((sizes, largest)) = sizes.and_then(|sizes| {
        Some((sizes, run(&sizes.file, Embedded::scalar(), Numbers::Sizes).ok()?))
    }) else {
        return;
    };
    let bounds: Vec<f64> =
        largest.iter().map(|size| 2.0 * U * sizes.terms * f64::from(*size) + 32.0 * U).collect();
    if bounds.iter().any(|bound| *bound > 1e30) {
        return;
    }
    let (vector, scalar) = (vector.unwrap(), scalar.unwrap());
    assert_eq!((vector.len(), scalar.len()), (bounds.len(), bounds.len()));
    for ((a, b), bound) in vector.iter().zip(&scalar).zip(bounds) {
        let off = (f64::from(*a) - f64::from(*b)).abs();
        assert!(
            off <= bound,
            "with vectors {a}, without {b}: off by {off}, expected at most {bound}"
        );
    }
}

/// The network with every number replaced by its absolute value, and without sigmoid. Its output is
/// the sum of the absolute values of all terms of the original output. Whatever the order of
/// summation, the rounding error is at most this sum times the number of roundings, in units of
/// roundoff (Higham, Accuracy and Stability of Numerical Algorithms, §3.1). A `Relu`, or a sigmoid
/// at the end, does not increase the error.
struct Sizes {
    file: ModelFile,
    /// Upper limit of the number of roundings of any term.
    terms: f64,
}

impl Sizes {
    /// Returns none for a network whose sigmoid is not its last operator, because the limit does
    /// not hold for it.
    fn of(file: &ModelFile) -> Option<Self> {
        let mut model = ModelProto::decode(file.bytes()).ok()?;
        let graph = model.graph.as_mut()?;
        let mut terms = 0;
        for node in &mut graph.node {
            let constants =
                graph.initializer.iter().filter(|tensor| node.input.contains(&tensor.name));
            terms += 3 + constants
                .map(|tensor| tensor.raw_data.len() / 4 + tensor.float_data.len())
                .sum::<usize>();
            node.attribute.iter_mut().for_each(|attribute| attribute.f = attribute.f.abs());
            if node.op_type == "Sigmoid" {
                node.op_type = "Relu".to_owned();
                if *node.output.first()? != file.signature().output {
                    return None;
                }
            }
        }
        graph.initializer.iter_mut().for_each(without_signs);
        let file = ModelFile::from_bytes("sizes.onnx", model.encode_to_vec()).ok()?;
        Some(Self { file, terms: terms as f64 })
    }
}

fn without_signs(tensor: &mut TensorProto) {
    tensor.float_data.iter_mut().for_each(|value| *value = value.abs());
    // The sign is the highest bit of the last byte of a little-endian float.
    tensor.raw_data.iter_mut().skip(3).step_by(4).for_each(|byte| *byte &= 0x7f);
}

/// The kind of numbers given to a model.
#[derive(Clone, Copy)]
enum Numbers {
    Signed,
    Sizes,
}

impl Numbers {
    /// Returns pseudo-random numbers in −1..1, or their absolute values.
    fn take(self, count: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let number = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            if matches!(self, Self::Sizes) { number.abs() } else { number }
        };
        (0..count).map(number).collect()
    }
}

/// Runs a model of rows on all rows together, and on single rows; both must agree to the bit.
fn rows(file: &ModelFile, engine: Embedded, numbers: Numbers) -> Result<Vec<f32>, InferError> {
    const ROWS: usize = 5;
    let mut session = engine.load(file)?;
    let (features, outputs) = (file.signature().features, file.signature().outputs);
    let values = numbers.take(ROWS * features);
    let (mut output, mut alone) = (Vec::new(), Vec::new());
    session.run(TensorRef::new([ROWS, features], &values)?, &mut output)?;
    assert_eq!(output.len(), ROWS * outputs);
    for row in [1, ROWS - 1] {
        session.run(
            TensorRef::new([1, features], &values[row * features..][..features])?,
            &mut alone,
        )?;
        expect_bits(&alone, &output[row * outputs..][..outputs]);
    }
    Ok(output)
}

/// Runs a model of sequences on several together, and on one alone; both must agree to the bit.
fn sequences(file: &ModelFile, engine: Embedded, numbers: Numbers) -> Result<Vec<f32>, InferError> {
    const CODES: usize = 6;
    const LENGTHS: [usize; 5] = [0, 1, 9, 40, 2];
    let alphabet =
        Alphabet::new(file.signature().features, numbers.take(CODES * file.signature().features))?;
    let mut session = engine.load_sequences(file, &alphabet)?;
    let outputs = file.signature().outputs;
    let codes: Vec<u16> =
        (0..LENGTHS.iter().sum::<usize>()).map(|i| (i * i % CODES) as u16).collect();
    let (mut output, mut alone) = (Vec::new(), Vec::new());
    session.run(SequencesRef::new(&codes, &LENGTHS)?, &mut output)?;
    assert_eq!(output.len(), codes.len() * outputs);
    let last = 1 + 9 + 40;
    session.run(SequencesRef::new(&codes[last..], &[2])?, &mut alone)?;
    expect_bits(&alone, &output[last * outputs..]);
    Ok(output)
}

/// Checks that the outputs of an input run alone and run in a batch are equal to the bit.
fn expect_bits(alone: &[f32], among: &[f32]) {
    assert!(
        alone.iter().map(|value| value.to_bits()).eq(among.iter().map(|value| value.to_bits())),
        "{alone:?}, {among:?}"
    );
}
