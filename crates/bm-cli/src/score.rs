//! `bm score`: a row a read.

use std::fmt;
use std::io::Write;

use anyhow::{Context, Result};

use crate::args::ScoreArgs;
use crate::judge::Job;
use crate::output::{self, Output};

/// A table, and whether the model fills the column `expected_errors`.
struct Table {
    output: Output,
    counts_errors: bool,
}

/// Writes the table. Names and order of the columns are a contract.
pub(crate) fn run(args: &ScoreArgs) -> Result<()> {
    output::refuse_twins([Some(&args.output), args.judge.report.as_ref()])?;
    let compression = args.judge.compression();
    let output = Output::create(&args.output, &[&args.judge.input.path], &compression)?;
    let job = Job { command: "score", args: &args.judge, output: output.name(), compression: &compression };
    job.run(
        |facts| {
            let mut table = Table { output, counts_errors: facts.counts_errors() };
            let errors = if table.counts_errors { "\texpected_errors" } else { "" };
            table.write(format_args!("read\tlength\tprobability{errors}\tverdict\n"))?;
            Ok(table)
        },
        |table, record, prediction, verdict| {
            let name = record.name();
            table.output.write_all(name).with_context(|| table.output.name())?;
            let probability = Number(prediction.probability().map(|p| p.get()));
            let length = record.sequence.len();
            if table.counts_errors {
                let errors = Number(prediction.expected_errors());
                table.write(format_args!("\t{length}\t{probability}\t{errors}\t{verdict}\n"))
            } else {
                table.write(format_args!("\t{length}\t{probability}\t{verdict}\n"))
            }
        },
        |table| table.output.finish(),
    )
}

impl Table {
    fn write(&mut self, text: fmt::Arguments<'_>) -> Result<()> {
        self.output.write_fmt(text).with_context(|| self.output.name())
    }
}

/// A number as tables show it: the shortest text that reads back as the same one, `nan` where there is none.
struct Number(Option<f32>);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("nan"),
        }
    }
}
