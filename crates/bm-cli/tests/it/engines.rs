//! `--backend`: a named engine runs or is refused, and all engines give the same probabilities.

use std::env;
use std::fs;
use std::process::Stdio;

use crate::support::{
    BM, HISEQ, MEASLES, MISEQ, NOVASEQ, Run, Scratch, bm, command, package, rows, run, testdata,
};

/// The ONNX Runtime library of this test run, if there is one.
pub(crate) fn library(test: &str) -> Option<String> {
    let library = env::var("ORT_DYLIB_PATH").ok().filter(|path| !path.is_empty());
    if library.is_none() {
        assert!(
            env::var_os("BM_REQUIRE_ORT").is_none(),
            "BM_REQUIRE_ORT is set and ORT_DYLIB_PATH is not"
        );
        eprintln!("SKIPPED {test}: ORT_DYLIB_PATH does not name an ONNX Runtime library");
    }
    library
}

/// Runs a copy of `bm` in a folder without a fetched library.
fn bm_elsewhere<const N: usize>(arguments: [&str; N], library: Option<&str>) -> Run {
    let scratch = Scratch::new();
    let folder = scratch.folder().join("a/b");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(BM, folder.join("bm")).unwrap();
    let mut command = std::process::Command::new(folder.join("bm"));
    command.args(arguments).env_remove("ORT_DYLIB_PATH").stdin(Stdio::null());
    if let Some(library) = library {
        command.env("ORT_DYLIB_PATH", library);
    }
    run(&mut command)
}

#[test]
fn an_unavailable_engine_is_refused() {
    let input = testdata("broken/crlf.fastq");
    for backend in ["onnxruntime", "coreml"] {
        for command in ["filter", "score"] {
            let scratch = Scratch::new();
            let output = scratch.path("out");
            let run = bm_elsewhere([command, &input, "-o", &output, "--backend", backend], None);
            let message = run.refused();
            let expected = format!(
                "bm: the {backend} backend is not available: no library found; name it with --ort-lib"
            );
            assert!(message.starts_with(&expected), "{message}");
            assert_eq!(scratch.names(), [""; 0]);
        }
        assert!(
            bm_elsewhere(["selfcheck", "--backend", backend], None)
                .refused()
                .contains("is not available")
        );
    }
}

#[test]
fn an_invalid_library_is_refused() {
    let scratch = Scratch::new();
    let input = testdata("broken/crlf.fastq");
    let text = scratch.file("libonnxruntime.so", b"not a library\n");
    let missing = scratch.path("missing.so");
    for (library, expected) in [
        (&text, "failed to load"),
        (&missing, "No such file"),
        (&scratch.path(""), "is not a file"),
    ] {
        for backend in ["onnxruntime", "coreml"] {
            let message = bm_elsewhere(
                ["score", &input, "-o", "/dev/null", "--backend", backend],
                Some(library),
            )
            .refused();
            assert!(message.contains(backend) && message.contains(expected), "{message}");
            let message = bm([
                "score",
                &input,
                "-o",
                "/dev/null",
                "--backend",
                backend,
                "--ort-lib",
                library,
            ])
            .refused();
            assert!(message.contains(expected), "{message}");
        }
        // A named library selects ONNX Runtime.
        let message = bm(["score", &input, "-o", "/dev/null", "--ort-lib", library]).refused();
        assert!(message.contains(expected), "{message}");
    }
    // The embedded engine needs no library, so an invalid one in the environment does no harm.
    run(command(["score", &input]).env("ORT_DYLIB_PATH", &text)).done();
}

#[test]
fn an_unknown_engine_is_wrong_usage() {
    let message = bm(["score", &testdata("broken/crlf.fastq"), "--backend", "gpu"]).misused();
    assert!(message.contains("possible values: auto, embedded, onnxruntime, coreml"), "{message}");
}

/// Allowed difference of the probabilities of ONNX Runtime. Verdicts may differ only for reads
/// whose probability is this near to the threshold.
const BAND: f32 = 1e-6;

