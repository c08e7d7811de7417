//! `bm`: keeps the good reads of a FASTQ file.

mod at_start;
mod memory;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod thread_values;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: memory::EndsProgram = memory::EndsProgram;

fn main() -> ExitCode {
    memory::reserve();
    memory::end_for_want_of_stacks();
    bm_cli::note_closed(at_start::is_closed(0), at_start::is_closed(1));
    bm_cli::clean_up_on_signals();
    bm_cli::run(std::env::args_os())
}
