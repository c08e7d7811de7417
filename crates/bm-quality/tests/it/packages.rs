//! Packages as folders and bare files, intact and damaged.

use std::fs;
use std::path::{Path, PathBuf};

use bm_infer::backend::Embedded;
use bm_quality::{ModelPackage, QualityModel};

use super::records;

/// The package in the repository.
fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/mean-q20")
}

/// A copy of the package to damage.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(package()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

/// Returns why a folder or file does not open, on one line.
fn refusal(path: &Path) -> String {
    let error = QualityModel::open(path, &Embedded::new()).err().expect("it was to be refused");
    let chain =
        std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let message = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    assert!(!message.contains(char::is_control), "{message:?}");
    message
}

/// Replaces text in the manifest, which must be there.
fn edit(folder: &Path, from: &str, to: &str) {
    let path = folder.join("manifest.json");
    let manifest: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let text = serde_json::to_string(&manifest).unwrap();
    assert!(text.contains(from), "the manifest has no {from}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn folder_embedded_and_bare_file_say_the_same() {
    let records = records("hiseq_measles/hiseq_measles_1.fastq.gz");
    let reads: Vec<_> = records.iter().map(|record| record.as_read()).collect();
    let engine = Embedded::new();
    let embedded = QualityModel::embedded("mean-q20", &engine).unwrap().predict(&reads).unwrap();
    for path in [package(), package().join("model.onnx")] {
        let mut model = QualityModel::open(&path, &engine).unwrap();
        assert_eq!(model.facts(), ModelPackage::embedded("mean-q20").unwrap().facts());
        assert_eq!(model.predict(&reads).unwrap(), embedded, "{}", path.display());
    }
}

#[test]
fn an_untouched_copy_opens() {
    let folder = copy();
    assert!(QualityModel::open(folder.path(), &Embedded::new()).is_ok());
    assert!(ModelPackage::open(folder.path()).unwrap().golden().unwrap().is_some());
}

#[test]
fn a_changed_file_is_refused_by_its_digest() {
    let folder = copy();
    let path = folder.path().join("model.onnx");
    let mut bytes = fs::read(&path).unwrap();
    // In the middle are weights: the file stays a valid model.
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
    let message = refusal(folder.path());
    assert!(message.contains("model.onnx") && message.contains("SHA-256 should be"), "{message}");

    let folder = copy();
    fs::write(folder.path().join("golden.json"), "{}").unwrap();
    let error =
        ModelPackage::open(folder.path()).unwrap().golden().expect_err("golden reads were changed");
    assert!(error.to_string().contains("golden.json"), "{error}");
}

#[test]
fn a_manifest_that_does_not_match_is_refused_by_name() {
    for (from, to, expected) in [
        (r#""format":1"#, r#""format":2"#, "format 2, expected 1"),
        (
            r#""id":"scalar-150""#,
            r#""id":"scalar-151""#,
            "scalar-151 version 1, there are: scalar-150 version 1",
        ),
        (
            "base-weighted-mean-logit",
            "median",
            "window rule median, there are: base-weighted-mean-logit",
        ),
        (r#""length":150"#, r#""length":100"#, "window of 100 bases"),
        (r#""default":0.5"#, r#""default":1.5"#, "found 1.5"),
        (r#""default":0.5"#, r#""default":0.25"#, "do not agree"),
        (r#""id":"mean-q20""#, r#""id":"mean-q21""#, "do not agree"),
        (r#"["batch",300]"#, r#"["batch",301]"#, "promises features of width 301"),
        (r#""name":"probability""#, r#""name":"p""#, "promises p of width 1"),
        (r#""model.onnx""#, r#""model2.onnx""#, "no digest of model.onnx"),
        (r#""task""#, r#""tusk""#, "missing field `task`"),
        // What a message or a record shows of it stays on its line.
        (
            r#""id":"scalar-150""#,
            r#""id":"scalar\n\u001b[2J""#,
            "needs the encoding scalar\\n\\u{1b}[2J version 1",
        ),
        ("base-weighted-mean-logit", r"me\ndian", "window rule me\\ndian"),
        (r#""id":"mean-q20""#, r#""id":"mean\nq20""#, "its id is `mean\\nq20`, expected"),
        (r#""definition":""#, r#""definition":"\t"#, "its label is `\\t"),
    ] {
        let folder = copy();
        edit(folder.path(), from, to);
        let message = refusal(folder.path());
        assert!(message.contains(expected), "{from} to {to}: {message}");
    }
}

#[test]
fn missing_and_unreadable_files_are_named() {
    let folder = copy();
    fs::remove_file(folder.path().join("model.onnx")).unwrap();
    assert!(refusal(folder.path()).contains("has no model.onnx"));
    fs::remove_file(folder.path().join("manifest.json")).unwrap();
    assert!(refusal(folder.path()).contains("has no manifest.json"));
    assert!(refusal(&folder.path().join("nothing.onnx")).contains("nothing.onnx"));
    fs::write(folder.path().join("manifest.json"), "not JSON").unwrap();
    assert!(refusal(folder.path()).contains("manifest.json: expected"));
    fs::write(folder.path().join("manifest.json"), [0xff, 0xfe]).unwrap();
    assert!(refusal(folder.path()).contains("manifest.json cannot be read"));
}

#[test]
fn the_neural_engine_file_is_not_for_the_embedded_engine() {
    let message = refusal(&package().join("model.ane.onnx"));
    assert!(message.contains("embedded backend cannot run this model"), "{message}");
}

#[test]
fn a_bare_file_without_our_metadata_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.onnx");
    fs::write(&path, bm_infer::onnx::testing::dense(&[(1, vec![0.0; 300], vec![0.0])])).unwrap();
    assert!(refusal(&path).contains("no metadata `bm.encoding`"));
}

#[test]
fn a_bare_file_whose_id_breaks_lines_is_refused() {
    let mut bytes = fs::read(package().join("model.onnx")).unwrap();
    let places: Vec<_> =
        (0..bytes.len()).filter(|i| bytes[*i..].starts_with(b"mean-q20")).collect();
    places.iter().for_each(|i| bytes[i + 4] = b'\n');
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    fs::write(&path, bytes).unwrap();
    assert!(refusal(&path).contains("its id is `mean\\nq20`, expected"));
}

#[test]
fn unknown_ids_list_the_known_ones() {
    let error = ModelPackage::embedded("mean-q30").err().expect("there is no such model");
    assert!(error.to_string().contains("there are: read-error, mean-q20"), "{error}");
}

#[test]
fn a_package_in_memory_is_the_same_as_in_a_folder() {
    for id in ModelPackage::embedded_ids() {
        let embedded = ModelPackage::embedded(id).unwrap();
        let files = embedded.files().unwrap();
        // Only a model that can be adapted has experience.
        let names: Vec<_> =
            files.keys().map(String::as_str).filter(|name| *name != "experience.json").collect();
        assert_eq!(
            names,
            ["README.md", "golden.json", "manifest.json", "model.ane.onnx", "model.onnx"]
        );
        assert_eq!(files.contains_key("experience.json"), id == "read-error");
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in &files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let (memory, opened) = (
            ModelPackage::from_files("memory", files.clone()).unwrap(),
            ModelPackage::open(folder.path()).unwrap(),
        );
        assert_eq!((memory.facts(), opened.facts()), (embedded.facts(), embedded.facts()));
        assert_eq!((memory.files().unwrap(), opened.files().unwrap()), (files.clone(), files));
        assert_eq!(memory.card().unwrap(), embedded.card().unwrap());
        assert_eq!(
            memory.golden().unwrap().unwrap().reads.len(),
            embedded.golden().unwrap().unwrap().reads.len()
        );
    }
}

#[test]
fn a_package_in_memory_is_checked_like_any_other() {
    let files = ModelPackage::open(&package()).unwrap().files().unwrap();
    let without = |name: &str| {
        let mut files = files.clone();
        files.remove(name);
        ModelPackage::from_files("memory", files)
    };
    assert!(without("manifest.json").err().unwrap().to_string().contains("manifest.json"));
    assert!(without("golden.json").unwrap().golden().is_err());
    assert!(without("model.onnx").unwrap().model_file(bm_infer::Variant::Portable).is_err());
    let mut other = files.clone();
    other.get_mut("model.onnx").unwrap()[100] ^= 1;
    assert!(
        ModelPackage::from_files("memory", other)
            .unwrap()
            .model_file(bm_infer::Variant::Portable)
            .is_err()
    );
    let mut binary = files;
    binary.insert("manifest.json".to_owned(), vec![0xff, 0xfe]);
    assert!(ModelPackage::from_files("memory", binary).is_err());
    let bare = ModelPackage::open(&package().join("model.onnx")).unwrap();
    assert!(bare.files().is_err());
}

#[test]
fn the_facts_of_a_model_are_in_the_metadata_of_its_file() {
    for id in ModelPackage::embedded_ids() {
        let package = ModelPackage::embedded(id).unwrap();
        let file = package.model_file(bm_infer::Variant::Portable).unwrap();
        for (key, value) in package.facts().metadata() {
            let found = file.metadata(&key).unwrap_or_else(|| panic!("{id}: no {key}"));
            let same = found == value
                || found.parse::<f64>().is_ok_and(|found| value.parse() == Ok(found));
            assert!(same, "{id}: {key} is {found}, expected {value}");
        }
    }
}
