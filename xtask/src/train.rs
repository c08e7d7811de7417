//! `cargo xtask train`: trains a model package from real reads, or from 200 of them to test that
//! training runs.

use std::ffi::OsString;
use std::path::{self, Path, PathBuf};

use anyhow::{Result, ensure};

use crate::process::Output;
use crate::python::{self, Environment};
use crate::step::{self, Step};
use crate::workspace::Workspace;
use crate::{folder, print, process};

/// The models that can be trained.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Model {
    /// Error probability of every base, learned from counted errors
    #[default]
    ReadError,
    /// The rule "mean Phred score of at least 20"
    #[value(name = "mean-q20")]
    MeanQ20,
    /// Vectors of reads
    Embed,
}

impl Model {
    /// Every model.
    const ALL: [Self; 3] = [Self::ReadError, Self::MeanQ20, Self::Embed];

    fn id(self) -> &'static str {
        match self {
            Self::ReadError => "read-error",
            Self::MeanQ20 => "mean-q20",
            Self::Embed => "embed",
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::ReadError => "research/read-error/train_read_error.py",
            Self::MeanQ20 => "research/neural-engine/train_quality_model.py",
            Self::Embed => "research/embeddings/train_embed.py",
        }
    }

    /// Whether its package holds `experience.json`, the frequencies of k-mer statements in its sets.
    fn has_experience(self) -> bool {
        self == Self::ReadError
    }

    fn config(self) -> &'static str {
        match self {
            Self::ReadError => "research/read-error/configs/read-error.toml",
            Self::MeanQ20 => "research/neural-engine/configs/mean-q20.toml",
            Self::Embed => "research/embeddings/configs/embed.toml",
        }
    }
}

/// Options of `cargo xtask train`.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Model to train
    #[arg(long, value_enum, value_name = "MODEL", default_value_t)]
    model: Model,
    /// Configuration of the model, its data and its training [default: that of the model, in configs/
    /// beside its script]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the reads: holds the truth sets, and the files that the configuration names
    #[arg(long, value_name = "DIR", required_unless_present = "smoke")]
    data: Option<PathBuf>,
    /// Seed of the split, the augmentation and the weights [default: that of the configuration]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Train on 200 reads of testdata, into target/xtask/smoke: tests that training runs
    #[arg(long, conflicts_with_all = ["data", "output"])]
    smoke: bool,
    /// Folder for the package [default: models/NAME]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// `cargo xtask train`.
///
/// # Errors
/// When any step fails.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let package = options.package(workspace)?;
    let mut steps = preparation(workspace);
    steps.push(Step::new("training", || train(workspace, options, &package, Output::Shown)));
    step::run_all("train", steps)?;
    print::wrote(&package);
    Ok(())
}

/// Steps that compare the trainer of `bm adapt` with PyTorch: the gradients in the Rust tests, and a
/// training on the same labels.
const ADAPT: [(&str, &[&str]); 2] = [
    ("gradients of bm-adapt by PyTorch", &["research/adapt/gradient_golden.py", "--check"]),
    (
        "smoke training of bm adapt's network by PyTorch",
        &["research/adapt/train_torch.py", "--smoke"],
    ),
];

/// Returns the steps of `ci` that need PyTorch: smoke trainings, and comparisons with PyTorch.
pub(crate) fn smoke_steps(workspace: &Workspace) -> Vec<Step<'_>> {
    let mut steps = preparation(workspace);
    steps.extend(Model::ALL.map(|model| {
        Step::new(format!("smoke training of {}", model.id()), move || {
            let options = Options { model, smoke: true, ..Options::default() };
            train(workspace, &options, &options.package(workspace)?, Output::Kept)
        })
    }));
    steps.extend(ADAPT.map(|(name, arguments)| {
        Step::new(name, move || {
            let (bm, interpreter) =
                (workspace.build_bm()?, python::ensure(workspace, Environment::Train)?);
            process::kept(python::script(workspace, &interpreter, arguments).arg("--bm").arg(bm))
        })
    }));
    steps
}

impl Options {
    fn package(&self, workspace: &Workspace) -> Result<PathBuf> {
        match &self.output {
            _ if self.smoke => Ok(workspace.scratch()?.join("smoke").join(self.model.id())),
            Some(folder) => Ok(path::absolute(folder)?),
            None => Ok(workspace.root.join("models").join(self.model.id())),
        }
    }

