//! `bm`: reads in, good reads out.

use std::process::ExitCode;

fn main() -> ExitCode {
    bm_cli::clean_up_on_signals();
    bm_cli::run(std::env::args_os())
}
