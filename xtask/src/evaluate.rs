//! `cargo xtask evaluate`: evaluates every model, and the rules that it replaces, by counted errors.

use std::ffi::OsString;
use std::path::{self, Path, PathBuf};

use anyhow::Result;

use crate::process::Output;
use crate::python::{self, Environment};
use crate::step::{self, Step};
use crate::workspace::Workspace;
use crate::{folder, print, process, train, variants};

const SCRIPT: &str = "research/evaluation/evaluate.py";
const CURVES: &str = "research/adapt/curves.py";
const CURVES_RESULTS: &str = "research/adapt/results";
/// Adapters and low qualities, cut by `bm` and other programs.
const TRIM: [&str; 2] = ["research/adapters/adapters.py", "research/adapters/quality.py"];
const TRIM_RESULTS: &str = "research/adapters/results";
const HARD_CASES: &str = "research/hard-cases/hard_cases.py";
const HARD_CASES_RESULTS: &str = "research/hard-cases/results";
const LONG_READS: &str = "research/evaluation/long_reads.py";
const RESULTS: &str = "research/evaluation/results";
const CARD: &str = "research/read-error/card.py";
const CARD_OF: &str = "models/read-error";

/// Options of `cargo xtask evaluate`.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct Options {
    /// Folder of the truth sets: subfolders with FASTQ files and a table NAME.truth.tsv.gz
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Id of an embedded model, or path of a package or .onnx file; can be repeated [default: all
    /// embedded models]
    #[arg(long, value_name = "MODEL")]
    model: Vec<String>,
    /// Evaluate read-error on each run after training it without that run; installs PyTorch
    #[arg(long)]
    leave_one_out: bool,
    /// Also evaluate a model that bm adapt learned from each set
    #[arg(long)]
    adapt: bool,
    /// Only measure how the gain of bm adapt depends on coverage and genome size, on subsampled and
    /// transplanted runs
    #[arg(long, conflicts_with_all = ["adapt", "model", "resamples"])]
    curves: bool,
    /// Only compare programs that cut adapters and low qualities, on reads of which it is known where
    /// the sample ends; installs cutadapt, and uses other programs that are installed
    #[arg(long, conflicts_with_all = ["adapt", "curves", "leave_one_out", "model", "resamples"])]
    trim: bool,
    /// Only measure what bm takes for an error, and what it keeps, on real reads that were changed on
    /// purpose (failed cycles, copies, library structure, qualities taken away) and on runs as they are
    #[arg(long, conflicts_with_all = ["adapt", "curves", "leave_one_out", "model", "resamples", "trim"])]
    hard_cases: bool,
    /// Only measure how bm ranks the reads of runs of long reads and counts their errors, with and without
    /// learning each run
    #[arg(
        long,
        conflicts_with_all = ["adapt", "curves", "leave_one_out", "model", "resamples", "trim", "hard_cases"]
    )]
    long_reads: bool,
    /// Only measure bm call and other callers of variants on spiked and mixed reads, which are made first;
    /// FOLDER has the sides train and devtest, as `cargo xtask data` lays them out
    #[arg(
        long,
        conflicts_with_all = [
            "adapt", "curves", "leave_one_out", "model", "resamples", "trim", "hard_cases", "long_reads"
        ]
    )]
    variants: bool,
    /// The bm program to measure [default: a release build of this workspace]
    #[arg(long, value_name = "BM", requires = "hard_cases")]
    bm: Option<PathBuf>,
    /// Only print the rows whose name, `RUN: WHAT`, holds this regular expression; no results are
    /// written
    #[arg(long, value_name = "PATTERN", requires = "hard_cases", conflicts_with = "output")]
    only: Option<String>,
    /// Folder for the results [default: research/evaluation/results; research/adapt/results with
    /// --curves, research/adapters/results with --trim, research/hard-cases/results with --hard-cases,
    /// research/variants/results with --variants]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Number of bootstrap resamples for each confidence interval [default: 1000]
    #[arg(long, value_name = "N")]
    resamples: Option<u32>,
}

