//! Locks, so that two runs do not create the same folder in `target/xtask` at the same time.

use std::fs::File;

use anyhow::{Context, Result};

use crate::print;
use crate::workspace::Workspace;

/// Returns the lock `name`, which is held until it is dropped; waits for another process that holds it.
///
/// # Errors
/// When the lock file cannot be created or locked.
pub(crate) fn take(workspace: &Workspace, name: &str) -> Result<File> {
    let path = workspace.scratch()?.join(format!("{name}.lock"));
    let file = File::create(&path).with_context(|| path.display().to_string())?;
    if file.try_lock().is_err() {
        print::note(format_args!("waiting for another xtask, which holds the lock {name}"));
        file.lock().with_context(|| path.display().to_string())?;
    }
    Ok(file)
}
