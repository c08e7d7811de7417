//! One at a time: two runs that both want to make the same thing under `target/xtask` wait for each
//! other.

use std::fs::File;

use anyhow::{Context, Result};

use crate::print;
use crate::workspace::Workspace;

/// Holds the lock `name` until it is dropped; waits for another process that holds it.
///
/// # Errors
/// When the lock file cannot be made or locked.
pub(crate) fn take(workspace: &Workspace, name: &str) -> Result<File> {
    let path = workspace.scratch()?.join(format!("{name}.lock"));
    let file = File::create(&path).with_context(|| path.display().to_string())?;
    if file.try_lock().is_err() {
        print::note(format_args!("waiting for another xtask that is busy with {name}"));
        file.lock().with_context(|| path.display().to_string())?;
    }
    Ok(file)
}
