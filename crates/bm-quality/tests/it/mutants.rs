//! Thousands of damaged packages on every engine: each is refused in one line or gives valid
//! predictions, and takes no more memory than an intact one.

// `cargo xtask endure` reads the printed counts.
#![allow(clippy::print_stdout)]

use std::env;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bm_infer::backend::Embedded;
use bm_infer::{Backend, Variant};
use bm_quality::{GoldenReads, ModelPackage, PackageFiles, QualityError, QualityModel};
use bm_reads::ReadRef;
use serde_json::{Value, json};

/// Mutants of each file; `BM_MUTANTS` asks for more.
const MUTANTS: usize = 300;

fn count() -> usize {
    env::var("BM_MUTANTS").map_or(MUTANTS, |count| count.parse().unwrap())
}

/// Numbers that repeat (splitmix64: Steele, Lea and Flood 2014).
struct Numbers(u64);

impl Numbers {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.word() % limit as u64).unwrap()
    }
}

/// Bytes with some damage.
fn damaged(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(bytes.len());
        match numbers.below(8) {
            0 | 1 => bytes[at] ^= 1 << numbers.below(8),
            2 => bytes[at] = numbers.word() as u8,
            3 => bytes[at] = [0x00, 0x01, 0x7f, 0x80, 0xff][numbers.below(5)],
            4 => drop(bytes.remove(at)),
            5 => bytes.insert(at, numbers.word() as u8),
            6 => bytes.truncate(at + 1),
            _ => {
                // A piece of it, once more somewhere else.
                let length = numbers.below(64).min(bytes.len() - 1);
                let from = numbers.below(bytes.len() - length);
                let piece = bytes[from..from + length].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// Damage near the beginning and the end of a model, outside of the weights.
fn damaged_outside(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let edge = 1_500.min(bytes.len() / 2);
    let (front, rest) = bytes.split_at(edge);
    let (middle, back) = rest.split_at(rest.len() - edge);
    match numbers.below(2) {
        0 => [&damaged(front, numbers), middle, back].concat(),
        _ => [front, middle, &damaged(back, numbers)].concat(),
    }
}

/// A value to put into a manifest.
fn odd(numbers: &mut Numbers) -> Value {
    let mut nested = json!([]);
    (0..200).for_each(|_| nested = json!([nested]));
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1),
        json!(1.5),
        json!(1e308),
        json!(1e-308),
        json!(u64::MAX),
        json!(4_294_967_296_u64),
        json!(""),
        json!("../../../etc/passwd"),
        json!("/dev/zero"),
        json!("model.onnx\0.txt"),
        json!("\u{1b}[31m\nsecond line"),
        json!("x".repeat(100_000)),
        json!(vec![0; 10_000]),
        json!([]),
        json!({}),
        nested,
    ];
    values[numbers.below(values.len())].clone()
}

/// Replaces, removes, renames or adds something somewhere in a value.
fn change(value: &mut Value, numbers: &mut Numbers) {
    match value {
        Value::Object(map) if !map.is_empty() && numbers.below(6) > 0 => {
            let key = map.keys().nth(numbers.below(map.len())).unwrap().clone();
            match numbers.below(8) {
                0 => drop(map.remove(&key)),
                1 => {
                    let content = map.remove(&key).unwrap();
                    map.insert(
                        ["../".to_owned() + &key, key.to_uppercase(), String::new()]
                            [numbers.below(3)]
                        .clone(),
                        content,
                    );
                }
                2 => drop(
                    map.insert(
                        ["../../x", "/etc/passwd", "evidence", "experience.json"][numbers.below(4)]
                            .to_owned(),
                        odd(numbers),
                    ),
                ),
                _ => change(map.get_mut(&key).unwrap(), numbers),
            }
        }
        Value::Array(values) if !values.is_empty() && numbers.below(4) > 0 => {
            let place = numbers.below(values.len());
            change(&mut values[place], numbers);
        }
        Value::Number(number) if numbers.below(2) == 0 => {
            let value = number.as_f64().unwrap();
            let factor = [-1.0, 0.5, 2.0, 10.0, 1e9, 1e-9][numbers.below(6)];
            *number = serde_json::Number::from_f64(value * factor).unwrap();
        }
        value => *value = odd(numbers),
    }
}

/// A read as its name, bases and qualities.
type Read = (Vec<u8>, Vec<u8>, Vec<u8>);

/// The reads to score: short, whole and several windows long, good and bad, and one that cannot be
/// scored.
fn reads(golden: &GoldenReads) -> Vec<Read> {
    let some =
        golden.reads.iter().step_by(golden.reads.len().div_ceil(12)).map(|read| read.as_read());
    let mut reads: Vec<Read> = some
        .map(|read| (read.name.to_vec(), read.sequence.to_vec(), read.quality_scores.to_vec()))
        .collect();
    reads.push((b"long".to_vec(), b"ACGTN".repeat(200), b"I5#~!".repeat(200)));
    reads.push((b"one".to_vec(), b"G".to_vec(), b"!".to_vec()));
    reads.push((b"unknown".to_vec(), b"NNNN".to_vec(), b"####".to_vec()));
    reads
}

/// How far a package got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    NotOpened,
    NotLoaded,
    NotRun,
    Answered,
}

