//! The programs of Slurm: those that are installed, or Debian's packages, unpacked into `target/xtask`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::step::Outcome;
use crate::workspace::Workspace;
use crate::{apt, folder};

/// The packages; the daemons, the commands and the authentication.
const PACKAGES: [&str; 4] = ["slurmctld", "slurmd", "slurm-client", "munge"];

/// The daemons, which are in `usr/sbin`.
const DAEMONS: [&str; 4] = ["slurmctld", "slurmd", "slurmstepd", "munged"];

/// Returns the folder that has Slurm below `usr`, and a remark on where it is from.
///
/// # Errors
/// When Slurm is not installed and this system has no packages of Debian, or they cannot be fetched.
pub(super) fn ensure(workspace: &Workspace) -> Result<(PathBuf, Outcome)> {
    if has_daemons(Path::new("/")) {
        return Ok((PathBuf::from("/"), Outcome::DoneWith("installed".to_owned())));
    }
    ensure!(
        cfg!(target_os = "linux") && apt::is_there(),
        "Slurm is missing: no {} in /usr/sbin, and no apt-get and dpkg to fetch Debian's packages \
         {}. Install Slurm and MUNGE, or run this command on Debian or Ubuntu (in a container, as root)",
        DAEMONS.join(", "),
        PACKAGES.join(", ")
    );
    let root = workspace.scratch()?.join("slurm");
    if !has_daemons(&root) {
        fetch(workspace, &root)?;
    }
    Ok((root, Outcome::DoneWith("Debian's packages, not installed".to_owned())))
}

/// Downloads and unpacks the packages, completely or not at all.
fn fetch(workspace: &Workspace, root: &Path) -> Result<()> {
    let scratch = workspace.scratch()?.join("slurm-partial");
    folder::clear(&scratch)?;
    folder::remove(root)?;
    let unpacked = scratch.join("unpacked");
    apt::unpack_with_dependencies(&PACKAGES, &scratch.join("archives"), &unpacked)?;
    ensure!(has_daemons(&unpacked), "the packages {} lack a daemon", PACKAGES.join(", "));
    fs::rename(&unpacked, root).with_context(|| root.display().to_string())?;
    folder::remove(&scratch)
}

/// Whether all daemons are there; the programs in Debian's packages end in `-wlm` until they are
/// installed.
fn has_daemons(root: &Path) -> bool {
    let folder = root.join("usr/sbin");
    DAEMONS
        .iter()
        .all(|name| folder.join(name).exists() || folder.join(format!("{name}-wlm")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slurm_is_found_when_all_daemons_are_there() {
        let root = std::env::temp_dir().join(format!("xtask-slurm-{}", std::process::id()));
        let folder = root.join("usr/sbin");
        folder::clear(&root).and_then(|()| folder::make(&folder)).expect("a temporary folder");
        for name in ["slurmctld-wlm", "slurmd-wlm", "slurmstepd-wlm"] {
            fs::write(folder.join(name), "").expect("written");
        }
        assert!(!has_daemons(&root), "munged is missing");
        fs::write(folder.join("munged"), "").expect("written");
        assert!(has_daemons(&root));
        fs::remove_dir_all(root).expect("removed");
    }
}
