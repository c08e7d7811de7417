//! Removes incomplete outputs when the program is stopped.
//!
//! Outputs have temporary names until they are complete. On SIGINT, SIGTERM or SIGHUP these files
//! are removed.

use std::collections::BTreeSet;
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

/// The exit code that shells use for an interrupted program.
const EXIT_CODE: i32 = 130;

/// Files and folders that are not complete yet.
static PARTS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A file or folder that is removed if the program is stopped while this value lives.
pub(crate) struct Part(PathBuf);

impl Part {
    pub(crate) fn new(path: &Path) -> Self {
        // A relative name stays valid: the program does not change its working folder.
        parts().insert(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        parts().remove(&self.0);
    }
}

/// Removes incomplete outputs when the program is stopped by a signal, and then exits with 130.
pub fn clean_up_on_signals() {
    // Without a handler, an interrupted run leaves a hidden file behind, which is no reason to
    // fail.
    let _ = ctrlc::set_handler(|| {
        // The lock is never released, so no output gets its name from here on.
        let parts = parts();
        remove(&parts);
        process::exit(EXIT_CODE);
    });
}

/// Removes incomplete outputs when the program ends at once, for want of memory. The calling thread
/// may hold any lock, so it waits for none for long.
pub fn remove_unfinished() {
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        let parts = match PARTS.try_lock() {
            Ok(parts) => parts,
            Err(TryLockError::Poisoned(parts)) => parts.into_inner(),
            Err(TryLockError::WouldBlock) => {
                thread::sleep(Duration::from_millis(5));
                continue;
            }
        };
        remove(&parts);
        // The lock is never released, so no output gets its name from here on.
        mem::forget(parts);
        return;
    }
}

fn remove(parts: &BTreeSet<PathBuf>) {
    for part in parts {
        let _ = if part.is_dir() { fs::remove_dir_all(part) } else { fs::remove_file(part) };
    }
}

fn parts() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    PARTS.lock().unwrap_or_else(PoisonError::into_inner)
}
