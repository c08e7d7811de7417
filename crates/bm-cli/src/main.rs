//! `bm`: reads in, good reads out.

mod adapt;
mod args;
mod changes;
mod completions;
mod compress;
mod counting;
mod counts;
mod criteria;
mod curve;
mod decide;
mod decompress;
mod encode;
mod engine;
mod filter;
mod fit;
mod html;
mod inflate;
mod input;
mod interrupted;
mod judge;
mod learn;
mod man;
mod mates;
mod models;
mod multiqc;
mod number;
mod output;
mod package_output;
mod parquet_table;
mod pipeline;
mod progress;
mod reasons;
mod report;
mod rules;
mod score;
mod score_table;
mod selfcheck;
mod source;
mod stages;
mod survey;
mod tally;
mod terminal;
mod truth;
mod tune;
mod version;
mod work;

use std::io;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    if version::is_asked_for(std::env::args_os()) {
        return ended(version::run());
    }
    let cli = Cli::parse();
    interrupted::clean_up_on_signals();
    let outcome = match &cli.command {
        Command::Filter(args) => filter::run(args),
        Command::Score(args) => score::run(args),
        Command::Adapt(args) => adapt::run(args),
        Command::Encode(args) => encode::run(args),
        Command::Models(args) => models::run(args),
        Command::Selfcheck(args) => selfcheck::run(args),
        Command::Truth(args) => truth::run(args),
        Command::Tune(args) => tune::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    };
    ended(outcome)
}

/// Says what went wrong, if something did.
fn ended(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::note(&format!("bm: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whoever reads our output may have seen enough: `bm … | head` is not a failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}
