//! Speed of the compression of `bm` on one thread, without the rest of `bm` around it: the limit
//! for a run from gzip to gzip. `cargo bench -p bm-io`; `research/compression` compares libraries.

// Benchmarks fail by panicking.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::io::{Read, copy, sink};

use bm_io::Tools;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sirocco::Format;
use sirocco::inflate::Reader;

/// 10,000 HiSeq X reads of 150 bases.
const RUN: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/hiseqx_phage/hiseqx_phage.fastq.gz");
/// Text in a frame of zstd.
const FRAME: usize = 1 << 20;

fn compression(criterion: &mut Criterion) {
    let stored = std::fs::read(RUN).unwrap();
    let mut text = Vec::new();
    Reader::new(Format::Gzip, &stored[..]).read_to_end(&mut text).unwrap();
    let reads = text.iter().filter(|byte| **byte == b'\n').count() / 4;

    let mut group = criterion.benchmark_group("compression");
    group.throughput(Throughput::Elements(reads as u64));
    group.bench_function("inflate gzip", |b| {
        b.iter(|| {
            copy(&mut Reader::new(Format::Gzip, black_box(&stored[..])), &mut sink()).unwrap()
        });
    });
    let mut block = Vec::new();
    for level in [1, 3, 6] {
        let mut tools = Tools::default();
        let gzip = bm_io::Format::Gzip;
        group.bench_function(format!("deflate in blocks, level {level}"), |b| {
            b.iter(|| {
                text.chunks(gzip.block()).for_each(|text| {
                    gzip.compress(level, black_box(text), &mut tools, &mut block).unwrap();
                })
            });
        });
    }
    let mut frame = Vec::with_capacity(zstd::zstd_safe::compress_bound(FRAME));
    let mut compressor = zstd::bulk::Compressor::new(3).unwrap();
    group.bench_function("zstd in frames, level 3", |b| {
        b.iter(|| {
            text.chunks(FRAME).for_each(|text| {
                compressor.compress_to_buffer(black_box(text), &mut frame).unwrap();
            });
        });
    });
    group.finish();
}

criterion_group!(benches, compression);
criterion_main!(benches);
