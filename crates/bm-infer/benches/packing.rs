//! What it costs to lay reads out in blocks of one shape, without the device: `cargo bench -p bm-infer
//! --features stand-in --bench packing`.
//!
//! The shipped models for the Neural Engine, on a device that computes nothing: features written,
//! outputs taken apart. Beside them, the whole network in the embedded engine.

use std::hint::black_box;
use std::path::Path;

use bm_infer::backend::{Blank, Embedded};
use bm_infer::{Alphabet, Backend, ModelFile, SequencesRef, TensorRef};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Reads in a call, and their bases.
const READS: usize = 4096;
const BASES: usize = 150;
/// Codes of the alphabet of `read-error`: five bases, 94 qualities; and features of a code.
const CODES: usize = 470;
const CHANNELS: usize = 24;
/// Features of a read for `mean-q20`.
const FEATURES: usize = 300;

fn model(name: &str) -> ModelFile {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    ModelFile::open(&models.join(name)).expect("the shipped models are there")
}

fn packing(c: &mut Criterion) {
    // Reproducible numbers (a linear congruential generator: Knuth, MMIX).
    let mut state = 0x5eed_u64;
    let mut below = |most: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % most
    };
    let codes: Vec<u16> = (0..READS * BASES).map(|_| below(CODES) as u16).collect();
    let lengths = vec![BASES; READS];
    let sequences = SequencesRef::new(&codes, &lengths).expect("the lengths add up");
    let vectors = (0..CODES * CHANNELS).map(|_| below(100) as f32 / 100.0).collect();
    let alphabet = Alphabet::new(CHANNELS, vectors).expect("the numbers are finite");
    let rows: Vec<f32> = (0..READS * FEATURES).map(|_| below(100) as f32 / 100.0).collect();
    let input = TensorRef::new([READS, FEATURES], &rows).expect("the shape holds the values");

    let engines: [(&dyn Backend, &str); 2] =
        [(&Blank, "model.ane.onnx"), (&Embedded::new(), "model.onnx")];
    let mut group = c.benchmark_group("packing");
    group.throughput(Throughput::Elements(READS as u64));
    for (engine, file) in engines {
        let mut output = Vec::new();
        let mut session = engine
            .load_sequences(&model(&format!("read-error/{file}")), &alphabet)
            .expect("the engine runs this model");
        group.bench_function(format!("read-error/{}", engine.name()), |b| {
            b.iter(|| session.run(black_box(sequences), &mut output).expect("the codes are known"));
        });
        let mut session =
            engine.load(&model(&format!("mean-q20/{file}"))).expect("the engine runs this model");
        group.bench_function(format!("mean-q20/{}", engine.name()), |b| {
            b.iter(|| session.run(black_box(input), &mut output).expect("the input is finite"));
        });
    }
    group.finish();
}

criterion_group!(benches, packing);
criterion_main!(benches);
