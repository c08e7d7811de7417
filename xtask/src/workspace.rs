//! The paths of the workspace, and its metadata from cargo.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::{folder, process};

/// The reads that README.md, validation and benchmarks use.
pub(crate) const SAMPLE_READS: &str = "testdata/hiseqx_phage/hiseqx_phage.fastq.gz";

/// The folders of the workspace and its cargo.
pub(crate) struct Workspace {
    /// The folder that holds the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target folder; this program writes into its subfolder `xtask/`.
    pub(crate) target: PathBuf,
    /// The members, in no particular order.
    pub(crate) members: Vec<Package>,
    cargo: OsString,
}

/// The parts of the output of `cargo metadata` that are used here.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    target_directory: PathBuf,
}

/// A package: a workspace member or a dependency.
#[derive(Clone, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The SPDX expression.
    pub(crate) license: Option<String>,
    /// Its registry; `None` for a local folder.
    pub(crate) source: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) manifest_path: PathBuf,
}

/// A direct dependency.
#[derive(Clone, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None`, `dev` or `build`.
    pub(crate) kind: Option<String>,
}

/// A library, binary, test, example or bench of a package.
#[derive(Clone, Deserialize)]
pub(crate) struct Target {
    pub(crate) kind: Vec<String>,
}

impl Package {
    /// Whether other crates can depend on it.
    pub(crate) fn is_library(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "lib"))
    }
}

impl Workspace {
    /// Returns the workspace that this program was built from.
    ///
    /// # Errors
    /// When cargo cannot read it.
    pub(crate) fn open() -> Result<Self> {
        // `cargo run` sets the variable, so that a moved checkout is found; the fallback is the folder
        // at compile time.
        let here = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = here.parent().context("the folder of xtask has no parent")?.to_owned();
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut workspace = Self { root, target: PathBuf::new(), members: Vec::new(), cargo };
        let metadata = workspace.metadata(&["--no-deps"])?;
        workspace.target = metadata.target_directory;
        workspace.members = metadata.packages;
        Ok(workspace)
    }

    /// Returns a cargo command that runs in the root of the workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(&self.root).args(arguments);
        command
    }

    /// Returns the output of `cargo metadata`; without `--no-deps` it includes the dependencies of all
    /// platforms.
    ///
    /// # Errors
    /// When cargo fails.
    pub(crate) fn metadata(&self, arguments: &[&str]) -> Result<Metadata> {
        let mut command = self.cargo(&["metadata", "--format-version", "1"]);
        let text = process::stdout(command.args(arguments))?;
        serde_json::from_str(&text).context("cargo metadata is not as expected")
    }

    /// Returns the folder `target/xtask` for the files of this program, and creates it if necessary.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(crate) fn scratch(&self) -> Result<PathBuf> {
        let folder = self.target.join("xtask");
        folder::make(&folder)?;
        Ok(folder)
    }

    /// Builds `bm` in release mode and returns its path.
    ///
    /// # Errors
    /// When the build fails.
    pub(crate) fn build_bm(&self) -> Result<PathBuf> {
        self.build(&["--bin", "bm"])
    }

    /// Builds the example that writes the k-mer statement of each base, in release mode, and returns its
    /// path.
    ///
    /// # Errors
    /// When the build fails.
    pub(crate) fn build_statements(&self) -> Result<PathBuf> {
        self.build(&["--package", "bm-evidence", "--example", "base_support"])
    }

    /// Builds the example that runs model files on the embedded engine, in release mode, and returns its
    /// path.
    ///
    /// # Errors
    /// When the build fails.
    pub(crate) fn build_run_models(&self) -> Result<PathBuf> {
        self.build(&["--package", "bm-infer", "--example", "run_models"])
    }

    /// Builds a program in release mode and returns its path; the last element of `what` is its name.
    fn build(&self, what: &[&str]) -> Result<PathBuf> {
        let name = *what.last().context("nothing to build")?;
        // The messages contain the path for every target folder and platform.
        let arguments =
            [&["build", "--release", "--message-format", "json-render-diagnostics"], what].concat();
        let messages = process::stdout(&mut self.cargo(&arguments))?;
        messages
            .lines()
            .rev()
            .find_map(|message| executable(message, name))
            .with_context(|| format!("cargo built no program named {name}"))
    }

    /// Returns the model packages: the folders of `models/` with a manifest, by name.
    ///
    /// # Errors
    /// When `models/` cannot be read.
    pub(crate) fn model_packages(&self) -> Result<Vec<PathBuf>> {
        let mut packages: Vec<_> = folder::entries(&self.root.join("models"))?
            .into_iter()
            .filter(|path| path.join("manifest.json").is_file())
            .collect();
        packages.sort();
        Ok(packages)
    }

    /// Returns the manifests of all projects with a `Cargo.lock`, that of the workspace first.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub(crate) fn projects(&self) -> Result<Vec<PathBuf>> {
        let with_lock = |folder: &PathBuf| folder.join("Cargo.lock").is_file();
        let folders = self.folders()?.into_iter().filter(with_lock);
        Ok(folders.map(|folder| folder.join("Cargo.toml")).collect())
    }

    /// Returns the files of the whole repository whose name is one that `is_wanted` wants.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub(crate) fn files(&self, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for folder in self.folders()? {
            files.extend(folder::entries(&folder)?.into_iter().filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                path.is_file() && is_wanted(&name)
            }));
        }
        files.sort();
        Ok(files)
    }

    /// Returns the root and all folders below it that hold sources.
    fn folders(&self) -> Result<Vec<PathBuf>> {
        let is_source = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.is_dir() && !path.is_symlink() && name != "target" && !name.starts_with('.')
        };
        let mut folders = vec![self.root.clone()];
        let mut next = 0;
        while let Some(folder) = folders.get(next) {
            let below = folder::entries(folder)?;
            folders.extend(below.into_iter().filter(is_source));
            next += 1;
        }
        Ok(folders)
    }

    /// Returns `path` relative to the root, with forward slashes.
    pub(crate) fn relative(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        path.to_string_lossy().replace('\\', "/")
    }
}

fn executable(message: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
    is_it.then(|| message["executable"].as_str().map(PathBuf::from))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_project_with_a_lock_file_is_found() {
        let workspace = Workspace::open().expect("cargo reads it");
        let projects: Vec<_> = workspace
            .projects()
            .expect("readable")
            .iter()
            .map(|path| workspace.relative(path))
            .collect();
        assert_eq!(projects[0], "Cargo.toml");
        for other in ["python/Cargo.toml", "research/compression/Cargo.toml"] {
            assert!(projects.iter().any(|project| project == other), "{projects:?}");
        }
    }

    #[test]
    fn the_executable_is_found_in_cargos_messages() {
        let library =
            r#"{"reason":"compiler-artifact","target":{"name":"bm_encode"},"executable":null}"#;
        let binary =
            r#"{"reason":"compiler-artifact","target":{"name":"bm"},"executable":"t/release/bm"}"#;
        assert_eq!(executable(library, "bm"), None);
        assert_eq!(executable("not JSON", "bm"), None);
        assert_eq!(executable(binary, "bm"), Some(PathBuf::from("t/release/bm")));
        assert_eq!(executable(binary, "statements"), None);
    }
}
