//! `cargo xtask tidy`: checks the rules that no compiler checks.
//!
//! Every rule is a function from text or metadata to findings. A finding is a line that says what is
//! wrong and where. The tests of each rule show that it can fail.

mod circles;
mod code_map;
mod graph;
mod images;
mod licences;
mod models;
mod pins;
mod places;
mod requirements;
mod source;
mod unsafety;
mod width;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use self::source::Source;
use crate::python::REQUIREMENTS;
use crate::step::{self, Step};
use crate::workspace::Workspace;
use crate::{fetch_runtime, folder, print};

/// `cargo xtask tidy`.
///
/// # Errors
/// When a rule is broken, or a file cannot be read.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    step::run_all("tidy", vec![Step::new("tidy", || check(workspace))])
}

/// Checks every rule and prints all findings.
///
/// # Errors
/// When a rule is broken, or a file cannot be read.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let sources = rust_sources(workspace)?;
    let architecture = read(&workspace.root.join("ARCHITECTURE.md"))?;
    let mut findings = graph::dependencies(&architecture, &workspace.members);
    for member in &workspace.members {
        let manifest = workspace.relative(&member.manifest_path);
        findings.extend(graph::lints(&manifest, &read(&member.manifest_path)?)?);
    }
    let deny = read(&workspace.root.join("deny.toml"))?;
    for manifest in workspace.projects()? {
        let path =
            manifest.to_str().with_context(|| format!("{} is not Unicode", manifest.display()))?;
        let packages =
            workspace.metadata(&["--all-features", "--locked", "--manifest-path", path])?.packages;
        findings.extend(
            licences::check(&packages, &deny)?
                .into_iter()
                .map(|it| format!("{}: {it}", workspace.relative(&manifest))),
        );
    }
    findings.extend(unsafety::check(&sources));
    findings.extend(circles::check(&sources));
    findings.extend(width::check(&sources));
    findings
        .extend(code_map::check(&architecture, sources.iter().map(|source| source.path.as_str())));
    findings.extend(downloads(workspace)?);
    match read(&workspace.root.join(REQUIREMENTS)) {
        Ok(requirements) => {
            findings.extend(pins::check(REQUIREMENTS, &requirements, fetch_runtime::VERSION))
        }
        Err(error) => findings.push(format!("{error:#}")),
    }
    let bm = sources.iter().find(|source| source.path == pins::LIBRARY);
    let bm = bm.map_or("", |source| source.text.as_str());
    findings.extend(pins::check_library(bm, fetch_runtime::VERSION, fetch_runtime::libraries()));
    let packages = workspace.model_packages()?;
    if packages.is_empty() {
        findings.push("models: no folder holds a manifest.json".into());
    }
    for file in workspace.files(|_| true)? {
        let path = workspace.relative(&file);
        // Pictures are no text, and name nothing.
        if path.starts_with("research/")
            && path.contains("/results/")
            && let Ok(text) = fs::read_to_string(&file)
        {
            findings.extend(places::check(&path, &text));
        }
    }
    for package in packages {
        findings.extend(models::check(&workspace.relative(&package), &package)?);
    }
    for finding in &findings {
        print::note(finding);
    }
    ensure!(findings.is_empty(), "{} findings", findings.len());
    Ok(())
}

/// Checks the files that name what is downloaded.
fn downloads(workspace: &Workspace) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let lists = |extension| {
        workspace.files(move |name| name.starts_with("requirements") && name.ends_with(extension))
    };
    for file in lists(".in")?.into_iter().filter(|file| !file.with_extension("txt").exists()) {
        let path = workspace.relative(&file);
        findings.push(format!("{path}: has no .txt file beside it; run `cargo xtask pin`"));
    }
    for file in lists(".txt")? {
        let (source, requirements) = (file.with_extension("in"), read(&file)?);
        findings.extend(requirements::check(&workspace.relative(&file), &requirements));
        let path = workspace.relative(&source);
        findings.extend(match read(&source) {
            Ok(source) => requirements::check_source(&path, &source, &requirements),
            Err(error) => vec![format!("{error:#}")],
        });
    }
    for file in workspace.files(|name| name.contains("Dockerfile"))? {
        findings.extend(images::check(&workspace.relative(&file), &read(&file)?));
    }
    Ok(findings)
}

/// Returns the Rust files of all members.
fn rust_sources(workspace: &Workspace) -> Result<Vec<Source>> {
    let mut files = Vec::new();
    for member in &workspace.members {
        let folder = member.manifest_path.parent().context("a manifest is in a folder")?;
        collect_rust_files(folder, &mut files)?;
    }
    let source = |file: PathBuf| -> Result<Source> {
        Ok(Source { path: workspace.relative(&file), text: read(&file)? })
    };
    files.into_iter().map(source).collect()
}

fn collect_rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for path in folder::entries(folder)? {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect_rust_files(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}
