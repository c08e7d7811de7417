//! `bm filter` as a library: keeps the reads that pass.

use std::path::{Path, PathBuf};

use bm_io::{is_stdio, refuse_twins};
use bm_quality::Facts;

use crate::PipelineError;
use crate::bam_tags::LeftOutTags;
use crate::inputs::Inputs;
use crate::kept_records::{KeptRecords, Places, recalibrated_mark};
use crate::observer::Observer;
use crate::record_writer::{self, RecordFormat, is_bam};
use crate::run::{Finished, Job, OpenSource, Outputs, RunSettings};
use crate::sam_tags::TagList;
use crate::split::{Splitter, numbered};
use crate::splitting::Splitting;

/// Filters reads: writes the reads that pass and, on request, the others.
///
/// The name of an output decides its format and its compression; `-` is stdout. Kept records are written
/// unchanged, in input order.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The reads, the model and the criteria.
    pub settings: RunSettings,
    /// Output for the reads that pass. Without [`Filter::output2`], both mates of a pair go here,
    /// one after the other.
    pub output: PathBuf,
    /// Output for the second mates of the pairs that pass.
    pub output2: Option<PathBuf>,
    /// Output for mates that pass while their pair does not; without it they are not kept. Where there
    /// are pairs and single reads, also for the single reads that pass.
    pub singles: Option<PathBuf>,
    /// Output for the merged reads of mates that overlap; without it they stay two reads.
    pub merged: Option<PathBuf>,
    /// Output for all other reads, with the reasons in their descriptions.
    pub discarded: Option<PathBuf>,
    /// Most reads or pairs in each of numbered files instead of [`Filter::output`],
    /// [`Filter::output2`] and [`Filter::index`]: `0001.` and so on before their names.
    pub split_reads: Option<u64>,
    /// Outputs for the index reads of the reads and pairs that pass, unchanged and in the same order: one
    /// for each file of index reads of a group, or none.
    pub index: Vec<PathBuf>,
    /// Where long reads are divided.
    pub split: Splitting,
    /// Whether scores are written into the descriptions.
    pub annotate: bool,
    /// Whether kept reads get the model's qualities instead of the instrument's.
    pub recalibrate: bool,
    /// Tags of reads from BAM that are written into the descriptions of FASTQ.
    pub tags: TagList,
}

impl Filter {
    /// Returns the filter of `bm filter IN -o OUT` without other flags.
    pub fn new(inputs: Inputs, output: impl Into<PathBuf>) -> Self {
        Self {
            settings: RunSettings::new(inputs),
            output: output.into(),
            output2: None,
            singles: None,
            merged: None,
            discarded: None,
            split_reads: None,
            index: Vec::new(),
            split: Splitting::NONE,
            annotate: false,
            recalibrate: false,
            tags: TagList::default(),
        }
    }

    /// Returns the outputs, the main one first.
    pub fn outputs(&self) -> impl Iterator<Item = &PathBuf> {
        let Self { output, output2, singles, merged, discarded, index, .. } = self;
        let others = [output2, singles, merged, discarded];
        std::iter::once(output).chain(others.into_iter().flatten()).chain(index)
    }

    /// Refuses outputs that cannot be numbered files.
    fn check_split(&self) -> Result<(), PipelineError> {
        let mut outputs = std::iter::once(&self.output).chain(&self.output2).chain(&self.index);
        match outputs.find(|path| is_stdio(path) || is_special(path)) {
            Some(path) if self.split_reads.is_some() => PipelineError::refuse(format!(
                "{}: is no file, and --split-reads writes several; give it a name",
                path.display()
            )),
            _ => Ok(()),
        }
    }

    /// Checks that each group of files has as many files of index reads as there are outputs for them.
    fn check_index(&self) -> Result<(), PipelineError> {
        if let Some(path) = self.index.iter().find(|path| is_bam(path)) {
            return PipelineError::refuse(format!(
                "{}: index reads are written as FASTQ; give it another name",
                path.display()
            ));
        }
        let outputs = self.index.len();
        let groups = self.settings.inputs.groups();
        let numbers: Vec<usize> = groups.iter().map(|group| group.index().len()).collect();
        let most = numbers.iter().copied().max().unwrap_or(0);
        if most > 0 && self.settings.inputs.is_mixed() {
            return PipelineError::refuse(
                "index reads: of pairs and single reads together, it is not clear whose they are; \
                 filter each apart",
            );
        }
        if most > 0 && self.settings.inputs.shard.is_some() {
            return PipelineError::refuse(
                "--shard: index reads are not divided; filter the files whole, or without --index",
            );
        }
        if outputs > 0 && numbers.iter().any(|number| *number != outputs) {
            return PipelineError::refuse(format!(
                "--index-output: names {outputs} files, and there are {} of index reads",
                numbers.iter().find(|number| **number != outputs).unwrap_or(&0)
            ));
        }
        Ok(())
    }

