//! Tests that MultiQC shows the counts that `bm filter --multiqc` writes.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

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

/// Checks a run without trimming, and one with.
fn check(workspace: &Workspace) -> Result<()> {
    let python = python::ensure(workspace, Environment::MultiQc)?;
    for flags in [&[][..], &["--trim", "--cut-tail", "1"]] {
        check_run(workspace, &python, flags).with_context(|| flags.join(" "))?;
    }
    check_rows(workspace, &python)
}

/// The mates of the outputs of fastp 0.23.2 and cutadapt 4.2 in `xtask/multiqc`; of the former, the parts
/// that MultiQC's table has.
const MATES: [&str; 2] = ["S1_R1_001.fastq.gz", "S1_R2_001.fastq.gz"];

/// Runs MultiQC on outputs of bm, fastp and cutadapt for the same files, and of bm for others; checks that
/// each sample has one row, with the columns of all programs, and that every section has both samples.
fn check_rows(workspace: &Workspace, python: &Path) -> Result<()> {
    let scratch = workspace.scratch()?.join("multiqc");
    folder::clear(&scratch)?;
    let testdata = workspace.root.join("testdata/hiseq_measles");
    for (mate, name) in MATES.iter().enumerate() {
        let reads = testdata.join(format!("hiseq_measles_{}.fastq.gz", mate + 1));
        fs::copy(reads, scratch.join(name)).context("copying reads")?;
    }
    for file in ["S1.fastp.json", "S1.cutadapt.log"] {
        let from = workspace.root.join("xtask/multiqc").join(file);
        fs::copy(from, scratch.join(file)).with_context(|| format!("copying {file}"))?;
    }
    let sample = workspace.root.join(SAMPLE_READS);
    let bm = workspace.build_bm()?;
    let pair = MATES.map(|name| scratch.join(name));
    for (reads, name) in [(&pair[..], "S1"), (&[sample][..], "T1")] {
        let mut filter = Command::new(&bm);
        filter.args(["filter", "-q", "-o", "-"]).args(reads);
        filter.arg("--multiqc").arg(scratch.join(format!("{name}_mqc.json")));
        process::stdout(&mut filter)?;
    }
    let mut multiqc = Command::new(python);
    multiqc.args(["-m", "multiqc", "--quiet", "--no-version-check", "--outdir"]);
    process::kept(multiqc.arg(&scratch).arg(&scratch))?;
    let data = scratch.join("multiqc_data");
    let read = |name: &str| {
        fs::read_to_string(data.join(name)).with_context(|| format!("MultiQC's table {name}"))
    };
    let table = read("multiqc_general_stats.txt")?;
    let mut rows = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let head = rows.next().context("an empty table")?;
    let rows: Vec<_> = rows.filter(|row| row[0].starts_with("S1")).collect();
    let [row] = &rows[..] else { anyhow::bail!("not one row of the mates: {table}") };
    for program in ["bm_general", "fastp", "cutadapt"] {
        let values = head.iter().zip(row).filter(|(name, _)| name.contains(program));
        let values = values.filter(|(_, value)| !value.is_empty()).count();
        ensure!(values > 0, "the row of the mates has nothing of {program}: {table}");
    }
    for section in ["reads", "quality_before", "quality_after", "expected_quality", "gc", "lengths"]
    {
        let table = read(&format!("multiqc_bm_{section}_plot.txt"))?;
        let (of_mates, others): (Vec<_>, Vec<_>) = (table.lines())
            .filter(|line| !line.starts_with("Sample"))
            .partition(|line| line.starts_with("S1"));
        ensure!(
            !of_mates.is_empty() && !others.is_empty(),
            "{section} has not both samples: {table}"
        );
    }
    Ok(())
}

