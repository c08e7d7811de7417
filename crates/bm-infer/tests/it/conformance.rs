//! The same cases for every engine: correct, equal across engines, and independent of the batch.

use bm_infer::InferError;

use crate::backends::{present, run};
use crate::networks::{Numbers, cases, file, gemm_model, layers, reference};

/// Maximum difference of a probability between two engines of full precision.
const BETWEEN_ENGINES: f32 = 1e-6;

/// Batch sizes around blocks and tiles of the kernels.
const BATCHES: [usize; 12] = [0, 1, 2, 7, 11, 12, 13, 191, 193, 255, 256, 257];

#[test]
fn every_engine_computes_every_form_of_network() {
    for case in cases() {
        let file = case.file();
        let features = case.features();
        let rows = Numbers::new(5).rows(61, features);
        let expected: Vec<(f64, f64)> =
            rows.chunks(features).flat_map(|row| reference(&case.layers, row)).collect();
        let probabilities = expected.iter().all(|(value, _)| (0.0..=1.0).contains(value));
        let mut first: Option<(String, Vec<f32>)> = None;
        for present in present() {
            if let Some(reason) = case.refused_by_embedded.filter(|_| present.is_embedded()) {
                let error = present
                    .backend
                    .load(&file)
                    .err()
                    .unwrap_or_else(|| panic!("{}: {} is run", present.label, case.name));
                assert!(
                    matches!(error, InferError::ModelUnsupported { backend: "embedded", .. }),
                    "{error:?}"
                );
                let message = error.to_string();
                assert!(
                    message.contains(reason)
                        && message.contains(&case.name)
                        && !message.contains('\n'),
                    "{message}"
                );
                continue;
            }
            let mut session = present.load(&file);
            assert_eq!(session.backend(), present.backend.name());
            assert_eq!(session.signature(), file.signature());
            for batch in [61, 1, 8, 9, 0, 60] {
                let found = run(&mut *session, &rows[..batch * features]);
                let label = format!("{}, {}, batch {batch}", present.label, case.name);
                assert_eq!(found.len(), batch * file.signature().outputs, "{label}");
                for (i, (found, (expected, bound))) in found.iter().zip(&expected).enumerate() {
                    let off = (f64::from(*found) - expected).abs();
                    assert!(
                        off <= *bound,
                        "{label}: output {i} is {found}, expected {expected} within {bound:.1e}"
                    );
                }
            }
            let found = run(&mut *session, &rows);
            match &first {
                None => first = Some((present.label, found)),
                Some((label, first)) if probabilities => {
                    let most =
                        first.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    assert!(
                        most <= BETWEEN_ENGINES,
                        "{}, {label} and {}: {most:e} apart",
                        case.name,
                        present.label
                    );
                }
                Some(_) => {}
            }
        }
    }
}

/// The shape of the trained networks, at every batch size, 1000 included: within 10⁻⁶ of the
/// definition, which is less than the bound of the rounding errors.
#[test]
fn a_network_of_300_128_64_1_is_correct_at_every_batch_size() {
    let rows = Numbers::new(1).rows(1000, 300);
    // The first random network whose outputs are on both sides of 0.5.
    let (layers, expected) = (0..100)
        .find_map(|seed| {
            let layers = layers(&[300, 128, 64, 1], seed);
            let answer = |rows: &[f32]| {
                rows.chunks(300).map(|row| reference(&layers, row)[0].0).collect::<Vec<f64>>()
            };
            let both = |p: &[f64]| p.iter().any(|p| *p < 0.4) && p.iter().any(|p| *p > 0.6);
            both(&answer(&rows[..20 * 300])).then(|| (layers.clone(), answer(&rows)))
        })
        .expect("a network with outputs on both sides");
    let file = file("300-128-64-1", &gemm_model(&layers));
    for present in present() {
        let mut session = present.load(&file);
        let together = run(&mut *session, &rows);
        for (row, (found, expected)) in together.iter().zip(&expected).enumerate() {
            let off = (f64::from(*found) - expected).abs();
            assert!(off <= 1e-6, "{}, row {row}: {found}, expected {expected}", present.label);
        }
        for batch in BATCHES {
            let found = run(&mut *session, &rows[..batch * 300]);
            compare(
                &format!("{}, batch {batch}", present.label),
                &found,
                &together[..batch],
                present.bitwise,
            );
        }
    }
}

