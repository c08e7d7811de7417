//! `cargo xtask bench`: the criterion benchmarks, then whole programs on a million real reads: `bm`, and
//! other filters if they are installed, in turns.

mod cases;
mod peers;
mod start_up;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use self::cases::{Case, READS};
use crate::step::{self, Step};
use crate::workspace::Workspace;
use crate::{fetch_runtime, folder, print, process, provenance};

/// Path of the kept results (JSON) and of their table (Markdown), without the extension.
const RESULTS: &str = "research/neural-engine/results/speed";

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave out the criterion benchmarks
    #[arg(long)]
    end_to_end_only: bool,
    /// Number of runs of each whole program; the programs take turns
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Also measure the `bm` of this git revision, built in a work tree of its own
    #[arg(long, value_name = "REV")]
    compare: Option<String>,
    /// Keep the result in research/neural-engine/results, and update its table and that of README.md
    #[arg(long)]
    keep: bool,
    /// Also print the result as JSON
    #[arg(long)]
    json: bool,
}

/// `cargo xtask bench`.
///
/// # Errors
/// When a benchmark fails or the result cannot be written.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = workspace.scratch()?.join("bench");
    folder::make(&folder)?;
    let mut groups = Vec::new();
    let mut start_up = Vec::new();
    let mut programs = Vec::new();
    let mut steps = Vec::new();
    let start = SystemTime::now();
    if !options.end_to_end_only {
        steps.push(Step::new("criterion", || {
            // `--bench *`: the benchmarks alone, without the unit tests of programs.
            let mut command =
                workspace.cargo(&["bench", "--workspace", "--all-features", "--bench", "*"]);
            fetch_runtime::configure(workspace, &mut command)?;
            process::shown(&mut command)
        }));
    }
    steps.push(Step::new("release build of bm", || {
        programs.push(("bm".to_owned(), workspace.build_bm()?));
        if let Some(revision) = &options.compare {
            programs
                .push((format!("bm {revision}"), other_revision(workspace, revision, &folder)?));
        }
        Ok(())
    }));
    step::run_all("bench", steps)?;
    step::run_all(
        "bench",
        vec![Step::new("whole programs", || {
            start_up = start_up::run(&programs, options.rounds, &folder)?;
            groups = cases::run(workspace, &programs, options.rounds, &folder)?;
            Ok(())
        })],
    )?;

    let result = json!({
        "format": 5,
        "provenance": provenance::of(workspace)?,
        "criterion": criterion_results(&workspace.target.join("criterion"), start)?,
        "reads": READS,
        "rounds": options.rounds,
        "start_up": start_up,
        "cases": groups.iter().map(Case::summary).collect::<Vec<_>>(),
    });
    let table = table::markdown(&result);
    print::note(&table);
    let text = format!("{}\n", serde_json::to_string_pretty(&result)?);
    let kept = workspace.root.join(RESULTS);
    let path = if options.keep { kept.with_extension("json") } else { folder.join("speed.json") };
    fs::write(&path, &text).with_context(|| path.display().to_string())?;
    print::wrote(&path);
    if options.keep {
        let path = kept.with_extension("md");
        fs::write(&path, table).with_context(|| path.display().to_string())?;
        print::wrote(&path);
        let path = workspace.root.join("README.md");
        let readme = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let readme = table::in_readme(&readme, &result)
            .context("README.md has no place for the table of speeds")?;
        fs::write(&path, readme).with_context(|| path.display().to_string())?;
        print::wrote(&path);
    }
    if options.json {
        print::result(text.trim_end());
    }
    Ok(())
}

/// Builds the `bm` of another revision, in folders that are kept for the next time.
fn other_revision(workspace: &Workspace, revision: &str, folder: &Path) -> Result<PathBuf> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(&workspace.root).args(arguments);
        command
    };
    let commit =
        process::stdout(&mut git(&["rev-parse", "--verify", &format!("{revision}^{{commit}}")]))?;
    let tree = folder.join("other");
    let path = tree.to_string_lossy().into_owned();
    if !tree.is_dir() {
        process::kept(&mut git(&["worktree", "add", "--detach", "--force", &path, commit.trim()]))?;
    }
    process::kept(&mut git(&["-C", &path, "checkout", "--detach", "--force", commit.trim()]))?;
    let target = folder.join("other-target");
    let mut build = workspace.cargo(&["build", "--release", "--bin", "bm", "--target-dir"]);
    process::shown(build.arg(&target).current_dir(&tree))?;
    Ok(target.join("release").join(format!("bm{}", std::env::consts::EXE_SUFFIX)))
}

/// Returns the results of all criterion benchmarks that ran since `start`, by name.
fn criterion_results(folder: &Path, start: SystemTime) -> Result<BTreeMap<String, Value>> {
    let mut results = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(results);
    }
    for path in folder::entries(folder)? {
        if path.is_dir() {
            results.extend(criterion_results(&path, start)?);
        }
    }
    let estimates = folder.join("estimates.json");
    let is_new = folder.file_name().is_some_and(|name| name == "new");
    if is_new && estimates.is_file() && estimates.metadata()?.modified()? >= start {
        let read = |path: &Path| -> Result<Value> {
            Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
        };
        let benchmark = read(&folder.join("benchmark.json"))?;
        let median = read(&estimates)?["median"]["point_estimate"].as_f64().context("no median")?;
        let name = benchmark["full_id"].as_str().unwrap_or_default().to_owned();
        results.insert(
            name,
            json!({ "ns_median": median, "elements": benchmark["throughput"]["Elements"] }),
        );
    }
    Ok(results)
}
