//! Reports of `filter` and `score`.

use std::path::{Path, PathBuf};

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
        let paths = ReportPaths {
            json: self.report.clone(),
            html: self.page.html.clone(),
            multiqc: self.multiqc.multiqc.clone(),
        };
        OpenReports::create(&paths, self.multiqc.sample.as_deref(), settings)
    }
}

/// Where reports go.
pub(crate) struct ReportPaths {
    pub(crate) json: Option<PathBuf>,
    pub(crate) html: Option<PathBuf>,
    pub(crate) multiqc: Option<PathBuf>,
}

impl ReportPaths {
    /// Returns the paths of all reports of a sample in a folder.
    pub(crate) fn of(sample: &str, folder: &Path) -> Self {
        let file = |end: &str| Some(folder.join(format!("{sample}{end}")));
        Self { json: file(".json"), html: file(".html"), multiqc: file("_mqc.json") }
    }

    /// Returns the files, with those of MultiQC's other sections.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let named = [&self.json, &self.html, &self.multiqc].into_iter().flatten().cloned();
        named.chain(self.beside())
    }

    /// Returns the files of MultiQC's other sections.
    fn beside(&self) -> Vec<PathBuf> {
        self.multiqc.as_deref().map(multiqc::beside).unwrap_or_default()
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
    /// Whether it is a sample of a sheet.
    is_of_sheet: bool,
}

impl OpenReports {
    /// Starts the reports of a sample of a sheet.
    pub(crate) fn of_sample(
        paths: &ReportPaths,
        sample: &str,
        settings: &RunSettings,
    ) -> Result<Self> {
        Ok(Self { is_of_sheet: true, ..Self::create(paths, Some(sample), settings)? })
    }

    /// Starts the reports of a run, and of a sample if it has a name.
    pub(crate) fn create(
        paths: &ReportPaths,
        sample: Option<&str>,
        settings: &RunSettings,
    ) -> Result<Self> {
        let inputs = settings.files();
        let compression = Compression::on_this_thread(settings.level);
        let create = |path: &Option<PathBuf>| {
            path.as_deref().map(|path| Output::create(path, &inputs, &compression)).transpose()
        };
        Ok(Self {
            json: create(&paths.json)?,
            html: create(&paths.html)?,
            multiqc: create(&paths.multiqc)?,
            beside: (paths.beside().iter())
                .map(|path| Output::create(path, &inputs, &compression))
                .collect::<Result<_, _>>()?,
            sample: sample.map(str::to_owned),
            is_of_sheet: false,
        })
    }

    /// Writes the reports of a command, gives all outputs their names, and prints the summary unless
    /// the user wants it `quiet`; returns the report.
    pub(crate) fn finish(
        self,
        command: &str,
        finished: Finished,
        inputs: &Inputs,
        quiet: bool,
    ) -> Result<Report> {
        let done = finished.done();
        let mut report = Report::new(command, done)?;
        report.samples = self.sample.iter().filter(|_| self.is_of_sheet).cloned().collect();
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
        Ok(report)
    }
}
