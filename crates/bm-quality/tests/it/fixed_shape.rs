//! Models on a device with CoreML's contract: reads in blocks of one shape, in half precision.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bm_evidence::{Evidence, Fit};
use bm_infer::backend::{Embedded, Fault, StandIn};
use bm_infer::{InferError, LibrarySource};
use bm_kmers::Counter;
use bm_quality::{ModelPackage, Prediction, QualityError, QualityModel};
use bm_reads::ReadRef;
use bm_reads::fastq::Record;

use super::records;

fn device() -> Option<StandIn> {
    if std::env::var_os("ORT_DYLIB_PATH").is_some() {
        return Some(StandIn::new(LibrarySource::default()));
    }
    assert!(
        std::env::var_os("BM_REQUIRE_ORT").is_none(),
        "BM_REQUIRE_ORT is set, but ORT_DYLIB_PATH names no library"
    );
    eprintln!("SKIPPED for the stand-in: ORT_DYLIB_PATH names no library");
    None
}

/// Reads of 1 to some thousand bases, of five runs, in an order that mixes them.
fn mixed() -> Vec<Record> {
    let runs = [
        "hiseqx_phage/hiseqx_phage.fastq.gz",
        "hiseq_measles/hiseq_measles_1.fastq.gz",
        "miseq_twist/miseq_twist_first2000_2.fastq.gz",
        "novaseq_A00129_800.fastq.gz",
        "nanopore_lambda_4line.fastq.gz",
    ];
    let mut all: Vec<(usize, Record)> =
        runs.iter().flat_map(|run| records(run).into_iter().enumerate()).collect();
    all.sort_by_key(|(place, record)| (place * 7919 % 10_007, record.sequence().len()));
    all.into_iter().map(|(_, record)| record).collect()
}

fn reads(records: &[Record]) -> Vec<ReadRef<'_>> {
    let cut = |(i, record): (usize, &Record)| -> usize {
        if i % 5 == 0 { 1 + i % 150 } else { record.sequence().len() }
    };
    let read = |(i, record)| {
        let read: ReadRef<'_> = Record::as_read(record);
        read.window(0, cut((i, record)).min(read.len()))
    };
    records.iter().enumerate().map(read).collect()
}

fn folder(id: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(id)
}

fn open(package: ModelPackage, device: &StandIn) -> [QualityModel; 2] {
    let package = Arc::new(package);
    [
        QualityModel::new(Arc::clone(&package), device).unwrap(),
        QualityModel::new(package, &Embedded::new()).unwrap(),
    ]
}

