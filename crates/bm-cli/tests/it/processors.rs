//! The same bytes on every processor: `bm` runs here, and in QEMU on processors with other instruction
//! sets.

use std::collections::BTreeMap;
use std::env;
use std::process::{Command, Stdio};

use crate::support::{BM, HISEQ, Scratch, files, json, run, some_reads, testdata};

const QEMU: &str = "qemu-x86_64";

/// Without AVX and fused multiply-add (2010), and with AVX2 and fused multiply-add (2013), as QEMU
/// names them. The C library takes other functions for each, too.
const WESTMERE: &str = "Westmere";
const HASWELL: &str = "Haswell";

/// Returns whether programs can run on other processors here.
fn can_emulate(test: &str) -> bool {
    let output =
        Command::new(QEMU).args(["-cpu", WESTMERE, BM, "-V"]).stdin(Stdio::null()).output();
    let can = output.is_ok_and(|output| output.status.success());
    if !can {
        assert!(
            env::var_os("BM_REQUIRE_QEMU").is_none(),
            "BM_REQUIRE_QEMU is set, and {QEMU} (Debian: qemu-user) is missing or does not run bm"
        );
        eprintln!("SKIPPED {test}: {QEMU} (Debian: qemu-user) is missing or does not run bm");
    }
    can
}

/// Runs `bm` in an empty folder, on a processor of QEMU's or on this one. Returns the files that it
/// wrote, without times, and what it printed about its engine.
fn outputs(processor: Option<&str>, arguments: &[&str]) -> (BTreeMap<String, Vec<u8>>, String) {
    let scratch = Scratch::new();
    let mut command = match processor {
        Some(processor) => {
            let mut command = Command::new(QEMU);
            command.args(["-cpu", processor, BM]);
            command
        }
        None => Command::new(BM),
    };
    command
        .args(arguments)
        .current_dir(scratch.folder())
        .env_remove("ORT_DYLIB_PATH")
        .env_remove("BM_THREADS")
        .stdin(Stdio::null());
    let run = run(&mut command).done();
    let mut found = BTreeMap::new();
    for name in scratch.names() {
        if scratch.folder().join(&name).is_dir() {
            let inside = files(&scratch.path(&name)).into_iter();
            found.extend(inside.map(|(file, content)| (format!("{name}/{file}"), content)));
        } else {
            let mut content = scratch.read(&name);
            if name.ends_with(".json") {
                let mut report = json(&content);
                let object = report.as_object_mut().unwrap();
                let times = ["time", "wall_s"].map(|key| object.remove(key));
                assert!(times.iter().any(Option::is_some), "{name} has no time");
                // The engine describes its vectors.
                object.remove("engine");
                content = report.to_string().into_bytes();
            }
            found.insert(name, content);
        }
    }
    (found, run.stderr)
}

/// Compares what `bm` writes on this processor and on others.
#[track_caller]
fn compare(processors: &[&str], arguments: &[&str], written: &[&str]) {
    let (expected, _) = outputs(None, arguments);
    for name in written {
        assert!(expected.get(*name).is_some_and(|content| !content.is_empty()), "no {name}");
    }
    for processor in processors {
        let (found, _) = outputs(Some(processor), arguments);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>(),
            "{processor}: {arguments:?}"
        );
        for (name, content) in &found {
            assert!(*content == expected[name], "{processor}: {arguments:?}: {name} differs");
        }
    }
}

#[test]
fn probabilities_are_the_same_on_every_processor() {
    if !can_emulate("probabilities_are_the_same_on_every_processor") {
        return;
    }
    // QEMU emulates what it is asked for.
    for (processor, vectors) in
        [(WESTMERE, "vectors of 1 floats"), (HASWELL, "vectors of 8 floats")]
    {
        let (_, printed) =
            outputs(Some(processor), &["score", &testdata(HISEQ), "-o", "scores.tsv"]);
        assert!(printed.contains(vectors), "{processor}: {printed}");
    }
    let processors = [WESTMERE, HASWELL];
    compare(&processors, &["score", &testdata(HISEQ), "-o", "scores.tsv"], &["scores.tsv"]);
    let scratch = Scratch::new();
    let some = some_reads(&scratch, 1000);
    compare(&processors, &["score", &some, "-m", "mean-q20", "-o", "scores.tsv"], &["scores.tsv"]);
    let filter = ["filter", &some, "--recalibrate", "-o", "kept.fastq.gz", "--discarded"];
    let more = ["rest.fastq", "--annotate", "--report", "report.json", "--min-complexity", "0.7"];
    compare(
        &processors,
        &[filter.as_slice(), &more].concat(),
        &["kept.fastq.gz", "rest.fastq", "report.json"],
    );
}

#[test]
fn what_is_learned_is_the_same_on_every_processor() {
    if !can_emulate("what_is_learned_is_the_same_on_every_processor") {
        return;
    }
    let scratch = Scratch::new();
    // The fewest of these reads that a model is adapted to.
    let some = some_reads(&scratch, 1200);
    let adapt = ["adapt", "--evidence", &some, "-o", "run.model", "--report", "report.json"];
    let (expected, printed) = outputs(None, &adapt);
    assert!(printed.contains("adapted to this run"), "{printed}");
    assert!(expected.keys().any(|name| name == "run.model/evidence"), "{:?}", expected.keys());
    let written = ["run.model/model.onnx", "run.model/evidence", "report.json"];
    compare(&[WESTMERE], &adapt, &written);
    let model = scratch.path("run.model");
    run(Command::new(BM).args(["adapt", "--evidence", &some, "-o", &model, "-q"])).done();
    compare(
        &[WESTMERE, HASWELL],
        &["filter", &some, "-m", &model, "--recalibrate", "-o", "kept.fastq"],
        &["kept.fastq"],
    );
}
