//! What is left behind when somebody stops the program: nothing.
//!
//! Outputs are written under names of their own until they are complete. On SIGINT, SIGTERM or
//! SIGHUP these files are removed, so that neither a part nor its remains are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a shell reports of a program that was interrupted.
const EXIT_CODE: i32 = 130;

/// Files and folders that are not complete.
static PARTS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A file or folder that is removed if the program is stopped, as long as this is there.
pub(crate) struct Part(PathBuf);

impl Part {
    pub(crate) fn new(path: &Path) -> Self {
        // A name that is relative to a folder stays right: the program does not change its folder.
        parts().insert(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        parts().remove(&self.0);
    }
}

/// Has what is not complete removed when the program is stopped.
pub fn clean_up_on_signals() {
    // Without it, an interrupted run leaves a hidden file behind: no reason not to run.
    let _ = ctrlc::set_handler(|| {
        // It stays locked: nothing is given its name any more.
        let parts = parts();
        for part in parts.iter() {
            let _ = if part.is_dir() { fs::remove_dir_all(part) } else { fs::remove_file(part) };
        }
        process::exit(EXIT_CODE);
    });
}

fn parts() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    PARTS.lock().unwrap_or_else(PoisonError::into_inner)
}
