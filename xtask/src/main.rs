//! Development tasks of the workspace: `cargo xtask <command>`, listed by `cargo xtask help`.
//!
//! Each command is a file of its own. Progress goes to stderr, and only results go to stdout.

mod apt;
mod bam_tests;
mod bench;
mod check_macos;
mod checks;
mod ci;
mod cluster;
mod coreml;
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
mod pages;
mod pin;
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
mod variants;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Development tasks of the bm workspace")]
struct Arguments {
    /// Show the output of every step, not only of a step that fails
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a model and write its package
    Train(train::Options),
    /// Check the model files, compare every engine with ONNX Runtime in Python, and write the files for
    /// Core ML as ML programs
    Validate(validate::Options),
    /// Evaluate every model, and the rules that it replaces, by counted errors
    Evaluate(evaluate::Options),
    /// Download the reads that are in public packages, and list the sources of the others
    Data(data::Options),
    /// Download the pinned ONNX Runtime library, and print the shell line that makes bm use it
    FetchRuntime(fetch_runtime::Options),
    /// Run all tests except those that need PyTorch
    Test,
    /// Run everything that a change must pass, cheapest first
    Ci(ci::Options),
    /// Check the rules that no compiler checks: dependencies between crates and files, licences,
    /// unsafe code, line widths, the code map, digests of models
    Tidy,
    /// Compile everything for macOS, on any system, without running it
    CheckMacos,
    /// Check all dependencies with cargo-deny: licences, origins, duplicates, build scripts,
    /// advisories
    Deny,
    /// Open the pages of bm in a browser, and check them with axe-core on windows of several widths
    Pages,
    /// Write every requirements*.txt from its .in file: all Python packages, with digests
    Pin(pin::Options),
    /// Measure speed: the benchmarks of the crates, then bm and other programs on a million reads
    Bench(bench::Options),
    /// Run the long tests: bm filter on 50 GB, and every engine on thousands of damaged models
    Endure(endure::Options),
    /// Run the Snakemake workflow on two nodes of Slurm on this machine, kill one, fill the disk of
    /// one, and compare the results with single calls of bm
    Cluster(cluster::Options),
    /// Build the release archive for this machine: program, completions, manual pages, models,
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
        Command::CheckMacos => check_macos::run(&workspace),
        Command::Pages => pages::run(&workspace),
        Command::Pin(options) => pin::run(&workspace, options),
        Command::Deny => deny::run(&workspace),
        Command::Bench(options) => bench::run(&workspace, options),
        Command::Endure(options) => endure::run(&workspace, options),
        Command::Cluster(options) => cluster::run(&workspace, options),
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
