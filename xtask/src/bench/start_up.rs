//! Start-up times of programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::cases::median_and_spread;

/// Runs of each command per round: the commands are short.
const RUNS_PER_ROUND: u32 = 10;

/// One read of 36 bases.
const ONE_READ: &str =
    "@r\nACGTACGTACGTACGTACGTACGTACGTACGTACGT\n+\nIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII\n";

/// Runs the programs in turns and returns the medians, in milliseconds.
///
/// # Errors
/// When a program fails, or its input cannot be written.
pub(super) fn run(
    programs: &[(String, PathBuf)],
    rounds: u32,
    folder: &Path,
) -> Result<Vec<Value>> {
    let input = folder.join("one.fastq");
    fs::write(&input, ONE_READ).with_context(|| input.display().to_string())?;
    let input_name = input.to_string_lossy().into_owned();
    let commands: [(&str, Vec<&str>); 2] = [
        ("--version", vec!["--version"]),
        ("filter, one read", vec!["filter", &input_name, "-o", "-", "-q"]),
    ];
    let mut cases: Vec<_> = programs
        .iter()
        .flat_map(|program| commands.iter().map(move |command| (program, command, Vec::new())))
        .collect();
    for _ in 0..rounds * RUNS_PER_ROUND {
        for ((_, program), (_, arguments), times) in &mut cases {
            let start = Instant::now();
            let status = Command::new(program)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .status();
            times.push(1e3 * start.elapsed().as_secs_f64());
            ensure!(
                status.with_context(|| program.display().to_string())?.success(),
                "{} failed",
                program.display()
            );
        }
    }
    fs::remove_file(&input).with_context(|| input.display().to_string())?;
    let mut all = Vec::new();
    for ((who, _), (what, _), times) in cases {
        let (median, spread) = median_and_spread(times);
        all.push(
            json!({ "who": who, "what": what, "wall_ms_median": median, "wall_ms_spread": spread }),
        );
    }
    Ok(all)
}
