//! `cargo xtask dist`: builds what a release has: the archive with the program, completions, manual pages,
//! models with their cards and all licences; the source archive; recipes that build from these; the wheel.

mod licences;
#[cfg(test)]
mod recipes;
pub(crate) mod source;

use std::env::consts::{ARCH, EXE_SUFFIX, OS};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::python::{self, Environment};
use crate::workspace::{SAMPLE_READS, Workspace};
use crate::{digest, folder, print, process, python_module};

/// Shells, and the names of their completion scripts.
const SHELLS: [(&str, &str); 3] = [("bash", "bm.bash"), ("zsh", "_bm"), ("fish", "bm.fish")];

/// The file with the digests of all other files.
const SUMS: &str = "SHA256SUMS";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Also print the files and their digests as JSON
    #[arg(long)]
    json: bool,
}

/// `cargo xtask dist`.
///
/// # Errors
/// When something cannot be built or written, or the archive fails its checks.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let archive = make(workspace)?;
    let unpacked = check(workspace, &archive)?;
    let mut files = Vec::new();
    for path in all_files(&unpacked)? {
        let (bytes, sha256) = (fs::metadata(&path)?.len(), digest::of_file(&path)?);
        let name = path.strip_prefix(&unpacked)?.to_string_lossy().replace('\\', "/");
        print::note(format_args!("{bytes:>10}  {name}"));
        files.push(json!({ "name": name, "bytes": bytes, "sha256": sha256 }));
    }
    let (bytes, sha256) = (fs::metadata(&archive)?.len(), digest::of_file(&archive)?);
    print::note(format_args!("{bytes:>10}  the archive, sha256 {sha256}"));
    print::wrote(&archive);
    let parent = archive.parent().context("a folder")?;
    let source = source::make(workspace, version(workspace)?, parent)?;
    print::wrote(&source);
    source::recipes(workspace, &archive, &source)?.iter().for_each(|path| print::wrote(path));
    let python = python::ensure(workspace, Environment::Module)?;
    print::wrote(&python_module::wheel(workspace, &python, &parent.join("wheels"))?);
    if options.json {
        let result =
            json!({ "archive": archive, "bytes": bytes, "sha256": sha256, "files": files });
        print::result(&serde_json::to_string_pretty(&result)?);
    }
    Ok(())
}

/// Builds the archive and returns its path.
///
/// # Errors
/// When something cannot be built or written.
pub(crate) fn make(workspace: &Workspace) -> Result<PathBuf> {
    let program = workspace.build_bm()?;
    let version = version(workspace)?;
    let name = format!("bm-{version}-{OS}-{ARCH}");
    let parent = workspace.scratch()?.join("dist");
    folder::clear(&parent)?;
    let folder = parent.join(&name);
    for part in ["completions", "man", "models"] {
        folder::make(&folder.join(part))?;
    }
    let copy = |from: &Path, to: PathBuf| {
        fs::copy(from, &to).map(|_| ()).with_context(|| to.display().to_string())
    };
    copy(&program, folder.join(format!("bm{EXE_SUFFIX}")))?;
    for file in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&workspace.root.join(file), folder.join(file))?;
    }
    let printed = |arguments: &[&str]| process::stdout(Command::new(&program).args(arguments));
    let write = |path: PathBuf, text: String| {
        fs::write(&path, text).with_context(|| path.display().to_string())
    };
    for (shell, file) in SHELLS {
        write(folder.join("completions").join(file), printed(&["completions", shell])?)?;
    }
    process::stdout(Command::new(&program).args(["man", "--all"]).arg(folder.join("man")))?;
    for package in workspace.model_packages()? {
        let into = folder.join("models").join(package.file_name().context("a model has a name")?);
        folder::make(&into)?;
        for file in folder::entries(&package)? {
            copy(&file, into.join(file.file_name().context("a file has a name")?))?;
        }
    }
    write(folder.join("THIRD-PARTY-LICENCES.txt"), licences::of_dependencies(workspace)?)?;
    write(folder.join(SUMS), sums(&folder)?)?;

    let archive = parent.join(format!("{name}.tar.gz"));
    let file = File::create(&archive).with_context(|| archive.display().to_string())?;
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::best()));
    // Without dates and owners, the same files give the same archive.
    tar.mode(tar::HeaderMode::Deterministic);
    for path in all_files(&folder)? {
        tar.append_path_with_name(&path, path.strip_prefix(&parent)?)
            .with_context(|| path.display().to_string())?;
    }
    tar.into_inner()?.finish()?;
    folder::remove(&folder)?;
    Ok(archive)
}

/// Returns the version of the program.
///
/// # Errors
/// When the workspace has no such package.
pub(crate) fn version(workspace: &Workspace) -> Result<&str> {
    let cli = workspace.members.iter().find(|member| member.name == "bm-cli");
    Ok(&cli.context("no package bm-cli")?.version)
}

/// Unpacks the archive and checks the digests, the program, and a model by its folder. Returns the
/// folder.
///
/// # Errors
/// When the archive is incomplete or does not work.
pub(crate) fn check(workspace: &Workspace, archive: &Path) -> Result<PathBuf> {
    let parent = archive.with_file_name("unpacked");
    folder::clear(&parent)?;
    tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive)?)).unpack(&parent)?;
    let folder = folder::entries(&parent)?.pop().context("an empty archive")?;
    let stated = fs::read_to_string(folder.join(SUMS)).context(SUMS)?;
    ensure!(stated == sums(&folder)?, "{SUMS} does not fit the files");
    let bm = |arguments: &[&str]| {
        let mut command = Command::new(folder.join(format!("bm{EXE_SUFFIX}")));
        command.current_dir(&folder).args(arguments);
        command
    };
    process::kept(&mut bm(&["selfcheck", "--backend", "embedded"]))?;
    let sample = workspace.root.join(SAMPLE_READS).to_string_lossy().into_owned();
    let by_id = process::stdout(&mut bm(&["score", &sample, "-q"]))?;
    let by_folder = process::stdout(&mut bm(&["score", &sample, "-q", "-m", "models/read-error"]))?;
    ensure!(
        by_id == by_folder && by_id.lines().count() > 1_000,
        "the model in the archive differs from the one in the program"
    );
    Ok(folder)
}

/// Returns the files of a folder, at any depth, by path.
fn all_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in folder::entries(folder)? {
        if path.is_dir() {
            files.extend(all_files(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// Returns a line for each file, in the format of sha256sum.
fn sums(folder: &Path) -> Result<String> {
    let mut lines = String::new();
    for path in all_files(folder)? {
        let name = path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
        if name != SUMS {
            lines += &format!("{}  {name}\n", digest::of_file(&path)?);
        }
    }
    Ok(lines)
}
