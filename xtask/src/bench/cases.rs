//! Runs whole programs that do the same work.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::peers;
use crate::process;
use crate::python::{self, Environment};
use crate::workspace::{SAMPLE_READS, Workspace};

/// Number of reads of the input, the repeated sample: enough for a run of about a second, so that
/// start-up is negligible.
pub(super) const READS: usize = 1_000_000;

/// A result is noisy if its spread exceeds this fraction of the median.
const NOISE: f64 = 0.10;

/// Runs one command and prints its seconds and its peak memory. Neither std nor Python on Windows knows
/// the peak memory of a child, so there it is null. The kernel counts in KiB on Linux, in bytes on
/// macOS, and starts from the memory of the parent, a Python process of about 15 MB.
const TIMED: &str = r"
import json, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
wall = time.perf_counter() - start
try:
    import resource
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = use.ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
    cpu = use.ru_utime + use.ru_stime
except ImportError:
    peak, cpu = None, None
print(json.dumps({'wall_s': wall, 'cpu_s': cpu, 'peak_bytes': peak}))
sys.exit(code)
";

/// One run.
#[derive(Clone, Deserialize, Serialize)]
struct Run {
    wall_s: f64,
    cpu_s: Option<f64>,
    peak_bytes: Option<u64>,
}

/// One program doing one kind of work.
pub(super) struct Case {
    /// The work of all programs in the group.
    work: Work,
    who: String,
    command: Vec<String>,
    output: PathBuf,
    runs: Vec<Run>,
    sizes: Option<Sizes>,
}

/// How large an output is.
#[derive(Clone, Copy)]
struct Sizes {
    /// In the file.
    bytes: u64,
    /// Its text; `None` for what is not gzip.
    text: Option<u64>,
}

impl Sizes {
    fn of(path: &Path) -> Result<Self> {
        let at = || path.display().to_string();
        let bytes = fs::metadata(path).with_context(at)?.len();
        let text = if path.extension().is_some_and(|extension| extension == "gz") {
            let file = BufReader::new(File::open(path).with_context(at)?);
            Some(io::copy(&mut MultiGzDecoder::new(file), &mut io::sink()).with_context(at)?)
        } else {
            None
        };
        Ok(Self { bytes, text })
    }
}

/// The work to be done with the reads.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Work {
    task: Task,
    gzip: bool,
    threads: usize,
}

/// What becomes of the reads.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Task {
    Filter,
    /// Trimmed, then filtered.
    Trim,
    Score,
}

impl Work {
    fn name(self) -> String {
        let format = if self.gzip { "gzip" } else { "plain" };
        let (output, trimmed) = match self.task {
            Task::Filter => (format, ""),
            Task::Trim => (format, ", trimmed"),
            Task::Score => ("scores", ""),
        };
        format!(
            "{format} to {output}{trimmed}, {} thread{}",
            self.threads,
            if self.threads == 1 { "" } else { "s" }
        )
    }
}

/// The same network as `mean-q20`, run from Python.
const SCRIPT: &str = "research/neural-engine/script_peer.py";
/// Its model.
const SCRIPT_MODEL: &str = "models/mean-q20/model.onnx";

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Runs every case `rounds` times, in turns, so that a busy machine affects all of them.
///
/// # Errors
/// When a program fails, or an input cannot be written.
pub(super) fn run(
    workspace: &Workspace,
    programs: &[(String, PathBuf)],
    rounds: u32,
    folder: &Path,
) -> Result<Vec<Case>> {
    let (plain, gzip) = inputs(workspace, folder)?;
    let peers = peers::all(workspace);
    let python = python::ensure(workspace, Environment::Peer)?;
    let mut cases = Vec::new();
    let tasks =
        [(Task::Filter, true), (Task::Filter, false), (Task::Trim, true), (Task::Score, false)];
    for (task, is_gzip) in tasks {
        for threads in [1, 2] {
            let work = Work { task, gzip: is_gzip, threads };
            let writes_gzip = is_gzip && task != Task::Score;
            let input = if is_gzip { &gzip } else { &plain }.to_string_lossy().into_owned();
            let output = folder.join(if writes_gzip { "kept.fastq.gz" } else { "kept" });
            let (into, threads) = (output.to_string_lossy().into_owned(), threads.to_string());
            let mut add = |who: String, command: Vec<String>, output: PathBuf| {
                cases.push(Case { work, who, command, output, runs: Vec::new(), sizes: None });
            };
            for (name, program) in programs {
                let job = if task == Task::Score { "score" } else { "filter" };
                let program = program.to_string_lossy();
                let fixed = [&program, job, &input, "-o", &into, "-j", &threads, "-q"];
                let fixed =
                    [&fixed[..], if task == Task::Trim { &["--trim"] } else { &[] }].concat();
                let with = |more: &[&str]| words(&[&fixed[..], more].concat());
                let level = if writes_gzip { ", level 1" } else { "" };
                add(format!("{name}{level}"), with(&[]), output.clone());
                if name != "bm" {
                    continue;
                }
                if task != Task::Trim {
                    add("bm -m mean-q20".to_owned(), with(&["-m", "mean-q20"]), output.clone());
                }
                if task == Task::Filter {
                    // What it costs to wait until the output is on the disk.
                    add("bm --no-sync".to_owned(), with(&["--no-sync"]), output.clone());
                }
                if task == Task::Filter && is_gzip {
                    // As small as the outputs of the others.
                    for level in ["3", "6"] {
                        add(
                            format!("bm, level {level}"),
                            with(&["--level", level]),
                            output.clone(),
                        );
                    }
                    let zstd = folder.join("kept.fastq.zst");
                    let into = zstd.to_string_lossy().into_owned();
                    let to_zstd = [&program, job, &input, "-o", &into, "-j", &threads, "-q"];
                    add("bm, output zstd".to_owned(), words(&to_zstd), zstd);
                }
            }
            for peer in &peers {
                let command = match task {
                    Task::Filter => peer.filter(&input, &into, &threads),
                    Task::Trim => peer.trim(&input, &into, &threads),
                    Task::Score => None,
                };
                if let Some(command) = command {
                    add(peer.title(writes_gzip), command, peer.output(&output));
                }
            }
            if task == Task::Score {
                let [script, model] = [SCRIPT, SCRIPT_MODEL]
                    .map(|path| workspace.root.join(path).to_string_lossy().into_owned());
                let python = python.to_string_lossy().into_owned();
                let command =
                    [&python, &script, "--model", &model, "--threads", &threads, &input, &into];
                add("Python script, mean-q20".to_owned(), words(&command), output.clone());
            }
        }
    }
    // One round to warm up.
    for round in 0..=rounds {
        for case in &mut cases {
            // What other programs wrote would be stored while a program waits for its own output.
            Command::new("sync").status().context("sync")?;
            let run = timed(&case.command)
                .with_context(|| format!("{}: {}", case.who, case.work.name()))?;
            match round {
                0 => case.sizes = Some(Sizes::of(&case.output)?),
                _ => case.runs.push(run),
            }
        }
    }
    let outputs: HashSet<_> = cases.iter().map(|case| &case.output).collect();
    for path in [&plain, &gzip].into_iter().chain(outputs) {
        fs::remove_file(path).with_context(|| path.display().to_string())?;
    }
    Ok(cases)
}