#[track_caller]
fn one_line(error: &QualityError) {
    let chain =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let message = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    assert!(!message.contains(|c: char| c.is_control()), "a refusal is one line: {message:?}");
    assert!(message.len() < 4_000, "a refusal is short: {} characters", message.len());
}

/// Uses a package on one engine; returns how far it got, and the probabilities.
fn fate(files: &PackageFiles, backend: &dyn Backend, reads: &[Read]) -> (Fate, Vec<f32>) {
    let refused = |fate, error: QualityError| {
        one_line(&error);
        (fate, Vec::new())
    };
    let package = match ModelPackage::from_files("mutant", files.clone()) {
        Ok(package) => Arc::new(package),
        Err(error) => return refused(Fate::NotOpened, error),
    };
    // The other files of the package.
    for error in [
        package.golden().err(),
        package.experience().err(),
        package.evidence().err(),
        package.card().err(),
    ] {
        error.iter().for_each(one_line);
    }
    let mut model = match QualityModel::new(package, backend) {
        Ok(model) => model,
        Err(error) => return refused(Fate::NotLoaded, error),
    };
    let reads: Vec<_> = reads
        .iter()
        .map(|(name, sequence, quality_scores)| ReadRef { name, sequence, quality_scores })
        .collect();
    let predictions = match model.predict(&reads) {
        Ok(predictions) => predictions,
        Err(error) => return refused(Fate::NotRun, error),
    };
    assert_eq!(predictions.len(), reads.len());
    let probabilities = predictions
        .iter()
        .filter_map(|prediction| prediction.probability())
        .map(|p| p.get())
        .collect();
    for (prediction, read) in predictions.iter().zip(&reads) {
        let is_scored = prediction.probability().is_some_and(|p| (0.0..=1.0).contains(&p.get()));
        assert_eq!(is_scored, read.name != b"unknown");
        let errors =
            prediction.expected_errors().is_none_or(|errors| errors.is_finite() && errors >= 0.0);
        assert!(errors, "{:?} errors are expected", prediction.expected_errors());
    }
    (Fate::Answered, probabilities)
}

/// Every engine that can run here.
fn engines() -> Vec<Box<dyn Backend>> {
    #[allow(unused_mut)]
    let mut engines: Vec<Box<dyn Backend>> =
        vec![Box::new(Embedded::new()), Box::new(Embedded::scalar())];
    #[cfg(feature = "onnxruntime")]
    match env::var_os("ORT_DYLIB_PATH") {
        Some(_) => engines.push(Box::new(bm_infer::backend::OnnxRuntime::new(
            bm_infer::LibrarySource::default(),
        ))),
        None => {
            assert!(
                env::var_os("BM_REQUIRE_ORT").is_none(),
                "BM_REQUIRE_ORT is set and ORT_DYLIB_PATH is not"
            );
            eprintln!("SKIPPED: ORT_DYLIB_PATH is not set, no mutant went through ONNX Runtime");
        }
    }
    engines
}

/// Updates digest and size in the manifest, so that a mutant is not refused by its digest.
fn set_entry(files: &mut PackageFiles, name: &str) {
    let mut manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let bytes = &files[name];
    manifest["files"][name] =
        json!({ "sha256": bm_infer::Sha256::of(bytes).to_string(), "bytes": bytes.len() });
    files.insert("manifest.json".to_owned(), serde_json::to_vec(&manifest).unwrap());
}

/// Peak memory of this process, in kB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .ok()
}

