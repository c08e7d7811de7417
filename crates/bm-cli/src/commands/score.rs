//! `bm score`: a table with a row per read.

use std::path::PathBuf;

use anyhow::Result;
use bm_io::refuse_twins;
use bm_pipeline::{Column, Score};

use crate::options::input::require_pairs;
use crate::options::scoring::ScoringArgs;
use crate::progress::TerminalObserver;

/// Write a table with a row per read: its scores, and what becomes of it
///
/// Tab-separated, with one header line, or Parquet. Rows are in input order; those of two mates
/// follow each other. A read without bases, or with nothing but N, cannot be scored: its verdict is
/// unscored, and its scores are nan. With --shard, the header line is in the first shard only; a
/// Parquet file of a shard is whole by itself.
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
pub(crate) struct Args {
    /// Where the table goes; - is stdout. Parquet if the name ends in .parquet, with null for
    /// missing numbers
    #[arg(short, long, value_name = "FILE", default_value = "-", help_heading = "Outputs")]
    output: PathBuf,
    #[command(flatten)]
    scoring: ScoringArgs,
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
    /// Returns the outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.output).chain(self.scoring.reports.paths().flatten())
    }

    /// Scores the reads and writes the reports.
    pub(crate) fn run(&self) -> Result<()> {
        let ScoringArgs { reports, run, .. } = &self.scoring;
        let settings = self.scoring.settings(self.scoring.groups()?, None)?;
        require_pairs(&settings.inputs, self.scoring.pair_flag());
        let score = Score { settings, output: self.output.clone() };
        refuse_twins(self.outputs())?;
        let open = reports.create(&score.settings)?;
        let finished = score.run(&TerminalObserver::new(run.quiet))?;
        open.finish("score", finished, &score.settings.inputs, run.quiet).map(drop)
    }
}
