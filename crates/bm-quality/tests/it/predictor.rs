//! Predictions do not depend on the batch, the engine or the other reads.

use bm_infer::Backend;
use bm_infer::backend::Embedded;
use bm_quality::{ModelPackage, Prediction, QualityModel, Threshold, Verdict};
use bm_reads::{ReadError, ReadRef};
use proptest::prelude::*;

use super::records;

fn model() -> QualityModel {
    QualityModel::embedded("mean-q20", &Embedded::new()).unwrap()
}

/// The bits of every probability; a read without one is a failure of the test.
fn bits(predictions: &[Prediction]) -> Vec<u32> {
    predictions.iter().map(|prediction| prediction.probability().unwrap().get().to_bits()).collect()
}

/// Good reads pass and bad reads fail. Documents name this test.
#[test]
fn test_quality_predictor() {
    let mut model = model();
    let sequence: Vec<u8> = b"ACGT".iter().copied().cycle().take(150).collect();
    let read = |quality_scores| ReadRef { name: b"r", sequence: &sequence, quality_scores };
    let predictions = model.predict(&[read(&[b'I'; 150]), read(&[b'#'; 150])]).unwrap();
    let verdicts: Vec<_> = predictions.iter().map(|p| p.verdict(model.threshold())).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Fail], "{predictions:?}");
    // Both are far from the threshold.
    let p: Vec<f32> = predictions.iter().map(|p| p.probability().unwrap().get()).collect();
    assert!(p[0] > 0.9 && p[1] < 0.1, "{p:?}");
}

#[test]
fn golden_reads_have_their_probabilities_on_every_path_of_the_embedded_engine() {
    let engines = Embedded::all();
    for (id, engine) in
        ModelPackage::embedded_ids().flat_map(|id| engines.iter().map(move |engine| (id, engine)))
    {
        let package = ModelPackage::embedded(id).unwrap();
        let golden = package.golden().unwrap().unwrap();
        assert!(golden.reads.len() >= 50);
        let lengths = golden.reads.iter().map(|read| read.sequence.len());
        assert!(
            lengths.clone().min() < Some(35) && lengths.max() > Some(150),
            "short, whole and several windows"
        );
        let mut model = QualityModel::new(package.into(), engine).unwrap();
        let report = golden.compare(&mut model).unwrap();
        let off = report.max_difference.max(report.max_rate_difference);
        assert!(off <= engine.tolerance() && report.flips == 0, "{id}: {report:?}");
        assert!(
            golden.reads.iter().any(|read| read.probability < 0.5)
                && golden.reads.iter().any(|read| read.probability > 0.5)
        );
    }
}

#[test]
fn probabilities_are_the_same_to_the_bit_on_every_instruction_set() {
    for id in ModelPackage::embedded_ids() {
        let results = Embedded::all().into_iter().map(|engine| {
            let package = ModelPackage::embedded(id).unwrap();
            let golden = package.golden().unwrap().unwrap();
            let mut model = QualityModel::new(package.into(), &engine).unwrap();
            let reads: Vec<_> = golden.reads.iter().map(|read| read.as_read()).collect();
            bits(&model.predict(&reads).unwrap())
        });
        let results: Vec<_> = results.collect();
        assert!(results.iter().all(|bits| *bits == results[0]), "{id}");
    }
}

#[cfg(feature = "onnxruntime")]
#[test]
fn golden_reads_have_their_probabilities_on_onnx_runtime() {
    if std::env::var_os("ORT_DYLIB_PATH").is_none() {
        assert!(
            std::env::var_os("BM_REQUIRE_ORT").is_none(),
            "BM_REQUIRE_ORT is set and ORT_DYLIB_PATH is not"
        );
        eprintln!(
            "SKIPPED: ORT_DYLIB_PATH is not set, golden reads did not go through ONNX Runtime"
        );
        return;
    }
    let backend = bm_infer::backend::OnnxRuntime::new(bm_infer::LibrarySource::default());
    for id in ModelPackage::embedded_ids() {
        let package = ModelPackage::embedded(id).unwrap();
        let golden = package.golden().unwrap().unwrap();
        let report =
            golden.compare(&mut QualityModel::new(package.into(), &backend).unwrap()).unwrap();
        let off = report.max_difference.max(report.max_rate_difference);
        assert!(off <= backend.tolerance() && report.flips == 0, "{id}: {report:?}");
    }
}

