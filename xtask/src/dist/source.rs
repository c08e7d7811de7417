//! The source archive of a release, and the recipes that build from archives, with their digests.

use std::env::consts::EXE_SUFFIX;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::workspace::Workspace;
use crate::{digest, folder, process};

/// What recipes in the repository have in place of a digest.
const NO_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The recipe of Bioconda, and its script.
const RECIPE: &str = "packaging/bioconda/meta.yaml";
const SCRIPT: &str = "packaging/bioconda/build.sh";
/// The recipe of the image.
const IMAGE: &str = "packaging/Dockerfile";

/// Makes the archive of the files of the last commit, and returns its path.
///
/// # Errors
/// When git fails, or the archive cannot be written.
pub(crate) fn make(workspace: &Workspace, version: &str, folder: &Path) -> Result<PathBuf> {
    let mut git = Command::new("git");
    git.current_dir(&workspace.root).args(["archive", "--format=tar", "HEAD"]);
    let output = git.arg(format!("--prefix=bm-{version}/")).output().context("git archive")?;
    ensure!(output.status.success(), "git archive: {}", String::from_utf8_lossy(&output.stderr));
    folder::make(folder)?;
    let path = folder.join(format!("bm-{version}-source.tar.gz"));
    let file = File::create(&path).with_context(|| path.display().to_string())?;
    // The header has no date.
    let mut gzip = GzEncoder::new(file, Compression::best());
    std::io::Write::write_all(&mut gzip, &output.stdout)?;
    gzip.finish()?;
    Ok(path)
}

/// Builds the program from the source archive alone, with the script of the recipe, as a user without
/// rights and without network.
///
/// # Errors
/// When the archive lacks a file, or what is built does not work.
pub(crate) fn check(workspace: &Workspace, archive: &Path) -> Result<()> {
    let parent = archive.with_file_name("source");
    folder::clear(&parent)?;
    tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive)?)).unpack(&parent)?;
    let source = folder::entries(&parent)?.pop().context("an empty archive")?;
    let prefix = archive.with_file_name("prefix");
    folder::clear(&prefix)?;
    // In place of the program that lists the licences.
    let programs = archive.with_file_name("programs");
    folder::clear(&programs)?;
    let bundle = programs.join("cargo-bundle-licenses");
    fs::write(&bundle, "#!/bin/sh\n").with_context(|| bundle.display().to_string())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&bundle, fs::Permissions::from_mode(0o755))?;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path)))?;
    let mut build = Command::new("bash");
    build.arg(source.join(SCRIPT)).current_dir(&source);
    build.env("PREFIX", &prefix).env("PATH", path);
    build.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", &workspace.target);
    process::kept(&mut build)?;
    let program = prefix.join("bin").join(format!("bm{EXE_SUFFIX}"));
    process::kept(Command::new(program).args(["selfcheck", "--backend", "embedded"]))?;
    for file in ["share/man/man1/bm-filter.1", "share/bash-completion/completions/bm"] {
        ensure!(prefix.join(file).is_file(), "{SCRIPT} writes no {file}");
    }
    folder::remove(&parent)
}

/// Writes the recipes beside the archives, with their digests; returns their paths.
///
/// # Errors
/// When a recipe has no place for a digest, or cannot be written.
pub(crate) fn recipes(
    workspace: &Workspace,
    archive: &Path,
    source: &Path,
) -> Result<Vec<PathBuf>> {
    let folder = archive.parent().context("a folder")?;
    let mut written = Vec::new();
    for (recipe, of) in [(RECIPE, source), (IMAGE, archive)] {
        let path = workspace.root.join(recipe);
        let text = fs::read_to_string(&path).with_context(|| recipe.to_owned())?;
        ensure!(text.matches(NO_DIGEST).count() == 1, "{recipe}: no place for one digest");
        let into = folder.join(path.file_name().context("a name")?);
        fs::write(&into, text.replace(NO_DIGEST, &digest::of_file(of)?))
            .with_context(|| into.display().to_string())?;
        written.push(into);
    }
    let script = folder.join("build.sh");
    fs::copy(workspace.root.join(SCRIPT), &script).with_context(|| SCRIPT.to_owned())?;
    written.push(script);
    Ok(written)
}