/// Compares predictions in half precision with those in single precision.
fn compare(label: &str, reads: &[ReadRef<'_>], found: &[Prediction], expected: &[Prediction]) {
    assert_eq!((found.len(), expected.len()), (reads.len(), reads.len()));
    let mut scored = 0;
    for (read, (found, expected)) in reads.iter().zip(found.iter().zip(expected)) {
        let (Prediction::Scored(found), Prediction::Scored(expected)) = (found, expected) else {
            assert_eq!(found, expected, "{label}");
            continue;
        };
        scored += 1;
        let off = (found.probability.get() - expected.probability.get()).abs();
        assert!(off <= 5e-3, "{label}, {} bases: {found:?}, expected {expected:?}", read.len());
        assert_eq!(found.expected_errors.is_some(), expected.expected_errors.is_some());
        if let (Some(found), Some(expected)) = (found.expected_errors, expected.expected_errors) {
            let most = 2e-3 * read.len() as f32 * 0.01 + 5e-3 * expected;
            assert!((found - expected).abs() <= most, "{label}: {found}, expected {expected}");
        }
    }
    assert!(scored > 1000, "{label}: {scored} reads");
}

#[test]
fn every_shipped_model_scores_reads_of_all_lengths_as_in_full_precision() {
    let Some(device) = device() else { return };
    let records = mixed();
    let reads = reads(&records);
    for id in ModelPackage::embedded_ids() {
        let [mut on_device, mut exact] = open(ModelPackage::embedded(id).unwrap(), &device);
        let found = on_device.predict(&reads).unwrap();
        compare(id, &reads, &found, &exact.predict(&reads).unwrap());
        // In a few reads per call: other neighbours, other places in the blocks.
        let some = &reads[..300];
        let apart: Vec<_> =
            some.chunks(7).flat_map(|reads| on_device.predict(reads).unwrap()).collect();
        for (apart, together) in apart.iter().zip(&found) {
            let p = |prediction: &Prediction| prediction.probability().map(|p| p.get());
            let off = p(apart).zip(p(together)).map_or(0.0, |(a, b)| (a - b).abs());
            assert!(off <= 1e-5 && p(apart).is_some() == p(together).is_some(), "{id}: {off:e}");
        }
    }
}

#[test]
fn golden_reads_agree_within_half_precision() {
    let Some(device) = device() else { return };
    for id in ModelPackage::embedded_ids() {
        let package = ModelPackage::embedded(id).unwrap();
        let golden = package.golden().unwrap().unwrap();
        let mut model = QualityModel::new(Arc::new(package), &device).unwrap();
        let report = golden.compare(&mut model).unwrap();
        assert!(report.max_difference <= 5e-3 && report.max_rate_difference <= 5e-3, "{report:?}");
        assert!(report.max_difference > 0.0, "{id}: not in half precision: {report:?}");
    }
}

#[test]
fn evidence_is_applied_to_what_the_device_returns() {
    let Some(device) = device() else { return };
    let records = records("hiseqx_phage/hiseqx_phage.fastq.gz");
    let mut counter = Counter::new(21, 64 << 20);
    records.iter().for_each(|record| counter.observe(record.as_read().sequence));
    let start = ModelPackage::embedded("read-error").unwrap();
    let experience = start.experience().unwrap().unwrap();
    let weights = Fit::new(&experience).weights(&experience, true);
    let evidence = Arc::new(Evidence::new(counter.finish(), weights).into());
    let reads: Vec<_> = records.iter().map(Record::as_read).collect();
    let [mut on_device, mut exact] = open(start.with_evidence(evidence), &device);
    let (found, expected) = (on_device.predict(&reads).unwrap(), exact.predict(&reads).unwrap());
    compare("with evidence", &reads, &found, &expected);
    let supported = |it: &Prediction| matches!(it, Prediction::Scored(s) if s.support.is_some());
    assert!(found.iter().filter(|it| supported(it)).count() > 9_000);
}

#[test]
fn bare_files_run_if_they_have_the_shape_and_are_refused_otherwise() {
    let Some(device) = device() else { return };
    let records = records("novaseq_A00129_800.fastq.gz");
    let reads: Vec<_> = records.iter().map(Record::as_read).collect();
    for id in ModelPackage::embedded_ids() {
        let half = folder(id).join("model.ane.onnx");
        let mut bare = QualityModel::open(&half, &device).unwrap();
        let mut of_package = QualityModel::embedded(id, &device).unwrap();
        assert_eq!(bare.predict(&reads).unwrap(), of_package.predict(&reads).unwrap(), "{id}");
        let refused = QualityModel::open(&folder(id).join("model.onnx"), &device).err().unwrap();
        let QualityError::Infer(error @ InferError::ModelUnsupported { .. }) = refused else {
            panic!("{id}: {refused}")
        };
        assert!(error.to_string().contains("as model.ane.onnx has"), "{error}");
    }
}

#[test]
fn a_device_that_is_wrong_or_missing_is_refused_and_nothing_takes_its_place() {
    let Some(device) = device() else { return };
    for id in ModelPackage::embedded_ids() {
        for fault in [Fault::Wrong, Fault::Low, Fault::Missing] {
            let device = device.clone().with_fault(fault);
            let error = QualityModel::embedded(id, &device).err();
            let is_expected = match &error {
                Some(QualityError::Infer(InferError::SelfCheck { .. })) => fault != Fault::Missing,
                Some(QualityError::Infer(InferError::BackendUnavailable { .. })) => {
                    fault == Fault::Missing
                }
                _ => false,
            };
            assert!(is_expected, "{id}, {fault:?}: {error:?}");
        }
        let mut model =
            QualityModel::embedded(id, &device.clone().with_fault(Fault::Fails)).unwrap();
        let read = ReadRef { name: b"r", sequence: &[b'A'; 100], quality_scores: &[b'?'; 100] };
        assert!(matches!(model.predict(&[read]), Err(QualityError::Infer(InferError::Run { .. }))));
    }
}

/// The padding of blocks: at the end of a call, at the ends of rows, and between reads.
#[test]
fn at_most_a_twentieth_of_what_the_device_gets_is_padding() {
    let Some(device) = device() else { return };
    let records = mixed();
    let reads: Vec<_> = records.iter().map(Record::as_read).collect();
    let bases: usize = reads.iter().map(|read| read.len()).sum();
    for id in ModelPackage::embedded_ids() {
        let before = device.counts();
        let mut model = QualityModel::embedded(id, &device).unwrap();
        // Nothing is counted while the device is compared with the CPU.
        assert_eq!(device.counts(), before);
        let blocks = model.blocks(reads.iter().map(|read| read.len())).unwrap();
        model.predict(&reads).unwrap();
        let after = device.counts();
        let [calls, columns, empty] = [
            after.calls - before.calls,
            after.columns - before.columns,
            after.empty - before.empty,
        ];
        let padding = empty as f64 / columns as f64;
        eprintln!("{id}: {calls} calls for {bases} bases, {padding:.4} of the columns empty");
        // With the bases or windows alone, `blocks` would be full; the last block need not be.
        assert!(blocks > 10.0 && calls as f64 <= (1.05 * blocks).ceil(), "{id}: {calls}, {blocks}");
        assert!(padding <= 0.05 + 1.0 / calls as f64, "{id}: {padding}");
    }
}
