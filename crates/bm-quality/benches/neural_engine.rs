//! Reads per second from text to verdict, by engine and batch size, beside the rules that the
//! networks replace: the default model, which takes sequences, and `mean-q20`.
//!
//! ```sh
//! cargo xtask fetch-runtime
//! cargo bench neural_engine
//! ```
//!
//! ONNX Runtime is measured with the library that was fetched, or that `ORT_DYLIB_PATH` names; CoreML
//! on machines that have it.

// A benchmark that cannot start prints why and stops.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use bm_infer::Backend;
#[cfg(feature = "onnxruntime")]
use bm_infer::LibrarySource;
#[cfg(feature = "coreml")]
use bm_infer::backend::CoreMl;
use bm_infer::backend::Embedded;
#[cfg(feature = "onnxruntime")]
use bm_infer::backend::OnnxRuntime;
use bm_quality::{Combination, ModelPackage, Probability, QualityModel, WindowRule};
use bm_reads::{Phred, ReadRef, mean_phred};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const BATCHES: [usize; 5] = [1, 16, 64, 256, 1024];
const BASES: usize = 150;

/// Reads of 150 bases with qualities that fall towards the end, as Illumina's do.
fn reads(count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut state = 1u64;
    let mut next = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut read = || {
        let sequence = (0..BASES).map(|_| b"ACGT"[next(4) as usize]).collect();
        let level = 5 + next(30);
        let quality_scores = (0..BASES as u64)
            .map(|i| b'!' + (level + next(8)).saturating_sub(i / 15) as u8)
            .collect();
        (sequence, quality_scores)
    };
    (0..count).map(|_| read()).collect()
}

fn backends() -> Vec<Box<dyn Backend>> {
    let mut backends: Vec<Box<dyn Backend>> = vec![Box::new(Embedded::new())];
    #[cfg(feature = "onnxruntime")]
    backends.push(Box::new(OnnxRuntime::new(LibrarySource::fetched())));
    #[cfg(feature = "coreml")]
    backends.push(Box::new(CoreMl::new(LibrarySource::fetched(), None)));
    backends.retain(|backend| {
        backend.check().inspect_err(|error| eprintln!("SKIPPED: {error}")).is_ok()
    });
    for backend in &backends {
        eprintln!("{}", backend.describe());
    }
    backends
}

fn mean_q20(criterion: &mut Criterion) {
    let rule = |read: &ReadRef<'_>| mean_phred(black_box(read.quality_scores)) >= Some(20.0);
    compare(criterion, "mean-q20", "mean-quality-rule", rule);
}

fn read_error(criterion: &mut Criterion) {
    let reported: [f64; 256] = std::array::from_fn(|byte| {
        Phred::from_byte(byte as u8).map_or(f64::NAN, Phred::error_probability)
    });
    let rule = move |read: &ReadRef<'_>| {
        let errors: f64 =
            black_box(read.quality_scores).iter().map(|byte| reported[usize::from(*byte)]).sum();
        errors <= 0.01 * read.len() as f64
    };
    compare(criterion, "read-error", "expected-errors-rule", rule);
}

/// Measures a rule, and a model on every engine that runs it.
fn compare(criterion: &mut Criterion, id: &str, name: &str, rule: impl Fn(&ReadRef<'_>) -> bool) {
    let owned = reads(BATCHES[BATCHES.len() - 1]);
    let reads: Vec<_> = owned
        .iter()
        .map(|(sequence, quality_scores)| ReadRef { name: b"r", sequence, quality_scores })
        .collect();
    let package = Arc::new(ModelPackage::embedded(id).unwrap());
    let backends = backends();

    let mut group = criterion.benchmark_group(format!("neural_engine/{id}"));
    for batch in BATCHES {
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_with_input(BenchmarkId::new(name, batch), &reads[..batch], |bencher, reads| {
            bencher.iter(|| reads.iter().filter(|read| rule(read)).count());
        });
        for backend in &backends {
            let mut model = match QualityModel::new(Arc::clone(&package), backend.as_ref()) {
                Ok(model) => model,
                Err(error) => {
                    eprintln!("SKIPPED: {error}");
                    continue;
                }
            };
            group.bench_with_input(
                BenchmarkId::new(backend.name(), batch),
                &reads[..batch],
                |bencher, reads| {
                    bencher.iter(|| model.predict(black_box(reads)).unwrap());
                },
            );
        }
    }
    group.finish();
}

/// Combines the probabilities of many windows: a read of 15,000 bases in windows of 150.
fn windows(criterion: &mut Criterion) {
    const BASES: usize = 15_000 - 75;
    let rule = WindowRule { length: 150, combination: Combination::BaseWeightedMeanLogit };
    let answers: Vec<_> =
        (0..rule.count(BASES)).filter_map(|i| Probability::new((i as f32 + 0.5) / 100.0)).collect();
    let mut group = criterion.benchmark_group("windows");
    group.throughput(Throughput::Elements(answers.len() as u64));
    group.bench_function("combine", |bencher| {
        bencher.iter(|| rule.combine(BASES, black_box(&answers)).unwrap())
    });
    group.finish();
}

criterion_group!(benches, read_error, mean_q20, windows);
criterion_main!(benches);
