//! `cargo xtask endure`: runs `bm filter` on a stream much larger than memory, and every engine on ten
//! thousand damaged model packages.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use crate::step::{self, Step};
use crate::workspace::{SAMPLE_READS, Workspace};
use crate::{fetch_runtime, folder, print, process, provenance};

/// Path of the kept results.
const RESULTS: &str = "research/robustness/results/endurance.json";

/// Bytes per gigabyte.
const GIGABYTE: u64 = 1_000_000_000;

/// Options of `cargo xtask endure`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Gigabytes of FASTQ text in each stream
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(2..))]
    gigabytes: u64,
    /// Number of damaged packages of each kind
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    mutants: u32,
    /// Keep the result in research/robustness/results
    #[arg(long)]
    keep: bool,
}

/// `cargo xtask endure`.
///
/// # Errors
/// When `bm` fails, loses a read or needs more memory the longer it runs, or when a damaged package
/// makes a test fail.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = workspace.scratch()?.join("endure");
    folder::make(&folder)?;
    let bm = workspace.build_bm()?;
    let block = sample(workspace)?;
    let (mut plain, mut compressed) = (Value::Null, Value::Null);
    let mut mutants = Vec::new();
    let steps = vec![
        Step::new(format!("{} GB, plain to plain", options.gigabytes), || {
            plain = stream(&bm, &block, options.gigabytes, "/dev/null", &folder)?;
            Ok(())
        }),
        Step::new(format!("{} GB, plain to gzip", options.gigabytes), || {
            let null = folder.join("null.fastq.gz");
            link_to_null(&null)?;
            compressed = stream(&bm, &block, options.gigabytes, &null.to_string_lossy(), &folder)?;
            Ok(())
        }),
        Step::new(format!("{} mutants of each kind", options.mutants), || {
            let mut command = workspace.cargo(&[
                "test",
                "--package",
                "bm-quality",
                "--all-features",
                "--test",
                "it",
                "mutants",
            ]);
            command
                .args(["--", "--nocapture", "--test-threads", "1"])
                .env("BM_MUTANTS", options.mutants.to_string());
            if fetch_runtime::configure(workspace, &mut command)? {
                command.env("BM_REQUIRE_ORT", "1");
            }
            process::watched(&mut command, |line| {
                mutants.extend(line.contains(" mutants of ").then(|| line.trim().to_owned()))
            })?;
            ensure!(!mutants.is_empty(), "no test reported mutants");
            Ok(())
        }),
    ];
    step::run_all("endure", steps)?;
    let result = json!({
        "format": 1,
        "provenance": provenance::of(workspace)?,
        "streams": [plain, compressed],
        "mutants": mutants,
    });
    let path =
        if options.keep { workspace.root.join(RESULTS) } else { folder.join("endurance.json") };
    fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&result)?))
        .with_context(|| path.display().to_string())?;
    print::wrote(&path);
    Ok(())
}

/// Links `/dev/null` to a name whose extension makes `bm` compress.
#[cfg(unix)]
fn link_to_null(name: &Path) -> Result<()> {
    if !name.exists() {
        std::os::unix::fs::symlink("/dev/null", name)
            .with_context(|| name.display().to_string())?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn link_to_null(_: &Path) -> Result<()> {
    anyhow::bail!("memory can be measured on Linux only")
}

/// Returns the text and the number of the sample reads.
fn sample(workspace: &Workspace) -> Result<(Vec<u8>, u64)> {
    let path = workspace.root.join(SAMPLE_READS);
    let mut text = Vec::new();
    let file = fs::File::open(&path).with_context(|| path.display().to_string())?;
    MultiGzDecoder::new(file).read_to_end(&mut text).with_context(|| path.display().to_string())?;
    let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
    ensure!(lines > 0 && lines.is_multiple_of(4), "{} has no whole records", path.display());
    Ok((text, lines / 4))
}

/// Pipes `gigabytes` of repeated blocks into `bm filter`, and measures its memory.
fn stream(
    bm: &Path,
    (block, reads): &(Vec<u8>, u64),
    gigabytes: u64,
    output: &str,
    folder: &Path,
) -> Result<Value> {
    let report = folder.join("report.json");
    let began = Instant::now();
    let mut child = Command::new(bm)
        .args(["filter", "-", "-q", "-j", "2", "-o", output, "--discarded", output, "--report"])
        .arg(&report)
        .stdin(Stdio::piped())
        .spawn()
        .context("bm filter")?;
    let mut stdin = child.stdin.take().context("no pipe to bm")?;
    let (mut written, mut blocks) = (0, 0);
    // Peak memory in kB after each gigabyte.
    let mut peaks = Vec::new();
    while written < gigabytes * GIGABYTE {
        stdin.write_all(block).context("bm filter closed its input")?;
        written += block.len() as u64;
        blocks += 1;
        if written / GIGABYTE > peaks.len() as u64 {
            peaks.push(peak(child.id())?);
        }
    }
    drop(stdin);
    ensure!(child.wait()?.success(), "bm filter failed after {written} bytes");
    let wall = began.elapsed().as_secs_f64();
    let text = fs::read_to_string(&report).with_context(|| report.display().to_string())?;
    let counts = serde_json::from_str::<Value>(&text)?["reads"].clone();
    let count =
        |key: &str| counts[key].as_u64().with_context(|| format!("the report has no count {key}"));
    let accounted = count("kept")? + count("discarded")? + count("unscored")?;
    ensure!(
        count("in")? == blocks * reads && accounted == blocks * reads,
        "{} reads went in, {counts} came out",
        blocks * reads
    );
    let (first, last) =
        (peaks.first().copied().unwrap_or_default(), peaks.last().copied().unwrap_or_default());
    // The allocator may keep a little more memory over time.
    ensure!(
        last <= first + first / 4 + 4_000,
        "{first} kB after the first gigabyte, {last} kB after the last"
    );
    Ok(json!({
        "command": format!("bm filter - -q -j 2 -o {0} --discarded {0} --report report.json", if output == "/dev/null" { output } else { "null.fastq.gz" }),
        "bytes": written,
        "reads": counts,
        "wall_s": (wall * 10.0).round() / 10.0,
        "peak_kb_after_first_gigabyte": first,
        "peak_kb": last,
    }))
}

/// Returns the peak memory of a process in kB, on Linux.
fn peak(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path)
        .with_context(|| format!("{path}: memory can be measured on Linux only"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .with_context(|| format!("{path} has no VmHWM"))?;
    line.trim().trim_end_matches(" kB").parse().with_context(|| format!("{path}: {line}"))
}