#[test]
fn onnx_runtime_and_the_embedded_engine_agree() {
    let Some(library) = library("onnx_runtime_and_the_embedded_engine_agree") else { return };
    for (input, model) in [HISEQ, MEASLES, NOVASEQ, MISEQ, "derived/empty_reads.fastq.gz"]
        .iter()
        .flat_map(|input| ["read-error", "mean-q20"].map(|model| (testdata(input), model)))
    {
        let ours =
            rows(&bm(["score", &input, "-q", "-m", model, "--backend", "embedded"]).done().stdout);
        let run =
            bm(["score", &input, "-m", model, "--backend", "onnxruntime", "--ort-lib", &library])
                .done();
        assert!(run.stderr.contains("engine ONNX Runtime"), "{}", run.stderr);
        let theirs = rows(&run.stdout);
        assert_eq!(ours.len(), theirs.len());
        let mut near = 0;
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let both_missing = ours.probability.is_nan() && theirs.probability.is_nan();
            assert!(
                both_missing || (ours.probability - theirs.probability).abs() <= BAND,
                "{ours:?} {theirs:?}"
            );
            let is_near = (ours.probability - 0.5).abs() <= BAND;
            near += usize::from(is_near);
            assert_eq!(
                (&ours.read, is_near || ours.verdict == theirs.verdict),
                (&theirs.read, true),
                "{ours:?} {theirs:?}"
            );
        }
        assert!(
            near * 1_000 <= ours.len(),
            "{model} on {input}: {near} of {} reads are at the threshold",
            ours.len()
        );
    }
}

#[test]
fn onnx_runtime_output_does_not_depend_on_threads() {
    let Some(library) = library("onnx_runtime_output_does_not_depend_on_threads") else { return };
    let input = testdata(HISEQ);
    let table =
        |threads| bm(["score", &input, "-q", "--ort-lib", &library, "-j", threads]).done().stdout;
    assert!(table("1") == table("4"));
}

#[test]
#[cfg(not(target_os = "macos"))]
fn coreml_is_refused_where_it_is_not_available() {
    let Some(library) = library("coreml_is_refused_where_it_is_not_available") else { return };
    let input = testdata("broken/crlf.fastq");
    let message =
        bm(["score", &input, "-o", "/dev/null", "--backend", "coreml", "--ort-lib", &library])
            .refused();
    assert!(
        message.contains("has no CoreML") && message.contains("use --backend embedded"),
        "{message}"
    );
}

#[test]
fn auto_changes_engines_only_for_a_model_that_needs_it_and_says_so() {
    let (input, model) = (testdata("broken/crlf.fastq"), package("mean-q20", "model.ane.onnx"));
    for backend in ["embedded", "auto"] {
        let message = bm_elsewhere(
            ["score", &input, "-o", "/dev/null", "-m", &model, "--backend", backend],
            None,
        )
        .refused();
        let expected = format!(
            "bm: {model}: the embedded backend cannot run this model: cast_in (Cast) is not one of"
        );
        assert!(message.starts_with(&expected), "{message}");
    }
    let Some(library) = library("auto_changes_engines_only_for_a_model_that_needs_it_and_says_so")
    else {
        return;
    };
    let message = bm_elsewhere(
        ["score", &input, "-o", "/dev/null", "-m", &model, "--backend", "embedded"],
        Some(&library),
    )
    .refused();
    assert!(message.contains("the embedded backend cannot run this model"), "{message}");
    let run = bm_elsewhere(["score", &input, "-m", &model], Some(&library)).done();
    assert!(
        run.stderr.starts_with("bm: note: ") && run.stderr.contains("; using ONNX Runtime"),
        "{}",
        run.stderr
    );
    // The model uses half precision, so the probabilities are near but not equal.
    let expected = rows(&bm(["score", &input, "-q", "-m", "mean-q20"]).done().stdout);
    for (row, expected) in rows(&run.stdout).iter().zip(&expected) {
        assert!((row.probability - expected.probability).abs() <= 5e-3, "{row:?} {expected:?}");
    }
}

/// Needs golden reads that match the model.
#[test]
fn the_self_check_passes() {
    let run = bm(["selfcheck", "--backend", "embedded", "-m", "read-error"]).done();
    let mut lines = run.text().lines().skip(1);
    assert!(
        lines.next().is_some_and(|line| line.starts_with("model read-error version 2, ")),
        "{}",
        run.text()
    );
    let line = lines.next().unwrap();
    assert!(
        line.starts_with("ok       embedded: ") && line.ends_with(", 0 verdicts differ"),
        "{line}"
    );
    assert_eq!(lines.next(), None);

    let all = bm_elsewhere(["selfcheck", "-m", "read-error"], None).done();
    let starts: Vec<_> =
        all.text().lines().skip(2).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(starts, ["ok", "skipped", "skipped"], "{}", all.text());

    let Some(library) = library("the_self_check_passes") else { return };
    let run = bm(["selfcheck", "--backend", "onnxruntime", "--ort-lib", &library]).done();
    assert!(run.text().contains("ok       onnxruntime: ONNX Runtime"), "{}", run.text());
}