/// `cargo xtask evaluate`.
///
/// # Errors
/// When any step fails.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let default = match options {
        Options { trim: true, .. } => TRIM_RESULTS,
        Options { hard_cases: true, .. } => HARD_CASES_RESULTS,
        Options { curves: true, .. } => CURVES_RESULTS,
        Options { variants: true, .. } => variants::RESULTS,
        _ => RESULTS,
    };
    let results =
        options.output.as_ref().map_or_else(|| Ok(workspace.root.join(default)), path::absolute)?;
    if options.trim {
        step::run_all("evaluate", trim_steps(workspace, options, &results))?;
        print::wrote(&results);
        return Ok(());
    }
    if options.long_reads {
        step::run_all("evaluate", long_read_steps(workspace, options, &results))?;
        print::wrote(&results);
        return Ok(());
    }
    if options.variants {
        step::run_all("evaluate", variants::measure_steps(workspace, &options.data, &results))?;
        print::wrote(&results);
        return Ok(());
    }
    if options.hard_cases {
        step::run_all("evaluate", hard_case_steps(workspace, options, &results))?;
        if options.only.is_none() {
            print::wrote(&results);
        }
        return Ok(());
    }
    let mut all = vec![];
    let mut left_out = None;
    if options.leave_one_out {
        let folder = workspace.scratch()?.join("left-out");
        all.extend(train::left_out_steps(workspace, &options.data, &folder)?);
        left_out = Some(folder);
    }
    all.extend(steps(workspace, options.clone(), results.clone(), left_out, Output::Shown));
    if options.output.is_none() && !options.curves {
        all.push(Step::new("model card", || {
            let interpreter = python::ensure(workspace, Environment::Evaluate)?;
            process::shown(&mut python::script(workspace, &interpreter, [CARD, CARD_OF]))
        }));
    }
    step::run_all("evaluate", all)?;
    print::wrote(&results);
    Ok(())
}

/// Returns the steps of a small evaluation of testdata for `ci`: a test that the evaluation runs; its
/// results are not kept.
///
/// # Errors
/// When the folder for what this program makes cannot be made.
pub(crate) fn smoke_steps(workspace: &Workspace) -> Result<Vec<Step<'_>>> {
    let results = workspace.scratch()?.join("smoke-evaluation");
    // Old results must not be taken for new ones.
    folder::remove(&results)?;
    let options = Options {
        data: workspace.root.join("testdata"),
        adapt: true,
        resamples: Some(20),
        ..Options::default()
    };
    Ok(steps(workspace, options, results, None, Output::Kept))
}

fn steps(
    workspace: &Workspace,
    options: Options,
    results: PathBuf,
    left_out: Option<PathBuf>,
    output: Output,
) -> Vec<Step<'_>> {
    vec![
        Step::new("release build of bm", || workspace.build_bm().map(drop)),
        Step::new("Python environment for evaluation", || {
            python::ensure(workspace, Environment::Evaluate).map(drop)
        }),
        Step::new("evaluation", move || {
            let bm = workspace.build_bm()?;
            let interpreter = python::ensure(workspace, Environment::Evaluate)?;
            let mut command =
                python::script(workspace, &interpreter, options.arguments(&bm, &results)?);
            if let Some(folder) = &left_out {
                command.arg("--left-out").arg(folder);
            }
            output.run(&mut command)
        }),
    ]
}

/// Returns the steps of `--trim`.
fn trim_steps<'a>(
    workspace: &'a Workspace,
    options: &'a Options,
    results: &'a Path,
) -> Vec<Step<'a>> {
    let mut steps = vec![
        Step::new("release build of bm", || workspace.build_bm().map(drop)),
        Step::new("Python environment for trimming", || {
            python::ensure(workspace, Environment::Trim).map(drop)
        }),
    ];
    steps.extend(TRIM.map(|script| {
        Step::new(script, move || {
            let bm = workspace.build_bm()?;
            let interpreter = python::ensure(workspace, Environment::Trim)?;
            let arguments = options.trim_arguments(script, &bm, results)?;
            process::shown(&mut python::script(workspace, &interpreter, arguments))
        })
    }));
    steps
}

