//! `bm score`: a row a read.

use std::io::Write;

use anyhow::{Context, Result};

use crate::args::ScoreArgs;
use crate::judge::Job;
use crate::output::{self, Output};

/// Names of the columns; they are a contract.
const HEADER: &str = "read\tlength\tprobability\tverdict\n";

/// Writes the table.
pub(crate) fn run(args: &ScoreArgs) -> Result<()> {
    output::refuse_twins([Some(&args.output), args.judge.report.as_ref()])?;
    let mut table = Output::create(&args.output, &[&args.judge.input.path])?;
    table.write_all(HEADER.as_bytes()).with_context(|| table.name())?;
    let job = Job { command: "score", args: &args.judge, output: table.name() };
    job.run(
        table,
        |table, record, prediction, verdict| {
            // `{}` of an f32 is the shortest text that reads back as the same number.
            let probability = prediction.probability().map_or(f32::NAN, |p| p.get());
            let probability = if probability.is_nan() { "nan".to_owned() } else { probability.to_string() };
            table
                .write_all(record.name())
                .and_then(|()| writeln!(table, "\t{}\t{probability}\t{verdict}", record.sequence.len()))
                .with_context(|| table.name())
        },
        Output::finish,
    )
}
