//! `bm score`: a table with a row per read.

use std::path::PathBuf;

use anyhow::Result;
use bm_io::refuse_twins;
use bm_pipeline::{Column, RunSettings, Score};
use bm_report::words;

use crate::options::criteria::CriteriaArgs;
use crate::options::engine::EngineArgs;
use crate::options::input::InputArgs;
use crate::options::learning::LearningArgs;
use crate::options::reports::ReportArgs;
use crate::options::rules::RulesArgs;
use crate::options::running::{CompressionArgs, RunArgs};
use crate::progress::TerminalObserver;
use crate::terminal;

/// Write a table with a row per read: its scores, and what becomes of it
///
/// Tab-separated, with one header line, or Parquet. Rows are in input order; those of two mates
/// follow each other. A read without bases, or with nothing but N, cannot be scored: its verdict is
/// unscored, and its scores are nan.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
pub(crate) struct Args {
    /// Where the table goes; - is stdout. Parquet if the name ends in .parquet, with null for
    /// missing numbers
    #[arg(short, long, value_name = "FILE", default_value = "-", help_heading = "Outputs")]
    output: PathBuf,
    #[command(flatten)]
    reports: ReportArgs,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    criteria: CriteriaArgs,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    learning: LearningArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    compression: CompressionArgs,
}

/// Returns the list of columns and an example.
fn after_help() -> String {
    let mut text = "Columns:\n".to_owned();
    for column in Column::ALL {
        let (name, description) = (column.name(), column.description());
        let condition = match column.condition() {
            "" => String::new(),
            condition => format!(" ({condition})"),
        };
        text += &format!("  {name:<22} {description}{condition}\n");
    }
    text + "\nExample: bm score reads.fastq.gz -o scores.tsv"
}

impl Args {
    /// Scores the reads and writes the reports.
    pub(crate) fn run(&self) -> Result<()> {
        let score = self.score();
        refuse_twins([Some(&self.output)].into_iter().chain(self.reports.paths()))?;
        let reports = self.reports.create(&score.settings.files(), self.compression.level)?;
        let finished = score.run(&TerminalObserver::new(self.run.quiet))?;
        let inputs = score.settings.inputs.paths();
        let (report, reports) = reports.write("score", finished.done(), &inputs)?;
        finished.commit_with(reports)?;
        if !self.run.quiet {
            terminal::note(&words::summary(&report));
        }
        Ok(())
    }

    fn score(&self) -> Score {
        let settings = RunSettings {
            inputs: self.input.inputs(),
            engine: self.engine.choice(),
            scores: None,
            learning_bytes: self.learning.bytes(),
            criteria: self.criteria.criteria(),
            rules: self.rules.rules(),
            pair_mode: self.input.pair_mode(),
            threads: self.run.threads(),
            level: self.compression.level,
            surveys: self.reports.needs_survey(),
        };
        Score { settings, output: self.output.clone() }
    }
}
