//! Models on encodings that are not of this project: opened through a registry, used as any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use bm_encode::{CodeEncoder, CodeEncoding, EncodeError, Encoder, Encoding, Encodings};
use bm_infer::backend::Embedded;
use bm_infer::onnx::testing::{Convolution, correction_model, dense_model};
use bm_infer::{ModelFile, Sha256};
use bm_quality::{
    Applicability, Combination, EncodingEntry, ErrorRule, Facts, FailedCycles, FileEntry,
    LabelEntry, Manifest, ModelPackage, PackageFiles, Prediction, Probability, QualityModel,
    ReadRule, ScoredBy, TensorEntry, Threshold, Thresholds, WindowRule,
};
use bm_reads::{Phred, ReadError, ReadRef, check_quality, reported_errors};
use serde_json::json;

use super::records;

const WINDOW: usize = 50;

/// The error probability of each of some bases; it holds its encoding, and is no static.
struct Errors(Encoding);

impl Encoder for Errors {
    fn encoding(&self) -> &Encoding {
        &self.0
    }

    fn encode_into(&self, read: ReadRef<'_>, row: &mut [f32]) -> Result<(), EncodeError> {
        read.check_lengths()?;
        check_quality(read.quality_scores)?;
        row.fill(0.0);
        for (value, byte) in row.iter_mut().zip(read.quality_scores) {
            *value = Phred::from_byte(*byte).map_or(0.0, |phred| phred.error_probability() as f32);
        }
        Ok(())
    }
}

/// The Phred score as code, with the logit of its error probability as vector.
struct Reported;

static REPORTED: CodeEncoding = CodeEncoding { id: "reported", version: 3, codes: 94, channels: 1 };

impl CodeEncoder for Reported {
    fn encoding(&self) -> &CodeEncoding {
        &REPORTED
    }

    fn vectors(&self) -> Vec<f32> {
        // The logit of Phred 0 is infinite.
        let probability = |score| Phred::new(score).unwrap().error_probability().min(1.0 - 1e-6);
        (0..94).map(probability).map(|p| (p / (1.0 - p)).ln() as f32).collect()
    }

    fn encode_into(&self, read: ReadRef<'_>, codes: &mut Vec<u16>) -> Result<(), EncodeError> {
        read.check_lengths()?;
        check_quality(read.quality_scores)?;
        codes.extend(read.quality_scores.iter().map(|byte| u16::from(byte - Phred::OFFSET)));
        Ok(())
    }
}

fn errors_50(features: usize) -> Arc<Errors> {
    Arc::new(Errors(Encoding { id: "errors-50", version: 1, window: WINDOW, features }))
}

fn encodings() -> Encodings {
    Encodings::shipped().with_rows(errors_50(WINDOW)).with_codes(Arc::new(Reported))
}

fn facts(encoding: &str, version: u32, rule: impl Into<ReadRule>) -> Facts {
    Facts {
        id: "own".to_owned(),
        version: 1,
        label: "few errors".to_owned(),
        encoding: EncodingEntry { id: encoding.to_owned(), version },
        rule: rule.into(),
        threshold: Threshold::new(0.5).unwrap(),
        domain: None,
    }
}

fn window_facts() -> Facts {
    let combination = Combination::BaseWeightedMeanLogit;
    facts("errors-50", 1, WindowRule { length: WINDOW, combination })
}

fn base_facts() -> Facts {
    facts("reported", 3, ErrorRule::new(1.0, 0.1, 0.01).unwrap())
}

/// P = sigmoid(5 − 10 × expected errors of the window).
fn window_model() -> Vec<u8> {
    dense_model(&[(1, vec![-10.0; WINDOW], vec![5.0])])
        .with_metadata(window_facts().metadata())
        .to_bytes()
}

/// The sigmoid of the one feature of a base.
fn base_model() -> Vec<u8> {
    let one = |weight| Convolution {
        outputs: 1,
        inputs: 1,
        window: 1,
        weights: vec![weight],
        biases: vec![0.0],
    };
    let model = correction_model(&one(0.0), &one(0.0), &one(1.0));
    model.with_metadata(base_facts().metadata()).to_bytes()
}

