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
    /// Whether the k-mers of the run testify: whether there are the columns about that.
    has_evidence: bool,
}

/// Writes the table. Names and order of the columns are a contract.
pub(crate) fn run(args: &ScoreArgs) -> Result<()> {
    output::refuse_twins([Some(&args.output), args.judge.report.as_ref()])?;
    let compression = args.judge.compression();
    let output = Output::create(&args.output, &[&args.judge.input.path], &compression)?;
    let job = Job { command: "score", args: &args.judge, output: output.name(), compression: &compression };
    job.run(
        |package| {
            let (counts_errors, has_evidence) = (package.facts().counts_errors(), package.has_evidence());
            let mut table = Table { output, counts_errors, has_evidence };
            let errors = if counts_errors { "\texpected_errors" } else { "" };
            let evidence = if has_evidence { "\texpected_errors_prior\tevaluable" } else { "" };
            table.write(format_args!("read\tlength\tprobability{errors}{evidence}\tverdict\n"))?;
            Ok(table)
        },
        |table, record, prediction, verdict| {
            let name = record.name();
            table.output.write_all(name).with_context(|| table.output.name())?;
            let probability = Number(prediction.probability().map(|p| p.get()));
            let length = record.sequence.len();
            table.write(format_args!("\t{length}\t{probability}"))?;
            if table.counts_errors {
                table.write(format_args!("\t{}", Number(prediction.expected_errors())))?;
            }
            if table.has_evidence {
                let testimony = prediction.testimony();
                let prior = Number(testimony.map(|testimony| testimony.expected_errors_prior));
                let evaluable = Number(testimony.map(|testimony| testimony.evaluable));
                table.write(format_args!("\t{prior}\t{evaluable}"))?;
            }
            table.write(format_args!("\t{verdict}\n"))
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
