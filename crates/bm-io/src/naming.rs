//! Gives the complete outputs of a run their names: all of them, or none.
//!
//! What had a name before is exchanged with the new file at once, and kept until all outputs have their
//! names. If one cannot get its name, those that were given are taken back.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::IoError;
use crate::path::folder;
use crate::system::{self, Renamed};
use crate::unfinished::{Unfinished, register};

/// Whether outputs are on the disk when they get their names.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Durability {
    /// The system is asked to store files and folders, so that a power failure loses nothing.
    #[default]
    OnDisk,
    /// The system stores them when it likes, usually within half a minute.
    InMemory,
}

/// A complete output, which gets its name by [`name_all`].
#[must_use = "an output gets its name by `name_all`"]
pub struct Complete {
    /// The name of the output in messages.
    pub(crate) name: String,
    /// The file or folder under its temporary name, and its final name; `None` for a stream.
    pub(crate) unnamed: Option<Unnamed>,
    pub(crate) durability: Durability,
}

/// A file or folder that waits for its name.
pub(crate) struct Unnamed {
    pub(crate) unfinished: Unfinished,
    pub(crate) target: PathBuf,
    /// For a folder: what it replaces.
    pub(crate) folder: Option<ReplacedFolder>,
    /// The file that loses the name, if none gets it.
    pub(crate) removed: Option<File>,
}

/// A folder that a new one may replace.
#[derive(Debug)]
pub(crate) struct ReplacedFolder {
    /// Whether there was such a folder.
    pub(crate) exists: bool,
    /// The plain files that were in it, the only ones that are deleted.
    pub(crate) files: BTreeSet<PathBuf>,
}

/// A name that was given, and how to take it back.
enum Named {
    /// Nothing had the name.
    New,
    /// What had the name has the temporary one now; it is locked, as unfinished outputs are.
    Exchanged { _lock: Option<File> },
    /// What had the name has this one now, or this one too.
    Saved(TempPath),
    /// The file that was to lose the name has it no more.
    Gone,
}

/// Gives outputs their names, the first one last, so that a program that waits for it finds the others
/// there. A signal does not stop the program meanwhile.
///
/// # Errors
///
/// The error of the operating system; then all names have what they had before.
pub fn name_all(outputs: Vec<Complete>) -> Result<(), IoError> {
    let mut waiting: Vec<(String, Unnamed)> = Vec::new();
    let mut folders = BTreeSet::new();
    for Complete { name, unnamed, durability } in outputs.into_iter().rev() {
        let Some(unnamed) = unnamed else { continue };
        if durability == Durability::OnDisk {
            folders.insert(folder(&unnamed.target).to_owned());
        }
        waiting.push((name, unnamed));
    }
    sync_folders(&folders)?;
    let mut register = register();
    let mut named = Vec::new();
    let mut places = BTreeSet::new();
    let mut outcome = Ok(());
    for (name, unnamed) in &waiting {
        // Two spellings may be one name, as in upper and lower case on most disks of Macs. The second
        // output would replace the first one.
        if place(&unnamed.target).is_some_and(|place| places.contains(&place)) {
            outcome = Err(IoError::Refused(format!(
                "{name}: cannot be given its name: another output of this run has it, in another \
                 spelling; give each output its own name"
            )));
            break;
        }
        match give(unnamed) {
            Ok(how) => {
                named.push(how);
                places.extend(place(&unnamed.target));
            }
            Err(error) => {
                outcome = Err(IoError::system(format!("{name}: cannot be given its name"))(error));
                break;
            }
        }
    }
    let outcome = outcome.and_then(|()| sync_folders(&folders));
    let mut kept = Vec::new();
    match &outcome {
        Ok(()) => register.is_done = true,
        Err(_) => {
            for ((_, unnamed), how) in waiting.iter().zip(&named).rev() {
                if let Err(error) = take_back(unnamed, how) {
                    kept.push((unnamed.target.clone(), error));
                }
            }
        }
    }
    drop(register);
    match outcome {
        Ok(()) => {
            for ((_, unnamed), how) in waiting.into_iter().zip(named) {
                unnamed.clear(how);
            }
            Ok(())
        }
        Err(error) if kept.is_empty() => Err(error),
        Err(error) => {
            // What could not be put back stays where it is.
            let mut places = Vec::new();
            for (_, mut unnamed) in waiting {
                if kept.iter().any(|(target, _)| *target == unnamed.target) {
                    places.push(unnamed.unfinished.path().display().to_string());
                    unnamed.unfinished.keep();
                }
            }
            let places = places.join(", ");
            Err(IoError::Refused(format!(
                "{}; what was there before could not be put back and is in {places}",
                with_cause(&error)
            )))
        }
    }
}