/// The probability of a row does not depend on the other rows, on their number, on earlier runs, or
/// on the session.
#[test]
fn a_row_does_not_depend_on_its_batch() {
    let file = file("300-128-64-1", &gemm_model(&layers(&[300, 128, 64, 1], 3)));
    let rows = Numbers::new(2).rows(200, 300);
    for present in present() {
        let mut session = present.load(&file);
        let together = run(&mut *session, &rows);
        for batch in [1, 3, 12, 64, 199] {
            let mut other = present.load(&file);
            let apart: Vec<f32> =
                rows.chunks(batch * 300).flat_map(|rows| run(&mut *other, rows)).collect();
            compare(
                &format!("{} in batches of {batch}", present.label),
                &apart,
                &together,
                present.bitwise,
            );
        }
        // In reverse: other neighbours, other positions in the blocks of the kernel.
        let backwards: Vec<f32> = rows.chunks(300).rev().flatten().copied().collect();
        let mut found = run(&mut *session, &backwards);
        found.reverse();
        compare(&format!("{} backwards", present.label), &found, &together, present.bitwise);
        // Beside rows of the largest finite numbers.
        let mut among_extremes = rows.clone();
        among_extremes.chunks_mut(300).skip(1).step_by(2).for_each(|row| row.fill(-1e30));
        let found = run(&mut *session, &among_extremes);
        let kept = |values: &[f32]| values.iter().step_by(2).copied().collect::<Vec<_>>();
        compare(
            &format!("{} among extremes", present.label),
            &kept(&found),
            &kept(&together),
            present.bitwise,
        );
    }
}

fn compare(label: &str, found: &[f32], expected: &[f32], bitwise: bool) {
    assert_eq!(found.len(), expected.len(), "{label}");
    for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
        if bitwise {
            assert_eq!(
                found.to_bits(),
                expected.to_bits(),
                "{label}, row {row}: {found}, expected {expected}"
            );
        } else {
            assert!(
                (found - expected).abs() <= BETWEEN_ENGINES,
                "{label}, row {row}: {found}, expected {expected}"
            );
        }
    }
}

/// Blocks of a model with one batch size: full, padded, and a batch smaller than a block.
#[test]
fn models_with_one_batch_size_take_any_number_of_rows() {
    let layers = layers(&[6, 5, 3], 8);
    let rows = Numbers::new(3).rows(50, 6);
    for present in present() {
        let expected = run(&mut *present.load(&file("open", &gemm_model(&layers))), &rows);
        for size in [1, 3, 8, 64] {
            for (name, model) in [
                ("rows", crate::networks::fixed_batch(&layers, size)),
                ("columns", crate::networks::columns(&layers, [1, size])),
                ("rows of columns", crate::networks::columns(&layers, [4, size.div_ceil(4)])),
            ] {
                let mut session = present.load(&file(name, &model));
                for batch in [0, 1, size - 1, size, size + 1, 50] {
                    let batch = batch.min(50);
                    let found = run(&mut *session, &rows[..batch * 6]);
                    compare(
                        &format!("{name}, {size} at once, batch {batch}"),
                        &found,
                        &expected[..batch * 3],
                        false,
                    );
                }
            }
        }
    }
}

/// A sum that overflows inside a network is refused and does not become a probability.
#[test]
fn sums_that_overflow_are_refused() {
    let mut layers = layers(&[4, 2, 2, 1], 8);
    // The first layer gives +inf twice, the second their difference, which is NaN.
    layers[0].weights.fill(3e38);
    layers[1].weights = vec![1.0, -1.0, 1.0, -1.0];
    let file = file("overflow", &gemm_model(&layers));
    for present in present() {
        let mut session = present.load(&file);
        let mut output = Vec::new();
        let input = bm_infer::TensorRef::new([1, 4], &[10.0; 4]).unwrap();
        let error = session.run(input, &mut output).err();
        assert!(
            matches!(error, Some(InferError::OutputMismatch { .. })),
            "{}: {error:?}, {output:?}",
            present.label
        );
    }
}

#[test]
fn engines_describe_themselves() {
    for present in present() {
        assert!(present.backend.check().is_ok_and(|()| true), "{}", present.label);
        let described = present.backend.describe();
        assert!(
            described.to_lowercase().starts_with(&present.backend.name()[..4])
                && !described.contains('\n'),
            "{described}"
        );
        assert_eq!(present.backend.tolerance(), 1e-6, "{}", present.label);
    }
}

#[cfg(feature = "coreml")]
#[cfg(not(target_os = "macos"))]
#[test]
fn coreml_is_refused_where_it_is_not_available() {
    use bm_infer::Backend;
    use bm_infer::backend::CoreMl;

    let model = file("columns", &crate::networks::columns(&layers(&[6, 5, 3], 8), [1, 8]));
    let missing =
        bm_infer::LibrarySource { explicit: Some("no/such/library.so".into()), candidates: vec![] };
    for (library, reason) in [
        (Some(missing), "--ort-lib names no/such/library.so"),
        (crate::backends::library(), "has no CoreML: it needs macOS"),
    ] {
        let Some(library) = library else { continue };
        let backend = CoreMl::new(library, None);
        assert_eq!(
            (backend.name(), backend.variant()),
            ("coreml", bm_infer::Variant::NeuralEngine)
        );
        for error in [backend.check().err(), backend.load(&model).err()] {
            let error = error.expect("there is no CoreML here");
            assert!(
                matches!(error, InferError::BackendUnavailable { backend: "coreml", .. }),
                "{error:?}"
            );
            let message = crate::backends::chain(&error);
            assert!(message.contains(reason) && !message.contains('\n'), "{message}");
        }
        assert!(backend.describe().contains(reason));
    }
}
