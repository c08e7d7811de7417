//! Bytes as a model file: an error, or finite outputs of the right length, which depend neither on
//! other inputs of the batch nor on the instruction set, to the bit.

use bm_infer::backend::Embedded;
use bm_infer::onnx::correction::Correction;
use bm_infer::{Alphabet, Backend, InferError, ModelFile, SequencesRef, TensorRef};

use crate::message;

/// Most features of a model that is run: larger models take longer and reach no other code.
const MOST_FEATURES: usize = 1 << 12;

/// Runs a model file on the embedded engine, with and without vector instructions.
///
/// # Panics
///
/// If a message has several lines; if an output has the wrong length, is not finite, or depends on other
/// rows; or if the instruction sets disagree.
pub fn check(bytes: &[u8]) {
    // `bm adapt` reads its start model with this function.
    if let Err(reason) = Correction::read(bytes) {
        assert!(!reason.contains(|c: char| c.is_control()), "{reason:?}");
    }
    match ModelFile::from_bytes("input.onnx", bytes.to_vec()) {
        Err(error) => drop(message(&error)),
        Ok(file) => {
            check_engines(&file, rows);
            check_engines(&file, sequences);
        }
    }
}

/// Runs a model on one engine.
type Run = fn(&ModelFile, Embedded) -> Result<Vec<f32>, InferError>;

fn check_engines(file: &ModelFile, run: Run) {
    if file.signature().features > MOST_FEATURES {
        return;
    }
    let answers = [Embedded::new(), Embedded::scalar()].map(|engine| run(file, engine));
    for answer in &answers {
        match answer {
            Ok(output) => assert!(output.iter().all(|value| value.is_finite())),
            Err(error) => drop(message(error)),
        }
    }
    match answers {
        [Ok(vector), Ok(scalar)] => expect_bits(&vector, &scalar),
        [Err(vector), Err(scalar)] => assert_eq!(vector.to_string(), scalar.to_string()),
        [vector, scalar] => panic!("with vectors {vector:?}, without {scalar:?}"),
    }
}

/// Returns pseudo-random numbers in −1..1.
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let number = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(number).collect()
}

/// Runs a model of rows on all rows together, and on single rows; both must agree to the bit.
fn rows(file: &ModelFile, engine: Embedded) -> Result<Vec<f32>, InferError> {
    const ROWS: usize = 5;
    let mut session = engine.load(file)?;
    let (features, outputs) = (file.signature().features, file.signature().outputs);
    let values = numbers(ROWS * features);
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
fn sequences(file: &ModelFile, engine: Embedded) -> Result<Vec<f32>, InferError> {
    const CODES: usize = 6;
    const LENGTHS: [usize; 5] = [0, 1, 9, 40, 2];
    let alphabet =
        Alphabet::new(file.signature().features, numbers(CODES * file.signature().features))?;
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

/// Checks that outputs are equal to the bit.
fn expect_bits(alone: &[f32], among: &[f32]) {
    assert!(
        alone.iter().map(|value| value.to_bits()).eq(among.iter().map(|value| value.to_bits())),
        "{alone:?}, {among:?}"
    );
}
