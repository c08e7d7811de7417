//! How fast adapters are found in reads, and the model learned: `cargo bench -p bm-insert`.
//!
//! Reads of 150 bases from a genome of 5 Mb, with qualities of a real run.

use std::hint::black_box;
use std::io::Read;
use std::path::Path;

use bm_insert::{Adapter, Finder, InsertModel};
use bm_reads::ReadRef;
use bm_reads::base::complement;
use bm_reads::fastq::{Reader, Record};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::bufread::MultiGzDecoder;

/// 10,000 HiSeq X reads of 150 bases.
const RUN: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/hiseqx_phage/hiseqx_phage.fastq.gz");
const LENGTH: usize = 150;
const TEMPLATES: usize = 100_000;
const TRUSEQ: [&[u8]; 2] =
    [b"AGATCGGAAGAGCACACGTCTGAACTCCAGTCA", b"AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT"];

fn scores() -> Vec<Vec<u8>> {
    let stored = std::fs::read(Path::new(RUN)).expect("testdata is there");
    let mut text = Vec::new();
    MultiGzDecoder::new(&stored[..]).read_to_end(&mut text).expect("testdata is whole");
    let mut reader = Reader::new(&text[..]);
    let next = || {
        let mut record = Record::default();
        let is_read = reader.read_record(&mut record).expect("testdata is FASTQ");
        is_read.then(|| record.as_read().quality_scores.to_vec())
    };
    std::iter::from_fn(next).filter(|scores| scores.len() == LENGTH).collect()
}

/// The sequences of pairs, one in ten with an insert shorter than the reads, or none.
fn pairs(with_adapters: bool) -> Vec<[Vec<u8>; 2]> {
    let mut state = 1u64;
    let mut below = |limit: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let genome: Vec<u8> = (0..5_000_000).map(|_| b"ACGT"[below(4)]).collect();
    let pair = |_| {
        let is_short = with_adapters && below(10) == 0;
        let insert = if is_short { 20 + below(130) } else { 150 + below(300) };
        let start = below(genome.len() - insert);
        let molecule = &genome[start..start + insert];
        let other: Vec<u8> = molecule.iter().rev().map(|base| complement(*base)).collect();
        [(molecule, TRUSEQ[0]), (&other[..], TRUSEQ[1])].map(|(strand, adapter)| {
            let mut read = [strand, adapter].concat();
            read.resize(LENGTH.max(read.len()), b'G');
            // Errors in one base of 300.
            for base in &mut read {
                if below(300) == 0 {
                    *base = b"ACGT"[below(4)];
                }
            }
            read.truncate(LENGTH);
            read
        })
    };
    (0..TEMPLATES).map(pair).collect()
}

fn adapters() -> [Vec<Adapter>; 2] {
    TRUSEQ.map(|bases| {
        let column = |base: &u8| b"ACGT".map(|other| if other == *base { 0.97 } else { 0.01 });
        vec![Adapter::new(&bases.iter().map(column).collect::<Vec<_>>())]
    })
}

fn find(c: &mut Criterion) {
    let scores = scores();
    for (name, with_adapters) in [("no adapters", false), ("adapters in a tenth", true)] {
        let pairs = pairs(with_adapters);
        let reads: Vec<[ReadRef<'_>; 2]> = pairs
            .iter()
            .enumerate()
            .map(|(number, pair)| {
                [0, 1].map(|mate| ReadRef {
                    name: b"read",
                    sequence: &pair[mate],
                    quality_scores: &scores[(2 * number + mate) % scores.len()],
                })
            })
            .collect();
        for (kind, mates) in [("single", 1), ("pairs", 2)] {
            let templates: Vec<&[ReadRef<'_>]> = reads.iter().map(|pair| &pair[..mates]).collect();
            let mut group = c.benchmark_group(format!("{kind}, {name}"));
            group.sample_size(10);
            group.throughput(Throughput::Elements(TEMPLATES as u64));
            group.bench_function("learn", |b| {
                b.iter(|| InsertModel::learn(black_box(&templates), adapters()));
            });
            let model = InsertModel::learn(&templates, adapters());
            let mut finder = Finder::default();
            group.bench_function("find", |b| {
                b.iter(|| {
                    for mates in &templates {
                        finder.find(&model, mates, false);
                        black_box(finder.ends(0));
                    }
                });
            });
            group.finish();
        }
    }
}

criterion_group!(benches, find);
criterion_main!(benches);
