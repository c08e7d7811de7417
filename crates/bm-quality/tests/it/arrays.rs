//! Predictions as arrays: the same values as in the list.

use bm_infer::backend::Embedded;
use bm_quality::{Prediction, QualityModel};
use bm_reads::ReadRef;

use super::records;

/// Equal, or both NaN.
fn same(found: f32, expected: Option<f32>) -> bool {
    expected.map_or(found.is_nan(), |expected| found == expected)
}

#[test]
fn arrays_have_a_value_per_read_and_the_bases_of_scored_reads() {
    let records = records("hiseqx_phage/hiseqx_phage.fastq.gz");
    let mut reads: Vec<_> = records.iter().take(20).map(|record| record.as_read()).collect();
    reads.insert(0, ReadRef { name: b"empty", sequence: b"", quality_scores: b"" });
    reads.insert(7, ReadRef { name: b"unknown", sequence: b"NNN", quality_scores: b"III" });
    let mut model = QualityModel::embedded("read-error", &Embedded::new()).unwrap();
    let (mut list, mut probabilities) = (Vec::new(), Vec::new());
    model.predict_bases_into(reads.iter().copied(), &mut list, &mut probabilities).unwrap();

    let (arrays, bases) = model.predict_bases_arrays(&reads).unwrap();
    // NaN is not equal to itself, so the values are compared one by one.
    let again = model.predict_arrays(&reads).unwrap();
    assert_eq!((arrays.probability.len(), arrays.expected_errors.len()), (22, 22));
    assert_eq!((bases.reads(), bases.offsets.len()), (22, 23));
    assert_eq!(bases.error_probability.to_vec(), probabilities);
    assert!(bases.read(22).is_none());
    for (i, (read, prediction)) in reads.iter().zip(&list).enumerate() {
        let probability = prediction.probability().map(|p| p.get());
        let errors = prediction.expected_errors();
        for arrays in [&arrays, &again] {
            assert!(same(arrays.probability[i], probability), "read {i}");
            assert!(same(arrays.expected_errors[i], errors), "read {i}");
        }
        let of_read = bases.read(i).unwrap();
        match prediction {
            Prediction::Unscored(_) => assert!(of_read.is_empty()),
            Prediction::Scored(_) => {
                assert_eq!(of_read.len(), read.len());
                assert!((of_read.sum() - errors.unwrap()).abs() < 1e-4, "read {i}");
            }
        }
    }
}

#[test]
fn a_model_that_does_not_count_errors_has_nan_and_no_bases() {
    let read = ReadRef { name: b"r", sequence: &[b'A'; 100], quality_scores: &[b'I'; 100] };
    let mut model = QualityModel::embedded("mean-q20", &Embedded::new()).unwrap();
    let (arrays, bases) = model.predict_bases_arrays(&[read, read]).unwrap();
    assert!(arrays.probability.iter().all(|p| *p > 0.9));
    assert!(arrays.expected_errors.iter().all(|errors| errors.is_nan()));
    assert!(bases.error_probability.is_empty());
    assert_eq!(bases.offsets.to_vec(), [0, 0, 0]);
    let (arrays, bases) = model.predict_bases_arrays(&[]).unwrap();
    assert_eq!((arrays.probability.len(), bases.reads()), (0, 0));
}