/// Returns the steps of `--hard-cases`.
fn hard_case_steps<'a>(
    workspace: &'a Workspace,
    options: &'a Options,
    results: &'a Path,
) -> Vec<Step<'a>> {
    let mut steps = vec![];
    if options.bm.is_none() {
        steps.push(Step::new("release build of bm", || workspace.build_bm().map(drop)));
    }
    steps.push(Step::new("Python environment for evaluation", || {
        python::ensure(workspace, Environment::Evaluate).map(drop)
    }));
    steps.push(Step::new(HARD_CASES, move || {
        let interpreter = python::ensure(workspace, Environment::Evaluate)?;
        let bm = options.bm.clone().map_or_else(|| workspace.build_bm(), Ok)?;
        let arguments = options.hard_case_arguments(&bm, results)?;
        process::shown(&mut python::script(workspace, &interpreter, arguments))
    }));
    steps
}

/// Returns the steps of `--long-reads`.
fn long_read_steps<'a>(
    workspace: &'a Workspace,
    options: &'a Options,
    results: &'a Path,
) -> Vec<Step<'a>> {
    vec![
        Step::new("release build of bm", || workspace.build_bm().map(drop)),
        Step::new("Python environment for evaluation", || {
            python::ensure(workspace, Environment::Evaluate).map(drop)
        }),
        Step::new(LONG_READS, move || {
            let bm = workspace.build_bm()?;
            let interpreter = python::ensure(workspace, Environment::Evaluate)?;
            let arguments = options.long_read_arguments(&bm, results)?;
            process::shown(&mut python::script(workspace, &interpreter, arguments))
        }),
    ]
}

impl Options {
    /// Returns the arguments of the script of `--long-reads`, with absolute paths.
    fn long_read_arguments(&self, bm: &Path, results: &Path) -> Result<Vec<OsString>> {
        let mut arguments: Vec<OsString> =
            vec![LONG_READS.into(), "--data".into(), path::absolute(&self.data)?.into()];
        arguments.extend(["--bm".into(), path::absolute(bm)?.into()]);
        arguments.extend(["--output".into(), results.into()]);
        Ok(arguments)
    }

    /// Returns the arguments of the script of `--hard-cases`, with absolute paths.
    fn hard_case_arguments(&self, bm: &Path, results: &Path) -> Result<Vec<OsString>> {
        let mut arguments: Vec<OsString> =
            vec![HARD_CASES.into(), "--data".into(), path::absolute(&self.data)?.into()];
        arguments.extend(["--bm".into(), path::absolute(bm)?.into()]);
        arguments.extend(["--output".into(), results.into()]);
        if let Some(pattern) = &self.only {
            arguments.extend(["--only".into(), pattern.into()]);
        }
        Ok(arguments)
    }

    /// Returns the arguments of a script of `--trim`, with absolute paths.
    fn trim_arguments(&self, script: &str, bm: &Path, results: &Path) -> Result<Vec<OsString>> {
        let mut program = OsString::from("bm=");
        program.push(bm);
        let mut arguments: Vec<OsString> =
            vec![script.into(), "--data".into(), path::absolute(&self.data)?.into()];
        arguments.extend(["--program".into(), program, "--output".into(), results.into()]);
        Ok(arguments)
    }

