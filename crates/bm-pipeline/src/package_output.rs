//! Writes model packages.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use bm_evidence::Evidence;
use bm_io::{FolderOutput, IoError};
use bm_quality::PackageFiles;

/// The file of the k-mers.
const EVIDENCE: &str = "evidence";

/// The files of a package. A folder with nothing else may be replaced.
const FILES: [&str; 7] = [
    "README.md",
    EVIDENCE,
    "experience.json",
    "golden.json",
    "manifest.json",
    "model.ane.onnx",
    "model.onnx",
];

/// A folder for a model package, written beside its final name and renamed when it is complete.
pub struct PackageOutput {
    folder: FolderOutput,
    name: String,
}

impl PackageOutput {
    /// Checks that a package may be written at `path`: nothing exists there, or an empty folder, or
    /// a package.
    ///
    /// # Errors
    ///
    /// If something else exists there, or the parent folder is missing.
    pub fn create(path: &Path) -> Result<Self, IoError> {
        let folder = FolderOutput::create(path, &FILES, "model package")?;
        Ok(Self { folder, name: path.display().to_string() })
    }

    /// Writes the files of a package, with its evidence if it has some.
    ///
    /// # Errors
    ///
    /// The error of the operating system; the final name then keeps its old content.
    pub fn write(&self, files: &PackageFiles, evidence: Option<&Evidence>) -> Result<(), IoError> {
        let failed = |file: &str| IoError::system(format!("{}/{file}", self.name));
        self.folder.write(|folder| {
            for (file, bytes) in files {
                fs::write(folder.join(file), bytes).map_err(failed(file))?;
            }
            if let Some(evidence) = evidence {
                let write = || {
                    let mut file = BufWriter::new(File::create(folder.join(EVIDENCE))?);
                    evidence.write(&mut file)?;
                    file.flush()
                };
                write().map_err(failed(EVIDENCE))?;
            }
            Ok(())
        })
    }
}
