//! Runs whole programs that do the same work.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
    output_bytes: u64,
}

/// The work to be done with the reads.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Work {
    /// Whether the reads are filtered; otherwise they are scored.
    filter: bool,
    gzip: bool,
    threads: usize,
}

impl Work {
    fn name(self) -> String {
        let format = if self.gzip { "gzip" } else { "plain" };
        let output = if self.filter { format } else { "scores" };
        format!(
            "{format} to {output}, {} thread{}",
            self.threads,
            if self.threads == 1 { "" } else { "s" }
        )
    }
}

/// Another filter, if it is installed.
struct Peer {
    name: &'static str,
    version: &'static str,
    /// Returns the arguments for input, output and number of threads.
    filter: fn(&str, &str, &str) -> Vec<String>,
}

/// The same network as `mean-q20`, run from Python.
const SCRIPT: &str = "research/neural-engine/script_peer.py";
/// Its model.
const SCRIPT_MODEL: &str = "models/mean-q20/model.onnx";

/// The other filters. They filter by mean quality 20, except cutadapt, which filters by expected errors.
/// All their other work is switched off.
const PEERS: [Peer; 3] = [
    Peer {
        name: "fastp",
        version: "--version",
        filter: |input, output, threads| {
            let fixed = ["-A", "-G", "-Q", "-L", "-j", "/dev/null", "-h", "/dev/null"];
            words(&[&["-i", input, "-o", output, "-e", "20", "-w", threads], &fixed[..]].concat())
        },
    },
    Peer {
        name: "seqkit",
        version: "version",
        filter: |input, output, threads| {
            words(&["seq", "-Q", "20", "-j", threads, input, "-o", output])
        },
    },
    Peer {
        name: "cutadapt",
        version: "--version",
        filter: |input, output, threads| {
            words(&["--max-expected-errors", "1", "-j", threads, "-o", output, input])
        },
    },
];

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
    let peers: Vec<_> = PEERS.iter().filter_map(|peer| Some((peer, version(peer)?))).collect();
    let python = python::ensure(workspace, Environment::Peer)?;
    let mut cases = Vec::new();
    for (filter, is_gzip) in [(true, true), (true, false), (false, true)] {
        for threads in [1, 2] {
            let work = Work { filter, gzip: is_gzip, threads };
            let input = if is_gzip { &gzip } else { &plain }.to_string_lossy().into_owned();
            let output = folder.join(if is_gzip && filter { "kept.fastq.gz" } else { "kept" });
            let (into, threads) = (output.to_string_lossy().into_owned(), threads.to_string());
            let mut add = |who: String, program: &Path, arguments: Vec<String>, output: &Path| {
                let command = [vec![program.to_string_lossy().into_owned()], arguments].concat();
                cases.push(Case {
                    work,
                    who,
                    command,
                    output: output.to_owned(),
                    runs: Vec::new(),
                    output_bytes: 0,
                });
            };
            let job = if filter { "filter" } else { "score" };
            for (name, program) in programs {
                let arguments = words(&[job, &input, "-o", &into, "-j", &threads, "-q"]);
                add(name.clone(), program, arguments.clone(), &output);
                if name == "bm" {
                    add(
                        "bm -m mean-q20".to_owned(),
                        program,
                        [arguments.clone(), words(&["-m", "mean-q20"])].concat(),
                        &output,
                    );
                    if filter {
                        // What it costs to wait until the output is on the disk.
                        add(
                            "bm --no-sync".to_owned(),
                            program,
                            [arguments, words(&["--no-sync"])].concat(),
                            &output,
                        );
                    }
                    if is_gzip && filter {
                        let zstd = folder.join("kept.fastq.zst");
                        let into = zstd.to_string_lossy().into_owned();
                        add(
                            "bm, output zstd".to_owned(),
                            program,
                            words(&[job, &input, "-o", &into, "-j", &threads, "-q"]),
                            &zstd,
                        );
                    }
                }
            }
            if filter {
                for (peer, version) in &peers {
                    let arguments = (peer.filter)(&input, &into, &threads);
                    add(
                        format!("{} {version}", peer.name),
                        Path::new(peer.name),
                        arguments,
                        &output,
                    );
                }
            } else {
                let [script, model] = [SCRIPT, SCRIPT_MODEL]
                    .map(|path| workspace.root.join(path).to_string_lossy().into_owned());
                let arguments =
                    words(&[&script, "--model", &model, "--threads", &threads, &input, &into]);
                add("Python script, mean-q20".to_owned(), &python, arguments, &output);
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
            case.output_bytes = fs::metadata(&case.output)
                .with_context(|| case.output.display().to_string())?
                .len();
            if round > 0 {
                case.runs.push(run);
            }
        }
    }
    let outputs: HashSet<_> = cases.iter().map(|case| &case.output).collect();
    for path in [&plain, &gzip].into_iter().chain(outputs) {
        fs::remove_file(path).with_context(|| path.display().to_string())?;
    }
    Ok(cases)
}

/// Returns the version of a program, `None` if it is not installed.
fn version(peer: &Peer) -> Option<String> {
    let output = Command::new(peer.name).arg(peer.version).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    text.split_whitespace().last().map(|word| word.trim_start_matches('v').to_owned())
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
            "output_bytes": self.output_bytes,
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
        let work = Work { filter: true, gzip: true, threads: 2 };
        let case = Case {
            work,
            who: "w".into(),
            command: Vec::new(),
            output: PathBuf::new(),
            runs: runs.into(),
            output_bytes: 7,
        };
        let summary = case.summary();
        assert_eq!(summary["work"], "gzip to gzip, 2 threads");
        assert_eq!(
            (summary["wall_s_median"].as_f64(), summary["wall_s_spread"].as_f64()),
            (Some(2.0), Some(2.0))
        );
        assert_eq!(summary["reads_per_cpu_s"], 400_000.0);
        assert_eq!(summary["peak_bytes"], 9);
        assert_eq!(summary["noisy"], true);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median_and_spread(vec![9.0, 1.0, 4.0, 2.0]), (3.0, 8.0));
        assert_eq!(median_and_spread(vec![7.0]), (7.0, 0.0));
    }
}
