//! Files from Debian packages, which are downloaded and unpacked but not installed: no root is needed,
//! and the system stays as it is.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::{folder, process};

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
