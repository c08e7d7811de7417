//! The program `bm` as one function, for callers that run it in their own process, such as a
//! fuzzer.
//!
//! `bm` is the command line of [`bm_pipeline`], which offers the same to Rust programs.

mod cli;
mod commands;
mod options;
mod progress;
mod sheet;
mod terminal;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::Parser;

pub use bm_io::{clean_up_on_signals, note_closed, remove_unfinished};

use crate::cli::Cli;
use crate::commands::version;

/// Runs `bm` with `arguments`, the first of which is the name of the program; returns the exit
/// code: 0, or 1 after an error message on stderr.
///
/// Wrong arguments and requests for help print a text and end the process.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if version::is_requested(arguments.iter().cloned()) {
        return exit_code(version::run(), true);
    }
    let cli = Cli::parse_from(arguments);
    exit_code(cli.run(), cli.writes_stdout_only())
}

/// Reports an error, if there is one. A reader may close stdout early, as in `bm … | head`, where
/// stdout is the only output.
fn exit_code(outcome: anyhow::Result<()>, writes_stdout_only: bool) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if writes_stdout_only && is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, even if a name contains line ends.
            terminal::note(&format!("bm: {error:#}").replace('\n', "\\n"));
            ExitCode::FAILURE
        }
    }
}

/// Returns whether an output failed because its reader closed it.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let is_broken_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(is_broken_pipe))
}
