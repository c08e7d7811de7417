//! Reports of `filter` and `score`.

use std::path::PathBuf;

use anyhow::Result;
use bm_io::{Compression, Output};
use bm_pipeline::{Finished, Inputs, RunSettings};
use bm_report::{FilterPage, Report, multiqc, words, write_json};

use crate::terminal;

/// Which reports to write.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// Write counts, model and engine as JSON
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    report: Option<PathBuf>,
    /// Count distributions for the report, as --html does, too: bm report merge makes a page of several
    /// reports from them
    #[arg(long, requires = "report", help_heading = "Outputs")]
    distributions: bool,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    multiqc: MultiqcArgs,
}

/// Whether to write a page.
#[derive(Debug, clap::Args)]
pub(crate) struct PageArgs {
    /// Write a page with figures of what was scored and kept, to open in a browser or to print; one
    /// file that loads nothing
    #[arg(long, value_name = "FILE", help_heading = "Outputs")]
    pub(crate) html: Option<PathBuf>,
}

/// Whether to write counts for MultiQC, and of which sample.
#[derive(Debug, clap::Args)]
pub(crate) struct MultiqcArgs {
    /// Write the counts for MultiQC, which finds files whose names end in _mqc.json. A file has one
    /// section, so there are others beside it: S1_mqc.json has S1_general_mqc.json with the columns of the
    /// general statistics, and one for each plot
    #[arg(long, value_name = "FILE_mqc.json", help_heading = "Outputs")]
    pub(crate) multiqc: Option<PathBuf>,
    /// The name of the sample for MultiQC [default: that of the inputs, without what tells mates apart,
    /// or of FILE_mqc.json if the first input is a stream]
    #[arg(long, value_name = "NAME", requires = "multiqc", help_heading = "Outputs")]
    pub(crate) sample: Option<String>,
}

impl MultiqcArgs {
    /// Returns the files of the sections that stand beside the first one.
    pub(crate) fn beside(&self) -> Vec<PathBuf> {
        self.multiqc.as_deref().map(multiqc::beside).unwrap_or_default()
    }
}

impl ReportArgs {
    /// Returns the files that are named.
    pub(crate) fn paths(&self) -> impl Iterator<Item = Option<&PathBuf>> {
        let Self { report, page, multiqc, .. } = self;
        [report.as_ref(), page.html.as_ref(), multiqc.multiqc.as_ref()].into_iter()
    }

    /// Returns the files of MultiQC's other sections.
    pub(crate) fn beside(&self) -> Vec<PathBuf> {
        self.multiqc.beside()
    }

    /// Returns whether distributions were requested, or the page, which needs them.
    pub(crate) fn needs_survey(&self) -> bool {
        self.page.html.is_some() || self.distributions
    }

    /// Returns whether any report was requested: all have what the reads are like.
    pub(crate) fn needs_profile(&self) -> bool {
        self.paths().flatten().next().is_some()
    }

    /// Starts the reports: one that cannot be written is refused before the work, not after it.
    pub(crate) fn create(&self, settings: &RunSettings) -> Result<OpenReports> {
        let inputs = settings.files();
        let compression = Compression::on_this_thread(settings.level);
        let create = |path: &Option<PathBuf>| {
            path.as_deref().map(|path| Output::create(path, &inputs, &compression)).transpose()
        };
        Ok(OpenReports {
            json: create(&self.report)?,
            html: create(&self.page.html)?,
            multiqc: create(&self.multiqc.multiqc)?,
            beside: (self.beside().iter())
                .map(|path| Output::create(path, &inputs, &compression))
                .collect::<Result<_, _>>()?,
            sample: self.multiqc.sample.clone(),
        })
    }
}

/// Reports to be written.
pub(crate) struct OpenReports {
    json: Option<Output>,
    html: Option<Output>,
    multiqc: Option<Output>,
    /// MultiQC's other sections.
    beside: Vec<Output>,
    /// The name of the sample, if the user has given one.
    sample: Option<String>,
}

impl OpenReports {
    /// Writes the reports of a command, gives all outputs their names, and prints the summary unless
    /// the user wants it `quiet`.
    pub(crate) fn finish(
        self,
        command: &str,
        finished: Finished,
        inputs: &Inputs,
        quiet: bool,
    ) -> Result<()> {
        let done = finished.done();
        let report = Report::new(command, done)?;
        let mut outputs = Vec::new();
        if let Some(mut output) = self.json {
            write_json(&report, &mut output)?;
            outputs.push(output);
        }
        if let (Some(mut output), Some(survey)) = (self.html, &done.survey) {
            let page = FilterPage { inputs: &inputs.paths(), report: &report, survey };
            page.write(&mut output)?;
            outputs.push(output);
        }
        if let Some(mut output) = self.multiqc {
            let named = self.sample.as_deref();
            multiqc::write(&report, named, &mut output)?;
            outputs.extend(multiqc::write_beside(&report, named, &output.name(), self.beside)?);
            outputs.push(output);
        }
        finished.commit_with(outputs)?;
        words::warnings(&report).for_each(|line| terminal::warn(&line));
        if !quiet {
            terminal::note(&words::summary(&report));
        }
        Ok(())
    }
}
