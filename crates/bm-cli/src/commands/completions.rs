//! `bm completions`: scripts that complete commands and flags.

use anyhow::Result;
use clap::CommandFactory;

use crate::terminal;

/// Print a script that completes commands and flags in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bm completions bash > ~/.local/share/bash-completion/completions/bm
  bm completions zsh > ~/.zfunc/_bm
  bm completions fish > ~/.config/fish/completions/bm.fish")]
pub(crate) struct Args {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: clap_complete::Shell,
}

impl Args {
    /// Prints the script for the command line `C`.
    pub(crate) fn run<C: CommandFactory>(&self) -> Result<()> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut C::command(), "bm", &mut text);
        terminal::print(&text)
    }
}
