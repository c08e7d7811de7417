//! How fast FASTQ is read: `cargo bench -p bm-reads`.
//!
//! Reads and bytes are counted in groups of their own, because a benchmark has one throughput.

use std::hint::black_box;
use std::io::Read;
use std::path::Path;

use bm_reads::fastq::{BatchSize, Reader, Record, RecordBatch};
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

fn fastq(c: &mut Criterion) {
    let text = text();
    let reads = records(&text).len() as u64;
    let read_all = |text: &[u8]| {
        let (mut reader, mut record) = (Reader::new(text), Record::default());
        while reader.read_record(&mut record).expect("testdata is FASTQ") {
            black_box(record.sequence());
        }
        reader.records()
    };
    let mut batch = RecordBatch::default();
    let mut read_in_batches = |text: &[u8]| {
        let mut reader = Reader::new(text);
        while reader
            .read_batch(&mut batch, BatchSize::Bytes(256 * 1024))
            .expect("testdata is FASTQ")
        {
            black_box(batch.len());
        }
        reader.records()
    };
    for (unit, throughput) in
        [("reads", Throughput::Elements(reads)), ("bytes", Throughput::Bytes(text.len() as u64))]
    {
        let mut group = c.benchmark_group(format!("fastq/{unit}"));
        group.throughput(throughput);
        group.bench_function("record by record", |b| b.iter(|| read_all(black_box(&text))));
        group.bench_function("in batches", |b| b.iter(|| read_in_batches(black_box(&text))));
        group.finish();
    }
}

criterion_group!(benches, fastq);
criterion_main!(benches);