#[test]
fn a_probability_does_not_depend_on_the_batch() {
    let mut records = records("hiseqx_phage/hiseqx_phage.fastq.gz");
    records.truncate(600);
    records.extend(super::records("nanopore_lambda_4line.fastq.gz").into_iter().take(3));
    let reads: Vec<_> = records.iter().map(|record| record.as_read()).collect();
    for id in ModelPackage::embedded_ids() {
        let mut model = QualityModel::embedded(id, &Embedded::new()).unwrap();
        let together = model.predict(&reads).unwrap();
        for size in [1, 7, 255, 256, 257] {
            let apart: Vec<_> =
                reads.chunks(size).flat_map(|reads| model.predict(reads).unwrap()).collect();
            assert_eq!(bits(&apart), bits(&together), "{id}, {size} reads at once");
            assert_eq!(apart, together, "{id}, {size} reads at once");
        }
    }
}

#[test]
fn unscored_reads_have_a_reason_and_do_not_shift_the_others() {
    let good = ReadRef { name: b"good", sequence: &[b'C'; 80], quality_scores: &[b'I'; 80] };
    let bad = ReadRef { name: b"bad", sequence: &[b'C'; 80], quality_scores: &[b'#'; 80] };
    let long = [b'C'; 400];
    let mut broken = [b'I'; 400];
    broken[399] = b' ';
    let mut model = model();
    let alone = bits(&model.predict(&[good, bad]).unwrap());
    let predictions = model
        .predict(&[
            ReadRef { name: b"empty", sequence: b"", quality_scores: b"" },
            good,
            ReadRef { name: b"N", sequence: b"NNN", quality_scores: b"III" },
            // The fault is in the last of three windows: none of the others may stay behind.
            ReadRef { name: b"byte", sequence: &long, quality_scores: &broken },
            ReadRef { name: b"length", sequence: &long, quality_scores: b"I" },
            bad,
        ])
        .unwrap();
    assert_eq!(bits(&[predictions[1].clone(), predictions[5].clone()]), alone);
    let reasons: Vec<_> = [0, 2, 3, 4].map(|i| predictions[i].clone()).into();
    assert_eq!(
        reasons,
        [
            Prediction::Unscored(ReadError::EmptyRead),
            Prediction::Unscored(ReadError::NoKnownBase),
            Prediction::Unscored(ReadError::InvalidQuality { position: 399, byte: b' ' }),
            Prediction::Unscored(ReadError::LengthMismatch { sequence: 400, quality_scores: 1 }),
        ]
    );
    let everything = Threshold::new(0.0).unwrap();
    assert!(reasons.iter().all(|reason| reason.verdict(everything) == Verdict::Unscored));
}

#[test]
fn no_reads_have_no_predictions() {
    assert_eq!(model().predict(&[]).unwrap(), []);
}

#[test]
fn a_read_of_a_million_bases_is_scored() {
    let (sequence, quality_scores) = (vec![b'G'; 1_000_000], vec![b'5'; 1_000_000]);
    let read = ReadRef { name: b"long", sequence: &sequence, quality_scores: &quality_scores };
    let prediction = &model().predict(&[read]).unwrap()[0];
    // All windows are equal, so the read has the probability of one window.
    let one = &model().predict(&[read.window(0, 150)]).unwrap()[0];
    let (long, one) = (prediction.probability().unwrap().get(), one.probability().unwrap().get());
    assert!((long - one).abs() < 1e-6, "{long}, one window {one}");

    let mut model = QualityModel::embedded("read-error", &Embedded::new()).unwrap();
    let predictions = model.predict(&[read, read.window(0, 1000)]).unwrap();
    let [million, thousand] = [0, 1].map(|i| f64::from(predictions[i].expected_errors().unwrap()));
    // All bases but those near the ends have the same probability.
    assert!(
        million > 999.0 * thousand * 0.95 && million < 1001.0 * thousand * 1.05,
        "{million}, of a thousand {thousand}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_read_gets_an_answer(sequence in "[ACGTNacgtnRYKMU.]{0,700}", seed in any::<u64>()) {
        let quality_scores: Vec<u8> = (0..sequence.len() as u64)
            .map(|i| b'!' + ((seed ^ i.wrapping_mul(0x9e37_79b9)) % 94) as u8)
            .collect();
        let read =
            ReadRef { name: b"r", sequence: sequence.as_bytes(), quality_scores: &quality_scores };
        let prediction = model().predict(&[read]).unwrap().remove(0);
        prop_assert_eq!(
            matches!(prediction, Prediction::Unscored(_)),
            read.check_scorable().is_err()
        );
    }
}
