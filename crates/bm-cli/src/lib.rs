//! What the binary `bm` does, as one function: for programs that run it without a process of its
//! own, such as the fuzzer.
//!
//! Who wants scores in a program wants [`bm_quality`].

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

pub use crate::interrupted::clean_up_on_signals;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

/// Runs `bm` with `arguments`, of which the first is the program's name, and returns its exit code:
/// 0, or 1 after a line on stderr that says what is wrong.
///
/// Arguments that are not understood, and those that ask for help, end the process with what clap
/// prints.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if version::is_asked_for(arguments.iter().cloned()) {
        return ended(version::run());
    }
    let cli = Cli::parse_from(arguments);
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
            // One line, whatever the names in it are.
            terminal::note(&format!("bm: {error:#}").replace('\n', "\\n"));
            ExitCode::FAILURE
        }
    }
}

/// Whoever reads our output may have seen enough: `bm … | head` is not a failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
