//! Files from Debian packages, which are downloaded and unpacked but not installed: no root is needed,
//! and the system stays as it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;
use crate::{folder, lock, process};

/// Advice for a download that fails.
const NO_LISTS: &str = "if apt lacks its package lists, run `apt-get update` as root";

/// Whether the system has apt and dpkg.
pub(crate) fn is_there() -> bool {
    let runs = |program| {
        let mut command = Command::new(program);
        let command = command
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    runs("apt-get") && runs("dpkg")
}

/// Downloads one package, in the version of this system, and unpacks it into `target`; `scratch` takes
/// the archive.
///
/// # Errors
/// When it cannot be downloaded or unpacked.
pub(crate) fn unpack(package: &str, scratch: &Path, target: &Path) -> Result<()> {
    folder::make(scratch)?;
    let mut download = Command::new("apt-get");
    download.args(["download", package]).current_dir(scratch);
    process::kept(&mut download).context(NO_LISTS)?;
    unpack_all(scratch, target)
}

/// Does what [`unpack`] does for packages and for those of their dependencies that are not installed.
///
/// # Errors
/// When they cannot be downloaded or unpacked.
pub(crate) fn unpack_with_dependencies(
    packages: &[&str],
    scratch: &Path,
    target: &Path,
) -> Result<()> {
    folder::make(&scratch.join("partial"))?;
    let mut download = Command::new("apt-get");
    download.args(["install", "--download-only", "--reinstall", "--no-install-recommends", "-y"]);
    // A user who is not root can neither write to apt's folders nor take its lock.
    let mut cache = std::ffi::OsString::from("Dir::Cache::archives=");
    cache.push(scratch);
    download.arg("-o").arg(cache).args(["-o", "Debug::NoLocking=1"]);
    process::kept(download.args(packages)).context(NO_LISTS)?;
    unpack_all(scratch, target)
}

/// A program of an unpacked package.
pub(crate) struct Program {
    /// The program.
    pub(crate) path: PathBuf,
    /// The folder of the shared libraries that it needs and this system may not have.
    pub(crate) libraries: PathBuf,
}

/// Returns a program of a package, which is unpacked once, with what it needs.
///
/// # Errors
/// When this system has no apt, or the packages cannot be downloaded or unpacked.
pub(crate) fn program(workspace: &Workspace, package: &str, file: &str) -> Result<Program> {
    ensure!(is_there(), "it is neither on the path, nor has this system apt");
    let folder = workspace.scratch()?.join("bench-programs");
    let _lock = lock::take(workspace, "bench-programs")?;
    let system = folder.join(package);
    if !system.is_dir() {
        let scratch = folder.join(format!("{package}-partial"));
        folder::clear(&scratch)?;
        let new = scratch.join("system");
        unpack_with_dependencies(&[package], &scratch.join("archives"), &new)?;
        fs::rename(&new, &system).with_context(|| system.display().to_string())?;
        folder::remove(&scratch)?;
    }
    let libraries = format!("{}-linux-gnu", std::env::consts::ARCH);
    Ok(Program {
        path: system.join("usr/bin").join(file),
        libraries: system.join("usr/lib").join(libraries),
    })
}

fn unpack_all(scratch: &Path, target: &Path) -> Result<()> {
    folder::make(target)?;
    let mut archives = folder::entries(scratch)?;
    archives.retain(|path| path.extension().is_some_and(|found| found == "deb"));
    archives.first().context("no .deb was downloaded")?;
    for archive in archives {
        process::kept(Command::new("dpkg").arg("-x").arg(&archive).arg(target))?;
    }
    Ok(())
}
