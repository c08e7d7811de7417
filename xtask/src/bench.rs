//! `cargo xtask bench`: criterion's benchmarks, then `bm filter` end to end on 200,000 real reads.

use std::collections::BTreeMap;
use std::env::consts::{ARCH, OS};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::step::{self, Step};
use crate::workspace::{SAMPLE_READS, Workspace};
use crate::{digest, fetch_runtime, folder, print, process, python};

/// Reads of the end-to-end input: the sample, repeated. Enough that a run is a second or so and start-up does not count.
const READS: usize = 200_000;

/// A spread above this share of the median says that something else was busy.
const NOISE: f64 = 0.10;

/// Runs one command and prints its seconds and its peak memory: neither std nor Windows' Python can tell a child's peak, so
/// there it is null. The kernel counts in KiB on Linux, in bytes on macOS; the count starts at that of the Python
/// process that starts it, about 15 MB.
const TIMED: &str = r"
import json, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL).returncode
wall = time.perf_counter() - start
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
except ImportError:
    peak = None
print(json.dumps({'wall_s': wall, 'peak_bytes': peak}))
sys.exit(code)
";

/// What to measure and how to print it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave out criterion's benchmarks
    #[arg(long)]
    end_to_end_only: bool,
    /// Runs of each end-to-end case; the cases take turns
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print the result as JSON too
    #[arg(long)]
    json: bool,
}

/// One run.
#[derive(Clone, Deserialize, Serialize)]
struct Run {
    wall_s: f64,
    peak_bytes: Option<u64>,
}

/// One way of calling `bm filter`.
struct Case {
    name: String,
    arguments: Vec<String>,
    runs: Vec<Run>,
}

/// `cargo xtask bench`.
///
/// # Errors
/// When a benchmark fails or the result cannot be written.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = workspace.scratch()?.join("bench");
    folder::make(&folder)?;
    let mut cases = Vec::new();
    let mut steps = Vec::new();
    let start = SystemTime::now();
    if !options.end_to_end_only {
        steps.push(Step::new("criterion", || {
            // `--bench *`: the benchmarks alone, without the unit tests of programs.
            let mut command = workspace.cargo(&["bench", "--workspace", "--all-features", "--bench", "*"]);
            fetch_runtime::configure(workspace, &mut command)?;
            process::shown(&mut command)
        }));
    }
    steps.push(Step::new("release build of bm", || workspace.build_bm().map(drop)));
    steps.push(Step::new("bm filter, end to end", || {
        cases = end_to_end(workspace, options.rounds, &folder)?;
        Ok(())
    }));
    step::run_all("bench", steps)?;

    let result = json!({
        "format": 1,
        "provenance": provenance(workspace)?,
        "criterion": criterion_medians(&workspace.target.join("criterion"), start)?,
        "end_to_end": cases.iter().map(summary).collect::<Vec<_>>(),
    });
    for case in result["end_to_end"].as_array().into_iter().flatten() {
        print_case(case);
    }
    let date = process::stdout(Command::new(python::find()?).args(["-c", "import datetime; print(datetime.date.today())"]))?;
    let path = folder.join(format!("{}.json", date.trim()));
    let text = serde_json::to_string_pretty(&result)?;
    fs::write(&path, format!("{text}\n")).with_context(|| path.display().to_string())?;
    if options.json {
        print::result(&text);
    }
    print::wrote(&path);
    Ok(())
}

fn end_to_end(workspace: &Workspace, rounds: u32, folder: &Path) -> Result<Vec<Case>> {
    let bm = workspace.build_bm()?;
    let (plain, gzip) = inputs(workspace, folder)?;
    let kept = folder.join("kept.fastq");
    let all = thread::available_parallelism().map_or(1, usize::from);
    let mut cases = Vec::new();
    for (format, input) in [("plain", &plain), ("gzip", &gzip)] {
        let mut threads = vec![1, all];
        threads.dedup();
        for threads in threads {
            let text = |path: &Path| path.to_string_lossy().into_owned();
            let arguments = ["filter".into(), text(input), "-o".into(), text(&kept), "-j".into(), threads.to_string(), "-q".into()];
            let name = format!("{format} in, plain out, {threads} threads");
            cases.push(Case { name, arguments: arguments.into(), runs: Vec::new() });
        }
    }
    // One round that does not count, then turns: what slows the machine down for a while slows all cases.
    for round in 0..=rounds {
        for case in &mut cases {
            let run = timed(&bm, &case.arguments).with_context(|| case.name.clone())?;
            if round > 0 {
                case.runs.push(run);
            }
        }
    }
    for path in [&plain, &gzip, &kept] {
        fs::remove_file(path).with_context(|| path.display().to_string())?;
    }
    Ok(cases)
}

