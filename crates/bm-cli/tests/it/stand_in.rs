//! `--backend stand-in`: a device with CoreML's contract, for what a Mac would do.

use std::fs;
use std::path::Path;

use crate::engines::library;
use crate::support::{
    BM, HISEQ, MEASLES, MISEQ, Run, Scratch, bm, command, files, json, package, rows, run, testdata,
};

/// Largest difference of a probability in half precision.
const BAND: f32 = 5e-3;

/// Runs `bm` with the library of this test run.
fn on<const N: usize>(library: &str, arguments: [&str; N]) -> Run {
    run(command(arguments).env("ORT_DYLIB_PATH", library))
}

/// Compares the tables of two engines for a model.
fn agree(library: &str, input: &str, model: &[&str]) {
    let table = |backend: &str| {
        let mut command = std::process::Command::new(BM);
        command.args(["score", input, "--backend", backend]).args(model);
        let run = run(command.env("ORT_DYLIB_PATH", library)).done();
        assert_eq!(run.stderr.contains("CPU in place of CoreML"), backend == "stand-in");
        rows(&run.stdout)
    };
    let (ours, theirs) = (table("embedded"), table("stand-in"));
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.len() > 100);
    let mut changed = 0;
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.read, theirs.read);
        let off = (ours.probability - theirs.probability).abs();
        assert!(off <= BAND || ours.probability.is_nan(), "{ours:?} {theirs:?}");
        assert!(ours.verdict == theirs.verdict || (ours.probability - 0.5).abs() <= BAND);
        changed += usize::from(off > 0.0);
    }
    assert!(changed > 0, "half precision changes nothing");
}

#[test]
fn shipped_models_score_as_on_the_embedded_engine() {
    let Some(library) = library("shipped_models_score_as_on_the_embedded_engine") else { return };
    for input in [HISEQ, MEASLES, MISEQ] {
        agree(&library, &testdata(input), &[]);
    }
    agree(&library, &testdata(HISEQ), &["-m", "mean-q20"]);
    agree(&library, &testdata("nanopore_lambda_4line.fastq.gz"), &["-m", "read-error"]);
    let bare = package("read-error", "model.ane.onnx");
    let bare =
        on(&library, ["score", &testdata(HISEQ), "-q", "-m", &bare, "--backend", "stand-in"]);
    let named = ["score", &testdata(HISEQ), "-q", "-m", "read-error", "--backend", "stand-in"];
    assert!(bare.done().stdout == on(&library, named).done().stdout);
}

#[test]
fn adapted_models_and_evidence_run_on_it() {
    let Some(library) = library("adapted_models_and_evidence_run_on_it") else { return };
    let scratch = Scratch::new();
    let (input, model) = (testdata(HISEQ), scratch.path("adapted.model"));
    let alone = scratch.path("alone.model");
    bm(["adapt", &input, "-q", "-o", &alone]).done();
    bm(["adapt", &input, "-q", "--evidence", "-o", &model]).done();
    agree(&library, &input, &["-m", &alone]);
    agree(&library, &input, &["-m", &model]);
    let check = on(&library, ["selfcheck", "-m", &model, "--backend", "stand-in"]).done();
    assert!(check.text().contains("\nok       stand-in: ONNX Runtime"), "{}", check.text());
}

#[test]
fn outputs_do_not_depend_on_threads() {
    let Some(library) = library("outputs_do_not_depend_on_threads") else { return };
    let (one, two) = (testdata(HISEQ), testdata(MISEQ));
    for model in ["read-error", "mean-q20"] {
        for input in [&one, &two] {
            let table = |threads| {
                let arguments =
                    ["score", input, "-q", "-m", model, "--backend", "stand-in", "-j", threads];
                on(&library, arguments).done().stdout
            };
            assert!(table("1") == table("4"), "{model}");
        }
    }
}

/// Writes a package that the embedded engine does not run: its first model file has one shape.
fn package_of_one_shape(scratch: &Scratch) -> String {
    let copy = scratch.path("one-shape.model");
    fs::create_dir(&copy).unwrap();
    let mut files = files(&package("mean-q20", ""));
    let half = files["model.ane.onnx"].clone();
    files.insert("model.onnx".to_owned(), half);
    let mut manifest = json(&files["manifest.json"]);
    manifest["files"]["model.onnx"] = manifest["files"]["model.ane.onnx"].clone();
    files.insert("manifest.json".to_owned(), manifest.to_string().into_bytes());
    for (name, content) in files {
        fs::write(Path::new(&copy).join(name), content).unwrap();
    }
    copy
}

#[test]
fn the_self_check_has_a_line_for_each_model_and_engine() {
    let Some(library) = library("the_self_check_has_a_line_for_each_model_and_engine") else {
        return;
    };
    let words = |run: &Run| -> Vec<String> {
        let of_line = |line: &str| line.split(": ").next().unwrap().to_owned();
        run.text().lines().skip(1).map(of_line).collect()
    };
    let on_all = ["ok       embedded", "ok       onnxruntime", "skipped  coreml"];
    // A library that is found, and one that is named.
    for all in [on(&library, ["selfcheck"]).done(), bm(["selfcheck", "--ort-lib", &library]).done()]
    {
        let lines = words(&all);
        assert_eq!(lines.len(), 8, "{}", all.text());
        for (model, lines) in ["read-error", "mean-q20"].iter().zip(lines.chunks(4)) {
            assert!(lines[0].starts_with(&format!("model {model} version ")), "{}", all.text());
            assert_eq!(lines[1..], on_all, "{}", all.text());
        }
    }
    let named = on(&library, ["selfcheck", "--backend", "stand-in"]).done();
    let text = named.text();
    assert_eq!(text.matches("\nok       stand-in: ").count(), 2, "{text}");
    assert_eq!(text.matches(" (at most 5e-3), 0 verdicts differ").count(), 2, "{text}");

    // What an engine refuses is no fault of it, unless it was asked for.
    let scratch = Scratch::new();
    let model = package_of_one_shape(&scratch);
    let all = on(&library, ["selfcheck", "-m", &model]);
    let text = all.text().to_owned();
    assert!(text.contains("refused  embedded: cast_in (Cast) is not one of Gemm"), "{text}");
    // The golden reads are those of single precision.
    assert!(text.contains("FAIL     onnxruntime: "), "{text}");
    assert!(all.refused().contains("1 of the lines above say FAIL"), "{text}");
    let message = on(&library, ["selfcheck", "-m", &model, "--backend", "embedded"]).refused();
    let expected = "bm: nothing was checked: embedded: cast_in (Cast) is not one of Gemm";
    assert!(message.starts_with(expected), "{message}");
}
