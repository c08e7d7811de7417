//! The command line: the list of commands.

use anyhow::Result;
use bm_io::is_stdout;
use clap::{Parser, Subcommand};

use crate::commands::{
    adapt, bench_device, call, classes, classify, completions, embed, encode, filter, man, models,
    observe, recalibrate, report, score, selfcheck, truth, tune,
};

/// Keeps the good reads of a FASTQ file, with a small neural network and the run's own k-mers.
///
/// `-` is stdin or stdout. Input is plain, gzip, zstd, bzip2 or xz, recognised by content. Output is
/// gzip (BGZF) if its name ends in .gz or .bgz, and zstd if it ends in .zst. Exit codes: 0 done, 1
/// failed, 2 wrong usage, 130 stopped by a signal.
#[derive(Debug, Parser)]
#[command(
    name = "bm",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Examples:
  bm filter reads.fastq.gz -o kept.fastq.gz
  bm filter R1.fastq.gz R2.fastq.gz -o kept_R1.fastq.gz -O kept_R2.fastq.gz
  bm score reads.fastq.gz | head

Environment:
  BM_THREADS      threads, if -j is not given
  ORT_DYLIB_PATH  the ONNX Runtime library, if --ort-lib is not given
  NO_COLOR        no colours"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Filter(Box<filter::Args>),
    Score(score::Args),
    Tune(tune::Args),
    Adapt(adapt::Args),
    Observe(observe::Args),
    Recalibrate(recalibrate::Args),
    Classes(classes::Args),
    Classify(Box<classify::Args>),
    Embed(embed::Args),
    Call(Box<call::Args>),
    Report(report::Args),
    Encode(encode::Args),
    Models(models::Args),
    #[command(visible_alias = "doctor")]
    Selfcheck(selfcheck::Args),
    BenchDevice(bench_device::Args),
    Truth(truth::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Cli {
    /// Returns whether stdout is the only output of the command. If its reader closes it then, nothing
    /// is lost that anybody wants.
    pub(crate) fn writes_stdout_only(&self) -> bool {
        match &self.command {
            Command::Filter(args) => args.outputs().all(|path| is_stdout(path)),
            Command::Score(args) => args.outputs().all(|path| is_stdout(path)),
            Command::Tune(args) => args.outputs().all(|path| is_stdout(path)),
            Command::Recalibrate(args) => args.outputs().all(|path| is_stdout(path)),
            Command::Classes(args) => is_stdout(args.output()),
            Command::Classify(args) => args.outputs().all(|path| is_stdout(path)),
            Command::Embed(args) => args.outputs().all(|path| is_stdout(path)),
            Command::Call(args) => args.outputs().all(|path| is_stdout(path)),
            Command::Report(args) => args.outputs().all(|path| is_stdout(path)),
            Command::Encode(args) => args.outputs().all(|path| is_stdout(path)),
            Command::Truth(args) => args.outputs().all(|path| is_stdout(path)),
            Command::Adapt(_) => false,
            Command::Observe(args) => is_stdout(args.output()),
            Command::Models(_)
            | Command::Selfcheck(_)
            | Command::BenchDevice(_)
            | Command::Completions(_)
            | Command::Man(_) => true,
        }
    }

    /// Runs the command.
    pub(crate) fn run(&self) -> Result<()> {
        match &self.command {
            Command::Filter(args) => args.run(),
            Command::Score(args) => args.run(),
            Command::Tune(args) => args.run(),
            Command::Adapt(args) => args.run(),
            Command::Observe(args) => args.run(),
            Command::Recalibrate(args) => args.run(),
            Command::Classes(args) => args.run(),
            Command::Classify(args) => args.run(),
            Command::Embed(args) => args.run(),
            Command::Call(args) => args.run(),
            Command::Report(args) => args.run(),
            Command::Encode(args) => args.run(),
            Command::Models(args) => args.run(),
            Command::Selfcheck(args) => args.run(),
            Command::BenchDevice(args) => args.run(),
            Command::Truth(args) => args.run(),
            Command::Completions(args) => args.run::<Self>(),
            Command::Man(args) => args.run::<Self>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
