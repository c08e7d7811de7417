//! `bm man`: the help as manual pages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::CommandFactory;

use crate::terminal;

/// What the help says before examples, which end it.
const EXAMPLES: &str = "Examples:\n";

/// Print the manual page of bm, or of a command
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bm man filter | man -l -
  bm man report merge | man -l -")]
pub(crate) struct Args {
    /// The command, and a command of it
    #[arg(value_name = "COMMAND")]
    commands: Vec<String>,
    /// Write the pages of bm and of all its commands to this folder, as bm.1, bm-filter.1, …
    #[arg(long, value_name = "FOLDER", conflicts_with = "commands")]
    all: Option<PathBuf>,
}

impl Args {
    /// Prints a page of the command line `C`.
    pub(crate) fn run<C: CommandFactory>(&self) -> Result<()> {
        let mut command = C::command();
        command.build();
        if let Some(folder) = &self.all {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            return write_pages(&command, "bm", folder);
        }
        let mut page = &command;
        for name in &self.commands {
            let commands: Vec<_> = page.get_subcommands().collect();
            let Some(found) = commands.iter().find(|command| command.get_name() == name) else {
                let names: Vec<_> = commands.iter().map(|command| command.get_name()).collect();
                bail!("there is no command {name}; there are {}", names.join(", "));
            };
            page = found;
        }
        let text = manual_page(page.clone())?;
        terminal::print(&text)
    }
}

/// Writes the page of a command and those of its commands to a folder.
fn write_pages(command: &clap::Command, name: &str, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, manual_page(command.clone())?).with_context(|| path.display().to_string())?;
    // What clap adds prints the help, and has no page.
    let mut commands = command.get_subcommands().filter(|command| command.get_name() != "help");
    commands.try_for_each(|it| write_pages(it, &format!("{name}-{}", it.get_name()), folder))
}

/// Returns a page in roff.
fn manual_page(command: clap::Command) -> Result<Vec<u8>> {
    let notes = command.get_after_help().map(ToString::to_string);
    let has_commands = command.has_subcommands();
    let page = clap_mangen::Man::new(command);
    let mut text = Vec::new();
    let mut render = || {
        page.render_title(&mut text)?;
        page.render_name_section(&mut text)?;
        page.render_synopsis_section(&mut text)?;
        page.render_description_section(&mut text)?;
        page.render_options_section(&mut text)?;
        if has_commands {
            page.render_subcommands_section(&mut text)?;
        }
        io::Result::Ok(())
    };
    render().context("the page")?;
    // Not rendered by clap_mangen: roff would fill the lines of tables and examples to paragraphs.
    if let Some(notes) = notes {
        let (notes, examples) = match notes.split_once(EXAMPLES) {
            Some((notes, examples)) => (notes.trim_end(), examples),
            None => (notes.as_str(), ""),
        };
        for (title, lines) in [("NOTES", notes), ("EXAMPLES", examples)] {
            if !lines.is_empty() {
                section(title, lines, &mut text);
            }
        }
    }
    Ok(text)
}

/// Adds a section whose lines stay as they are.
fn section(title: &str, lines: &str, text: &mut Vec<u8>) {
    text.extend_from_slice(format!(".SH {title}\n.nf\n").as_bytes());
    for line in lines.lines() {
        let line = line.replace('\\', "\\\\").replace('-', "\\-");
        // A leading dot or quote would be a request.
        let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        text.extend_from_slice(format!("{guard}{line}\n").as_bytes());
    }
    text.extend_from_slice(b".fi\n");
}
