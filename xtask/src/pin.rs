//! `cargo xtask pin`: writes every `requirements*.txt` from the `requirements*.in` beside it.
//!
//! A person writes the `.in` file: the packages that the project uses, with the reasons. uv adds
//! their dependencies, for all platforms and all supported versions of Python, and the digest of
//! every file of every package. Versions stay as they are where they fit.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::python::{self, Environment, OLDEST};
use crate::step::{self, Step};
use crate::workspace::Workspace;

/// Options of `cargo xtask pin`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Also take the newest versions of the dependencies that no .in file names
    #[arg(long)]
    upgrade: bool,
}

/// `cargo xtask pin`.
///
/// # Errors
/// When no set of versions fits, or the package index cannot be reached.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let steps = files(workspace)?.into_iter().map(|file| {
        let name = workspace.relative(&file);
        Step::new(name, move || write(workspace, &file, options.upgrade))
    });
    step::run_all("pin", steps.collect())
}

/// Returns the `.in` files, those that others include first.
fn files(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut files =
        workspace.files(|name| name.starts_with("requirements") && name.ends_with(".in"))?;
    // `requirements-train-linux-x86_64.in` includes `requirements-train.in`, and that one
    // `requirements.in`.
    files.sort_by_key(|file| file.as_os_str().len());
    Ok(files)
}

/// Writes the `.txt` file for an `.in` file.
fn write(workspace: &Workspace, file: &Path, upgrade: bool) -> Result<()> {
    let python = python::ensure(workspace, Environment::Pin)?;
    let mut uv = Command::new(python.with_file_name(format!("uv{EXE_SUFFIX}")));
    // Relative names, because they are written into the file.
    let name = |extension| workspace.relative(&file.with_extension(extension));
    uv.current_dir(&workspace.root).args(["pip", "compile", "--quiet", "--no-config"]);
    uv.arg(name("in")).arg("--output-file").arg(name("txt"));
    uv.args(["--universal", "--python-version", &format!("{}.{}", OLDEST.0, OLDEST.1)]);
    // The same version of a package everywhere: results are compared.
    uv.args(["--fork-strategy", "fewest", "--only-binary", ":all:", "--generate-hashes"]);
    uv.args(["--custom-compile-command", "cargo xtask pin"]);
    if file.with_extension("exclude").exists() {
        uv.arg("--excludes").arg(name("exclude"));
    }
    if upgrade {
        uv.arg("--upgrade");
    }
    process::kept(&mut uv).with_context(|| name("in"))
}