fn open(bytes: Vec<u8>) -> ModelPackage {
    let file = ModelFile::from_bytes("own.onnx", bytes).unwrap();
    ModelPackage::from_model_file_with(&encodings(), file).unwrap()
}

#[test]
fn windows_of_an_own_encoding_are_scored() {
    let records = records("hiseqx_phage/hiseqx_phage.fastq.gz");
    let reads: Vec<_> = records.iter().take(500).map(|record| record.as_read()).collect();
    assert!(reads.iter().all(|read| read.len() > 2 * WINDOW), "reads longer than a window");
    let package = open(window_model());
    assert_eq!(package.facts(), &window_facts());
    let mut model = QualityModel::new(Arc::new(package), &Embedded::new()).unwrap();
    let rule = WindowRule { length: WINDOW, combination: Combination::BaseWeightedMeanLogit };
    let predictions = model.predict(&reads).unwrap();
    for (read, prediction) in reads.iter().zip(&predictions) {
        if let Prediction::Unscored(reason) = prediction {
            assert_eq!(*reason, ReadError::NoKnownBase);
            continue;
        }
        let windows: Vec<_> = rule
            .windows(read.len())
            .map(|window| {
                let part = read.window(window.start, window.len());
                let logit = 5.0 - 10.0 * reported_errors(part.quality_scores);
                Probability::new((1.0 / (1.0 + (-logit).exp())) as f32).unwrap()
            })
            .collect();
        let expected = rule.combine(read.len(), &windows).unwrap().get();
        let found = prediction.probability().unwrap().get();
        assert!((found - expected).abs() < 1e-4, "{found}, expected {expected}");
        assert_eq!(prediction.expected_errors(), None);
    }
    let passing =
        predictions.iter().filter(|p| p.verdict(model.threshold()).name() == "pass").count();
    assert!(0 < passing && passing < reads.len(), "{passing} of {} pass", reads.len());
}

#[test]
fn codes_of_an_own_encoding_are_scored() {
    let package = Arc::new(open(base_model()));
    assert_eq!(package.facts(), &base_facts());
    let read = ReadRef { name: b"r", sequence: &[b'C'; 300], quality_scores: &[b'5'; 300] };
    let mut model = QualityModel::with_default_engine(Arc::clone(&package)).unwrap();
    let (mut predictions, mut bases) = (Vec::new(), Vec::new());
    model.predict_bases_into([read].into_iter(), &mut predictions, &mut bases).unwrap();
    assert!(bases.len() == 300 && bases.iter().all(|p| (p - 0.01).abs() < 1e-6));
    let errors = predictions[0].expected_errors().unwrap();
    assert!((errors - 3.0).abs() < 1e-4, "{errors}");
    // This network returns what the qualities report, so both agree.
    let mut reported = QualityModel::by_reported_errors(package).unwrap();
    let prediction = &reported.predict(&[read]).unwrap()[0];
    assert!((prediction.expected_errors().unwrap() - errors).abs() < 1e-4);
    assert_eq!(model.pair_rule(), reported.pair_rule());
}

#[test]
fn an_encoding_that_is_not_registered_is_refused_with_the_known_ones() {
    let file = ModelFile::from_bytes("own.onnx", window_model()).unwrap();
    let message = ModelPackage::from_model_file(file).err().unwrap().to_string();
    let expected = "own.onnx: needs the encoding errors-50 version 1, there are: scalar-150 \
                    version 1, quality-place version 1, base-quality-place version 1, \
                    word-spectrum version 1";
    assert_eq!(message, expected);
}