fn timed(command: &[String]) -> Result<Run> {
    let text = process::stdout(Command::new(python::find()?).args(["-c", TIMED]).args(command))?;
    serde_json::from_str(&text).context("the timing script's line")
}

/// Writes the sample, repeated to [`READS`] reads, as plain text and as gzip; concatenated gzip files
/// are one gzip file.
fn inputs(workspace: &Workspace, folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let sample = workspace.root.join(SAMPLE_READS);
    let decompress = "import gzip, shutil, sys; shutil.copyfileobj(gzip.open(sys.argv[1]), open(sys.argv[2], 'wb'))";
    let one = folder.join("sample.fastq");
    process::kept(Command::new(python::find()?).args(["-c", decompress]).arg(&sample).arg(&one))?;
    let lines = fs::read(&one)?.iter().filter(|&&byte| byte == b'\n').count();
    ensure!(
        lines > 0 && lines % 4 == 0 && READS.is_multiple_of(lines / 4),
        "{SAMPLE_READS} does not go into {READS} reads"
    );
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

impl Case {
    /// Returns the medians and the spread of the runs.
    pub(super) fn summary(&self) -> Value {
        let (wall, spread) = median_and_spread(self.runs.iter().map(|run| run.wall_s).collect());
        let cpu: Option<Vec<f64>> = self.runs.iter().map(|run| run.cpu_s).collect();
        let cpu = cpu.map(|cpu| median_and_spread(cpu).0);
        json!({
            "work": self.work.name(),
            "who": self.who,
            "runs": self.runs,
            "wall_s_median": wall,
            "wall_s_spread": spread,
            "cpu_s_median": cpu,
            "reads_per_cpu_s": cpu.map(|cpu| READS as f64 / cpu),
            "peak_bytes": self.runs.iter().filter_map(|run| run.peak_bytes).max(),
            "output_bytes": self.sizes.map(|sizes| sizes.bytes),
            // How small the text became: programs keep different reads.
            "compressed_to": self.sizes.and_then(|it| Some(it.bytes as f64 / it.text? as f64)),
            "noisy": spread > NOISE * wall,
        })
    }
}

/// Returns the median of at least one value, and the difference of the highest and the lowest.
pub(super) fn median_and_spread(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    };
    (median, values[values.len() - 1] - values[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_has_the_median_the_spread_and_the_highest_peak() {
        let runs = [(3.0, 4.0, Some(5)), (1.0, 2.0, Some(9)), (2.0, 2.5, None)];
        let runs =
            runs.map(|(wall_s, cpu_s, peak_bytes)| Run { wall_s, cpu_s: Some(cpu_s), peak_bytes });
        let work = Work { task: Task::Filter, gzip: true, threads: 2 };
        let case = Case {
            work,
            who: "w".into(),
            command: Vec::new(),
            output: PathBuf::new(),
            runs: runs.into(),
            sizes: Some(Sizes { bytes: 7, text: Some(28) }),
        };
        let summary = case.summary();
        assert_eq!(summary["work"], "gzip to gzip, 2 threads");
        assert_eq!(
            (summary["wall_s_median"].as_f64(), summary["wall_s_spread"].as_f64()),
            (Some(2.0), Some(2.0))
        );
        assert_eq!(summary["reads_per_cpu_s"], 400_000.0);
        assert_eq!(summary["peak_bytes"], 9);
        assert_eq!(summary["compressed_to"], 0.25);
        assert_eq!(summary["noisy"], true);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median_and_spread(vec![9.0, 1.0, 4.0, 2.0]), (3.0, 8.0));
        assert_eq!(median_and_spread(vec![7.0]), (7.0, 0.0));
    }
}
