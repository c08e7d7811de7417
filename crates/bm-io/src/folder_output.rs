//! Writes a folder of files so that a folder under its final name is always complete.

use std::fs;
use std::path::{Path, PathBuf};

use crate::IoError;
use crate::interrupted::Part;
use crate::path::folder;

/// A folder that is written beside its final name and renamed when it is complete.
pub struct FolderOutput {
    path: PathBuf,
}

impl FolderOutput {
    /// Checks that a folder may be written at `path`: nothing exists there, or an empty folder, or
    /// a folder that holds only `replaceable` files. Messages call such a folder `what`.
    ///
    /// # Errors
    ///
    /// If something else exists there, or the parent folder is missing.
    pub fn create(path: &Path, replaceable: &[&str], what: &str) -> Result<Self, IoError> {
        let name = path.display();
        if path.exists() {
            let no_folder =
                IoError::system(format!("{name}: is no folder, expected one for a {what}"));
            let entries = path.read_dir().map_err(no_folder)?;
            // The folder is replaced and deleted, so nothing else may be in it.
            let is_known = |entry: &fs::DirEntry| {
                entry.file_name().to_str().is_some_and(|name| replaceable.contains(&name))
            };
            if entries.flatten().any(|entry| !is_known(&entry)) {
                return Err(IoError::Refused(format!(
                    "{name}: is a folder with other things in it, expected a new one or a {what}"
                )));
            }
        }
        let parent = folder(path);
        if !parent.is_dir() {
            return Err(IoError::Refused(format!(
                "{name}: cannot be created, there is no folder {}",
                parent.display()
            )));
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Calls `fill` to write the files into a new folder, and renames the folder to its final name.
    ///
    /// # Errors
    ///
    /// The error of `fill` or of the operating system; the final name then keeps its old content.
    pub fn write(&self, fill: impl FnOnce(&Path) -> Result<(), IoError>) -> Result<(), IoError> {
        let name = self.path.display();
        let scratch = tempfile::Builder::new()
            .prefix(".bm-")
            .suffix(".partial")
            .tempdir_in(folder(&self.path))
            .map_err(IoError::system(format!("{name}: cannot be created")))?;
        let part = Part::new(scratch.path());
        let new = scratch.path().join("new");
        fs::create_dir(&new).map_err(IoError::system(format!("{name}: cannot be created")))?;
        fill(&new)?;
        // From here on the temporary folder may hold the old content.
        drop(part);
        let old = scratch.path().join("old");
        if self.path.exists() {
            fs::rename(&self.path, &old)
                .map_err(IoError::system(format!("{name}: cannot be replaced")))?;
        }
        fs::rename(&new, &self.path)
            // The old content goes back to its place.
            .inspect_err(|_| drop(fs::rename(&old, &self.path)))
            .map_err(IoError::system(format!("{name}: cannot be given its name")))
    }
}
