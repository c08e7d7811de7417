//! `cargo xtask validate`: the model files against ONNX's checker, against one another and through
//! every engine.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::fetch_runtime::{self, Runtime};
use crate::process;
use crate::python::{self, Environment};
use crate::step::{self, Outcome, Step};
use crate::workspace::Workspace;

const VALIDATE: &str = "research/neural-engine/validate.py";
const SEED_CASES: &str = "research/neural-engine/test_onnx_inference.py";
const VALIDATE_READ_ERROR: &str = "research/read-error/validate_read_error.py";
const PYTHON_TESTS: [&str; 4] = [
    "research/neural-engine/tests",
    "research/read-error/tests",
    "research/adapt/tests",
    "research/evidence/tests",
];

/// Reads as long as the network's window, shorter, longer than one, and of many windows.
const READS: [&str; 4] = [
    "testdata/hiseqx_phage/hiseqx_phage.fastq.gz",
    "testdata/hiseq_measles/hiseq_measles_1.fastq.gz",
    "testdata/miseq_twist/miseq_twist_first2000_1.fastq.gz",
    "testdata/nanopore_lambda_4line.fastq.gz",
];

/// How `cargo xtask validate` prints what it finds.
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
    step::run_all("validate", steps(workspace, options.json)?)
}

/// The steps, which `test` and `ci` take too.
///
/// # Errors
/// When the model packages cannot be listed.
pub(crate) fn steps(workspace: &Workspace, json: bool) -> Result<Vec<Step<'_>>> {
    if let Runtime::NoWheel(reason) = fetch_runtime::availability() {
        // The Python package is the same wheel, so without it there is nothing to compare with.
        let skip = move || Ok(Outcome::Skipped(reason));
        return Ok(vec![Step::with_outcome("validation against Python's ONNX Runtime", skip)]);
    }
    let mut steps = vec![
        Step::new("release build of bm", || workspace.build_bm().map(drop)),
        Step::new("Python environment", || python::ensure(workspace, Environment::Light).map(drop)),
        Step::new("tests of the Python code", move || {
            PYTHON_TESTS.into_iter().try_for_each(|folder| {
                let tests = ["-m", "unittest", "discover", "--start-directory", folder];
                run_python(workspace, tests.map(Path::new), json)
            })
        }),
    ];
    let packages = workspace.model_packages()?;
    ensure!(!packages.is_empty(), "models/ holds no package");
    for package in packages {
        let id = package.file_name().context("a folder has a name")?.to_string_lossy().into_owned();
        let judges_bases = judges_bases(&package)?;
        // The plain cases are about the verdict of a window.
        for file in ["model.onnx", "model.ane.onnx"].into_iter().filter(|_| !judges_bases) {
            let model = workspace.relative(&package.join(file));
            steps.push(Step::new(format!("cases of {id}/{file}"), move || {
                let bm = workspace.build_bm()?;
                let arguments = [
                    SEED_CASES.as_ref(),
                    "--model".as_ref(),
                    Path::new(&model),
                    "--bm".as_ref(),
                    &bm,
                ];
                run_python(workspace, arguments, json)
            }));
        }
        steps.push(Step::new(format!("validation of {id}"), move || {
            compare(
                workspace,
                &package,
                if judges_bases { VALIDATE_READ_ERROR } else { VALIDATE },
                json,
            )
        }));
    }
    for (name, options) in [("", &[][..]), (" and holds evidence", &["--evidence"])] {
        steps.push(Step::new(format!("validation of a model that was adapted{name}"), move || {
            let package = workspace.scratch()?.join("adapted.model");
            let mut adapt = Command::new(workspace.build_bm()?);
            adapt
                .current_dir(&workspace.root)
                .args(["adapt", READS[0], "-q", "-o"])
                .arg(&package)
                .args(options);
            process::kept(&mut adapt)?;
            compare(workspace, &package, VALIDATE_READ_ERROR, json)
        }));
    }
    Ok(steps)
}

/// Whether the package's network tells of every base, or judges windows.
fn judges_bases(package: &Path) -> Result<bool> {
    let path = package.join("manifest.json");
    let manifest = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let manifest: serde_json::Value =
        serde_json::from_str(&manifest).with_context(|| path.display().to_string())?;
    Ok(manifest.get("read_rule").is_some())
}

fn compare(workspace: &Workspace, package: &Path, script: &str, json: bool) -> Result<()> {
    let bm = workspace.build_bm()?;
    let Runtime::Available(library) = fetch_runtime::ensure(workspace)? else {
        unreachable!("looked at before")
    };
    let interpreter = python::ensure(workspace, Environment::Light)?;
    let mut command = python::script(workspace, &interpreter, [script, "--package"]);
    command.arg(package).arg("--bm").arg(bm).arg("--ort-lib").arg(library);
    command.arg("--reads").args(READS).args(json.then_some("--json"));
    process::shown(&mut command)
}

/// Runs a script whose output is for people; where JSON is to go to stdout, that is only shown when
/// it fails.
fn run_python<const N: usize>(
    workspace: &Workspace,
    arguments: [&Path; N],
    json: bool,
) -> Result<()> {
    let interpreter = python::ensure(workspace, Environment::Light)?;
    let mut command = python::script(workspace, &interpreter, arguments);
    if json { process::kept(&mut command) } else { process::shown(&mut command) }
}
