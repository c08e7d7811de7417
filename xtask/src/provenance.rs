//! The provenance of a measured result: commit, program, input, machine.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::Result;
use serde_json::{Value, json};

use crate::workspace::{SAMPLE_READS, Workspace};
use crate::{digest, process};

/// Returns the provenance of a result, so that it can be reproduced.
///
/// # Errors
/// When `bm` cannot be built or run.
pub(crate) fn of(workspace: &Workspace) -> Result<Value> {
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").current_dir(&workspace.root).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let rustc = process::stdout(Command::new("rustc").arg("--version"))?;
    let bm = workspace.build_bm()?;
    Ok(json!({
        "commit": git(&["rev-parse", "HEAD"]),
        "uncommitted_changes": git(&["status", "--porcelain"]).map(|changes| !changes.is_empty()),
        "bm": process::stdout(Command::new(&bm).arg("--version"))?.trim(),
        "bm_sha256": digest::of_file(&bm)?,
        "input": SAMPLE_READS,
        "input_sha256": digest::of_file(&workspace.root.join(SAMPLE_READS))?,
        "rustc": rustc.trim(),
        "os": OS,
        "arch": ARCH,
        "cpu": cpu_model(),
        "threads": thread::available_parallelism().map_or(1, usize::from),
    }))
}

/// Returns the name of the processor, if the system gives it.
fn cpu_model() -> Option<String> {
    if OS == "macos" {
        let output =
            Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]).output().ok()?;
        return Some(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
