//! How the ONNX Runtime library is found, and the messages if it is not.
//!
//! ONNX Runtime starts once per process, so each case runs this test binary again, for one test.

use std::path::Path;
use std::process::Command;

use bm_infer::backend::OnnxRuntime;
use bm_infer::{Backend, InferError, LibrarySource};

use crate::backends::chain;
use crate::networks::{file, gemm_model, layers};

/// The variable that names the case to its process.
const CASE: &str = "BM_TEST_LIBRARY_CASE";

/// The process of one case: environment variables hold its arguments, and it prints its findings.
#[test]
#[ignore = "run by the other tests of this file, in a process of its own"]
#[allow(clippy::print_stdout)]
fn one_case() {
    let Ok(case) = std::env::var(CASE) else { return };
    let path = |name: &str| std::env::var_os(name).map(Into::into);
    let library = LibrarySource {
        explicit: path("EXPLICIT"),
        candidates: path("CANDIDATE").into_iter().collect(),
    };
    let telemetry = || std::env::var("ORT_DISABLE_TELEMETRY").unwrap_or("unset".into());
    let before = telemetry();
    let backend = OnnxRuntime::new(library);
    let report = |outcome: Result<(), InferError>| match outcome {
        Ok(()) => println!("\nFOUND {}", backend.describe()),
        Err(InferError::BackendUnavailable { backend: "onnxruntime", reason, source }) => {
            println!(
                "\nUNAVAILABLE {:?}",
                reason + &source.map_or(String::new(), |source| chain(&*source))
            );
        }
        Err(other) => println!("\nOTHER {other:?}"),
    };
    report(backend.check());
    if case == "run" {
        let model = file("small", &gemm_model(&layers(&[4, 3, 1], 6)));
        let mut session = backend.load(&model).unwrap();
        crate::backends::run(&mut *session, &[0.5; 8]);
        println!("\nTELEMETRY {before} then {}", telemetry());
    }
    if case == "another" {
        let other = LibrarySource { explicit: path("ANOTHER"), candidates: vec![] };
        report(OnnxRuntime::new(other).check());
        // The first library still runs.
        report(backend.check());
    }
}

/// Runs a case with these variables and returns its findings, without the output of the test
/// harness.
fn findings(case: &str, variables: &[(&str, &Path)]) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["library::one_case", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    for name in ["ORT_DYLIB_PATH", "ORT_DISABLE_TELEMETRY", "EXPLICIT", "CANDIDATE", "ANOTHER"] {
        command.env_remove(name);
    }
    let output = command.env(CASE, case).envs(variables.iter().copied()).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{case}: {}\n{stdout}\n{stderr}", output.status);
    assert_eq!(stderr, "", "{case}: the library writes to stderr");
    let words = ["FOUND ", "UNAVAILABLE ", "OTHER ", "TELEMETRY "];
    let found: Vec<String> = stdout
        .lines()
        .filter(|line| words.iter().any(|word| line.starts_with(word)))
        .map(str::to_owned)
        .collect();
    assert!(!found.is_empty(), "{case}: {stdout}");
    found
}

/// Checks that the library that `variables` name is refused with one line that contains `parts`.
fn refused(variables: &[(&str, &Path)], parts: &[&str]) {
    let found = findings("check", variables);
    assert_eq!(found.len(), 1, "{found:?}");
    // The reason is printed escaped, so that a line end in it is found.
    assert!(found[0].starts_with("UNAVAILABLE ") && !found[0].contains("\\n"), "{found:?}");
    assert!(parts.iter().all(|part| found[0].contains(part)), "{found:?}, expected {parts:?}");
}

#[test]
fn a_file_that_is_not_a_library_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.so");
    let text = folder.path().join("text.so");
    std::fs::write(&text, "this is not a library\n").unwrap();
    let empty = folder.path().join("empty.so");
    std::fs::write(&empty, "").unwrap();
    for (by, variable) in [("--ort-lib", "EXPLICIT"), ("ORT_DYLIB_PATH", "ORT_DYLIB_PATH")] {
        refused(&[(variable, &missing)], &[by, "missing.so"]);
        refused(&[(variable, folder.path())], &[by, "which is not a file"]);
        refused(&[(variable, &text)], &["text.so"]);
        refused(&[(variable, &empty)], &["empty.so"]);
    }
    // No other path takes the place of the one that the user gave.
    refused(
        &[("EXPLICIT", &missing), ("ORT_DYLIB_PATH", &text), ("CANDIDATE", &text)],
        &["--ort-lib", "missing.so"],
    );
    refused(
        &[("ORT_DYLIB_PATH", &missing), ("CANDIDATE", &text)],
        &["ORT_DYLIB_PATH", "missing.so"],
    );
    refused(&[("CANDIDATE", &missing)], &["no library found", "cargo xtask fetch-runtime"]);
    refused(&[], &["no library found", "--ort-lib"]);
}

/// A library that can be loaded but is not ONNX Runtime.
#[cfg(target_os = "linux")]
#[test]
fn another_library_is_refused() {
    let Some(libc) = [
        "/lib/x86_64-linux-gnu/libm.so.6",
        "/lib/aarch64-linux-gnu/libm.so.6",
        "/usr/lib/libm.so.6",
    ]
    .map(Path::new)
    .into_iter()
    .find(|path| path.is_file()) else {
        return;
    };
    refused(&[("EXPLICIT", libc)], &["libm.so"]);
}

fn library() -> Option<std::path::PathBuf> {
    crate::backends::library().and_then(|_| std::env::var_os("ORT_DYLIB_PATH")).map(Into::into)
}

#[test]
fn the_library_is_found_by_every_source() {
    let Some(library) = library() else { return };
    let missing = Path::new("no/such/library.so");
    for variables in [
        vec![("EXPLICIT", library.as_path()), ("ORT_DYLIB_PATH", missing)],
        vec![("ORT_DYLIB_PATH", &library), ("CANDIDATE", missing)],
        vec![("CANDIDATE", &library)],
    ] {
        let found = findings("check", &variables);
        assert!(found[0].starts_with("FOUND ONNX Runtime 1."), "{variables:?}: {found:?}");
    }
}

#[test]
fn telemetry_is_off_before_the_library_starts() {
    let Some(library) = library() else { return };
    let found = findings("run", &[("EXPLICIT", &library)]);
    assert_eq!(found[1], "TELEMETRY unset then 1");
}

#[test]
fn a_second_library_in_the_same_process_is_refused() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().unwrap();
    let another = folder.path().join("another.so");
    std::fs::write(&another, "a file is enough: it is not opened").unwrap();
    let found = findings("another", &[("EXPLICIT", &library), ("ANOTHER", &another)]);
    assert!(
        found[1].starts_with("UNAVAILABLE ") && found[1].contains("this process already runs"),
        "{found:?}"
    );
    assert!(found[1].contains("another.so") && found[2].starts_with("FOUND "), "{found:?}");
}
