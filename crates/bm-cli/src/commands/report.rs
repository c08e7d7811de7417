//! `bm report`: reports of runs.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use bm_io::{Output, finish_all, refuse_twins};
use bm_report::{FilterPage, Report, multiqc, words, write_json};
use clap::Subcommand;

use crate::options::reports::{MultiqcArgs, PageArgs};
use crate::options::running::WritingArgs;
use crate::terminal;

/// Merge reports of the parts of a run
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Merge(MergeArgs),
}

/// Merge the reports of the parts of a run, such as shards and lanes, into the report of the run
///
/// The reports are those of bm filter, score or recalibrate, all of the same command, model and
/// options; merged reports can be merged again. Counts and distributions are added, exactly: they are
/// those of one run over all reads to the last digit, unless the parts' own first reads show other
/// adapters, bases of the library or, with --trim, words than those of the run. The adapters in the first
/// reads of the parts are put together. The duration is that of the longest part. Under `parts`, the
/// report has files, reads, adapters, library and duration of each part.
///
/// Reports of other models or options are refused with what differs, and two reports of the same reads.
/// A shard that is missing is named.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bm report merge lane1.json lane2.json -o run.json
  bm report merge shard*.json -o run.json --html run.html --multiqc run_mqc.json --sample S1")]
pub(crate) struct MergeArgs {
    /// Reports of the parts; - is stdin
    #[arg(value_name = "REPORT", required = true)]
    reports: Vec<PathBuf>,
    /// Where the merged report goes; - is stdout
    #[arg(short, long, value_name = "FILE", default_value = "-", help_heading = "Outputs")]
    output: PathBuf,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    multiqc: MultiqcArgs,
    #[command(flatten)]
    writing: WritingArgs,
    /// No summary
    #[arg(short, long, help_heading = "Running")]
    quiet: bool,
}

impl Args {
    /// Returns the outputs.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        let Command::Merge(args) = &self.command;
        args.outputs()
    }

    /// Merges the reports.
    pub(crate) fn run(&self) -> Result<()> {
        let Command::Merge(args) = &self.command;
        args.run()
    }
}

impl MergeArgs {
    fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        let reports = [&self.page.html, &self.multiqc.multiqc].into_iter().flatten();
        std::iter::once(&self.output).chain(reports)
    }

    fn run(&self) -> Result<()> {
        refuse_twins(self.outputs())?;
        let inputs: Vec<&Path> = self.reports.iter().map(AsRef::as_ref).collect();
        let compression = self.writing.on_this_thread();
        let create = |path| Output::create(path, &inputs, &compression);
        let mut output = create(&self.output)?;
        let mut page = self.page.html.as_deref().map(create).transpose()?;
        let mut for_multiqc = self.multiqc.multiqc.as_deref().map(create).transpose()?;
        let beside = self.multiqc.beside();
        let mut beside: Vec<Output> =
            beside.iter().map(|path| create(path)).collect::<Result<_, _>>()?;
        let open = |path: &&Path| Ok((bm_io::name(path), Report::open(path)?));
        let parts: Vec<(String, Report)> = inputs.iter().map(open).collect::<Result<_>>()?;
        let report = Report::merge(&parts)?;
        write_json(&report, &mut output)?;
        let without = parts.iter().find(|(_, report)| report.distributions.is_none());
        if let Some(page) = &mut page {
            let Some(survey) = &report.distributions else {
                let name = without.map_or("a report", |(name, _)| name.as_str());
                bail!(
                    "{name}: has no distributions, from which the figures of --html are drawn; \
                     --distributions or --html of bm filter, score and recalibrate adds them to --report"
                );
            };
            let files: Vec<&Path> = report.inputs.iter().map(Path::new).collect();
            FilterPage { inputs: &files, report: &report, survey }.write(page)?;
        } else if let (Some((name, _)), Some((with, _))) =
            (without, parts.iter().find(|(_, report)| report.distributions.is_some()))
        {
            terminal::warn(&format!(
                "{name} has no distributions, so those of {with} are left out"
            ));
        }
        if let Some(output) = &mut for_multiqc {
            let named = self.multiqc.sample.as_deref();
            multiqc::write(&report, named, output)?;
            beside = multiqc::write_beside(&report, named, &output.name(), beside)?;
        }
        let outputs =
            [Some(output), page, for_multiqc].into_iter().flatten().chain(beside).collect();
        finish_all(outputs, self.writing.durability())?;
        words::warnings(&report).for_each(|line| terminal::warn(&line));
        if !self.quiet {
            terminal::note(&words::summary(&report));
        }
        Ok(())
    }
}
