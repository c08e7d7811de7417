//! Speed of encoding: `cargo bench -p bm-encode`.
//!
//! Reads per second and bases per second are separate groups, because a benchmark has one
//! throughput.

use std::hint::black_box;
use std::io::Read;
use std::path::Path;

use bm_encode::{CodeEncoder, Encoder, FeatureBatch, QualityPlace, Scalar150};
use bm_reads::fastq::{Reader, Record};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::bufread::MultiGzDecoder;

/// 10,000 HiSeq X reads of 150 bases.
const RUN: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/hiseqx_phage/hiseqx_phage.fastq.gz");

/// The run, decompressed.
fn text() -> Vec<u8> {
    let stored = std::fs::read(Path::new(RUN)).expect("testdata is there");
    let mut text = Vec::new();
    MultiGzDecoder::new(&stored[..]).read_to_end(&mut text).expect("testdata is whole");
    text
}

fn records(text: &[u8]) -> Vec<Record> {
    let mut reader = Reader::new(text);
    std::iter::from_fn(|| {
        let mut record = Record::default();
        reader.read_record(&mut record).expect("testdata is FASTQ").then_some(record)
    })
    .collect()
}

fn encode(c: &mut Criterion) {
    let records = records(&text());
    let records = &records[..1024];
    let bases = records.iter().map(|record| record.sequence().len() as u64).sum();
    let mut row = vec![0.0; Scalar150.encoding().features];
    let mut batch = FeatureBatch::with_capacity(Scalar150.encoding(), records.len());
    let mut codes = Vec::new();

    for (unit, elements) in [("reads", records.len() as u64), ("bases", bases)] {
        let mut group = c.benchmark_group(format!("encode/{unit}"));
        group.throughput(Throughput::Elements(elements));
        group.bench_function("row", |b| {
            b.iter(|| {
                for record in records {
                    Scalar150
                        .encode_into(record.as_read(), black_box(&mut row))
                        .expect("the read has features");
                }
            });
        });
        group.bench_function("batch", |b| {
            b.iter(|| {
                batch.clear();
                for record in records {
                    batch.push(&Scalar150, record.as_read()).expect("the read has features");
                }
                black_box(batch.as_slice().len())
            });
        });
        // The encoding of the default model.
        group.bench_function("codes of quality-place", |b| {
            b.iter(|| {
                codes.clear();
                for record in records {
                    QualityPlace
                        .encode_into(record.as_read(), &mut codes)
                        .expect("the read has codes");
                }
                black_box(codes.len())
            });
        });
        group.finish();
    }
}

criterion_group!(benches, encode);
criterion_main!(benches);