fn timed(bm: &Path, arguments: &[String]) -> Result<Run> {
    let mut command = Command::new(python::find()?);
    let text = process::stdout(command.args(["-c", TIMED]).arg(bm).args(arguments))?;
    serde_json::from_str(&text).context("the timing script's line")
}

/// The sample repeated to [`READS`] reads, plain and as gzip; a gzip file may consist of many, so repeating it is enough.
fn inputs(workspace: &Workspace, folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let sample = workspace.root.join(SAMPLE_READS);
    let decompress = "import gzip, shutil, sys; shutil.copyfileobj(gzip.open(sys.argv[1]), open(sys.argv[2], 'wb'))";
    let one = folder.join("sample.fastq");
    process::kept(Command::new(python::find()?).args(["-c", decompress]).arg(&sample).arg(&one))?;
    let lines = fs::read(&one)?.iter().filter(|&&byte| byte == b'\n').count();
    ensure!(lines > 0 && lines % 4 == 0 && READS.is_multiple_of(lines / 4), "{SAMPLE_READS} does not go into {READS} reads");
    let times = READS / (lines / 4);
    let repeated = |from: &Path, to: &str| -> Result<PathBuf> {
        let (bytes, path) = (fs::read(from)?, folder.join(to));
        let mut file = File::create(&path)?;
        (0..times).try_for_each(|_| file.write_all(&bytes))?;
        Ok(path)
    };
    let inputs = (repeated(&one, "reads.fastq")?, repeated(&sample, "reads.fastq.gz")?);
    fs::remove_file(one)?;
    Ok(inputs)
}

fn summary(case: &Case) -> Value {
    let mut walls: Vec<_> = case.runs.iter().map(|run| run.wall_s).collect();
    walls.sort_by(f64::total_cmp);
    let median = median(&walls);
    let spread = walls[walls.len() - 1] - walls[0];
    json!({
        "case": case.name,
        "reads": READS,
        "runs": case.runs,
        "wall_s_median": median,
        "wall_s_spread": spread,
        "reads_per_s": READS as f64 / median,
        "peak_bytes": case.runs.iter().filter_map(|run| run.peak_bytes).max(),
        "noisy": spread > NOISE * median,
    })
}

/// The median of a sorted list that is not empty.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

fn print_case(case: &Value) {
    let number = |key: &str| case[key].as_f64().unwrap_or(f64::NAN);
    print::note(format_args!(
        "{}: {:.3} s ± {:.3} (half the range of {} runs), {:.0} reads/s, peak {:.1} MB{}",
        case["case"].as_str().unwrap_or_default(),
        number("wall_s_median"),
        number("wall_s_spread") / 2.0,
        case["runs"].as_array().map_or(0, Vec::len),
        number("reads_per_s"),
        number("peak_bytes") / 1e6,
        if case["noisy"] == true { ", NOISY: was something else busy?" } else { "" },
    ));
}

/// The median of every criterion benchmark that ran since `start`, in nanoseconds, by its full name.
fn criterion_medians(folder: &Path, start: SystemTime) -> Result<BTreeMap<String, f64>> {
    let mut medians = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(medians);
    }
    for path in folder::entries(folder)? {
        if path.is_dir() {
            medians.extend(criterion_medians(&path, start)?);
        }
    }
    let estimates = folder.join("estimates.json");
    let is_new = folder.file_name().is_some_and(|name| name == "new");
    if is_new && estimates.is_file() && estimates.metadata()?.modified()? >= start {
        let read = |path: &Path| -> Result<Value> { Ok(serde_json::from_str(&fs::read_to_string(path)?)?) };
        let name = read(&folder.join("benchmark.json"))?["full_id"].as_str().unwrap_or_default().to_owned();
        let median = read(&estimates)?["median"]["point_estimate"].as_f64().context("no median")?;
        medians.insert(name, median);
    }
    Ok(medians)
}

fn provenance(workspace: &Workspace) -> Result<Value> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").current_dir(&workspace.root).args(arguments).output().ok()?;
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

/// The processor's name as the system gives it, where it does.
fn cpu_model() -> Option<String> {
    if OS == "macos" {
        let output = Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]).output().ok()?;
        return Some(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_summed_up_by_median_range_and_highest_peak() {
        let runs = [(3.0, Some(5)), (1.0, Some(9)), (2.0, None)];
        let runs = runs.map(|(wall_s, peak_bytes)| Run { wall_s, peak_bytes });
        let case = Case { name: "c".into(), arguments: Vec::new(), runs: runs.into() };
        let summary = summary(&case);
        assert_eq!(summary["wall_s_median"], 2.0);
        assert_eq!(summary["wall_s_spread"], 2.0);
        assert_eq!(summary["reads_per_s"], 100_000.0);
        assert_eq!(summary["peak_bytes"], 9);
        assert_eq!(summary["noisy"], true);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), 3.0);
        assert_eq!(median(&[7.0]), 7.0);
    }
}
