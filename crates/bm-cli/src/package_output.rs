//! Writes a model package so that a folder under its final name is always whole.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bm_evidence::Evidence;
use bm_quality::PackageFiles;

use crate::interrupted::Part;

/// The file that holds what k-mers say.
const EVIDENCE: &str = "evidence";

/// The files of a package.
const FILES: [&str; 7] = [
    "README.md",
    EVIDENCE,
    "experience.json",
    "golden.json",
    "manifest.json",
    "model.ane.onnx",
    "model.onnx",
];

/// Where a package is written: beside its final name, and renamed when it is whole.
pub(crate) struct PackageOutput {
    path: PathBuf,
}

impl PackageOutput {
    /// Checks that a package may be written at `path`: there is nothing, an empty folder, or a
    /// package.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if path.exists() {
            let entries = path.read_dir().with_context(|| {
                format!("{}: is no folder, expected one for a model package", path.display())
            })?;
            // What is replaced is deleted, so nothing else may be in it.
            let others = entries.flatten().filter(|entry| {
                !entry.file_name().to_str().is_some_and(|name| FILES.contains(&name))
            });
            if others.count() > 0 {
                bail!(
                    "{}: is a folder with other things in it, expected a new one or a model package",
                    path.display()
                );
            }
        }
        let folder = parent(path);
        if !folder.is_dir() {
            bail!("{}: cannot be created, there is no folder {}", path.display(), folder.display());
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Writes the files, and what the k-mers of the run say.
    pub(crate) fn write(&self, files: &PackageFiles, evidence: Option<&Evidence>) -> Result<()> {
        let name = self.path.display();
        let scratch = tempfile::Builder::new()
            .prefix(".bm-")
            .suffix(".partial")
            .tempdir_in(parent(&self.path));
        let scratch = scratch.with_context(|| format!("{name}: cannot be created"))?;
        let part = Part::new(scratch.path());
        let new = scratch.path().join("new");
        fs::create_dir(&new).with_context(|| format!("{name}: cannot be created"))?;
        for (file, bytes) in files {
            fs::write(new.join(file), bytes).with_context(|| format!("{name}/{file}"))?;
        }
        if let Some(evidence) = evidence {
            let write = || {
                let mut file = BufWriter::new(File::create(new.join(EVIDENCE))?);
                evidence.write(&mut file)?;
                file.flush()
            };
            write().with_context(|| format!("{name}/{EVIDENCE}"))?;
        }
        // From here on it may hold what was there before.
        drop(part);
        if self.path.exists() {
            fs::rename(&self.path, scratch.path().join("old"))
                .with_context(|| format!("{name}: cannot be replaced"))?;
        }
        let old = scratch.path().join("old");
        fs::rename(&new, &self.path)
            // What was there before goes back to its place.
            .inspect_err(|_| drop(fs::rename(&old, &self.path)))
            .with_context(|| format!("{name}: cannot be given its name"))?;
        Ok(())
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
