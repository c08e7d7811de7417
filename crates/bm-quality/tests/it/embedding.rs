//! Vectors of reads: golden ones, both strands, any batch, and packages that are damaged.

use std::fs;
use std::path::PathBuf;

use bm_quality::backend::Embedded;
use bm_quality::{Embedder, EmbeddingPackage, QualityError, ReadRef};

use super::records;

/// The package in the repository.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/embed")
}

fn read(sequence: &[u8]) -> ReadRef<'_> {
    ReadRef { name: b"r", sequence, quality_scores: b"" }
}

/// Returns the vectors of reads, and how many reads have none.
fn vectors(embedder: &mut Embedder, reads: &[&[u8]]) -> (Vec<Vec<f32>>, usize) {
    let mut values = Vec::new();
    let without = embedder.embed_into(reads.iter().map(|it| read(it)), &mut values).unwrap();
    (values.chunks(embedder.dimensions()).map(<[f32]>::to_vec).collect(), without)
}

fn embedder() -> Embedder {
    Embedder::new(&EmbeddingPackage::shipped().unwrap(), &Embedded::new()).unwrap()
}

fn reverse_complement(sequence: &[u8]) -> Vec<u8> {
    let other = |base: &u8| match base {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        b'T' => b'A',
        other => *other,
    };
    sequence.iter().rev().map(other).collect()
}

#[test]
fn golden_reads_have_their_vectors_on_every_path_of_the_embedded_engine() {
    let package = EmbeddingPackage::shipped().unwrap();
    let golden = package.golden().unwrap();
    let lengths = golden.reads.iter().map(|read| read.sequence.len());
    assert!(lengths.clone().min() == Some(0) && lengths.max() > Some(1_000));
    for engine in Embedded::all() {
        let off = Embedder::new(&package, &engine).unwrap().difference(&golden).unwrap();
        assert!(off <= golden.tolerance, "{off}");
    }
}

#[test]
fn another_vector_in_the_file_of_golden_reads_is_found() {
    let package = EmbeddingPackage::shipped().unwrap();
    let mut golden = package.golden().unwrap();
    let mut embedder = embedder();
    golden.reads[5].vector[7] += 0.01;
    assert!(embedder.difference(&golden).unwrap() > 0.009);
    golden.reads[5].vector.pop();
    assert_eq!(embedder.difference(&golden).unwrap(), f32::INFINITY);
}

#[test]
fn a_vector_has_length_one_and_does_not_depend_on_other_reads_nor_on_the_strand() {
    let records = records("hiseq_measles/hiseq_measles_1.fastq.gz");
    let reads: Vec<&[u8]> = records.iter().map(|it| it.as_read().sequence).collect();
    let mut embedder = embedder();
    let (together, _) = vectors(&mut embedder, &reads);
    assert_eq!(together.len(), reads.len());
    for (sequence, vector) in reads.iter().zip(&together).step_by(37) {
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
        assert_eq!(vectors(&mut embedder, &[sequence]).0[0], *vector);
        assert_eq!(vectors(&mut embedder, &[&reverse_complement(sequence)]).0[0], *vector);
    }
}

#[test]
fn reads_that_overlap_are_more_alike_than_others() {
    let records = records("hiseqx_phage/hiseqx_phage.fastq.gz");
    let mut embedder = embedder();
    let (mut alike, mut other) = (0.0, 0.0);
    let whole: Vec<&[u8]> = records.iter().map(|it| it.as_read().sequence).take(200).collect();
    let starts: Vec<&[u8]> = whole.iter().map(|it| &it[..it.len() * 2 / 3]).collect();
    let ends: Vec<&[u8]> = whole.iter().map(|it| &it[it.len() / 3..]).collect();
    let ((starts, _), (ends, _)) = (vectors(&mut embedder, &starts), vectors(&mut embedder, &ends));
    let cosine = |one: &[f32], two: &[f32]| one.iter().zip(two).map(|(a, b)| a * b).sum::<f32>();
    for (i, start) in starts.iter().enumerate() {
        alike += cosine(start, &ends[i]) / starts.len() as f32;
        other += cosine(start, &ends[(i + 1) % ends.len()]) / starts.len() as f32;
    }
    assert!(alike > other + 0.2, "{alike} and {other}");
}

#[test]
fn reads_without_words_have_zeros() {
    let long = b"ACGTTGCA".repeat(5_000);
    let reads = [&b""[..], b"ACG", b"NNNNNNNNNNNNNNNN", b"ACGT", &long];
    let (found, without) = vectors(&mut embedder(), &reads);
    assert_eq!(without, 3);
    let zeros = found.iter().map(|vector| vector.iter().all(|value| *value == 0.0));
    assert_eq!(zeros.collect::<Vec<_>>(), [true, true, true, false, false]);
}

#[test]
fn a_folder_is_as_good_as_the_shipped_model() {
    let package = EmbeddingPackage::open(&folder()).unwrap();
    let mut from_folder = Embedder::new(&package, &Embedded::new()).unwrap();
    let reads = [&b"ACGTTGCAAGTACCATGACC"[..]];
    assert_eq!(vectors(&mut from_folder, &reads), vectors(&mut embedder(), &reads));
}

#[test]
fn damaged_and_other_packages_are_refused() {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let refusal = || {
        let opened = EmbeddingPackage::open(copy.path());
        let loaded = opened.and_then(|package| Embedder::new(&package, &Embedded::new()));
        loaded.err().expect("it was to be refused")
    };
    let manifest = copy.path().join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    for (from, to, expected) in [
        ("read-embedding", "read-quality", "expected read-embedding"),
        ("\"format\": 1", "\"format\": 2", "expected 1"),
        ("\"word-spectrum\"", "\"another\"", "needs the encoding another version 1"),
        ("\"embed\"", "\"other\"", "has bm.id embed, manifest.json has other"),
        ("\"features\"", "\"features\", \"shape\": 1, \"names\"", "manifest.json"),
    ] {
        fs::write(&manifest, text.replacen(from, to, 1)).unwrap();
        let message = refusal().to_string();
        assert!(message.contains(expected), "{message}");
    }
    fs::write(&manifest, &text).unwrap();
    let model = copy.path().join("model.onnx");
    let mut bytes = fs::read(&model).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&model, bytes).unwrap();
    assert!(matches!(refusal(), QualityError::Infer(_)));
    fs::remove_file(model).unwrap();
    assert!(matches!(refusal(), QualityError::NoFile { .. }));
    let other = EmbeddingPackage::open(&folder().join("../read-error"));
    assert!(other.err().unwrap().to_string().contains("read-error"));
}
