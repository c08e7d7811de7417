//! Checks that the crates build from the files that would be published.
//!
//! `cargo package` can build the packages, but it caches the unpacked crates by name and version, also
//! in cargo's home: a second run would build a crate with the files of the first run. So it only packs
//! here, and the packages are unpacked into a workspace of their own, where they replace those of the
//! registry.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;
use crate::{folder, process, python};

/// Unpacks an archive into a folder, with the current time as the date of all files: cargo packs them
/// with a fixed date, with which they would look unchanged since the last build.
const UNPACK: &str = "
import sys, tarfile, time
with tarfile.open(sys.argv[1]) as archive:
    for member in archive:
        member.mtime = time.time()
    archive.extractall(sys.argv[2])
";

/// Packs every published member and builds all of them from the packages.
///
/// # Errors
/// When a member cannot be packed, or does not build from its package.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let packed = workspace.target.join("package");
    folder::clear(&packed)?;
    // `--no-verify`: see above.
    let arguments =
        ["package", "--workspace", "--exclude", "xtask", "--allow-dirty", "--no-verify"];
    process::kept(&mut workspace.cargo(&arguments))?;

    let folder = workspace.scratch()?.join("package");
    folder::clear(&folder)?;
    let mut members = Vec::new();
    for file in folder::entries(&packed)? {
        if file.extension().is_none_or(|extension| extension != "crate") {
            continue;
        }
        let mut unpack = Command::new(python::find()?);
        process::kept(unpack.args(["-c", UNPACK]).arg(&file).arg(&folder))?;
        let member = file.file_stem().context("a package has a name")?;
        members.push(member.to_string_lossy().into_owned());
    }
    ensure!(!members.is_empty(), "cargo packed nothing");

    let mut manifest =
        format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n\n[patch.crates-io]\n");
    for member in &workspace.members {
        let path = format!("{}-{}", member.name, member.version);
        if members.contains(&path) {
            manifest.push_str(&format!("{} = {{ path = {path:?} }}\n", member.name));
        }
    }
    fs::write(folder.join("Cargo.toml"), manifest).context("the workspace of the packages")?;
    // The tested versions.
    fs::copy(workspace.root.join("Cargo.lock"), folder.join("Cargo.lock")).context("Cargo.lock")?;
    let mut build = workspace.cargo(&["check", "--workspace"]);
    process::kept(build.current_dir(&folder).arg("--target-dir").arg(&workspace.target))
}
