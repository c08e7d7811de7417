//! Packages with the evidence of a run's k-mers.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use bm_evidence::{Evidence, Fit};
use bm_infer::Sha256;
use bm_infer::backend::Embedded;
use bm_kmers::Counter;
use bm_quality::{KmerEvidence, ModelPackage, PackageFiles, Prediction, QualityModel};
use bm_reads::ReadRef;
use bm_reads::fastq::Record;
use serde_json::{Value, json};

use super::records;

static RECORDS: LazyLock<Vec<Record>> =
    LazyLock::new(|| records("hiseqx_phage/hiseqx_phage.fastq.gz"));

fn start() -> ModelPackage {
    ModelPackage::embedded("read-error").unwrap()
}

/// The evidence of the k-mers of the phage run.
static EVIDENCE: LazyLock<Arc<KmerEvidence>> = LazyLock::new(|| {
    let mut counter = Counter::new(21, 64 << 20);
    RECORDS.iter().for_each(|record| counter.observe(record.as_read().sequence));
    let experience = start().experience().unwrap().unwrap();
    let weights = Fit::new(&experience).weights(&experience, true);
    Arc::new(Evidence::new(counter.finish(), weights).into())
});

/// Changes a file of a package, and its entry in the manifest.
fn put(files: &mut PackageFiles, name: &str, content: Vec<u8>) {
    let mut manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    manifest["files"][name] =
        json!({"sha256": Sha256::of(&content).to_string(), "bytes": content.len()});
    files.insert("manifest.json".to_owned(), serde_json::to_vec(&manifest).unwrap());
    files.insert(name.to_owned(), content);
}

/// The shipped model with the evidence of the run.
fn files() -> PackageFiles {
    let (mut files, mut bytes) = (start().files().unwrap(), Vec::new());
    EVIDENCE.write(&mut bytes).unwrap();
    put(&mut files, "evidence", bytes);
    files
}

fn in_folder(files: &PackageFiles) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(folder.path().join(name), bytes).unwrap());
    folder
}

