//! `bm classes`: makes the classes that reads are looked up in.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use bm_pipeline::{MadeClasses, MakeClasses, References, shipped_names};

use crate::options::running::SyncArgs;
use crate::progress::TerminalObserver;
use crate::terminal;

/// Most classes that the summary lists.
const SHOWN: usize = 20;

/// Make classes of references, for bm classify and bm filter to look reads up in
///
/// A class is a name with reference sequences: genomes of a species, a host, a spike-in. References are
/// FASTA, plain or compressed. A read may come from a relative of a reference: most reads of 100 bases are
/// found where one base in five differs.
///
/// Making the classes takes about 45 bytes of memory for each base of the references, and looking reads up
/// takes about 26; beyond 134 million bases, one seed in 2, 4, … is looked up, so that it is less.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bm classes host=GRCh38.fa.gz phix -o host.classes
  bm classes e_coli=K12.fa,O157.fa salmonella=genomes/ -o enterics.classes
  bm classes --taxonomy species.tsv genomes/*.fa -o species.classes")]
pub(crate) struct Args {
    /// A class as NAME=REF.fa, with commas between several files; a folder stands for the FASTA files in it.
    /// phix alone is the genome of phage phiX174, which is shipped. With --taxonomy, a file or a folder
    #[arg(required = true, value_name = "NAME=REF")]
    classes: Vec<String>,
    /// Where the classes go
    #[arg(short, long, value_name = "CLASSES", help_heading = "Outputs")]
    output: PathBuf,
    /// A table with a line for each sequence of the files: its name, a tab, and the name of its class
    #[arg(long, value_name = "TSV", help_heading = "Classes")]
    taxonomy: Option<PathBuf>,
    /// Look one in N seeds up, a power of two: less memory and time, and fewer reads of relatives are
    /// found [default: 1 up to 134 million bases, 2 up to 268 million, and so on]
    #[arg(long, value_name = "N", value_parser = one_in, help_heading = "Classes")]
    one_in: Option<u32>,
    /// No summary
    #[arg(short, long, help_heading = "Running")]
    quiet: bool,
    #[command(flatten)]
    sync: SyncArgs,
}

/// Parses a power of two.
fn one_in(text: &str) -> Result<u32, String> {
    let value = text.parse().ok().filter(|value: &u32| value.is_power_of_two() && *value <= 4096);
    value.ok_or_else(|| "expected a power of two from 1 to 4096".to_owned())
}

impl Args {
    /// Returns the output.
    pub(crate) fn output(&self) -> &Path {
        &self.output
    }

    /// Makes the classes.
    pub(crate) fn run(&self) -> Result<()> {
        let began = Instant::now();
        let made = self.make()?.run(&TerminalObserver::new(self.quiet))?;
        if !self.quiet {
            summary(&made).iter().for_each(|line| terminal::note(line));
            terminal::note(&format!("{:.1} s", began.elapsed().as_secs_f64()));
        }
        Ok(())
    }

    fn make(&self) -> Result<MakeClasses> {
        let (taxonomy, references) = match &self.taxonomy {
            Some(table) => {
                let paths = self.classes.iter().map(PathBuf::from).collect();
                (Some((table.clone(), paths)), Vec::new())
            }
            None => (None, self.classes.iter().map(|it| references(it)).collect::<Result<_>>()?),
        };
        Ok(MakeClasses {
            references,
            taxonomy,
            one_in: self.one_in,
            output: self.output.clone(),
            durability: self.sync.durability(),
        })
    }
}

/// Returns the references of an argument.
fn references(argument: &str) -> Result<References> {
    if let Some((name, paths)) = argument.split_once('=') {
        // A file may have a comma in its name.
        let paths: Vec<PathBuf> = match Path::new(paths).exists() {
            true => vec![paths.into()],
            false => paths.split(',').filter(|path| !path.is_empty()).map(Into::into).collect(),
        };
        if paths.is_empty() {
            bail!("{argument}: names no file, expected NAME=REF.fa");
        }
        return Ok(References::OfClass { name: name.to_owned(), paths });
    }
    if shipped_names().any(|name| name == argument) {
        return Ok(References::Shipped(argument.to_owned()));
    }
    let names: Vec<&str> = shipped_names().collect();
    bail!(
        "{argument}: expected NAME=REF.fa, or a class that is shipped ({}), or files with --taxonomy",
        names.join(", ")
    )
}

/// Returns what was made, in words.
fn summary(made: &MadeClasses) -> Vec<String> {
    let shown = made.classes.iter().take(SHOWN).map(|class| {
        let sequences = match class.sequences {
            1 => "1 sequence".to_owned(),
            sequences => format!("{sequences} sequences"),
        };
        format!("{}: {sequences}, {} known bases", class.name, class.bases)
    });
    let mut lines: Vec<String> = shown.collect();
    if made.classes.len() > SHOWN {
        lines.push(format!("and {} more classes", made.classes.len() - SHOWN));
    }
    let seeds = match made.fraction {
        1.0 => String::new(),
        fraction => format!(", one in {:.0} of them", 1.0 / fraction),
    };
    lines.push(format!(
        "seeds of {} bases{seeds}; looking reads up takes {:.1} MB",
        made.seed_bases,
        made.memory as f64 / 1e6
    ));
    lines
}
