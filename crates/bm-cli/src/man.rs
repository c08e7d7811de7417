//! `bm man`: the help as manual pages.

use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use clap::CommandFactory;

use crate::args::{Cli, ManArgs};

/// Prints a page.
pub(crate) fn run(args: &ManArgs) -> Result<()> {
    let mut command = Cli::command();
    command.build();
    let page = match &args.command {
        None => command,
        Some(name) => match command.get_subcommands().find(|command| command.get_name() == name) {
            Some(found) => found.clone(),
            None => {
                let names: Vec<_> = command
                    .get_subcommands()
                    .map(|command| command.get_name().to_owned())
                    .collect();
                bail!("there is no command {name}; there are {}", names.join(", "));
            }
        },
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).context("the page")?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(&text).and_then(|()| stdout.flush()).context("stdout")
}