/// Returns device and number of what has a name.
fn place(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|it| (it.dev(), it.ino()))
}

/// Returns a message with its cause.
fn with_cause(error: &IoError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Gives an output its name.
fn give(unnamed: &Unnamed) -> io::Result<Named> {
    let (from, to) = (unnamed.unfinished.path(), unnamed.target.as_path());
    if let Some(old) = &unnamed.folder {
        return give_folder(from, to, old);
    }
    if let Some(removed) = &unnamed.removed {
        let removed = removed.metadata()?;
        // Another file may have the name by now. It stays.
        if place(to) != Some((removed.dev(), removed.ino())) {
            return Ok(Named::Gone);
        }
        return second_name(to, |place| fs::rename(to, place)).map(Named::Saved);
    }
    match system::rename_to_free(from, to) {
        Ok(Renamed::Done) => return Ok(Named::New),
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(Renamed::NotOffered) if fs::symlink_metadata(to).is_err() => {
            fs::rename(from, to)?;
            return Ok(Named::New);
        }
        Ok(Renamed::NotOffered) | Err(_) => {}
    }
    if !fs::symlink_metadata(to)?.is_file() {
        return Err(io::Error::other("something else has this name now"));
    }
    let lock = locked(to);
    match system::exchange(from, to)? {
        Renamed::Done => Ok(Named::Exchanged { _lock: lock }),
        Renamed::NotOffered => replace_in_steps(from, to),
    }
}

/// Gives a file the name of another one where the two cannot be exchanged at once.
fn replace_in_steps(from: &Path, to: &Path) -> io::Result<Named> {
    // A second name for the old file; where a file has one name only, another one.
    let saved = second_name(to, |place| fs::hard_link(to, place))
        .or_else(|_| second_name(to, |place| fs::rename(to, place)))?;
    match fs::rename(from, to) {
        Ok(()) => Ok(Named::Saved(saved)),
        Err(error) => {
            // It is there again, or still.
            fs::rename(&saved, to)?;
            Err(error)
        }
    }
}

/// Returns the lock of a file or folder, if it can be had: other runs then leave it alone under its
/// temporary name.
fn locked(path: &Path) -> Option<File> {
    File::open(path).ok().filter(|file| file.try_lock().is_ok())
}

/// Gives a file a second name in its folder, which `give` makes.
fn second_name(file: &Path, give: impl FnMut(&Path) -> io::Result<()>) -> io::Result<TempPath> {
    let named = tempfile::Builder::new().prefix(".bm-old-").make_in(folder(file), give)?;
    Ok(named.into_temp_path())
}

/// Gives a folder its name.
fn give_folder(from: &Path, to: &Path, old: &ReplacedFolder) -> io::Result<Named> {
    if !old.exists {
        return match system::rename_to_free(from, to)? {
            Renamed::Done => Ok(Named::New),
            // Renaming a folder fails where something else than an empty folder has the name.
            Renamed::NotOffered => fs::rename(from, to).map(|()| Named::New),
        };
    }
    if files_of(to)? != old.files {
        return Err(io::Error::other("its content has changed since the run began"));
    }
    let lock = locked(to);
    match system::exchange(from, to)? {
        Renamed::Done if files_of(from).is_ok_and(|files| files == old.files) => {
            Ok(Named::Exchanged { _lock: lock })
        }
        // Something came between.
        Renamed::Done => {
            system::exchange(from, to)?;
            Err(io::Error::other("its content has changed since the run began"))
        }
        Renamed::NotOffered if old.files.is_empty() => fs::rename(from, to).map(|()| Named::New),
        Renamed::NotOffered => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Takes a name back.
fn take_back(unnamed: &Unnamed, how: &Named) -> io::Result<()> {
    let (from, to) = (unnamed.unfinished.path(), unnamed.target.as_path());
    match how {
        Named::New => fs::rename(to, from),
        Named::Exchanged { .. } => system::exchange(from, to).map(drop),
        Named::Saved(saved) => fs::rename(saved, to),
        Named::Gone => Ok(()),
    }
}

/// Returns the names in a folder.
///
/// # Errors
///
/// If one is something else than a plain file, or the error of the operating system.
pub(crate) fn files_of(folder: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            let name = entry.file_name();
            return Err(io::Error::other(format!("{} in it is no plain file", name.display())));
        }
        files.insert(entry.file_name().into());
    }
    Ok(files)
}

impl Unnamed {
    /// Removes what had the name before.
    fn clear(mut self, how: Named) {
        match (how, &self.folder) {
            (Named::New, _) => self.unfinished.keep(),
            (Named::Exchanged { .. }, None) => {}
            (Named::Exchanged { .. }, Some(old)) => {
                let folder = self.unfinished.path().to_owned();
                for file in &old.files {
                    let _ = fs::remove_file(folder.join(file));
                }
                let is_empty = fs::remove_dir(&folder).is_ok();
                self.unfinished.keep();
                if !is_empty {
                    // Somebody who had the folder open put something into it.
                    let mut name = self.target.clone().into_os_string();
                    name.push(".old");
                    let _ = system::rename_to_free(&folder, Path::new(&name));
                }
            }
            // Nothing was written, and the file under the temporary name goes.
            (Named::Saved(_) | Named::Gone, _) if self.removed.is_some() => {}
            // The other name of the old file goes with `how`.
            (Named::Saved(_) | Named::Gone, _) => self.unfinished.keep(),
        }
    }
}

/// Asks the system to store names in folders.
fn sync_folders(folders: &BTreeSet<PathBuf>) -> Result<(), IoError> {
    for folder in folders {
        // A folder whose names may not be read cannot be opened.
        let Ok(file) = File::open(folder) else { continue };
        let what = format!("{}: cannot be stored on the disk", folder.display());
        sync(&file).map_err(IoError::system(what))?;
    }
    Ok(())
}

/// Asks the system to store a file; a stream is not stored.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, ReadOnlyFilesystem, Unsupported};
    let outcome = match file.sync_all() {
        // There, the standard library asks the disk itself (F_FULLFSYNC), which disks on a network and
        // others do not offer. They may know the usual call.
        Err(_) if cfg!(target_vendor = "apple") => rustix::fs::fsync(file).map_err(io::Error::from),
        outcome => outcome,
    };
    match outcome {
        Err(error) if matches!(error.kind(), InvalidInput | ReadOnlyFilesystem | Unsupported) => {
            Ok(())
        }
        outcome => outcome,
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A linked folder stands for a file system on which two spellings are one name.
    #[test]
    fn an_output_does_not_replace_another_one_of_the_run() {
        let root = tempfile::tempdir().unwrap();
        let [folder, link] = ["folder", "link"].map(|name| root.path().join(name));
        fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        fs::write(folder.join("kept"), "old").unwrap();
        let output = |place: &Path, text: &str| {
            let (mut file, unfinished) = Unfinished::file(&folder, 0o666).unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
            let target = place.join("kept");
            let unnamed = Unnamed { unfinished, target, folder: None, removed: None };
            let durability = Durability::InMemory;
            Complete { name: text.to_owned(), unnamed: Some(unnamed), durability }
        };
        let error = name_all(vec![output(&folder, "one"), output(&link, "other")]).unwrap_err();
        assert!(error.to_string().contains("another output of this run has it"), "{error}");
        assert_eq!(fs::read_to_string(folder.join("kept")).unwrap(), "old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    /// Where files cannot be exchanged at once, too, the old one comes back.
    #[test]
    fn a_name_given_in_steps_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["new", "reads"].map(|name| folder.path().join(name));
        let names = || fs::read_dir(folder.path()).unwrap().count();
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        let named = replace_in_steps(&from, &to).unwrap();
        assert_eq!((fs::read_to_string(&to).unwrap().as_str(), names()), ("new", 2));
        let Named::Saved(saved) = &named else { panic!("not saved") };
        fs::rename(saved, &to).unwrap();
        assert_eq!((fs::read_to_string(&to).unwrap().as_str(), names()), ("old", 1));
        drop(named);
        assert_eq!(names(), 1);
        // The new file is not there.
        assert!(replace_in_steps(&from, &to).is_err());
        assert_eq!((fs::read_to_string(&to).unwrap().as_str(), names()), ("old", 1));
    }
}
