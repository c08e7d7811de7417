//! The cost of learning a run: observing reads, counting k-mers, labelling, training; and the cost
//! of k-mer evidence in prediction.
//!
//! Observing and counting are done for every read. The rest is done once, whatever the size of the
//! run.

use std::fs::File;
use std::hint::black_box;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;

use bm_adapt::{Adaptation, Labels, RunSample, Sampler, Settings};

use bm_infer::backend::Embedded;
use bm_kmers::{Counter, Index};
use bm_quality::{KmerEvidence, ModelPackage, QualityModel};
use bm_reads::fastq::{Reader, Record};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use flate2::bufread::MultiGzDecoder;

/// Real reads; the published crate has none.
fn reads() -> Vec<Record> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/hiseqx_phage/hiseqx_phage.fastq.gz");
    let Ok(file) = File::open(path) else { return Vec::new() };
    let mut reader = Reader::new(BufReader::new(MultiGzDecoder::new(BufReader::new(file))));
    let (mut reads, mut record) = (Vec::new(), Record::default());
    while reader.read_record(&mut record).is_ok_and(|more| more) {
        reads.push(record.clone());
    }
    reads
}

fn sample(reads: &[Record], room: usize) -> RunSample {
    let mut sampler = Sampler::new(room);
    for read in reads {
        // These reads are valid.
        let _ = sampler.observe(read.as_read());
    }
    sampler.finish()
}

fn count(reads: &[Record]) -> Index {
    let mut counter = Counter::new(K, ROOM);
    reads.iter().for_each(|read| counter.observe(read.as_read().sequence));
    counter.finish()
}

/// Bases of a k-mer, as `bm` chooses them for these reads, and memory for counting, in bytes.
const K: usize = 17;
const ROOM: usize = 1 << 30;

fn learn(criterion: &mut Criterion) {
    let reads = reads();
    let Ok(start) = ModelPackage::embedded("read-error") else { return };
    let mut group = criterion.benchmark_group("adapt");
    group.sample_size(10).throughput(Throughput::Elements(reads.len() as u64));
    group.bench_function("observe, all kept", |bencher| {
        bencher.iter(|| sample(black_box(&reads), RunSample::ROOM))
    });
    // As in a large run, where hardly any read is kept.
    group.bench_function("observe, one in a hundred kept", |bencher| {
        bencher.iter(|| sample(black_box(&reads), RunSample::ROOM / 1600))
    });
    let whole = sample(&reads, RunSample::ROOM);
    group.bench_function("labels, one thread", |bencher| {
        bencher.iter(|| Labels::of(black_box(&whole), 1))
    });
    let labels = Labels::of(&whole, 1);
    group.bench_function("learn, one thread", |bencher| {
        bencher
            .iter(|| Adaptation::learn(black_box(&whole), &labels, &start, &Settings::default()));
    });
    group.bench_function("count k-mers, one thread", |bencher| {
        bencher.iter(|| count(black_box(&reads)))
    });
    let Ok(adaptation) = Adaptation::learn(&whole, &labels, &start, &Settings::default()) else {
        return;
    };
    group.bench_function("weigh k-mers, one thread", |bencher| {
        bencher.iter_batched(
            || count(&reads),
            |index| adaptation.weigh(index, &whole, 1),
            BatchSize::LargeInput,
        )
    });
    let batch: Vec<_> = reads.iter().map(Record::as_read).collect();
    let mut predict = |name: &str, evidence: Option<Arc<KmerEvidence>>| {
        let package = ModelPackage::from_files("bench", adaptation.files.clone());
        let package =
            package.map(|package| evidence.into_iter().fold(package, ModelPackage::with_evidence));
        let Ok(mut model) =
            package.and_then(|package| QualityModel::new(package.into(), &Embedded::new()))
        else {
            return;
        };
        group.bench_function(name, |bencher| bencher.iter(|| model.predict(black_box(&batch))));
    };
    predict("predict by the network", None);
    if let Ok(evidence) = adaptation.weigh(count(&reads), &whole, 1) {
        predict("predict by the network and k-mers", evidence.evidence);
    }
    group.finish();
}

criterion_group!(benches, learn);
criterion_main!(benches);
