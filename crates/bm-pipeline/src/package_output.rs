//! Writes model packages.

use std::io::Write;
use std::path::{Path, PathBuf};

use bm_io::{Complete, Durability, FolderOutput, IoError};
use bm_quality::{KmerEvidence, ModelPackage, PackageFiles};

/// The file of the k-mers.
const EVIDENCE: &str = "evidence";

/// The files of a package that its manifest does not list.
const UNLISTED: [&str; 2] = ["README.md", "manifest.json"];

/// Those that it may list.
const LISTED: [&str; 5] =
    [EVIDENCE, "experience.json", "golden.json", "model.ane.onnx", "model.onnx"];

/// A folder for a model package, written beside its final name and renamed when it is complete.
pub struct PackageOutput {
    folder: FolderOutput,
    durability: Durability,
}

impl PackageOutput {
    /// Starts a package at `path`, where there is nothing, an empty folder, or a package. Of a package,
    /// the files that its manifest lists are replaced; if there are others, it stays.
    ///
    /// # Errors
    ///
    /// If something else exists there, or no folder can be made.
    pub fn create(path: &Path, durability: Durability) -> Result<Self, IoError> {
        let is_folder = path.is_dir() && path.read_dir().is_ok_and(|mut it| it.next().is_some());
        // Nothing in a folder that is no package is known, so it is replaced only if it is empty.
        let mut known = Vec::new();
        if is_folder && let Ok(package) = ModelPackage::open(path) {
            let files = package.manifest().map(|manifest| &manifest.files);
            let is_listed = |file: &&str| files.is_some_and(|files| files.contains_key(*file));
            known.extend(UNLISTED);
            known.extend(LISTED.into_iter().filter(is_listed));
        }
        let folder = FolderOutput::create(path, &known, "model package")?;
        Ok(Self { folder, durability })
    }

    /// Checks that no other output of the run is inside the folder.
    ///
    /// # Errors
    ///
    /// With the path of the output.
    pub fn refuse_within<'a>(
        &self,
        outputs: impl IntoIterator<Item = &'a PathBuf>,
    ) -> Result<(), IoError> {
        self.folder.refuse_within(outputs)
    }

    /// Writes the files of a package, with its evidence if it has some. The package gets its name by
    /// [`bm_io::name_all`].
    ///
    /// # Errors
    ///
    /// The error of the operating system; the final name then keeps its old content.
    pub fn write(
        self,
        files: &PackageFiles,
        evidence: Option<&KmerEvidence>,
    ) -> Result<Complete, IoError> {
        let Self { folder, durability } = self;
        for (file, bytes) in files {
            folder.write(file, durability, |output| output.write_all(bytes))?;
        }
        if let Some(evidence) = evidence {
            folder.write(EVIDENCE, durability, |output| evidence.write(output))?;
        }
        folder.complete(durability)
    }
}