/// Uses mutants of each shipped package on every engine and prints how far they got.
fn survive(what: &str, mutant: impl Fn(&PackageFiles, &mut Numbers) -> PackageFiles) {
    let engines = engines();
    for id in ModelPackage::embedded_ids() {
        let package = ModelPackage::embedded(id).unwrap();
        let files = package.files().unwrap();
        let reads = reads(&package.golden().unwrap().unwrap());
        let mut fates = vec![Vec::new(); engines.len()];
        for (engine, fates) in engines.iter().zip(&mut fates) {
            let (whole, expected) = fate(&files, engine.as_ref(), &reads);
            assert_eq!(
                (whole, expected.len()),
                (Fate::Answered, reads.len() - 1),
                "{id}: {}",
                engine.describe()
            );
            fates.reserve(count());
        }
        for i in 0..count() {
            let files = mutant(&files, &mut Numbers(i as u64));
            let answers: Vec<_> = engines
                .iter()
                .map(|engine| {
                    catch_unwind(AssertUnwindSafe(|| fate(&files, engine.as_ref(), &reads)))
                        .unwrap_or_else(|_| {
                            panic!(
                                "{}: mutant {i} of {what} of {id} made it panic",
                                engine.describe()
                            )
                        })
                })
                .collect();
            answers.iter().zip(&mut fates).for_each(|((fate, _), fates)| fates.push(*fate));
            // The two ways of the embedded engine have understood the same model.
            let [(one, these), (other, those), ..] = &answers[..] else {
                unreachable!("there are two")
            };
            assert_eq!(one, other, "mutant {i} of {what} of {id}");
            let off = these.iter().zip(those).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(
                off <= 1e-3,
                "mutant {i} of {what} of {id}: vectors and scalars are off by {off}"
            );
        }
        let mut summary = format!("{id}, {} mutants of {what}:", count());
        for (engine, fates) in engines.iter().zip(&fates) {
            let of = |fate| fates.iter().filter(|other| **other == fate).count();
            let [opened, loaded, run, answered] =
                [Fate::NotOpened, Fate::NotLoaded, Fate::NotRun, Fate::Answered].map(of);
            // If nothing got through, the engine was not tried.
            assert!(
                0 < answered && answered < fates.len(),
                "{id}: {answered} of {} mutants of {what} were answered",
                fates.len()
            );
            write!(
                summary,
                " {}: {opened} not opened, {loaded} not loaded, {run} not run, {answered} \
                 answered;",
                engine.name()
            )
            .unwrap();
        }
        println!("{summary} peak {} kB", peak().unwrap_or_default());
    }
    // Intact packages and engines take some 100 MB in a development build.
    assert!(peak().is_none_or(|kilobytes| kilobytes < 700_000), "{:?} kB", peak());
}

#[test]
fn mutants_of_models() {
    survive("model.onnx", |files, numbers| {
        let mut files = files.clone();
        let model = &files["model.onnx"];
        let model = if numbers.below(2) == 0 {
            damaged(model, numbers)
        } else {
            damaged_outside(model, numbers)
        };
        files.insert("model.onnx".to_owned(), model);
        set_entry(&mut files, "model.onnx");
        files
    });
}

/// The Neural Engine's file, on the engines that are not CoreML.
#[test]
fn mutants_of_models_for_the_neural_engine() {
    let engines = engines();
    for id in ModelPackage::embedded_ids() {
        let package = ModelPackage::embedded(id).unwrap();
        let bytes = package.model_file(Variant::NeuralEngine).unwrap().bytes().to_vec();
        let mut read = 0;
        for i in 0..count() {
            let mut numbers = Numbers(i as u64);
            let mutant = if numbers.below(2) == 0 {
                damaged(&bytes, &mut numbers)
            } else {
                damaged_outside(&bytes, &mut numbers)
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let file = bm_infer::ModelFile::from_bytes("mutant", mutant).ok()?;
                engines.iter().for_each(|engine| drop(engine.load(&file)));
                Some(())
            }));
            read += usize::from(
                outcome.unwrap_or_else(|_| panic!("mutant {i} of {id} made it panic")).is_some(),
            );
        }
        assert!(read > 0 && read < count(), "{id}: {read} of {} were read", count());
        println!(
            "{id}, {} mutants of model.ane.onnx: {read} read; peak {} kB",
            count(),
            peak().unwrap_or_default()
        );
    }
}

#[test]
fn mutants_of_manifests() {
    survive("manifest.json", |files, numbers| {
        let mut files = files.clone();
        let text = &files["manifest.json"];
        let text = if numbers.below(3) == 0 {
            damaged(text, numbers)
        } else {
            let mut manifest: Value = serde_json::from_slice(text).unwrap();
            // What says something about the model, rather than about its training.
            let facts = [
                "format",
                "id",
                "version",
                "encoding",
                "window",
                "read_rule",
                "domain",
                "thresholds",
                "input",
                "output",
                "files",
            ];
            let fact = facts[numbers.below(facts.len())];
            match manifest.get_mut(fact) {
                Some(value) if numbers.below(5) > 0 => change(value, numbers),
                _ => change(&mut manifest, numbers),
            }
            serde_json::to_vec(&manifest).unwrap()
        };
        files.insert("manifest.json".to_owned(), text);
        files
    });
}
