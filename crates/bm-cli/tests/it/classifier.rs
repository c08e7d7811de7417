//! A small classifier of another program, as a bare `.onnx` file: convolutions, a normalisation, a pool,
//! `Tanh` and `Softmax`.

use std::fs;

use bm_infer::onnx::ModelProto;
use bm_infer::onnx::testing::classifier;
use bm_quality::ModelPackage;

use crate::engines::library;
use crate::support::{Run, Scratch, bm, testdata};

/// Returns a classifier with reproducible weights, and the metadata that makes it a model of `bm`.
fn model() -> ModelProto {
    let mut state = 7u32;
    let mut number = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut facts = ModelPackage::embedded("mean-q20").unwrap().facts().clone();
    (facts.id, facts.version) = ("small-classifier".to_owned(), 1);
    classifier([2, 150], |count, terms| {
        (0..count).map(|_| number() * 4.0 / (terms as f32).sqrt()).collect()
    })
    .with_metadata(facts.metadata())
}

/// Returns the probabilities of a table of scores.
fn probabilities(run: &Run) -> Vec<f64> {
    let mut lines = run.text().lines();
    let header: Vec<_> = lines.next().unwrap().trim_start_matches('#').split('\t').collect();
    let column = header.iter().position(|name| *name == "probability").unwrap();
    lines.map(|line| line.split('\t').nth(column).unwrap().parse().unwrap()).collect()
}

#[test]
fn a_classifier_has_the_same_probabilities_on_every_engine() {
    let scratch = Scratch::new();
    let path = scratch.path("small.onnx");
    fs::write(&path, model().to_bytes()).unwrap();
    let input = testdata("hiseq_measles/hiseq_measles_1.fastq.gz");
    let run = bm(["score", &input, "-m", &path, "--backend", "embedded"]).done();
    let embedded = probabilities(&run);
    assert_eq!(embedded.len(), 1499);
    let mut sorted = embedded.clone();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    assert!(sorted.len() > 1000 && sorted[0] > 0.0 && sorted[sorted.len() - 1] < 1.0);
    // Without a name, the engine is the embedded one.
    let auto = bm(["score", &input, "-m", &path]).done();
    assert_eq!(auto.text(), run.text());
    assert!(!auto.stderr.contains("note"), "{}", auto.stderr);

    let Some(library) = library("a_classifier_has_the_same_probabilities_on_every_engine") else {
        return;
    };
    let named = ["score", &input, "-m", &path, "--backend", "onnxruntime", "--ort-lib", &library];
    let other = probabilities(&bm(named).done());
    assert_eq!(other.len(), embedded.len());
    for (a, b) in embedded.iter().zip(other) {
        assert!((a - b).abs() < 2e-6, "{a} and {b}");
    }
}

#[test]
fn each_engine_says_itself_which_operator_sets_it_does_not_know() {
    let mut model = model();
    model.opset_import[0].version = 99;
    let scratch = Scratch::new();
    let path = scratch.path("future.onnx");
    fs::write(&path, model.to_bytes()).unwrap();
    let input = testdata("broken/crlf.fastq");
    let ours = format!(
        "bm: {path}: the embedded backend cannot run this model: Reshape is of operator set 99, \
         expected 7 to "
    );
    let message = bm(["score", &input, "-m", &path, "--backend", "embedded"]).refused();
    assert!(message.starts_with(&ours), "{message}");
    let Some(library) = library("each_engine_says_itself_which_operator_sets_it_does_not_know")
    else {
        return;
    };
    let named = ["score", &input, "-m", &path, "--backend", "onnxruntime", "--ort-lib", &library];
    let message = bm(named).refused();
    let theirs = format!("bm: {path}: the onnxruntime backend cannot run this model: ");
    assert!(message.starts_with(&theirs) && message.to_lowercase().contains("opset"), "{message}");
}