    /// Filters the reads. [`Finished::commit`] gives the outputs their names.
    ///
    /// # Errors
    ///
    /// If an input is broken, the model or its engine cannot be used, or an output cannot be
    /// written; no output exists then.
    pub fn run(&self, observer: &dyn Observer) -> Result<Finished, PipelineError> {
        refuse_twins(self.outputs())?;
        self.check_split()?;
        refuse_two_bam(&self.output, self.output2.as_deref())?;
        let merges = self.merged.is_some();
        if merges && !self.settings.inputs.has_pairs() {
            return PipelineError::refuse("--merge: the reads are not pairs");
        }
        if self.split.any() && self.settings.inputs.has_pairs() {
            return PipelineError::refuse("--split: divides single reads, and these are pairs");
        }
        if self.settings.inputs.is_mixed() && self.singles.is_none() {
            return PipelineError::refuse(
                "pairs and single reads: the single reads that pass go to --singles; name a file there",
            );
        }
        self.check_index()?;
        let inputs = self.settings.files();
        let compression = self.settings.compression();
        let mut outputs = Vec::new();
        let mut formats = Vec::new();
        let mut create = |path: &Path| {
            outputs.push(record_writer::create(path, &inputs, &compression)?);
            formats.push(RecordFormat::of(path, &self.tags));
            Ok::<_, PipelineError>(outputs.len() - 1)
        };
        let main = |path: &Path| match self.split_reads {
            Some(_) => numbered(path, 1),
            None => path.to_owned(),
        };
        let first = create(&main(&self.output))?;
        let second = self.output2.as_deref().map(|path| create(&main(path))).transpose()?;
        let singles = self.singles.as_deref().map(&mut create).transpose()?;
        let is_mixed = self.settings.inputs.is_mixed();
        let places = Places {
            mates: [first, second.unwrap_or(first)],
            unpaired: singles.filter(|_| is_mixed).unwrap_or(first),
            merged: self.merged.as_deref().map(&mut create).transpose()?,
            singles,
            discarded: self.discarded.as_deref().map(&mut create).transpose()?,
            index: self.index.iter().map(|path| create(&main(path))).collect::<Result<_, _>>()?,
        };
        let job = Job {
            settings: &self.settings,
            compression: &compression,
            keeps_singles: self.singles.is_some(),
            recalibrates: self.recalibrate,
            merges,
            splitting: self.split,
            names_adapters: true,
            observer,
        };
        let splitter = self.split_reads.map(|most| {
            let cut = [Some((first, &self.output)), second.zip(self.output2.as_ref())];
            let index = places.index.iter().copied().zip(&self.index);
            let cut = cut.into_iter().flatten().chain(index);
            let cut = cut.map(|(place, path)| (place, path.clone()));
            let others = [&self.singles, &self.merged, &self.discarded].into_iter().flatten();
            let create = |path: &Path| record_writer::create(path, &inputs, &compression);
            Splitter::new(
                cut.collect(),
                others.cloned().collect(),
                most,
                self.settings.durability,
                Box::new(create),
            )
        });
        let outputs = Outputs { splitter, ..Outputs::of_formats(outputs, &formats) };
        job.run(outputs, None, |source, _| {
            let recalibrated = if self.recalibrate { Some(mark(source)?) } else { None };
            if merges {
                require_errors(source, "--merge")?;
            }
            let umi = self.settings.inputs.umi.clone();
            let (annotate, left_out) = (self.annotate, LeftOutTags::default());
            Ok(KeptRecords { places, formats, annotate, recalibrated, umi, left_out })
        })
    }
}

/// Returns the mark for records with the model's qualities.
pub(crate) fn mark(source: &OpenSource) -> Result<Vec<u8>, PipelineError> {
    let facts = require_errors(source, "--recalibrate")?;
    Ok(recalibrated_mark(&facts.id, facts.version))
}

/// Refuses BAM for one mate of pairs: one file has both, by their flags.
pub(crate) fn refuse_two_bam(first: &Path, second: Option<&Path>) -> Result<(), PipelineError> {
    match second {
        Some(second) if is_bam(first) || is_bam(second) => PipelineError::refuse(format!(
            "{}: both mates of a pair go into one BAM file; leave out -O",
            if is_bam(first) { first.display() } else { second.display() }
        )),
        _ => Ok(()),
    }
}

/// Returns whether a path is of a device, a pipe or a folder.
fn is_special(path: &Path) -> bool {
    path.file_name().is_none() || path.metadata().is_ok_and(|it| !it.is_file())
}

/// Returns the facts of a model that gives error probabilities of bases, which `flag` needs.
fn require_errors<'a>(source: &'a OpenSource, flag: &str) -> Result<&'a Facts, PipelineError> {
    match source {
        OpenSource::Model { engine, .. } if engine.package.facts().counts_errors() => {
            Ok(engine.package.facts())
        }
        OpenSource::Model { engine, .. } => PipelineError::refuse(format!(
            "{flag}: the model {} gives no error probabilities of bases; use one that does, such as \
             read-error",
            engine.package.facts().id
        )),
        OpenSource::Table(table) => PipelineError::refuse(format!(
            "{flag}: the table {} has no error probabilities of bases",
            table.name()
        )),
    }
}
