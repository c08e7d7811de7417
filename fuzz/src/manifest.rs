//! Bytes as `manifest.json`: a refusal with a message of one line, or a usable package.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use bm_infer::Variant;
use bm_infer::backend::Embedded;
use bm_quality::{ModelPackage, PackageFiles, Prediction, QualityError, QualityModel};
use bm_reads::ReadRef;

use crate::message;

/// Opens a package with this manifest and the other files of the shipped package that it names.
///
/// # Panics
///
/// If a message has several lines, or if the package is accepted but cannot be used.
pub fn check(manifest: &[u8]) {
    let package = match ModelPackage::from_files("package", files(manifest)) {
        Ok(package) => package,
        Err(error) => {
            message(&error);
            return;
        }
    };
    // The facts are shown in summaries and written into records.
    assert!(!package.facts().to_string().contains(char::is_control), "{}", package.facts());
    // The result of opening each file.
    let outcomes = [
        refusal(package.model_file(Variant::Portable)),
        refusal(package.model_file(Variant::NeuralEngine)),
        refusal(package.golden()),
        refusal(package.experience()),
        refusal(package.evidence()),
        refusal(package.card()),
    ];
    if let Ok(files) = package.files() {
        if !package.has_evidence() {
            assert_eq!(files.get("manifest.json").map(Vec::as_slice), Some(manifest));
        }
        let again = ModelPackage::from_files("package", files)
            .unwrap_or_else(|error| panic!("the package is refused after writing it: {error}"));
        assert_eq!(again.facts(), package.facts());
    }
    let package = Arc::new(package);
    match QualityModel::new(Arc::clone(&package), &Embedded::new()) {
        Ok(mut model) => {
            assert_eq!(outcomes[0], None, "the model is opened although its file is refused");
            predict(&mut model);
            if let Ok(Some(golden)) = package.golden() {
                refusal(golden.compare(&mut model));
            }
        }
        Err(error) => {
            message(&error);
        }
    }
}

/// Returns the files of the shipped package whose id occurs in the manifest, with this manifest.
fn files(manifest: &[u8]) -> PackageFiles {
    let names = |id: &[u8]| manifest.windows(id.len()).any(|window| window == id);
    let id = if names(b"mean-q20") { "mean-q20" } else { "read-error" };
    let model = bm_models::get(id).unwrap();
    let mut files = BTreeMap::from([
        ("manifest.json".to_owned(), manifest.to_vec()),
        ("model.onnx".to_owned(), model.model.to_vec()),
        ("model.ane.onnx".to_owned(), model.neural_engine_model.to_vec()),
        ("golden.json".to_owned(), model.golden.as_bytes().to_vec()),
        ("README.md".to_owned(), model.card.as_bytes().to_vec()),
    ]);
    files.extend(
        model
            .experience
            .map(|experience| ("experience.json".to_owned(), experience.as_bytes().to_vec())),
    );
    files
}

/// Returns the message of an error, if there is one.
fn refusal<T>(outcome: Result<T, impl Error>) -> Option<String> {
    outcome.err().map(|error| message(&error))
}

/// Scores reads of several lengths and qualities, and checks the predictions.
fn predict(model: &mut QualityModel) {
    let reads: Vec<(Vec<u8>, Vec<u8>)> =
        [(0, b'I'), (1, b'!'), (90, b'#'), (150, b'I'), (400, b'~')]
            .map(|(bases, quality)| {
                (b"ACGTN".iter().copied().cycle().take(bases).collect(), vec![quality; bases])
            })
            .into();
    let reads: Vec<_> = reads
        .iter()
        .map(|(sequence, quality_scores)| ReadRef { name: b"r", sequence, quality_scores })
        .collect();
    let predictions: Result<Vec<Prediction>, QualityError> = model.predict(&reads);
    let predictions =
        predictions.unwrap_or_else(|error| panic!("an accepted package cannot be used: {error}"));
    assert_eq!(predictions.len(), reads.len());
    assert_eq!(predictions[0].probability(), None, "a read without bases");
    for prediction in &predictions[1..] {
        assert!(
            prediction.probability().is_some_and(|p| (0.0..=1.0).contains(&p.get())),
            "{prediction:?}"
        );
        assert_eq!(prediction.expected_errors().is_some(), model.facts().counts_errors());
    }
}
