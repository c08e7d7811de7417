//! `cargo xtask validate`: checks the model files with ONNX's checker, compares all engines on them, and
//! writes the files for Core ML as ML programs.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::fetch_runtime::{self, Runtime};
use crate::process::{self, Output};
use crate::python::{self, Environment};
use crate::step::{self, Outcome, Step};
use crate::workspace::Workspace;
use crate::{checks, coreml, python_tests};

const VALIDATE: &str = "research/neural-engine/validate.py";
const SEED_CASES: &str = "research/neural-engine/test_onnx_inference.py";
const VALIDATE_READ_ERROR: &str = "research/read-error/validate_read_error.py";
const VALIDATE_EMBED: &str = "research/embeddings/validate_embed.py";
const NODE_TESTS: &str = "research/onnx-operators/node_tests.py";
const MODEL_FILES: [&str; 2] = ["model.onnx", "model.ane.onnx"];
/// Reads as long as the window of the network, shorter, longer, and of many windows.
const READS: [&str; 4] = [
    "testdata/hiseqx_phage/hiseqx_phage.fastq.gz",
    "testdata/hiseq_measles/hiseq_measles_1.fastq.gz",
    "testdata/miseq_twist/miseq_twist_first2000_1.fastq.gz",
    "testdata/nanopore_lambda_4line.fastq.gz",
];

/// Options of `cargo xtask validate`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Print one JSON document per package, and the tables to stderr
    #[arg(long)]
    json: bool,
}

/// `cargo xtask validate`.
///
/// # Errors
/// When any step fails.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut all = vec![python_tests::step(workspace)];
    all.extend(steps(workspace, Output::Shown, options.json)?);
    step::run_all("validate", all)
}

/// Returns the steps, which `test` and `ci` run too. `output` is for the tables; with `json`, only JSON
/// goes to stdout.
///
/// # Errors
/// When the model packages cannot be listed.
pub(crate) fn steps(workspace: &Workspace, output: Output, json: bool) -> Result<Vec<Step<'_>>> {
    if let Runtime::NoWheel(reason) = fetch_runtime::availability() {
        // The Python package is in the same wheel, so there is nothing to compare with.
        let skip = move || Ok(Outcome::Skipped(reason));
        return Ok(vec![Step::with_outcome("validation against Python's ONNX Runtime", skip)]);
    }
    let mut steps = vec![
        Step::new("release build of bm", || workspace.build_bm().map(drop)),
        Step::new("Python environment", || python::ensure(workspace, Environment::Light).map(drop)),
        Step::with_outcome("ONNX's tests of the embedded engine's operators", move || {
            let program = workspace.build_run_models()?;
            let interpreter = python::ensure(workspace, Environment::Light)?;
            let mut command = python::script(workspace, &interpreter, [NODE_TESTS, "--run-models"]);
            // JSON alone goes to stdout.
            checks::run(command.arg(program), if json { Output::Kept } else { output })
        }),
    ];
    let packages = workspace.model_packages()?;
    ensure!(!packages.is_empty(), "models/ holds no package");
    for package in packages {
        let id = package.file_name().context("a folder has a name")?.to_string_lossy().into_owned();
        let script = validation_script(&package)?;
        // The cases have a verdict, which vectors have not.
        let files = if script == VALIDATE_EMBED { &[][..] } else { &MODEL_FILES };
        for file in files {
            let model = workspace.relative(&package.join(file));
            steps.push(Step::with_outcome(format!("cases of {id}/{file}"), move || {
                let bm = workspace.build_bm()?;
                let arguments = [
                    SEED_CASES.as_ref(),
                    "--model".as_ref(),
                    Path::new(&model),
                    "--bm".as_ref(),
                    &bm,
                ];
                let interpreter = python::ensure(workspace, Environment::Light)?;
                let mut command = python::script(workspace, &interpreter, arguments);
                // JSON alone goes to stdout.
                checks::run(&mut command, if json { Output::Kept } else { output })
            }));
        }
        steps.push(Step::with_outcome(format!("validation of {id}"), move || {
            compare(workspace, &package, script, output, json)
        }));
    }
    for (name, options) in [("", &[][..]), (" with evidence", &["--evidence"])] {
        let name = format!("validation of an adapted model{name}");
        steps.push(Step::with_outcome(name, move || {
            let package = workspace.scratch()?.join("adapted.model");
            let mut adapt = Command::new(workspace.build_bm()?);
            adapt
                .current_dir(&workspace.root)
                .args(["adapt", READS[0], "-q", "-o"])
                .arg(&package)
                .args(options);
            process::kept(&mut adapt)?;
            compare(workspace, &package, VALIDATE_READ_ERROR, output, json)
        }));
    }
    steps.extend(coreml::steps(workspace, if json { Output::Kept } else { output })?);
    Ok(steps)
}

/// Returns the script that validates the package: of vectors, of a probability per base, or per window.
fn validation_script(package: &Path) -> Result<&'static str> {
    let path = package.join("manifest.json");
    let manifest = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let manifest: serde_json::Value =
        serde_json::from_str(&manifest).with_context(|| path.display().to_string())?;
    Ok(match manifest.get("read_rule") {
        _ if manifest.get("task").and_then(|task| task.as_str()) == Some("read-embedding") => {
            VALIDATE_EMBED
        }
        Some(_) => VALIDATE_READ_ERROR,
        None => VALIDATE,
    })
}

fn compare(
    workspace: &Workspace,
    package: &Path,
    script: &str,
    output: Output,
    json: bool,
) -> Result<Outcome> {
    let bm = workspace.build_bm()?;
    let Runtime::Available(library) = fetch_runtime::ensure(workspace)? else {
        unreachable!("steps() has checked that there is a wheel")
    };
    let interpreter = python::ensure(workspace, Environment::Light)?;
    let mut command = python::script(workspace, &interpreter, [script, "--package"]);
    command.arg(package).arg("--bm").arg(bm).arg("--ort-lib").arg(library);
    command.arg("--reads").args(READS).args(json.then_some("--json"));
    checks::run(&mut command, output)
}
