//! `bm filter --sheet`: the samples of a sheet, one after the other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bm_io::{Compression, Durability, Output, finish_all};
use bm_pipeline::{FileGroup, Filter, Inputs};
use bm_report::{FilterPage, Report, write_json};

use crate::options::reports::{OpenReports, ReportPaths};
use crate::progress::TerminalObserver;
use crate::sheet::{self, Sample};
use crate::terminal;

/// What the reports of all samples together are called. MultiQC puts the samples together itself.
const ALL: &str = "all";

/// The outputs of a sample.
struct Outputs {
    reads: PathBuf,
    mates: Option<PathBuf>,
    singles: Option<PathBuf>,
    reports: ReportPaths,
}

impl Outputs {
    /// Returns the outputs of a sample: BAM if its files are, otherwise FASTQ.
    ///
    /// # Errors
    ///
    /// If some of its files are BAM and others are not.
    fn of(sample: &Sample, folder: &Path) -> Result<Self> {
        let file = |end: &str| folder.join(format!("{}{end}", sample.name));
        let inputs = Inputs::of_groups(sample.groups.clone());
        let (bam, all) = (inputs.bam_files(), inputs.paths().len());
        if bam > 0 && bam < all {
            bail!(
                "sample {}: {bam} of its {all} files are BAM and the others are not; give all of them in \
                 one format",
                sample.name
            );
        }
        let (reads, mates) = match inputs.has_pairs() {
            // Both mates go into one file.
            _ if bam > 0 => (file(".bam"), None),
            true => (file("_R1.fastq.gz"), Some(file("_R2.fastq.gz"))),
            false => (file(".fastq.gz"), None),
        };
        let singles = if bam > 0 { "_singles.bam" } else { "_singles.fastq.gz" };
        let singles = inputs.is_mixed().then(|| file(singles));
        Ok(Self { reads, mates, singles, reports: ReportPaths::of(&sample.name, folder) })
    }

    fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let reads = std::iter::once(&self.reads).chain(&self.mates).chain(&self.singles);
        reads.cloned().chain(self.reports.paths())
    }
}

/// The samples of a sheet, and how each of them is filtered.
pub(super) struct Samples<'a> {
    pub(super) sheet: &'a Path,
    /// The folder for all outputs.
    pub(super) folder: &'a Path,
    /// Returns how files are filtered; outputs are named here.
    pub(super) filter: &'a dyn Fn(Vec<FileGroup>) -> Result<Filter>,
    pub(super) quiet: bool,
    pub(super) durability: Durability,
}

impl Samples<'_> {
    /// Filters every sample into the folder of outputs, and writes the reports of all.
    ///
    /// # Errors
    ///
    /// If the sheet cannot be read, a sample has files of both formats, or two samples would have the same
    /// outputs: before any work. If samples fail: after the others are done.
    pub(super) fn run(&self) -> Result<()> {
        let samples = sheet::read(self.sheet)?;
        let folder = self.folder;
        let outputs = samples.iter().map(|it| Outputs::of(it, folder));
        let outputs = outputs.collect::<Result<Vec<Outputs>>>()?;
        let of_all = ReportPaths { multiqc: None, ..ReportPaths::of(ALL, folder) };
        let mut known = BTreeSet::new();
        for path in outputs.iter().flat_map(Outputs::paths).chain(of_all.paths()) {
            // Upper and lower case may be the same to the file system.
            if !known.insert(path.to_string_lossy().to_lowercase()) {
                bail!("{}: two samples would have this output; rename one", bm_io::name(&path));
            }
        }
        fs::create_dir_all(folder).with_context(|| bm_io::name(folder))?;
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for (sample, outputs) in samples.iter().zip(outputs) {
            if !self.quiet {
                terminal::note(&format!("sample {}", sample.name));
            }
            match self.one(sample, outputs) {
                Ok(report) => done.push((sample.name.clone(), report)),
                Err(error) => {
                    let line = format!("bm: sample {}: {error:#}", sample.name);
                    terminal::note(&line.replace('\n', "\\n"));
                    failed.push(sample.name.as_str());
                }
            }
        }
        self.all(&done, &of_all)?;
        if !failed.is_empty() {
            let (failures, all) = (failed.len(), samples.len());
            bail!("{failures} of {all} samples failed: {}", failed.join(", "));
        }
        Ok(())
    }

    /// Filters a sample; returns its report.
    fn one(&self, sample: &Sample, outputs: Outputs) -> Result<Report> {
        let mut filter = (self.filter)(sample.groups.clone())?;
        filter.settings.surveys = true;
        filter.settings.profiles = true;
        let filter = Filter {
            output: outputs.reads,
            output2: outputs.mates,
            singles: outputs.singles,
            ..filter
        };
        let open = OpenReports::of_sample(&outputs.reports, &sample.name, &filter.settings)?;
        let finished = filter.run(&TerminalObserver::new(self.quiet))?;
        open.finish("filter", finished, &filter.settings.inputs, self.quiet)
    }

    /// Writes the reports of all samples that are done.
    fn all(&self, done: &[(String, Report)], paths: &ReportPaths) -> Result<()> {
        if done.is_empty() {
            return Ok(());
        }
        let compression = Compression::on_this_thread(None);
        let create = |path: &Option<PathBuf>| {
            path.as_deref().map(|path| Output::create(path, &[], &compression)).transpose()
        };
        let mut outputs = Vec::new();
        let report = Report::merge(done)?;
        if let Some(mut output) = create(&paths.json)? {
            write_json(&report, &mut output)?;
            outputs.push(output);
        }
        if let (Some(mut output), Some(survey)) = (create(&paths.html)?, &report.distributions) {
            let files: Vec<&Path> = report.inputs.iter().map(Path::new).collect();
            FilterPage { inputs: &files, report: &report, survey }.write(&mut output)?;
            outputs.push(output);
        }
        Ok(finish_all(outputs, self.durability)?)
    }
}
