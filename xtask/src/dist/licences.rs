//! The licences of everything that is compiled into `bm`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::workspace::{Package, Workspace};
use crate::{folder, process};

/// Prefixes of the names of licence files.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// Depth of the search in a package: included C sources have licence files of their own.
const DEPTH: usize = 2;

/// Returns a text with the SPDX expression of each package, and each licence file once, with the
/// packages that include it.
///
/// # Errors
/// When cargo cannot list the packages, or a file cannot be read.
pub(super) fn of_dependencies(workspace: &Workspace) -> Result<String> {
    let packages = workspace.metadata(&[])?.packages;
    let tree = workspace.cargo(&[
        "tree",
        "--package",
        "bm-cli",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let names = names(&process::stdout(&mut { tree })?);
    let mut dependencies: Vec<&Package> = packages
        .iter()
        .filter(|package| {
            package.source.is_some()
                && names.contains(&(package.name.clone(), package.version.clone()))
        })
        .collect();
    dependencies
        .sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    ensure!(!dependencies.is_empty(), "cargo lists no dependencies");

    let mut text = "Packages that are compiled into bm, and their licences.\n\n".to_owned();
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in dependencies {
        let folder = package.manifest_path.parent().context("a manifest is in a folder")?;
        let found = licence_files(folder, DEPTH)?;
        let licence = package.license.as_deref().unwrap_or("see below");
        let remark = if found.is_empty() { " (its package has no licence file)" } else { "" };
        text += &format!("{} {}: {licence}{remark}\n", package.name, package.version);
        for path in found {
            let content = String::from_utf8_lossy(
                &fs::read(&path).with_context(|| path.display().to_string())?,
            )
            .into_owned();
            let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            files
                .entry(content.trim().to_owned())
                .or_default()
                .push(format!("{} {}: {name}", package.name, package.version));
        }
    }
    for (content, packages) in files {
        text += &format!("\n{}\n{}\n\n{content}\n", "=".repeat(80), packages.join("\n"));
    }
    Ok(text)
}

/// Returns names and versions from the output of `cargo tree`: `name v1.2.3 (proc-macro)`.
fn names(tree: &str) -> BTreeSet<(String, String)> {
    let pair = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    };
    tree.lines().filter_map(pair).collect()
}

fn licence_files(folder: &Path, depth: usize) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in folder::entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_dir() && depth > 0 {
            found.extend(licence_files(&path, depth - 1)?);
        } else if path.is_file()
            && NAMES.iter().any(|start| name.starts_with(start))
            && !name.ends_with(".RS")
        {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_from_the_tree() {
        let names = names(
            "bm-cli v0.1.0 (/x/crates/bm-cli)\nserde v1.0.1\nserde_derive v1.0.2 (proc-macro)\n\nserde v1.0.1 (*)\n",
        );
        let expected = [("bm-cli", "0.1.0"), ("serde", "1.0.1"), ("serde_derive", "1.0.2")];
        assert!(names.iter().map(|(name, version)| (name.as_str(), version.as_str())).eq(expected));
    }
}
