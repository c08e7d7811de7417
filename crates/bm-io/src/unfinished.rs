//! Files and folders under temporary names: outputs that are not complete yet.
//!
//! They are removed when they are dropped, when the program is stopped, and, if it was killed, by the
//! next run that writes to the same folder. Each one is locked while its run lives, so a run can tell
//! which ones nobody needs any more.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::mem;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use tempfile::{TempDir, TempPath};

use crate::system;

/// How the names of unfinished outputs begin and end.
const PREFIX: &str = ".bm-";
const SUFFIX: &str = ".partial";

/// How often a new folder is made where another run removes it before it is locked.
const ATTEMPTS: usize = 8;

/// What is known of the unfinished outputs of this process.
#[derive(Default)]
pub(crate) struct Register {
    /// Outputs that have a temporary name.
    paths: BTreeSet<PathBuf>,
    /// Folders in which those of dead runs were looked for.
    swept: BTreeSet<PathBuf>,
    /// Whether outputs have got their names, so that the run is done.
    pub(crate) is_done: bool,
}

static REGISTER: Mutex<Register> =
    Mutex::new(Register { paths: BTreeSet::new(), swept: BTreeSet::new(), is_done: false });

/// The part of a name that only runs since the last start of this system have. A lock of another
/// machine on a file system of both may not be visible here.
static BOOT: LazyLock<Option<String>> = LazyLock::new(system::boot);

/// Returns the register. While it is locked, the program is not stopped by a signal: the thread that
/// ends it needs the lock.
pub(crate) fn register() -> MutexGuard<'static, Register> {
    REGISTER.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Register {
    /// Removes all unfinished outputs.
    pub(crate) fn remove_all(&self) {
        for path in &self.paths {
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

/// Removes the unfinished outputs of this process when the program ends at once, for want of memory.
/// The calling thread may hold any lock, so it waits for none for long.
pub fn remove_unfinished() {
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        let register = match REGISTER.try_lock() {
            Ok(register) => register,
            Err(TryLockError::Poisoned(register)) => register.into_inner(),
            Err(TryLockError::WouldBlock) => {
                thread::sleep(Duration::from_millis(5));
                continue;
            }
        };
        register.remove_all();
        // The lock is never released, so no output gets its name from here on.
        mem::forget(register);
        return;
    }
}

/// A file or folder under a temporary name, removed when it is dropped.
pub(crate) struct Unfinished {
    path: PathBuf,
    temporary: Option<Temporary>,
    /// Locked while this lives; `None` where files cannot be locked.
    _lock: Option<File>,
}

enum Temporary {
    File(TempPath),
    Folder(TempDir),
}

impl Unfinished {
    /// Makes an empty file in `folder`; `mode` are its permissions, less those that the user's mask
    /// takes away.
    pub(crate) fn file(folder: &Path, mode: u32) -> io::Result<(File, Self)> {
        // The register is locked until the file is in it, so that a signal cannot miss the file.
        let mut register = register();
        register.sweep(folder);
        let open = |place: &Path| {
            let options =
                File::options().read(true).write(true).create_new(true).mode(mode).open(place)?;
            lock(options)
        };
        let ((file, lock), path) = named(|builder| builder.make_in(folder, open))?.into_parts();
        register.paths.insert(path.to_path_buf());
        let unfinished =
            Self { path: path.to_path_buf(), temporary: Some(Temporary::File(path)), _lock: lock };
        Ok((file, unfinished))
    }

    /// Makes an empty folder in `parent`.
    pub(crate) fn folder(parent: &Path) -> io::Result<Self> {
        let mut register = register();
        register.sweep(parent);
        for _ in 0..ATTEMPTS {
            let folder = named(|builder| builder.tempdir_in(parent))?;
            let locked = File::open(folder.path()).and_then(lock);
            // Another run took the folder for one of a dead run before it was locked.
            let Ok((_, lock)) = locked else { continue };
            register.paths.insert(folder.path().to_owned());
            return Ok(Self {
                path: folder.path().to_owned(),
                temporary: Some(Temporary::Folder(folder)),
                _lock: lock,
            });
        }
        Err(io::Error::other("its folder cannot be locked"))
    }

    /// Returns the temporary name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves what is under the temporary name alone.
    pub(crate) fn keep(&mut self) {
        match self.temporary.take() {
            // This fails nowhere but on Windows.
            Some(Temporary::File(path)) => drop(path.keep()),
            Some(Temporary::Folder(folder)) => drop(folder.keep()),
            None => {}
        }
        register().paths.remove(&self.path);
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        drop(self.temporary.take());
        register().paths.remove(&self.path);
    }
}

/// Calls `make` with the pattern of names.
fn named<T>(make: impl FnOnce(&tempfile::Builder<'_, '_>) -> io::Result<T>) -> io::Result<T> {
    let prefix = match &*BOOT {
        Some(boot) => format!("{PREFIX}{boot}-"),
        None => PREFIX.to_owned(),
    };
    make(tempfile::Builder::new().prefix(&prefix).suffix(SUFFIX))
}

/// Locks a new file or folder; returns it and a second handle that keeps the lock.
fn lock(file: File) -> io::Result<(File, Option<File>)> {
    let lock = file.try_clone()?;
    match lock.try_lock() {
        // Another run took the file for one of a dead run before it was locked.
        Ok(()) if file.metadata()?.nlink() == 0 => Err(io::ErrorKind::AlreadyExists.into()),
        Ok(()) => Ok((file, Some(lock))),
        Err(fs::TryLockError::WouldBlock) => Err(io::ErrorKind::AlreadyExists.into()),
        // A file system without locks.
        Err(fs::TryLockError::Error(_)) => Ok((file, None)),
    }
}

impl Register {
    /// Removes what runs that were killed left in `folder`, once per process.
    fn sweep(&mut self, folder: &Path) {
        let Some(boot) = &*BOOT else { return };
        if !self.swept.insert(folder.to_owned()) {
            return;
        }
        let prefix = format!("{PREFIX}{boot}-");
        let is_unfinished = |name: &str| name.starts_with(&prefix) && name.ends_with(SUFFIX);
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(is_unfinished) {
                // A file that cannot be removed is no reason to fail.
                let _ = remove_if_dead(&entry.path());
            }
        }
    }
}

/// Removes an unfinished output of this user whose run does not live any more.
fn remove_if_dead(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if !is_ours || !(metadata.is_file() || metadata.is_dir()) {
        return Ok(());
    }
    let file = File::open(path)?;
    let is_same =
        |other: &fs::Metadata| (other.dev(), other.ino()) == (metadata.dev(), metadata.ino());
    if file.try_lock().is_err() || !is_same(&file.metadata()?) {
        return Ok(());
    }
    if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
