//! How fast the engines are, by batch size, on a network of 300-128-64-1: `cargo bench -p bm-infer --features onnxruntime`.
//!
//! One thread. ONNX Runtime is measured if the environment variable `ORT_DYLIB_PATH` names its library.

use std::hint::black_box;

use bm_infer::onnx::testing::dense;
use bm_infer::{Backend, ModelFile, TensorRef};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const BATCHES: [usize; 5] = [1, 16, 64, 256, 1024];

/// Numbers in 0..1 that repeat (a linear congruential generator: Knuth, MMIX).
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 0x5eed_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..count).map(next).collect()
}

/// The shape of the networks that are trained here. What the weights are does not matter to its speed, but denormal sums would:
/// these keep the values of all layers around 1.
fn model() -> ModelFile {
    let layer = |inputs: usize, outputs: usize| {
        let scale = 2.0 / inputs as f32;
        let weights = numbers(inputs * outputs).into_iter().map(|w| (w - 0.25) * scale).collect();
        (outputs, weights, vec![0.1; outputs])
    };
    ModelFile::from_bytes("300-128-64-1", dense(&[layer(300, 128), layer(128, 64), layer(64, 1)])).expect("the model is valid")
}

// Which engines there are depends on the features: some builds push one, some none.
#[allow(clippy::print_stderr, clippy::vec_init_then_push)]
fn backends() -> Vec<Box<dyn Backend>> {
    #[allow(unused_mut)]
    let mut backends: Vec<Box<dyn Backend>> = Vec::new();
    #[cfg(feature = "embedded")]
    backends.push(Box::new(bm_infer::backend::Embedded::new()));
    #[cfg(feature = "onnxruntime")]
    {
        let onnxruntime = bm_infer::backend::OnnxRuntime::default();
        match onnxruntime.check() {
            Ok(()) => backends.push(Box::new(onnxruntime)),
            Err(error) => eprintln!("SKIPPED: {error}"),
        }
    }
    for backend in &backends {
        eprintln!("{}", backend.describe());
    }
    backends
}

fn session(c: &mut Criterion) {
    let model = model();
    let rows = numbers(BATCHES[BATCHES.len() - 1] * 300);
    for backend in backends() {
        let mut group = c.benchmark_group(format!("session/{}", backend.name()));
        let mut session = backend.load(&model).expect("every engine runs dense networks");
        let mut output = Vec::new();
        for batch in BATCHES {
            group.throughput(Throughput::Elements(batch as u64));
            let input = TensorRef::new([batch, 300], &rows[..batch * 300]).expect("the shape holds the values");
            group.bench_function(BenchmarkId::from_parameter(batch), |b| {
                b.iter(|| session.run(black_box(input), &mut output).expect("the input is finite"));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, session);
criterion_main!(benches);
