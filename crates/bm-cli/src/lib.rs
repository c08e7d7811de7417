//! The program `bm` as one function, for programs that run it without a process of its own, such as
//! a fuzzer.
//!
//! `bm` is a terminal in front of [`bm_pipeline`], which does the same for a Rust program.

mod cli;
mod commands;
mod options;
mod progress;
mod terminal;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::Parser;

pub use bm_io::clean_up_on_signals;

use crate::cli::Cli;
use crate::commands::version;

/// Runs `bm` with `arguments`, of which the first is the program's name, and returns its exit code:
/// 0, or 1 after a line on stderr that says what is wrong.
///
/// Wrong arguments, and requests for help, end the process with the text that clap prints.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if version::is_requested(arguments.iter().cloned()) {
        return exit_code(version::run());
    }
    exit_code(Cli::parse_from(arguments).run())
}

/// Reports an error, if there is one.
fn exit_code(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever names are in it.
            terminal::note(&format!("bm: {error:#}").replace('\n', "\\n"));
            ExitCode::FAILURE
        }
    }
}

/// Returns whether a reader of an output has seen enough: `bm … | head` is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let is_broken_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(is_broken_pipe))
}