    /// Returns the arguments of the script, with absolute paths: the script runs in the root of the
    /// workspace.
    fn arguments(&self, programs: &Programs, package: &Path) -> Result<Vec<OsString>> {
        let config = self.config.as_ref().map_or(Ok(self.model.config().into()), path::absolute)?;
        let mut arguments: Vec<OsString> =
            vec![self.model.script().into(), "--config".into(), config.into()];
        arguments.extend(programs.arguments());
        arguments.extend(["--output".into(), package.into()]);
        if let Some(data) = &self.data {
            arguments.extend(["--data".into(), path::absolute(data)?.into()]);
        }
        if let Some(seed) = self.seed {
            arguments.extend(["--seed".into(), seed.to_string().into()]);
        }
        arguments.extend(self.smoke.then(|| "--smoke".into()));
        Ok(arguments)
    }
}

/// Returns the steps that train a package of read-error for each training set below `data`, without
/// the reads of that set: `output/SET`.
///
/// # Errors
/// When any step fails.
pub(crate) fn left_out_steps<'a>(
    workspace: &'a Workspace,
    data: &Path,
    output: &Path,
) -> Result<Vec<Step<'a>>> {
    let (data, output) = (path::absolute(data)?, output.to_owned());
    let mut steps = preparation(workspace);
    steps.push(Step::new("training without each run", move || {
        folder::remove(&output)?;
        let programs = Programs::build(workspace, Model::ReadError)?;
        let interpreter = python::ensure(workspace, Environment::Train)?;
        let script = Model::ReadError.script();
        let mut command = python::script(workspace, &interpreter, [script, "--data"]);
        command.arg(&data).args(programs.arguments()).arg("--left-out").arg(&output);
        process::shown(&mut command)
    }));
    Ok(steps)
}

/// The programs that the training scripts call.
struct Programs {
    bm: PathBuf,
    /// The example that writes the k-mer statement of each base.
    statements: Option<PathBuf>,
}

impl Programs {
    fn build(workspace: &Workspace, model: Model) -> Result<Self> {
        let statements =
            model.has_experience().then(|| workspace.build_statements()).transpose()?;
        Ok(Self { bm: workspace.build_bm()?, statements })
    }

    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["--bm".into(), self.bm.clone().into()];
        if let Some(statements) = &self.statements {
            arguments.extend(["--statements".into(), statements.clone().into()]);
        }
        arguments
    }
}

fn preparation(workspace: &Workspace) -> Vec<Step<'_>> {
    vec![
        Step::new("release build of bm", || workspace.build_bm().map(drop)),
        Step::new("Python environment for training", || {
            python::ensure(workspace, Environment::Train).map(drop)
        }),
    ]
}

fn train(workspace: &Workspace, options: &Options, package: &Path, output: Output) -> Result<()> {
    if options.smoke {
        // An old package must not be taken for a new one.
        folder::remove(package)?;
    }
    let programs = Programs::build(workspace, options.model)?;
    let interpreter = python::ensure(workspace, Environment::Train)?;
    output.run(&mut python::script(
        workspace,
        &interpreter,
        options.arguments(&programs, package)?,
    ))?;
    let experience = options.model.has_experience().then_some("experience.json");
    for file in ["model.onnx", "model.ane.onnx", "manifest.json", "golden.json"]
        .into_iter()
        .chain(experience)
    {
        let path = package.join(file);
        ensure!(path.is_file(), "training succeeded but wrote no {}", path.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_reaches_the_script() {
        let options = Options {
            config: Some("c.toml".into()),
            data: Some("runs".into()),
            seed: Some(7),
            ..Options::default()
        };
        let programs = Programs { bm: "bm".into(), statements: Some("statements".into()) };
        let arguments = options.arguments(&programs, Path::new("out")).expect("paths");
        let absolute =
            |name| path::absolute(name).expect("the current folder is known").display().to_string();
        let (config, data) = (absolute("c.toml"), absolute("runs"));
        let script = "research/read-error/train_read_error.py";
        let expected = [
            script,
            "--config",
            &config,
            "--bm",
            "bm",
            "--statements",
            "statements",
            "--output",
            "out",
        ];
        assert_eq!(arguments[..9], expected);
        assert_eq!(arguments[9..], ["--data", &data, "--seed", "7"]);
    }

    #[test]
    fn a_smoke_training_needs_no_data() {
        let options = Options { model: Model::MeanQ20, smoke: true, ..Options::default() };
        let programs = Programs { bm: "bm".into(), statements: None };
        let arguments = options.arguments(&programs, Path::new("out")).expect("paths");
        let (script, config) = (Model::MeanQ20.script(), Model::MeanQ20.config());
        let expected = [script, "--config", config, "--bm", "bm", "--output", "out", "--smoke"];
        assert_eq!(arguments, expected);
    }
}