#[test]
fn an_encoding_of_another_shape_is_refused() {
    let file = || ModelFile::from_bytes("own.onnx", window_model()).unwrap();
    let refusal = |encoder: Errors| {
        let encodings = Encodings::empty().with_rows(Arc::new(encoder));
        ModelPackage::from_model_file_with(&encodings, file()).err().unwrap().to_string()
    };
    let encoding = Encoding { id: "errors-50", version: 1, window: WINDOW, features: WINDOW };
    let message = refusal(Errors(Encoding { features: 60, ..encoding }));
    assert!(message.contains("maps 50 features to 1 numbers, expected 60"), "{message}");
    let message = refusal(Errors(Encoding { features: 0, ..encoding }));
    assert!(message.contains("50 bases and 0 features per row"), "{message}");
    let message = refusal(Errors(Encoding { window: 10, ..encoding }));
    assert!(message.contains("a window of 50 bases"), "{message}");
    // Codes under the name of rows.
    struct Codes;
    impl CodeEncoder for Codes {
        fn encoding(&self) -> &CodeEncoding {
            &CodeEncoding { id: "errors-50", version: 1, codes: 1, channels: 50 }
        }

        fn vectors(&self) -> Vec<f32> {
            vec![0.0; 50]
        }

        fn encode_into(&self, _: ReadRef<'_>, _: &mut Vec<u16>) -> Result<(), EncodeError> {
            Ok(())
        }
    }
    let codes = encodings().with_codes(Arc::new(Codes));
    let message = ModelPackage::from_model_file_with(&codes, file()).err().unwrap().to_string();
    assert!(message.contains("no metadata `bm.read_rule`"), "{message}");
}

/// A package around the model of windows.
fn files(facts: &Facts) -> PackageFiles {
    let model = window_model();
    let entry = FileEntry { sha256: Sha256::of(&model).to_string(), bytes: model.len() as u64 };
    let tensor = |name: &str, width: usize| TensorEntry {
        name: name.to_owned(),
        shape: vec!["batch".into(), width.into()],
    };
    let manifest = Manifest {
        format: Manifest::FORMAT,
        id: facts.id.clone(),
        version: facts.version,
        task: "read-quality".to_owned(),
        description: "A model on an encoding of its own.".to_owned(),
        encoding: facts.encoding.clone(),
        rule: facts.rule.entries(),
        domain: None,
        failed_cycles: FailedCycles::none(),
        thresholds: Thresholds { default: facts.threshold.get() },
        label: LabelEntry { name: "few".to_owned(), definition: facts.label.clone() },
        input: tensor("features", WINDOW),
        output: tensor("probability", 1),
        files: BTreeMap::from([("model.onnx".to_owned(), entry)]),
        training: json!({}),
        metrics: json!({}),
    };
    PackageFiles::from([
        ("manifest.json".to_owned(), serde_json::to_vec(&manifest).unwrap()),
        ("model.onnx".to_owned(), model),
    ])
}

#[test]
fn a_package_on_an_own_encoding_opens_in_memory_and_from_a_folder() {
    let files = files(&window_facts());
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let read = ReadRef { name: b"r", sequence: &[b'A'; 120], quality_scores: &[b'I'; 120] };
    let bare = QualityModel::with_default_engine(open(window_model())).unwrap().predict(&[read]);
    for package in [
        ModelPackage::from_files_with(&encodings(), "own", files.clone()),
        ModelPackage::open_with(&encodings(), folder.path()),
        ModelPackage::open_with(&encodings(), &folder.path().join("model.onnx")),
    ] {
        let package = package.unwrap();
        assert_eq!(package.facts(), &window_facts());
        assert_eq!(package.encoder().to_string(), "errors-50 version 1");
        let mut model = QualityModel::with_default_engine(package).unwrap();
        assert_eq!(&model.predict(&[read]).unwrap(), bare.as_ref().unwrap());
    }
    assert!(ModelPackage::from_files("own", files).is_err());
    assert!(ModelPackage::open(folder.path()).is_err());
}

