//! Folders: what is in them, and making them empty.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The entries of a folder, sorted.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
    };
    let mut paths = read().with_context(|| folder.display().to_string())?;
    paths.sort();
    Ok(paths)
}

/// Makes a folder, and those above it, unless it is there.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())
}

/// Removes a folder and all that is in it, if it is there.
///
/// # Errors
/// When it cannot be removed.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    Ok(())
}

/// Leaves a folder that is there and empty.
///
/// # Errors
/// When it cannot be removed or made.
pub(crate) fn clear(folder: &Path) -> Result<()> {
    remove(folder)?;
    make(folder)
}
