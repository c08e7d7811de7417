//! `cargo xtask train`: a model package from real reads, or from 200 of them to see that the road is open.

use std::ffi::OsString;
use std::path::{self, Path, PathBuf};

use anyhow::{Result, ensure};

use crate::python::{self, Environment};
use crate::step::{self, Step};
use crate::workspace::Workspace;
use crate::{folder, print, process};

const SCRIPT: &str = "research/neural-engine/train_quality_model.py";
const CONFIG: &str = "research/neural-engine/configs/mean-q20.toml";
const PACKAGE: &str = "models/mean-q20";

/// Trains a model and writes its package.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Settings of the model, its data and its training [default: research/neural-engine/configs/mean-q20.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder that the configuration's file names are relative to
    #[arg(long, value_name = "DIR", required_unless_present = "smoke")]
    data: Option<PathBuf>,
    /// Seed of the split, the augmentation and the weights [default: the configuration's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Train on 200 reads of testdata, into target/xtask/smoke: a test of the road, not a model
    #[arg(long, conflicts_with_all = ["data", "output"])]
    smoke: bool,
    /// Folder of the package [default: models/mean-q20]
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
    steps.push(Step::new("training", || train(workspace, options, &package)));
    step::run_all("train", steps)?;
    print::wrote(&package);
    Ok(())
}

/// The smoke training, as steps of `ci`.
pub(crate) fn smoke_steps(workspace: &Workspace) -> Vec<Step<'_>> {
    let mut steps = preparation(workspace);
    steps.push(Step::new("smoke training", || {
        let options = Options { smoke: true, ..Options::default() };
        train(workspace, &options, &options.package(workspace)?)
    }));
    steps
}

impl Options {
    fn package(&self, workspace: &Workspace) -> Result<PathBuf> {
        match &self.output {
            _ if self.smoke => Ok(workspace.scratch()?.join("smoke")),
            Some(folder) => Ok(path::absolute(folder)?),
            None => Ok(workspace.root.join(PACKAGE)),
        }
    }

    /// The script runs in the root of the workspace, so a path that was typed elsewhere is made absolute.
    fn arguments(&self, bm: &Path, package: &Path) -> Result<Vec<OsString>> {
        let config = self.config.as_ref().map_or(Ok(CONFIG.into()), path::absolute)?;
        let mut arguments: Vec<OsString> = vec![SCRIPT.into(), "--config".into(), config.into()];
        arguments.extend(["--bm".into(), bm.into(), "--output".into(), package.into()]);
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

fn preparation(workspace: &Workspace) -> Vec<Step<'_>> {
    vec![
        Step::new("release build of bm", || workspace.build_bm().map(drop)),
        Step::new("Python environment for training", || python::ensure(workspace, Environment::Train).map(drop)),
    ]
}

fn train(workspace: &Workspace, options: &Options, package: &Path) -> Result<()> {
    if options.smoke {
        // Otherwise yesterday's package could pass for today's.
        folder::remove(package)?;
    }
    let bm = workspace.build_bm()?;
    let interpreter = python::ensure(workspace, Environment::Train)?;
    process::shown(&mut python::script(workspace, &interpreter, options.arguments(&bm, package)?))?;
    for file in ["model.onnx", "model.ane.onnx", "manifest.json", "golden.json"] {
        let path = package.join(file);
        ensure!(path.is_file(), "training ended well but left no {}", path.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_reaches_the_script() {
        let options = Options { config: Some("c.toml".into()), data: Some("runs".into()), seed: Some(7), ..Options::default() };
        let arguments = options.arguments(Path::new("bm"), Path::new("out")).expect("paths");
        let absolute = |name| path::absolute(name).expect("the current folder is known").display().to_string();
        let (config, data) = (absolute("c.toml"), absolute("runs"));
        let expected = [SCRIPT, "--config", &config, "--bm", "bm", "--output", "out", "--data", &data, "--seed", "7"];
        assert_eq!(arguments, expected);
    }

    #[test]
    fn a_smoke_training_needs_no_data() {
        let options = Options { smoke: true, ..Options::default() };
        let arguments = options.arguments(Path::new("bm"), Path::new("out")).expect("paths");
        let expected = [SCRIPT, "--config", CONFIG, "--bm", "bm", "--output", "out", "--smoke"];
        assert_eq!(arguments, expected);
    }
}
