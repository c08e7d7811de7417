//! Speed of the engines: `cargo bench -p bm-infer --features onnxruntime`.
//!
//! A network of 300-128-64-1 by batch size, and a network over sequences of 150 positions with a
//! window of 9. One thread. ONNX Runtime is measured if the environment variable `ORT_DYLIB_PATH`
//! names its library.

use std::hint::black_box;

use bm_infer::onnx::testing::{Convolution, correction_model, dense};
use bm_infer::{Alphabet, Backend, ModelFile, SequencesRef, TensorRef};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use prost::Message;

const BATCHES: [usize; 5] = [1, 16, 64, 256, 1024];

/// Reproducible numbers in 0..1 (a linear congruential generator: Knuth, MMIX).
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 0x5eed_u64;
    let next = |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..count).map(next).collect()
}

/// A network of the trained shape. The weights keep the values of all layers near 1, because denormal
/// numbers would change the speed.
fn model() -> ModelFile {
    let layer = |inputs: usize, outputs: usize| {
        let scale = 2.0 / inputs as f32;
        let weights = numbers(inputs * outputs).into_iter().map(|w| (w - 0.25) * scale).collect();
        (outputs, weights, vec![0.1; outputs])
    };
    ModelFile::from_bytes("300-128-64-1", dense(&[layer(300, 128), layer(128, 64), layer(64, 1)]))
        .expect("the model is valid")
}

// The features decide which engines are compiled.
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
            let input = TensorRef::new([batch, 300], &rows[..batch * 300])
                .expect("the shape holds the values");
            group.bench_function(BenchmarkId::from_parameter(batch), |b| {
                b.iter(|| session.run(black_box(input), &mut output).expect("the input is finite"));
            });
        }
        group.finish();
    }
}

/// The multiply-adds of one row in the network of 300-128-64-1 at the full speed of the processor,
/// without loads and stores.
#[cfg(feature = "embedded")]
fn limit(c: &mut Criterion) {
    use pulp::{Arch, Simd, WithSimd};

    const MULTIPLY_ADDS: usize = 300 * 128 + 128 * 64 + 64;
    /// Independent sums, enough to hide the latency of an addition.
    const SUMS: usize = 12;

    struct Limit(f32);
    impl WithSimd for Limit {
        type Output = f32;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            let (one, other) = (simd.splat_f32s(self.0), simd.splat_f32s(0.5));
            let mut sums = [simd.splat_f32s(0.1); SUMS];
            for _ in 0..MULTIPLY_ADDS / (SUMS * S::F32_LANES) {
                for sum in &mut sums {
                    *sum = simd.mul_add_e_f32s(*sum, other, one);
                }
            }
            sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum()
        }
    }

    let mut group = c.benchmark_group("session/limit");
    group.throughput(Throughput::Elements(1));
    let arch = Arch::new();
    group.bench_function("multiply-adds", |b| b.iter(|| arch.dispatch(Limit(black_box(0.5)))));
    group.finish();
}

#[cfg(not(feature = "embedded"))]
fn limit(_: &mut Criterion) {}

/// Codes of the alphabet: five bases, 94 qualities.
const CODES: usize = 470;
/// Features of a code.
const CHANNELS: usize = 10;
/// Positions of a sequence.
const LENGTH: usize = 150;

fn sequences(c: &mut Criterion) {
    let layer = |outputs: usize, inputs: usize, window: usize| {
        let weights = numbers(outputs * inputs * window)
            .into_iter()
            .map(|w| (w - 0.5) / inputs as f32)
            .collect();
        Convolution { outputs, inputs, window, weights, biases: vec![0.1; outputs] }
    };
    let proto = correction_model(&layer(16, CHANNELS, 9), &layer(1, 16, 1), &layer(1, CHANNELS, 1));
    let model =
        ModelFile::from_bytes("correction", proto.encode_to_vec()).expect("the model is valid");
    let alphabet =
        Alphabet::new(CHANNELS, numbers(CODES * CHANNELS)).expect("the numbers are finite");
    for backend in backends() {
        let mut group = c.benchmark_group(format!("sequences/{}", backend.name()));
        let mut session =
            backend.load_sequences(&model, &alphabet).expect("every engine runs this network");
        let mut output = Vec::new();
        for batch in [1, 256] {
            group.throughput(Throughput::Elements(batch as u64));
            // A run has few different qualities; 40 of 94 are used.
            let codes: Vec<_> =
                numbers(batch * LENGTH).into_iter().map(|x| (x * 200.0) as u16).collect();
            let lengths = vec![LENGTH; batch];
            let input = SequencesRef::new(&codes, &lengths).expect("the lengths add up");
            group.bench_function(BenchmarkId::from_parameter(batch), |b| {
                b.iter(|| {
                    session
                        .run(black_box(input), &mut output)
                        .expect("the codes are of the alphabet")
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, limit, session, sequences);
criterion_main!(benches);
