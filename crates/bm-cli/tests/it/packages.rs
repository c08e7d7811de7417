//! `-m`: models that do not match their manifest are refused, with expected and found values.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Scratch, bm, command, package, run, testdata};

/// Copies the package of the default model; returns the path of the copy.
fn copy_of_package(scratch: &Scratch) -> String {
    let copy = scratch.path("model");
    fs::create_dir(&copy).unwrap();
    for file in ["model.onnx", "model.ane.onnx", "manifest.json", "golden.json", "README.md"] {
        fs::copy(package("mean-q20", file), Path::new(&copy).join(file)).unwrap();
    }
    copy
}

/// Replaces the golden reads of a copy, and their digest.
fn replace_golden(copy: &str, text: &str) {
    let path = Path::new(copy).join("golden.json");
    fs::write(&path, text).unwrap();
    let digest = bm_infer::Sha256::of(text.as_bytes()).to_string();
    edit(copy, |manifest| {
        manifest["files"]["golden.json"] = json!({"sha256": digest, "bytes": text.len()})
    });
}

fn edit(copy: &str, change: impl FnOnce(&mut Value)) {
    let path = Path::new(copy).join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(&path, manifest.to_string()).unwrap();
}

/// Returns a JSON file of a package in the repository.
fn json_of(id: &str, file: &str) -> Value {
    serde_json::from_slice(&fs::read(package(id, file)).unwrap()).unwrap()
}

/// Expects that `bm` refuses `model`, and that nothing is written; returns the message.
#[track_caller]
fn refused(model: &str) -> String {
    let scratch = Scratch::new();
    let kept = scratch.path("kept.fastq");
    let message =
        bm(["filter", &testdata("broken/crlf.fastq"), "-o", &kept, "-m", model]).refused();
    assert_eq!(scratch.names(), [""; 0]);
    message
}