/// Filters the sample, runs MultiQC, and compares the tables behind its plot with the report of bm.
fn check_run(workspace: &Workspace, python: &Path, flags: &[&str]) -> Result<()> {
    let scratch = workspace.scratch()?.join("multiqc");
    folder::remove(&scratch)?;
    folder::make(&scratch)?;
    let (report, ours) = (scratch.join("report.json"), scratch.join("sample_mqc.json"));
    let reads = scratch.join(if cfg!(windows) { "sample.fastq.gz" } else { HOSTILE });
    fs::copy(workspace.root.join(SAMPLE_READS), &reads).context("copying the sample")?;
    let mut filter = Command::new(workspace.build_bm()?);
    filter.arg("filter").arg(&reads).args(["-q", "-o", "-", "--min-complexity", "0.85"]);
    filter.args(flags);
    process::stdout(filter.arg("--report").arg(&report).arg("--multiqc").arg(&ours))?;
    let mut multiqc = Command::new(python);
    multiqc
        .args(["-m", "multiqc", "--quiet", "--no-version-check", "--outdir"])
        .arg(&scratch)
        .arg(&scratch);
    process::kept(&mut multiqc)?;

    let page =
        fs::read_to_string(scratch.join("multiqc_report.html")).context("MultiQC's report")?;
    let is_there = page.contains("id=\"bm_reads_plot\"") && page.contains("Reads kept");
    ensure!(is_there, "MultiQC's report has no section of bm");
    let table = |name: &str| {
        let table = fs::read_to_string(scratch.join("multiqc_data").join(name))
            .with_context(|| format!("MultiQC's table {name}"))?;
        ensure!(!table.contains('<'), "MultiQC's table has a tag from the name of a file");
        Ok(table)
    };
    let report: Value = serde_json::from_str(&fs::read_to_string(&report)?)?;
    let reasons = report["reasons"].as_object().context("a report without reasons")?;
    compare(&table("multiqc_bm_reads_plot.txt")?, &report["reads"]["kept"], reasons)?;
    if flags.is_empty() {
        return Ok(());
    }
    let mut cut = report["trimmed"]["bases"].as_object().context("nothing was cut")?.clone();
    // Not looked for in this run, and so not shown.
    cut.retain(|name, bases| name != "library" || bases != 0);
    let bases = |part: &Value| part.as_u64().context("a report without bases");
    let kept = &report["bases"]["kept"];
    let mut lost = bases(&report["bases"]["in"])? - bases(kept)?;
    for part in cut.values() {
        lost -= bases(part)?;
    }
    cut.insert("reads not kept".to_owned(), lost.into());
    compare(&table("multiqc_bm_bases_plot.txt")?, kept, &cut)
}

/// Compares a table of MultiQC, one column per bar, with what is kept and what is not.
fn compare(table: &str, kept: &Value, others: &Map<String, Value>) -> Result<()> {
    let mut lines = table.lines().map(|line| line.split('\t'));
    let (names, values) = (
        lines.next().context("an empty table")?,
        lines.next().context("a table without a sample")?,
    );
    let mut bars = 0;
    for (name, value) in names.zip(values).skip(1) {
        let expected = if name == "kept" { kept } else { others.get(name).unwrap_or(&Value::Null) };
        let value: f64 = value.parse().with_context(|| format!("{name}: {value}"))?;
        ensure!(
            expected.as_f64() == Some(value),
            "{name}: MultiQC shows {value}, the report has {expected}"
        );
        bars += 1;
    }
    ensure!(
        bars == others.len() + 1,
        "MultiQC shows {bars} bars, the report has {} beside what is kept",
        others.len()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_or_missing_bar_is_an_error() {
        let reasons = json!({"threshold": 10});
        let compared = |table| compare(table, &json!(90), reasons.as_object().expect("an object"));
        assert!(compared("Sample\tkept\tthreshold\nx\t90\t10\n").is_ok());
        assert!(compared("Sample\tkept\tthreshold\nx\t90\t10.0\n").is_ok());
        for wrong in [
            "Sample\tkept\tthreshold\nx\t90\t11\n",
            "Sample\tkept\nx\t90\n",
            "Sample\tkept\n",
            "Sample\tkept\tmate\nx\t90\t0\n",
        ] {
            assert!(compared(wrong).is_err(), "{wrong}");
        }
    }
}