fn predict(package: ModelPackage, reads: &[ReadRef<'_>]) -> Vec<Prediction> {
    QualityModel::new(Arc::new(package), &Embedded::new()).unwrap().predict(reads).unwrap()
}

/// Why a model cannot be made of a package, on one line.
fn refusal(package: ModelPackage) -> String {
    let error =
        QualityModel::new(Arc::new(package), &Embedded::new()).err().expect("it was to be refused");
    chain(&error)
}

fn chain(error: &dyn Error) -> String {
    let (mut message, mut source) = (error.to_string(), error.source());
    while let Some(error) = source {
        message += &format!(": {error}");
        source = error.source();
    }
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn predictions_have_the_contribution_of_kmers() {
    let reads: Vec<_> = RECORDS.iter().take(2000).map(Record::as_read).collect();
    let plain = predict(start(), &reads);
    assert!(!start().has_evidence() && start().evidence().unwrap().is_none());
    assert!(plain.iter().all(|prediction| prediction.kmer_support().is_none()));
    let files = files();
    let folder = in_folder(&files);
    let with = predict(ModelPackage::from_files("run", files).unwrap(), &reads);
    assert!(with == predict(ModelPackage::open(folder.path()).unwrap(), &reads));
    assert!(with == predict(start().with_evidence(Arc::clone(&EVIDENCE)), &reads));
    let (mut raised, mut lowered) = (0, 0);
    for (plain, with) in plain.iter().zip(&with) {
        let support = with.kmer_support();
        assert_eq!(support.is_some(), with.probability().is_some());
        let Some(support) = support else { continue };
        assert_eq!(Some(support.expected_errors_prior), plain.expected_errors());
        assert!((0.0..=1.0).contains(&support.evaluable));
        let errors = with.expected_errors().unwrap();
        assert!(
            support.evaluable > 0.0
                || (errors - support.expected_errors_prior).abs() <= 1e-5 * errors,
            "{with:?}"
        );
        raised += usize::from(errors > support.expected_errors_prior);
        lowered += usize::from(errors < support.expected_errors_prior);
    }
    assert!(lowered > 500 && raised > 500, "{lowered} lowered, {raised} raised");
}

#[test]
fn a_prediction_with_kmers_does_not_depend_on_other_reads() {
    let reads: Vec<_> = RECORDS.iter().take(700).map(Record::as_read).collect();
    let mut model =
        QualityModel::new(Arc::new(start().with_evidence(Arc::clone(&EVIDENCE))), &Embedded::new())
            .unwrap();
    let together = model.predict(&reads).unwrap();
    for (read, prediction) in reads.iter().zip(&together).step_by(61) {
        assert_eq!(model.predict(&[*read]).unwrap(), std::slice::from_ref(prediction));
    }
}

#[test]
fn unscored_reads_have_no_kmer_support() {
    let long: Vec<u8> =
        RECORDS.iter().take(400).flat_map(|record| record.as_read().sequence.to_vec()).collect();
    let read = |sequence, quality_scores| ReadRef { name: b"r", sequence, quality_scores };
    let best = vec![b'I'; long.len()];
    let reads = [
        read(b"", b""),
        read(b"NNN", b"III"),
        read(b"ACGT", b"II"),
        read(b"ACGT", b"IIII"),
        read(&long, &best),
    ];
    let predictions = predict(start().with_evidence(Arc::clone(&EVIDENCE)), &reads);
    let evaluable: Vec<_> = predictions
        .iter()
        .map(|prediction| prediction.kmer_support().map(|support| support.evaluable))
        .collect();
    assert_eq!(evaluable[..4], [None, None, None, Some(0.0)]);
    assert!(evaluable[4] > Some(0.8), "{evaluable:?}");
}

#[test]
fn evidence_that_is_missing_changed_or_broken_is_refused_by_name() {
    let files = files();
    // Changed: by its digest.
    let mut changed = files.clone();
    *changed.get_mut("evidence").unwrap().last_mut().unwrap() ^= 1;
    let folder = in_folder(&changed);
    let message = refusal(ModelPackage::open(folder.path()).unwrap());
    assert!(
        message.contains(&folder.path().display().to_string()) && message.contains("evidence"),
        "{message}"
    );
    assert!(message.contains("SHA-256 should be"), "{message}");
    let message = refusal(ModelPackage::from_files("run", changed).unwrap());
    assert!(
        message.contains("run")
            && message.contains("evidence")
            && message.contains("SHA-256 should be"),
        "{message}"
    );

    // Missing.
    fs::remove_file(folder.path().join("evidence")).unwrap();
    let message = refusal(ModelPackage::open(folder.path()).unwrap());
    assert!(
        message.contains(&folder.path().display().to_string()) && message.contains("evidence"),
        "{message}"
    );
    let mut missing = files.clone();
    missing.remove("evidence");
    let message = refusal(ModelPackage::from_files("run", missing).unwrap());
    assert!(message.contains("run") && message.contains("evidence"), "{message}");

    // Broken, though the digest is right.
    for (bytes, reason) in
        [(b"".to_vec(), "not an evidence file"), (files["evidence"][..5000].to_vec(), "")]
    {
        let mut broken = files.clone();
        put(&mut broken, "evidence", bytes);
        let message = refusal(ModelPackage::from_files("run", broken).unwrap());
        assert!(
            message.starts_with("run/evidence: cannot be used: evidence: ")
                && message.contains(reason),
            "{message}"
        );
    }
}

#[test]
fn the_files_of_a_package_do_not_include_its_evidence() {
    let files = files();
    let folder = in_folder(&files);
    for package in [
        ModelPackage::open(folder.path()).unwrap(),
        ModelPackage::from_files("run", files).unwrap(),
    ] {
        assert!(package.has_evidence());
        let copy = ModelPackage::from_files("copy", package.files().unwrap()).unwrap();
        assert!(!copy.has_evidence() && copy.evidence().unwrap().is_none());
        assert!(copy.experience().unwrap().is_some());
        assert!(QualityModel::new(Arc::new(copy), &Embedded::new()).is_ok());
    }
}

#[test]
fn golden_reads_are_compared_without_kmers() {
    // Some of them are reads of this run.
    let package = Arc::new(start().with_evidence(Arc::clone(&EVIDENCE)));
    let golden = package.golden().unwrap().unwrap();
    let mut model = QualityModel::new(package, &Embedded::new()).unwrap();
    let report = golden.compare(&mut model).unwrap();
    assert!(
        report.flips == 0 && report.max_difference < 1e-4 && report.max_rate_difference < 1e-4,
        "{report:?}"
    );
    // The model uses the evidence again after the comparison.
    let read = RECORDS[0].as_read();
    assert!(model.predict(&[read]).unwrap()[0].kmer_support().is_some());
}

/// The shipped package with another experience.
fn experienced(content: &[u8]) -> ModelPackage {
    let mut files = start().files().unwrap();
    put(&mut files, "experience.json", content.to_vec());
    ModelPackage::from_files("run", files).unwrap()
}

#[test]
fn the_experience_of_other_runs_is_part_of_a_package() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let text = fs::read(root.join("read-error/experience.json")).unwrap();
    for package in
        [start(), ModelPackage::open(&root.join("read-error")).unwrap(), experienced(&text)]
    {
        assert!(package.experience().unwrap().is_some(), "{}", package.name());
        assert!(package.files().unwrap()["experience.json"] == text);
    }
    for package in [
        ModelPackage::embedded("mean-q20"),
        ModelPackage::open(&root.join("read-error/model.onnx")),
    ] {
        assert!(package.unwrap().experience().unwrap().is_none());
    }
    let message = chain(&experienced(b"{}").experience().unwrap_err());
    assert!(
        message.starts_with("run/experience.json: cannot be used: evidence: experience: "),
        "{message}"
    );
    let mut files = start().files().unwrap();
    files.insert("experience.json".to_owned(), b"{}".to_vec());
    let message =
        chain(&ModelPackage::from_files("run", files.clone()).unwrap().experience().unwrap_err());
    assert!(
        message.contains("experience.json") && message.contains("SHA-256 should be"),
        "{message}"
    );
    files.remove("experience.json");
    let message = chain(&ModelPackage::from_files("run", files).unwrap().experience().unwrap_err());
    assert!(message.contains("run") && message.contains("experience.json"), "{message}");
}