#[track_caller]
fn refused_with(change: impl FnOnce(&str), expected: &[&str]) {
    let scratch = Scratch::new();
    let copy = copy_of_package(&scratch);
    change(&copy);
    let message = refused(&copy);
    for part in expected.iter().chain([&copy.as_str()]) {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn a_copy_of_a_package_runs() {
    let scratch = Scratch::new();
    bm([
        "filter",
        &testdata("broken/crlf.fastq"),
        "-o",
        "-",
        "-q",
        "-m",
        &copy_of_package(&scratch),
    ])
    .done();
}

#[test]
fn every_flipped_byte_of_a_model_is_detected() {
    let content = fs::read(package("mean-q20", "model.onnx")).unwrap();
    for place in [0, 1, content.len() / 3, content.len() / 2, content.len() - 1] {
        refused_with(
            |copy| {
                let mut content = content.clone();
                content[place] ^= 1;
                fs::write(Path::new(copy).join("model.onnx"), content).unwrap();
            },
            &["model.onnx"],
        );
    }
}

#[test]
fn a_wrong_digest_is_reported_with_the_digest_found() {
    let content = fs::read(package("mean-q20", "manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&content).unwrap();
    let actual = manifest["files"]["model.onnx"]["sha256"].as_str().unwrap();
    let wrong = "0".repeat(64);
    refused_with(
        |copy| edit(copy, |manifest| manifest["files"]["model.onnx"]["sha256"] = json!(wrong)),
        &[&format!("should be {wrong}, it is {actual}")],
    );
}

#[test]
fn a_manifest_that_does_not_match_the_model_is_refused() {
    type Change = fn(&mut Value);
    let changes: [(Change, &[&str]); 9] = [
        (|m| m["format"] = json!(2), &["manifest.json is of format 2, expected 1"]),
        (
            |m| m["encoding"]["id"] = json!("scalar-151"),
            &["needs the encoding scalar-151 version 1, there are: scalar-150 version 1"],
        ),
        (
            |m| m["encoding"]["version"] = json!(2),
            &["needs the encoding scalar-150 version 2, there are: scalar-150 version 1"],
        ),
        (
            |m| m["window"]["rule"] = json!("median"),
            &["the window rule median, there are: base-weighted-mean-logit"],
        ),
        (
            |m| m["window"]["length"] = json!(100),
            &["a window of 100 bases, the encoding scalar-150 version 1 has 150"],
        ),
        (
            |m| m["input"]["shape"] = json!(["batch", 299]),
            &["promises features of width 299", "width 300"],
        ),
        (|m| m["output"]["name"] = json!("p"), &["promises p of width 1", "probability"]),
        (
            |m| m["thresholds"]["default"] = json!(0.6),
            &["metadata of model.onnx", "threshold 0.5", "threshold 0.6"],
        ),
        (|m| m["files"] = json!({}), &["manifest.json has no digest of model.onnx"]),
    ];
    for (change, expected) in changes {
        refused_with(|copy| edit(copy, change), expected);
    }
    let scratch = Scratch::new();
    let copy = copy_of_package(&scratch);
    edit(&copy, |manifest| manifest["thresholds"]["default"] = json!(2));
    let message = refused(&copy);
    assert!(message.contains("a threshold is a probability from 0 to 1, found 2"), "{message}");
}

#[test]
fn a_missing_file_of_a_package_is_named() {
    refused_with(
        |copy| fs::remove_file(Path::new(copy).join("manifest.json")).unwrap(),
        &["has no manifest.json"],
    );
    refused_with(
        |copy| fs::remove_file(Path::new(copy).join("model.onnx")).unwrap(),
        &["has no model.onnx"],
    );
    refused_with(
        |copy| fs::write(Path::new(copy).join("manifest.json"), "{").unwrap(),
        &["manifest.json: EOF while parsing"],
    );
}

/// Models and file names may come from anywhere, so their control characters must not reach the
/// terminal.
#[test]
fn control_characters_of_a_package_do_not_reach_the_terminal() {
    const ESCAPE: &str = "\u{1b}]0;owned\u{7}\nbm: all is well";
    let scratch = Scratch::new();
    let copy = copy_of_package(&scratch);
    for (place, expected) in [
        ("/id", "its id is `"),
        ("/label/definition", "its label is `"),
        ("/encoding/id", "needs the encoding "),
    ] {
        edit(&copy, |manifest| *manifest.pointer_mut(place).unwrap() = json!(ESCAPE));
        let message = refused(&copy);
        assert!(
            message.contains(expected) && message.contains(r"\u{1b}]0;owned\u{7}\nbm: all is well"),
            "{message}"
        );
        edit(&copy, |manifest| *manifest = json_of("mean-q20", "manifest.json"));
    }
    edit(&copy, |manifest| manifest["format"] = json!("x".repeat(100_000)));
    assert!(refused(&copy).len() < 3_000);
    edit(&copy, |manifest| *manifest = json_of("mean-q20", "manifest.json"));
    fs::write(Path::new(&copy).join("README.md"), format!("# Card\n{ESCAPE}\n")).unwrap();
    let shown = bm(["models", "show", &copy]).done();
    assert_eq!(shown.text(), "# Card\n\\u{1b}]0;owned\\u{7}\nbm: all is well\n");
    let missing = bm(["filter", &format!("{ESCAPE}.fastq"), "-o", "-"]).refused();
    assert!(
        missing.starts_with(r"bm: \u{1b}]0;owned\u{7}\nbm: all is well.fastq: cannot be opened"),
        "{missing}"
    );
}

/// Names in a manifest are names of files in the package, not paths.
#[test]
fn a_manifest_cannot_name_files_outside_its_folder() {
    let scratch = Scratch::new();
    let outside = scratch.file("outside", b"not for you");
    let copy = copy_of_package(&scratch);
    for name in ["../outside", &outside, "sub/../../outside", "golden.json/../../outside"] {
        let digest = "0".repeat(64);
        edit(&copy, |manifest| manifest["files"][name] = json!({"sha256": digest, "bytes": 11}));
        for arguments in [
            vec!["filter", &testdata("broken/crlf.fastq"), "-o", "-", "-q", "-m", &copy],
            vec!["selfcheck", "-m", &copy, "--backend", "embedded"],
            vec!["models", "show", &copy],
        ] {
            let message = run(&mut command(&arguments)).refused();
            assert!(
                message.contains(&format!("manifest.json lists `{name}`"))
                    && !message.contains("not for you"),
                "{message}"
            );
        }
        edit(&copy, |manifest| *manifest = json_of("mean-q20", "manifest.json"));
    }
}

#[test]
fn a_file_that_is_not_a_model_is_refused() {
    let message = refused("mean-q99");
    assert!(
        message.contains("no model is called mean-q99; there are: read-error, mean-q20"),
        "{message}"
    );
    let scratch = Scratch::new();
    for (name, content) in [
        ("text.onnx", b"not a model\n".as_slice()),
        ("empty.onnx", b""),
        ("zeros.onnx", &[0; 4096]),
    ] {
        let path = scratch.file(name, content);
        let message = refused(&path);
        assert!(message.starts_with(&format!("bm: {path}: not a valid ONNX model: ")), "{message}");
    }
    let content = fs::read(package("mean-q20", "model.onnx")).unwrap();
    for part in [10, 1000, content.len() / 2] {
        let path = scratch.file("cut.onnx", &content[..part]);
        assert!(refused(&path).contains("cut.onnx: "));
    }
    // A sparse file: large, but without disk space.
    let path = scratch.path("large.onnx");
    fs::File::create(&path).unwrap().set_len(65 * 1024 * 1024).unwrap();
    let message = refused(&path);
    assert!(
        message.contains("the model has 68157440 bytes, expected at most 67108864"),
        "{message}"
    );
}

#[test]
fn a_self_check_with_other_probabilities_fails() {
    let scratch = Scratch::new();
    let copy = copy_of_package(&scratch);
    let path = Path::new(&copy).join("golden.json");
    let mut golden: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let reads = golden["reads"].as_array_mut().unwrap();
    // Only reads that can be scored, so that one wrong probability is the only difference.
    reads.retain(|read| {
        read["sequence"].as_str().unwrap().bytes().any(|base| base != b'N' && base != b'n')
    });
    let probability = reads[0]["probability"].as_f64().unwrap();
    reads[0]["probability"] =
        (if probability > 0.5 { probability - 0.01 } else { probability + 0.01 }).into();
    let text = serde_json::to_string(&golden).unwrap();
    replace_golden(&copy, &text);
    let run = bm(["selfcheck", "-m", &copy, "--backend", "embedded"]);
    assert!(run.text().contains("\nFAIL     embedded: "), "{}", run.text());
    assert!(
        run.refused()
            .contains("1 of the lines above say FAIL: the engine does not give the golden")
    );
}
