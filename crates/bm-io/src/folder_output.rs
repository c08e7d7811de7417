//! Writes a folder of files so that a folder under its final name is always complete.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::IoError;
use crate::naming::{Complete, Durability, ReplacedFolder, Unnamed, files_of, sync};
use crate::path::folder;
use crate::system::{self, Renamed};
use crate::unfinished::Unfinished;

/// A folder that is written beside its final name and renamed when it is complete.
pub struct FolderOutput {
    /// The name in messages.
    name: String,
    unnamed: Unnamed,
}

impl FolderOutput {
    /// Starts a folder at `path`. If there is one, it is replaced: it must hold nothing but plain files
    /// whose names are `replaceable`. Messages call such a folder `what`.
    ///
    /// # Errors
    ///
    /// If something else exists there, or a folder cannot be made or replaced.
    pub fn create(path: &Path, replaceable: &[&str], what: &str) -> Result<Self, IoError> {
        let name = path.display().to_string();
        let refuse = |what: String| Err(IoError::Refused(format!("{name}: {what}")));
        // A link stays, and leads to the new folder.
        let target = match fs::canonicalize(path) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(path).is_ok() {
                    return refuse(format!("is a link to nothing, expected a new {what}"));
                }
                path.to_owned()
            }
            Err(source) => {
                return Err(IoError::System { what: format!("{name}: cannot be created"), source });
            }
        };
        let mut old = ReplacedFolder { exists: target.exists(), files: BTreeSet::new() };
        if old.exists {
            let no_folder =
                IoError::system(format!("{name}: is no folder, expected one for a {what}"));
            drop(target.read_dir().map_err(no_folder)?);
            let is_known =
                |file: &PathBuf| file.to_str().is_some_and(|file| replaceable.contains(&file));
            match files_of(&target) {
                Ok(files) if files.iter().all(is_known) => old.files = files,
                _ => {
                    return refuse(format!(
                        "is a folder with other things in it, expected a new one or a {what}"
                    ));
                }
            }
        }
        let parent = folder(&target);
        if !parent.is_dir() {
            return refuse(format!("cannot be created, there is no folder {}", parent.display()));
        }
        if let Some(reason) = system::fixed(&target).filter(|_| old.exists) {
            return refuse(format!("{} and cannot be replaced", reason.words()));
        }
        let cannot = IoError::system(format!("{name}: cannot be created"));
        let unfinished = Unfinished::folder(parent).map_err(cannot)?;
        let cannot = IoError::system(format!("{name}: cannot be replaced"));
        if !old.files.is_empty() && !can_exchange(unfinished.path()).map_err(cannot)? {
            return refuse(format!(
                "cannot be replaced at once on this file system; name a new folder for the {what}"
            ));
        }
        if old.exists {
            let cannot = IoError::system(format!("{name}: cannot keep its permissions"));
            let permissions = fs::metadata(&target).map(|metadata| metadata.permissions());
            permissions
                .and_then(|permissions| fs::set_permissions(unfinished.path(), permissions))
                .map_err(cannot)?;
        }
        let unnamed = Unnamed { unfinished, target, folder: Some(old), removed: None };
        Ok(Self { name, unnamed })
    }

    /// Checks that no output of the same run is inside the folder, which is replaced as a whole.
    ///
    /// # Errors
    ///
    /// With the path of the output.
    pub fn refuse_within<'a>(
        &self,
        outputs: impl IntoIterator<Item = &'a PathBuf>,
    ) -> Result<(), IoError> {
        let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let parent = whole(folder(&self.unnamed.target));
        let ours = parent.join(self.unnamed.target.file_name().unwrap_or_default());
        for path in outputs {
            let place = whole(folder(path)).join(path.file_name().unwrap_or_default());
            if place == ours {
                return Err(IoError::Refused(format!(
                    "{}: is named for two outputs; give each its own",
                    path.display()
                )));
            }
            if place.starts_with(&ours) {
                return Err(IoError::Refused(format!(
                    "{}: is in {}, which is written as a whole; give the output another folder",
                    path.display(),
                    self.name
                )));
            }
        }
        Ok(())
    }

    /// Writes a file of the folder by calling `write`.
    ///
    /// # Errors
    ///
    /// The error of `write` or of the operating system, with the file.
    pub fn write(
        &self,
        file: &str,
        durability: Durability,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), IoError> {
        let all = || {
            let mut output =
                BufWriter::new(File::create(self.unnamed.unfinished.path().join(file))?);
            write(&mut output)?;
            output.flush()?;
            let file = output.into_inner().map_err(io::IntoInnerError::into_error)?;
            if durability == Durability::OnDisk {
                sync(&file)?;
            }
            system::close(file)
        };
        all().map_err(IoError::system(format!("{}/{file}", self.name)))
    }

    /// Returns the complete folder, which still has its temporary name.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn complete(self, durability: Durability) -> Result<Complete, IoError> {
        let Self { name, unnamed } = self;
        if durability == Durability::OnDisk {
            let folder = File::open(unnamed.unfinished.path());
            folder.and_then(|folder| sync(&folder)).map_err(IoError::system(name.clone()))?;
        }
        Ok(Complete { name, unnamed: Some(unnamed), durability })
    }
}

/// Returns whether the file system exchanges folders, tried on two in a folder of ours.
fn can_exchange(scratch: &Path) -> io::Result<bool> {
    let tried = ["one", "two"].map(|name| scratch.join(name));
    tried.iter().try_for_each(fs::create_dir)?;
    let outcome = system::exchange(&tried[0], &tried[1]);
    tried.iter().try_for_each(fs::remove_dir)?;
    Ok(matches!(outcome, Ok(Renamed::Done)))
}
