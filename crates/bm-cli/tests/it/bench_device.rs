//! `bm bench-device`: its rows, its JSON and its schema, in a quick mode.

use std::fs;

use serde_json::Value;

#[cfg(all(feature = "onnxruntime", feature = "coreml"))]
use crate::engines::library;
use crate::support::{Scratch, bm, command, json, run};

/// Checks a report against its schema, and returns it.
fn checked(path: &str) -> Value {
    let text = fs::read(path).unwrap();
    let schema = include_str!("../../../bm-report/schemas/device-1.json");
    let schema = jsonschema::validator_for(&json(schema.as_bytes())).unwrap();
    let report = json(&text);
    let errors: Vec<_> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut other = report.clone();
    other["format"] = 2.into();
    assert!(!schema.is_valid(&other));
    // Neither folders nor names of users.
    let text = String::from_utf8(text).unwrap();
    for private in [env!("CARGO_MANIFEST_DIR"), "/target/", "/home/", "/root"] {
        assert!(!text.contains(private), "{private}\n{text}");
    }
    report
}

fn rows<'a>(report: &'a Value, table: &str, engine: &str) -> Vec<&'a Value> {
    report[table].as_array().unwrap().iter().filter(|row| row["engine"] == engine).collect()
}

#[test]
fn all_engines_and_models_have_a_row() {
    let scratch = Scratch::new();
    let path = scratch.path("device.json");
    let run = bm(["bench-device", "--seconds", "1", "--json", &path]).done();
    let report = checked(&path);
    for engine in ["embedded", "onnxruntime", "coreml"] {
        assert_eq!(rows(&report, "engines", engine).len(), 2);
    }
    for row in rows(&report, "engines", "embedded") {
        let (outcome, difference) = (row["outcome"].as_str(), row["max_difference"].as_f64());
        assert_eq!((outcome, difference), (Some("ok"), Some(0.0)));
    }
    for row in rows(&report, "engines", "coreml") {
        let reason = row["reason"].as_str().unwrap_or_default();
        assert!(row["outcome"] == "ok" || !reason.is_empty(), "{row}");
    }
    let kinds = if report["machine"]["threads"].as_u64() > Some(1) { 2 } else { 1 };
    assert_eq!(rows(&report, "speed", "embedded").len(), 2 * kinds * 5);
    assert!(report["energy"]["source"].is_string() || report["energy"]["reason"].is_string());
    let text = run.text();
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(text.contains("\nok       embedded, read-error"), "{text}");
    assert!(text.contains("batch") && text.contains("measured in"), "{text}");
}

#[test]
fn a_named_engine_and_model_alone_are_measured() {
    let scratch = Scratch::new();
    let path = scratch.path("device.json");
    let mut arguments = vec!["bench-device", "--json", &path];
    arguments.extend(["--backend", "embedded", "-m", "mean-q20", "--seconds", "0.2"]);
    run(&mut command(arguments)).done();
    let report = checked(&path);
    assert_eq!(report["engines"].as_array().unwrap().len(), 1);
    assert!(report["speed"].as_array().unwrap().iter().all(|row| row["model"] == "mean-q20"));
}

#[test]
fn what_is_named_and_not_there_is_refused_before_the_measurement() {
    let scratch = Scratch::new();
    let path = scratch.path("device.json");
    for (option, value) in [
        // On a Mac with a library, CoreML is there.
        #[cfg(not(target_os = "macos"))]
        ("--backend", "coreml"),
        ("--ort-lib", "no/such/file"),
        ("-m", "no-such-model"),
        ("--power", "no/such/file"),
    ] {
        bm(["bench-device", "--json", &path, "--seconds", "0.2", option, value]).refused();
        assert_eq!(scratch.names(), [""; 0]);
    }
    for seconds in ["0", "-1", "many", "1e9"] {
        bm(["bench-device", "--seconds", seconds]).misused();
    }
}

#[test]
fn the_output_of_powermetrics_is_checked_and_used() {
    let scratch = Scratch::new();
    let empty = scratch.file("empty.txt", b"nothing\n");
    let message = bm(["bench-device", "--power", &empty]).refused();
    assert!(message.contains("empty.txt: it has no samples of power"), "{message}");

    // Samples of another day: there is no power for the loads, and the report says so.
    let text = "*** Sampled system activity (Sun Jul 14 10:00:00 2126 -0700) (200ms elapsed) ***\n\
                CPU Power: 450 mW\nANE Power: 0 mW\nCombined Power (CPU + GPU + ANE): 570 mW\n";
    let other = scratch.file("other.txt", text.as_bytes());
    let path = scratch.path("device.json");
    let mut arguments = vec!["bench-device", "--power", &other, "--json", &path];
    arguments.extend(["--backend", "embedded", "-m", "mean-q20", "--seconds", "0.3"]);
    run(&mut command(arguments)).done();
    let energy = &checked(&path)["energy"];
    assert_eq!(energy["source"], "powermetrics");
    let load = &energy["loads"][0];
    let reason = load["reason"].as_str().unwrap();
    assert!(load["watts"].is_null() && reason.contains("no sample"), "{energy}");
}

#[cfg(all(feature = "stand-in", feature = "coreml"))]
#[test]
fn a_device_of_one_shape_has_padding() {
    let Some(library) = library("a_device_of_one_shape_has_padding") else { return };
    let scratch = Scratch::new();
    let path = scratch.path("device.json");
    let arguments = ["bench-device", "--backend", "stand-in", "--seconds", "1", "--json", &path];
    run(command(arguments).env("ORT_DYLIB_PATH", library)).done();
    let report = checked(&path);
    for row in rows(&report, "engines", "stand-in") {
        assert_eq!(row["outcome"], "ok", "{row}");
        assert!(row["padding"].as_f64().is_some_and(|padding| padding < 0.07), "{row}");
        assert!(row["max_difference"].as_f64() > Some(0.0), "{row}");
    }
}

#[cfg(all(feature = "onnxruntime", feature = "coreml"))]
#[test]
fn onnx_runtime_is_measured_where_it_is() {
    let Some(library) = library("onnx_runtime_is_measured_where_it_is") else { return };
    let scratch = Scratch::new();
    let path = scratch.path("device.json");
    bm(["bench-device", "--seconds", "1", "--ort-lib", &library, "--json", &path]).done();
    let report = checked(&path);
    for row in rows(&report, "engines", "onnxruntime") {
        assert_eq!(row["outcome"], "ok", "{row}");
        assert!(row["max_difference"].as_f64() <= row["tolerance"].as_f64());
        assert!(row["runtime"].as_str().unwrap().contains("(…/libonnxruntime"), "{row}");
    }
}
