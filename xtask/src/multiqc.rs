//! Tests that MultiQC shows the counts that `bm filter --multiqc` writes.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::python::{self, Environment};
use crate::step::Step;
use crate::workspace::{SAMPLE_READS, Workspace};
use crate::{folder, process};

/// A file name that a page would run if it were not escaped: MultiQC does not escape names of samples.
const HOSTILE: &str = "<img src=x onerror=alert(1)>.fastq.gz";

/// The step of `cargo xtask ci`.
pub(crate) fn step(workspace: &Workspace) -> Step<'_> {
    Step::new("MultiQC shows the counts of bm", || check(workspace))
}

/// Filters the sample, runs MultiQC, and compares the table behind its plot with the report of bm.
fn check(workspace: &Workspace) -> Result<()> {
    let python = python::ensure(workspace, Environment::MultiQc)?;
    let scratch = workspace.scratch()?.join("multiqc");
    folder::remove(&scratch)?;
    folder::make(&scratch)?;
    let (report, ours) = (scratch.join("report.json"), scratch.join("sample_mqc.json"));
    let reads = scratch.join(if cfg!(windows) { "sample.fastq.gz" } else { HOSTILE });
    fs::copy(workspace.root.join(SAMPLE_READS), &reads).context("copying the sample")?;
    let mut filter = Command::new(workspace.build_bm()?);
    filter.arg("filter").arg(&reads).args(["-q", "-o", "-", "--min-complexity", "0.85"]);
    process::stdout(filter.arg("--report").arg(&report).arg("--multiqc").arg(&ours))?;
    let mut multiqc = Command::new(&python);
    multiqc
        .args(["-m", "multiqc", "--quiet", "--no-version-check", "--outdir"])
        .arg(&scratch)
        .arg(&ours);
    process::kept(&mut multiqc)?;

    let page =
        fs::read_to_string(scratch.join("multiqc_report.html")).context("MultiQC's report")?;
    ensure!(page.contains("bm: reads kept"), "MultiQC's report has no section of bm");
    let table = fs::read_to_string(scratch.join("multiqc_data/multiqc_bm_reads_plot.txt"))
        .context("MultiQC's table")?;
    ensure!(!table.contains('<'), "MultiQC's table has a tag from the name of a file");
    let report: Value = serde_json::from_str(&fs::read_to_string(&report)?)?;
    compare(&table, &report)
}

/// Compares the table of MultiQC, one column per bar, with the report.
fn compare(table: &str, report: &Value) -> Result<()> {
    let mut lines = table.lines().map(|line| line.split('\t'));
    let (names, values) = (
        lines.next().context("an empty table")?,
        lines.next().context("a table without a sample")?,
    );
    let mut bars = 0;
    for (name, value) in names.zip(values).skip(1) {
        let expected =
            if name == "kept" { &report["reads"]["kept"] } else { &report["reasons"][name] };
        let value: f64 = value.parse().with_context(|| format!("{name}: {value}"))?;
        ensure!(
            expected.as_f64() == Some(value),
            "{name}: MultiQC shows {value}, the report has {expected}"
        );
        bars += 1;
    }
    let reasons = report["reasons"].as_object().context("a report without reasons")?.len();
    ensure!(bars == reasons + 1, "MultiQC shows {bars} bars, the report has {reasons} reasons");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_or_missing_bar_is_an_error() {
        let report = json!({"reads": {"kept": 90}, "reasons": {"threshold": 10}});
        assert!(compare("Sample\tkept\tthreshold\nx\t90\t10\n", &report).is_ok());
        assert!(compare("Sample\tkept\tthreshold\nx\t90\t10.0\n", &report).is_ok());
        for wrong in [
            "Sample\tkept\tthreshold\nx\t90\t11\n",
            "Sample\tkept\nx\t90\n",
            "Sample\tkept\n",
            "Sample\tkept\tmate\nx\t90\t0\n",
        ] {
            assert!(compare(wrong, &report).is_err(), "{wrong}");
        }
    }
}
