//! `bm tune`: the reads that each threshold keeps, from scores.

use std::path::PathBuf;

use anyhow::Result;
use bm_io::{Output, Tasks, finish_all, refuse_twins};
use bm_pipeline::{Goal, RetentionCurve, RetentionPoint, ScoreTable};
use bm_report::TunePage;

use crate::options::goal::GoalArgs;
use crate::options::input::StrictArgs;
use crate::options::running::WritingArgs;
use crate::terminal;

/// Fractions of the reads that the table shows.
const FRACTIONS: [f64; 17] =
    [1.0, 0.99, 0.98, 0.97, 0.96, 0.95, 0.925, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];

/// Show what each threshold keeps, from the table of `bm score`
///
/// One row for each fraction of the reads: the threshold that keeps it, reads and bases, the errors
/// that the model expects in them, the same per million bases, the fraction of all expected errors
/// that is removed, how many kept reads the model expects to be bad, and the fraction of bad reads
/// that is removed. For pairs, bad ones are pairs, and the threshold is that of --pair joint.
///
/// Long reads, and reads of which many have probability 1, are ranked by expected errors per base: the
/// limit is then max_ee_rate, for bm filter --max-ee-rate.
///
/// With --keep-fraction or --target-bases, the one row of the threshold that reaches it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bm score reads.fastq.gz -o scores.tsv.gz
  bm tune scores.tsv.gz --html scores.html
  bm filter reads.fastq.gz --scores scores.tsv.gz --keep-fraction 0.9 -o kept.fastq.gz")]
pub(crate) struct Args {
    /// Tables of `bm score`, read as one; - is stdin
    #[arg(value_name = "TABLE", required = true)]
    inputs: Vec<PathBuf>,
    /// Where the rows go, with tabs between the columns; - is stdout, aligned if it is a terminal
    #[arg(short, long, value_name = "FILE", default_value = "-", help_heading = "Outputs")]
    output: PathBuf,
    /// Write a page with a figure, to open in a browser or to print; one file that loads nothing
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    html: Option<PathBuf>,
    #[command(flatten)]
    goal: GoalArgs,
    #[command(flatten)]
    strict: StrictArgs,
    #[command(flatten)]
    writing: WritingArgs,
    /// No summary
    #[arg(short, long, help_heading = "Running")]
    quiet: bool,
}

impl Args {
    /// Returns the outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.output).chain(&self.html)
    }

    /// Writes the table, and the page.
    pub(crate) fn run(&self) -> Result<()> {
        refuse_twins(self.outputs())?;
        let inputs: Vec<_> = self.inputs.iter().map(AsRef::as_ref).collect();
        let compression = self.writing.on_this_thread();
        let create = |path| Output::create(path, &inputs, &compression);
        let mut output = create(&self.output)?;
        let mut html = self.html.as_deref().map(create).transpose()?;
        let tasks = Tasks::for_workers(0);
        let open = |path: &PathBuf| ScoreTable::open(path, &tasks);
        let mut tables = self.inputs.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        tables.iter().try_for_each(|table| self.strict.check(table.end()))?;
        let curve = RetentionCurve::of(&mut tables)?;
        tables.iter().for_each(|table| self.strict.warn(table.end()));
        let chosen = self.goal.goal().map(|goal| curve.at(goal));
        let mut points: Vec<RetentionPoint> = match chosen {
            Some(point) => vec![point],
            None => FRACTIONS.iter().map(|it| curve.at(Goal::Fraction(*it))).collect(),
        };
        // If many reads are equally good, several fractions have the same threshold.
        points.dedup_by_key(|point| point.reads);
        output.write_text(terminal::table(&table(&curve, &points), &self.output).as_bytes())?;
        if let Some(html) = &mut html {
            let page = TunePage { inputs: &inputs, curve: &curve, rows: &points, chosen };
            page.write(html)?;
        }
        finish_all(
            [Some(output), html].into_iter().flatten().collect(),
            self.writing.durability(),
        )?;
        if !self.quiet {
            terminal::note(&summary(&curve, chosen));
        }
        Ok(())
    }
}

/// Returns a row per threshold. Names and order of the columns are a contract.
fn table(curve: &RetentionCurve, points: &[RetentionPoint]) -> String {
    let all = curve.all();
    let errors =
        if curve.counts_errors() { "\texpected_errors\terrors_per_mb\terrors_removed" } else { "" };
    let units = curve.units();
    let column = if curve.ranks_by_rate() { "max_ee_rate" } else { "threshold" };
    let mut text =
        format!("kept\t{column}\treads\tbases{errors}\tbad_{units}\tbad_{units}_caught\n");
    for point in points {
        let fraction = |part: f64, all: f64| if all > 0.0 { part / all } else { f64::NAN };
        text += &format!(
            "{:.4}\t{}\t{}\t{}",
            fraction(point.reads as f64, curve.reads() as f64),
            limit(point),
            point.reads,
            point.bases
        );
        if curve.counts_errors() {
            let per_mb = fraction(point.expected_errors, point.bases as f64 / 1e6);
            let removed = 1.0 - fraction(point.expected_errors, all.expected_errors);
            text += &format!("\t{:.1}\t{per_mb:.1}\t{removed:.4}", point.expected_errors);
        }
        text += &format!("\t{:.1}\t{:.4}\n", point.bad, 1.0 - fraction(point.bad, all.bad));
    }
    text.replace("NaN", "nan")
}

/// Returns the limit of a point: an expected error rate where that ranks the reads, otherwise a
/// probability.
fn limit(point: &RetentionPoint) -> String {
    point.max_error_rate.map_or_else(|| point.threshold.to_string(), |rate| rate.to_string())
}

/// Returns the explanation of the table, or the result of the chosen threshold.
fn summary(curve: &RetentionCurve, chosen: Option<RetentionPoint>) -> String {
    let units = curve.units();
    let total = curve.reads() / curve.reads_per_unit();
    let by_rate = curve.ranks_by_rate();
    match chosen {
        Some(point) => format!(
            "{} of {total} {units} with {} bases are kept at {} {}",
            point.reads / curve.reads_per_unit(),
            point.bases,
            if by_rate { "--max-ee-rate" } else { "-t" },
            limit(&point)
        ),
        None if by_rate => format!(
            "{total} {units}, ranked by expected errors per base: probabilities do not rank long reads, \
             nor reads of which many have probability 1. Use a limit with bm filter --max-ee-rate; with \
             --scores the reads are not scored again"
        ),
        None => format!(
            "{total} {units}; errors and bad {units} are those that the model expects. Use a \
             threshold with bm filter -t; with --scores the reads are not scored again"
        ),
    }
}