#[test]
fn a_manifest_has_the_one_rule_that_its_encoding_takes() {
    let whole = files(&window_facts());
    let with = |change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>)| {
        let mut files = whole.clone();
        let mut manifest: serde_json::Value =
            serde_json::from_slice(&files["manifest.json"]).unwrap();
        change(manifest.as_object_mut().unwrap());
        files.insert("manifest.json".to_owned(), serde_json::to_vec(&manifest).unwrap());
        ModelPackage::from_files_with(&encodings(), "own", files).map(drop)
    };
    let refusal = |change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>)| {
        with(change).unwrap_err().to_string()
    };
    with(&|manifest| drop(manifest.insert("read_rule".to_owned(), json!(null)))).unwrap();
    with(&|manifest| drop(manifest.insert("new_key".to_owned(), json!({"a": [1]})))).unwrap();
    let expected = "own: expected a window and no read_rule for errors-50 version 1";
    let rule = json!(
        {"name": "negative-binomial", "mean_scale": 1.0, "dispersion": 0.1, "max_error_rate": 0.01}
    );
    let both = refusal(&|manifest| drop(manifest.insert("read_rule".to_owned(), rule.clone())));
    assert_eq!(both, expected);
    assert_eq!(refusal(&|manifest| drop(manifest.remove("window"))), expected);
    let wrong = refusal(&|manifest| manifest["window"]["length"] = json!("long"));
    assert!(wrong.contains("manifest.json: window: invalid type: string"), "{wrong}");
    let twice = String::from_utf8(whole["manifest.json"].clone()).unwrap().replacen(
        r#""window":"#,
        r#""window":{"length":50,"rule":"other"},"window":"#,
        1,
    );
    let mut files = whole.clone();
    files.insert("manifest.json".to_owned(), twice.into_bytes());
    let twice = ModelPackage::from_files_with(&encodings(), "own", files).err().unwrap();
    assert!(twice.to_string().contains("duplicate field `window`"), "{twice}");
}

#[test]
fn a_model_that_does_not_apply_is_replaced_by_reported_errors() {
    let constant = ReadRef { name: b"r", sequence: &[b'A'; 100], quality_scores: &[b'5'; 100] };
    let first_reads = [constant; 60];
    let engine = Embedded::new();
    let package = Arc::new(ModelPackage::embedded("read-error").unwrap());
    let (mut model, applicability) =
        QualityModel::for_reads(Arc::clone(&package), &engine, first_reads).unwrap();
    assert_eq!(applicability.scored_by(), ScoredBy::ReportedErrors);
    assert_eq!(applicability.misfits().len(), 1);
    let errors = model.predict(&[constant]).unwrap()[0].expected_errors();
    assert_eq!(errors, Some(1.0));

    // A model that the user asked for stays, and the reasons too.
    let kept = applicability.keeping_model();
    assert_eq!((kept.scored_by(), kept.applies()), (ScoredBy::Model, false));
    let mut model = kept.open(Arc::clone(&package), &engine).unwrap();
    assert_ne!(model.predict(&[constant]).unwrap()[0].expected_errors(), errors);

    // Reads like the training data, and too few reads to tell.
    let varied = b"#-:FJ".repeat(20);
    let varied = ReadRef { quality_scores: &varied, ..constant };
    for reads in [vec![varied; 60], vec![constant; 10]] {
        let applicability = Applicability::of(package.facts(), reads);
        assert!(applicability.applies() && applicability.reasons().next().is_none());
        assert_eq!(applicability.scored_by(), ScoredBy::Model);
        // A reason that the caller found.
        let applicability = applicability.with_reason("other reads contradict it");
        assert_eq!(applicability.scored_by(), ScoredBy::ReportedErrors);
        assert_eq!(applicability.to_string(), "other reads contradict it");
    }

    // A model of windows has no domain and no replacement.
    let windows = ModelPackage::embedded("mean-q20").unwrap();
    let applicability = Applicability::of(windows.facts(), first_reads);
    assert_eq!((applicability.scored_by(), applicability.applies()), (ScoredBy::Model, true));
    let applicability = applicability.with_reason("of no use");
    assert_eq!((applicability.scored_by(), applicability.applies()), (ScoredBy::Model, false));
}
