//! `bm`: keeps the good reads of a FASTQ file.

use std::process::ExitCode;

fn main() -> ExitCode {
    bm_cli::clean_up_on_signals();
    bm_cli::run(std::env::args_os())
}
