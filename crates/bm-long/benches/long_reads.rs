//! How fast long reads are judged: `cargo bench -p bm-long`.
//!
//! Reads of 5,000 bases of a genome of 2 Mb at depth 20, of which one base in 20, or in 100, is
//! wrong. The index has 2 million k-mers and more, so it does not fit in the caches of most
//! processors. One thread.

use std::hint::black_box;

use bm_kmers::{Counter, Index};
use bm_long::{Ends, LongRead, Scale, Support};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const GENOME: usize = 2_000_000;
const LENGTH: usize = 5_000;
const DEPTH: usize = 20;

/// Reads that are judged in one measurement.
const MEASURED: usize = 200;

struct Run {
    reads: Vec<Vec<u8>>,
    index: Index,
    scale: Scale,
}

fn run(every: usize) -> Run {
    let mut state = 1u64;
    let mut below = |limit: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let genome: Vec<u8> = (0..GENOME).map(|_| b"ACGT"[below(4)]).collect();
    let read = |_| {
        let start = below(GENOME - LENGTH);
        let mut read = genome[start..start + LENGTH].to_vec();
        for base in &mut read {
            if below(every) == 0 {
                *base = b"ACGT"[below(4)];
            }
        }
        read
    };
    let mut reads: Vec<Vec<u8>> = (0..GENOME / LENGTH * DEPTH).map(read).collect();
    let mut counter = Counter::new(17, 1 << 30);
    reads.iter().for_each(|read| counter.observe(read));
    let index = counter.finish();
    reads.truncate(MEASURED);
    let probabilities = probabilities(every);
    let mut read = LongRead::default();
    let supports: Vec<Support> =
        reads.iter().map(|bases| read.look_up(&index, bases, &probabilities)).collect();
    Run { reads, index, scale: Scale::fit(&supports) }
}

/// Error probabilities of a read's bases, as varied as those of Nanopore.
fn probabilities(every: usize) -> Vec<f32> {
    let p = |at: usize| 10f32.powf(-((at * 7 % 30) as f32) / 10.0) * 4.0 / every as f32;
    (0..LENGTH).map(p).collect()
}

fn long_reads(c: &mut Criterion) {
    for every in [20, 100] {
        let run = run(every);
        let probabilities = probabilities(every);
        let mut group = c.benchmark_group(format!("one base in {every} wrong"));
        group.sample_size(10);
        group.throughput(Throughput::Bytes((MEASURED * LENGTH) as u64));
        let mut read = LongRead::default();
        group.bench_function("look up", |b| {
            b.iter(|| {
                let look_up = |bases: &Vec<u8>| read.look_up(&run.index, bases, &probabilities);
                run.reads.iter().map(look_up).map(|it| it.supported).sum::<usize>()
            });
        });
        group.bench_function("look up and judge", |b| {
            b.iter(|| {
                let rate = |bases: &Vec<u8>| {
                    let support = read.look_up(&run.index, bases, &probabilities);
                    read.error_rate(&run.scale, &support, &probabilities)
                };
                run.reads.iter().map(rate).sum::<f64>()
            });
        });
        let reads: Vec<&[u8]> = run.reads.iter().map(Vec::as_slice).collect();
        group.bench_function("find ends", |b| {
            b.iter(|| Ends::find(black_box(&reads)));
        });
        group.finish();
    }
}

criterion_group!(benches, long_reads);
criterion_main!(benches);
