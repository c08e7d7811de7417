//! `bm man`: the help as manual pages.

use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use clap::CommandFactory;

/// Print the manual page of bm, or of a command
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: bm man filter | man -l -")]
pub(crate) struct Args {
    /// The command
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

impl Args {
    /// Prints a page of the command line `C`.
    pub(crate) fn run<C: CommandFactory>(&self) -> Result<()> {
        let mut command = C::command();
        command.build();
        let page = match &self.command {
            None => command,
            Some(name) => {
                let mut commands = command.get_subcommands();
                match commands.find(|command| command.get_name() == name) {
                    Some(found) => found.clone(),
                    None => {
                        let names: Vec<_> =
                            command.get_subcommands().map(clap::Command::get_name).collect();
                        bail!("there is no command {name}; there are {}", names.join(", "));
                    }
                }
            }
        };
        let mut stdout = io::stdout().lock();
        let text = manual_page(page)?;
        stdout.write_all(&text).and_then(|()| stdout.flush()).context("stdout")
    }
}

/// Returns a page in roff. Line breaks in examples are kept: roff would join the lines.
fn manual_page(mut command: clap::Command) -> Result<Vec<u8>> {
    let extra = command.get_after_help().map(ToString::to_string);
    command = command.after_help("").after_long_help("");
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).context("the page")?;
    if let Some(extra) = extra {
        text.extend_from_slice(b".SH EXTRA\n.nf\n");
        for line in extra.lines() {
            let line = line.replace('\\', "\\\\").replace('-', "\\-");
            // A leading dot or quote would be a request.
            let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
            text.extend_from_slice(format!("{guard}{line}\n").as_bytes());
        }
        text.extend_from_slice(b".fi\n");
    }
    Ok(text)
}