    /// Returns the arguments of the script, with absolute paths: the script runs in the root of the
    /// workspace.
    fn arguments(&self, bm: &Path, results: &Path) -> Result<Vec<OsString>> {
        let script = if self.curves { CURVES } else { SCRIPT };
        let mut arguments: Vec<OsString> =
            vec![script.into(), "--data".into(), path::absolute(&self.data)?.into()];
        arguments.extend(["--bm".into(), bm.into(), "--output".into(), results.into()]);
        for model in &self.model {
            // An id is not a file.
            let model = if Path::new(model).exists() {
                path::absolute(model)?.into()
            } else {
                model.into()
            };
            arguments.extend(["--model".into(), model]);
        }
        if self.adapt {
            arguments.push("--adapt".into());
        }
        if let Some(resamples) = self.resamples {
            arguments.extend(["--resamples".into(), resamples.to_string().into()]);
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_reaches_the_script() {
        let model = vec!["mean-q20".to_owned(), "src".to_owned()];
        let options = Options {
            data: "runs".into(),
            model,
            adapt: true,
            resamples: Some(7),
            ..Options::default()
        };
        let arguments = options.arguments(Path::new("bm"), Path::new("out")).expect("paths");
        let absolute =
            |name| path::absolute(name).expect("the current folder is known").display().to_string();
        // Tests run in the folder of xtask, where `src` is a path and `mean-q20` is not.
        let (data, package) = (absolute("runs"), absolute("src"));
        let expected = [
            SCRIPT, "--data", &data, "--bm", "bm", "--output", "out", "--model", "mean-q20",
            "--model", &package,
        ];
        assert_eq!(arguments[..11], expected);
        assert_eq!(arguments[11..], ["--adapt", "--resamples", "7"]);
    }

    #[test]
    fn trimming_gets_the_data_the_program_and_the_folder() {
        let options = Options { data: "runs".into(), trim: true, ..Options::default() };
        let (bm, results) = (Path::new("target/bm"), Path::new("out"));
        let arguments = options.trim_arguments(TRIM[1], bm, results).expect("paths");
        let data = path::absolute("runs").expect("the current folder is known");
        let expected = [TRIM[1].as_ref(), "--data".as_ref(), data.as_os_str()];
        assert_eq!(arguments[..3], expected);
        assert_eq!(arguments[3..], ["--program", "bm=target/bm", "--output", "out"]);
    }

    #[test]
    fn hard_cases_get_the_program_and_the_pattern() {
        let options = Options {
            data: "runs".into(),
            hard_cases: true,
            only: Some("cycle .* 80".to_owned()),
            ..Options::default()
        };
        let arguments =
            options.hard_case_arguments(Path::new("bm"), Path::new("out")).expect("paths");
        let [data, bm] = ["runs", "bm"].map(|name| path::absolute(name).expect("a current folder"));
        let expected = [
            HARD_CASES.as_ref(),
            "--data".as_ref(),
            data.as_os_str(),
            "--bm".as_ref(),
            bm.as_os_str(),
        ];
        assert_eq!(arguments[..5], expected);
        assert_eq!(arguments[5..], ["--output", "out", "--only", "cycle .* 80"]);
    }

    #[test]
    fn long_reads_get_the_data_the_program_and_the_folder() {
        let options = Options { data: "runs".into(), long_reads: true, ..Options::default() };
        let arguments =
            options.long_read_arguments(Path::new("bm"), Path::new("out")).expect("paths");
        let [data, bm] = ["runs", "bm"].map(|name| path::absolute(name).expect("a current folder"));
        let expected = [LONG_READS.as_ref(), "--data".as_ref(), data.as_os_str(), "--bm".as_ref()];
        assert_eq!(arguments[..4], expected);
        assert_eq!(arguments[4..], [bm.as_os_str(), "--output".as_ref(), "out".as_ref()]);
    }

    #[test]
    fn curves_run_another_script() {
        let options = Options { data: "runs".into(), curves: true, ..Options::default() };
        let arguments = options.arguments(Path::new("bm"), Path::new("out")).expect("paths");
        assert_eq!(arguments[0], CURVES);
        assert!(!arguments.contains(&"--adapt".into()));
    }
}
