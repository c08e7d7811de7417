//! Input that is refused before an engine runs.

use bm_infer::{InferError, ModelFile, Session, Signature, TensorRef};

use crate::backends::{present, run};
use crate::networks::{Numbers, file, gemm_model, layers};

fn model() -> ModelFile {
    file("300-128-64-1", &gemm_model(&layers(&[300, 128, 64, 1], 0)))
}

/// An engine that returns a given result.
struct Fake {
    signature: Signature,
    answer: Option<Vec<f32>>,
}

impl Session for Fake {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn backend(&self) -> &'static str {
        "fake"
    }

    fn execute(&mut self, _: TensorRef<'_>, output: &mut Vec<f32>) -> Result<(), InferError> {
        output.extend(self.answer.as_ref().expect("the engine was reached"));
        Ok(())
    }
}

/// Every available engine, and one that panics if it runs.
fn sessions() -> Vec<(String, Box<dyn Session>)> {
    let mut sessions: Vec<(String, Box<dyn Session>)> = present()
        .into_iter()
        .map(|present| (present.label.clone(), present.load(&model())))
        .collect();
    sessions.push((
        "unreachable".to_owned(),
        Box::new(Fake { signature: model().signature().clone(), answer: None }),
    ));
    sessions
}

#[test]
fn numbers_that_are_not_finite_are_refused_before_the_engine() {
    let rows = Numbers::new(4).rows(257, 300);
    for (label, mut session) in sessions() {
        for value in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for (row, feature) in [(0, 0), (0, 299), (1, 150), (191, 7), (192, 0), (256, 299)] {
                let mut rows = rows.clone();
                rows[row * 300 + feature] = value;
                // The message names only the first.
                rows[256 * 300 + 299] = value;
                let mut output = vec![0.5; 4];
                match session.run(TensorRef::new([257, 300], &rows).unwrap(), &mut output) {
                    Err(InferError::NonFinite { row: r, feature: f, value: v }) => {
                        assert_eq!((r, f, v.to_bits()), (row, feature, value.to_bits()), "{label}");
                    }
                    other => {
                        panic!("{label}: {value} at row {row}, feature {feature} gave {other:?}")
                    }
                }
                assert!(output.is_empty(), "{label}: an answer from before is still there");
            }
        }
        if label != "unreachable" {
            assert_eq!(run(&mut *session, &rows).len(), 257, "{label}: usable after a refusal");
        }
    }
}

#[test]
fn messages_name_row_feature_and_value() {
    let mut rows = vec![0.5; 600];
    rows[300 + 42] = f32::NAN;
    for (label, mut session) in sessions() {
        let error = session
            .run(TensorRef::new([2, 300], &rows).unwrap(), &mut Vec::new())
            .err()
            .unwrap()
            .to_string();
        assert!(error.starts_with("row 1 of the input has NaN at feature 42"), "{label}: {error}");
    }
}

#[test]
fn finite_numbers_of_every_size_are_accepted() {
    let signature = model().signature().clone();
    let values = [f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-45, -0.0, 0.0].repeat(50);
    let input = TensorRef::new([1, 300], &values).unwrap();
    assert!(signature.check_input(&input).is_ok());
    let mut output = Vec::new();
    Fake { signature, answer: Some(vec![0.25]) }.run(input, &mut output).unwrap();
    assert_eq!(output, [0.25]);
}

#[test]
fn another_width_is_refused_before_the_engine() {
    for (label, mut session) in sessions() {
        for (rows, columns) in [(1, 299), (1, 301), (2, 150), (0, 1), (3, 0), (300, 1)] {
            let values = vec![0.5; rows * columns];
            match session.run(TensorRef::new([rows, columns], &values).unwrap(), &mut vec![1.0]) {
                Err(InferError::ShapeMismatch { input, expected: 300, actual }) => {
                    assert_eq!((input.as_str(), actual), ("features", columns), "{label}");
                }
                other => panic!("{label}: {columns} columns gave {other:?}"),
            }
        }
    }
}

#[test]
fn no_rows_give_no_output_and_reach_no_engine() {
    for (label, mut session) in sessions() {
        let mut output = vec![1.0, 2.0];
        session.run(TensorRef::new([0, 300], &[]).unwrap(), &mut output).unwrap();
        assert!(output.is_empty(), "{label}");
    }
}

#[test]
fn the_number_of_values_must_fit_the_shape() {
    for (shape, values) in [
        ([2, 300], 599),
        ([2, 300], 601),
        ([1, 1], 0),
        ([0, 300], 1),
        ([usize::MAX, 3], 0),
        ([1 << 33, 1 << 33], 4),
    ] {
        let values = vec![0.0; values];
        match TensorRef::new(shape, &values) {
            Err(InferError::ValueCount { shape: found, actual }) => {
                assert_eq!((found, actual), (shape, values.len()))
            }
            other => panic!("{shape:?} of {} values gave {other:?}", values.len()),
        }
    }
}

/// The outputs of an engine are checked too.
#[test]
fn outputs_that_do_not_fit_the_signature_are_refused() {
    let signature = model().signature().clone();
    for (answer, part) in [
        (vec![], "0 numbers, 0 of them finite"),
        (vec![0.5], "1 numbers, 1 of them finite"),
        (vec![0.5; 3], "3 numbers, 3 of them finite"),
        (vec![0.5, f32::NAN], "2 numbers, 1 of them finite"),
        (vec![f32::INFINITY, 0.5], "2 numbers, 1 of them finite"),
    ] {
        let mut session = Fake { signature: signature.clone(), answer: Some(answer) };
        let error = session
            .run(TensorRef::new([2, 300], &[0.5; 600]).unwrap(), &mut Vec::new())
            .err()
            .unwrap();
        assert!(matches!(error, InferError::OutputMismatch { backend: "fake", .. }), "{error:?}");
        let message = error.to_string();
        assert!(
            message.contains(part) && message.contains("expected 2 finite numbers"),
            "{message}"
        );
    }
}
