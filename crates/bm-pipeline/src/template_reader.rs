//! Reads the templates of a run, one group of files after the other.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io::Cursor;
use std::path::Path;

use bm_io::{Cancellation, Input, Shard, Tasks, name};

use crate::PipelineError;
use crate::bam_mates;
use crate::copies::Seen;
use crate::file_group::{FileGroup, Layout};
use crate::group_reader::GroupReader;
use crate::inputs::Inputs;
use crate::templates::TemplateBatch;
use crate::umi::Umi;

/// Reads the templates of a run.
pub struct TemplateReader {
    /// The groups of files: first those of pairs.
    groups: Vec<GroupReader>,
    /// The group that is read.
    current: usize,
    /// The first batches of the single reads behind pairs, if they were read already, and whether there
    /// may be more in their group.
    ahead: VecDeque<TemplateBatch>,
    more_behind: bool,
    cancellation: Option<Cancellation>,
    /// Number of single reads read, and of pairs, those before the shard included.
    templates: [u64; 2],
    /// Whether models get the same quality for every base.
    ignores_quality: bool,
    /// The identifiers of molecules, which are left out of the reads.
    umi: Option<Umi>,
    /// The templates so far, if copies are looked for.
    seen: Option<Seen>,
    /// Whether names must be such as BAM has.
    requires_bam_names: bool,
}

impl TemplateReader {
    /// Opens the files of a run, whole even if the run is of a shard of them. BGZF blocks are inflated by
    /// `tasks`.
    ///
    /// # Errors
    ///
    /// If there is no file, one cannot be opened, or one is named twice.
    pub fn open(inputs: &Inputs, tasks: &Tasks) -> Result<Self, PipelineError> {
        Self::open_for(inputs, tasks, None)
    }

    /// Opens the files of a run that may be cancelled.
    pub(crate) fn open_for(
        inputs: &Inputs,
        tasks: &Tasks,
        cancellation: Option<&Cancellation>,
    ) -> Result<Self, PipelineError> {
        refuse_same(inputs)?;
        if let Some(umi) = &inputs.umi {
            umi.check(inputs.has_pairs() && !inputs.is_mixed())?;
        }
        let open = |group: &FileGroup| {
            let files = group.paths().map(|path| open_input(path, inputs, tasks, cancellation));
            let files = files.collect::<Result<Vec<_>, _>>()?;
            let index = group.index().iter();
            let index = index.map(|path| open_input(path, inputs, tasks, cancellation));
            let index = index.collect::<Result<Vec<_>, _>>()?;
            Ok::<_, PipelineError>(GroupReader::new(files, group.layout()).with_index(index))
        };
        let groups = match inputs.in_memory() {
            Some(text) => {
                let text = Cursor::new(text.clone());
                let input = Input::of_stream("reads in memory", text, inputs.offset, tasks)?;
                vec![GroupReader::new(vec![input], Layout::Single)]
            }
            None => inputs.groups().iter().map(open).collect::<Result<_, _>>()?,
        };
        if groups.is_empty() {
            return PipelineError::refuse("no input file");
        }
        let reader = Self {
            groups,
            current: 0,
            ahead: VecDeque::new(),
            more_behind: true,
            cancellation: cancellation.cloned(),
            templates: [0; 2],
            ignores_quality: inputs.ignore_quality,
            umi: inputs.umi.clone(),
            seen: inputs.dedup.map(Seen::new),
            requires_bam_names: false,
        };
        if inputs.strict {
            reader.all_inputs().try_for_each(|input| input.end().require())?;
        }
        Ok(reader)
    }

    /// Returns the reader of a shard of the same files, one group, which were `opened` at it, with this
    /// number of templates `before` it.
    pub(crate) fn shard(&self, opened: Vec<Input>, before: u64, shard: Shard) -> Self {
        Self {
            groups: vec![self.groups[0].shard(opened, shard)],
            current: 0,
            ahead: VecDeque::new(),
            more_behind: true,
            cancellation: self.cancellation.clone(),
            templates: [before; 2],
            ignores_quality: self.ignores_quality,
            umi: self.umi.clone(),
            // A copy may be in another shard.
            seen: None,
            requires_bam_names: false,
        }
    }

    /// Refuses reads whose names BAM cannot have.
    pub(crate) fn require_bam_names(&mut self) {
        self.requires_bam_names = true;
    }

    /// Returns the number of templates of the current layout read, those before the shard included.
    pub(crate) fn templates(&self) -> u64 {
        self.templates[usize::from(self.has_pairs())]
    }

    /// Returns the name of a file whose reads have no qualities, if there is one.
    pub(crate) fn fasta(&self) -> Option<&str> {
        self.inputs().find(|input| input.is_fasta()).map(Input::name)
    }

    /// Returns a line for each compressed file without its end, and for each group of files whose names
    /// of mates have the same number, after all reads were read.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let same_number = self.groups.iter().filter_map(|group| group.same_number.as_ref());
        let same_number = same_number.map(|pair| {
            format!(
                "{pair}: both have the number of the same mate in their names; read as mates all the \
                 same"
            )
        });
        self.all_inputs().filter_map(|input| input.end().warning()).chain(same_number)
    }

    /// Returns the names of the files in messages, those of index reads last.
    pub fn names(&self) -> Vec<String> {
        self.all_inputs().map(|input| input.name().to_owned()).collect()
    }

    /// Returns how the reads of the group that is read belong together.
    pub fn layout(&self) -> Layout {
        self.groups[self.current].layout
    }

    /// Returns whether the reads of the group that is read are pairs.
    pub(crate) fn has_pairs(&self) -> bool {
        self.layout().has_pairs()
    }

    /// Returns the files of reads.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.groups.iter().flat_map(|group| &group.inputs)
    }

    /// Returns the files of reads, then those of index reads.
    fn all_inputs(&self) -> impl Iterator<Item = &Input> {
        self.inputs().chain(self.groups.iter().flat_map(|group| &group.index))
    }

    /// Returns the first file of the group that is read, which measures progress.
    pub fn leading(&self) -> &Input {
        &self.groups[self.current].inputs[0]
    }

    /// Returns the place of the group that is read.
    pub(crate) fn group(&self) -> usize {
        self.current
    }

    /// Returns the number of records read, without index reads. Between batches, first mates may be ahead.
    pub fn records(&self) -> u64 {
        self.inputs().map(Input::records).sum()
    }

    /// Fills `batch` with the templates in the next `bytes` of text, of one group of files; returns
    /// whether there may be more.
    ///
    /// # Errors
    ///
    /// A fault in a record, or reads that are not mates, with the address.
    pub fn read(&mut self, batch: &mut TemplateBatch, bytes: usize) -> Result<bool, PipelineError> {
        let is_behind = self.first_behind() == Some(self.current);
        let more = match is_behind.then(|| self.ahead.pop_front()).flatten() {
            Some(ahead) => {
                *batch = ahead;
                self.more_behind || !self.ahead.is_empty()
            }
            None => self.read_group(self.current, batch, bytes)?,
        };
        self.find_copies(batch)?;
        let templates = &mut self.templates[usize::from(batch.layout.has_pairs())];
        batch.before = *templates;
        *templates += batch.number() as u64;
        if !more && self.current + 1 < self.groups.len() {
            self.current += 1;
            return Ok(true);
        }
        Ok(more)
    }

    /// Finds the templates that are copies of earlier ones, by their whole sequences.
    fn find_copies(&mut self, batch: &mut TemplateBatch) -> Result<(), PipelineError> {
        let mut copies = std::mem::take(&mut batch.copies);
        copies.clear();
        if let Some(seen) = &mut self.seen {
            for template in batch.templates() {
                let sequences = template.mates().iter().map(|mate| mate.whole.sequence);
                let first = template.mates().first();
                let indexes =
                    self.umi.iter().zip(first).flat_map(|(umi, first)| umi.indexes(first.whole));
                copies.push(seen.is_copy(sequences, indexes)?);
            }
        }
        batch.copies = copies;
        Ok(())
    }

    /// Reads the next batch of the single reads behind the pairs, before it is their turn; returns all
    /// such batches so far, and whether there may be more in their group. [`TemplateReader::read`] gives
    /// them in their turn.
    pub(crate) fn read_behind(
        &mut self,
        bytes: usize,
    ) -> Result<(&[TemplateBatch], bool), PipelineError> {
        let place = self.first_behind().filter(|_| self.more_behind);
        if let Some(place) = place {
            let mut batch = TemplateBatch::default();
            self.more_behind = self.read_group(place, &mut batch, bytes)?;
            self.ahead.push_back(batch);
        }
        let more = place.is_some() && self.more_behind;
        Ok((self.behind(), more))
    }

    /// Returns the batches that [`TemplateReader::read_behind`] read and whose turn is to come.
    pub(crate) fn behind(&mut self) -> &[TemplateBatch] {
        self.ahead.make_contiguous()
    }

    /// Returns the place of the first group of single reads behind pairs, if there is one.
    fn first_behind(&self) -> Option<usize> {
        let is_single = |group: &GroupReader| !group.layout.has_pairs();
        self.groups.iter().position(is_single).filter(|place| *place > 0)
    }

    fn read_group(
        &mut self,
        place: usize,
        batch: &mut TemplateBatch,
        bytes: usize,
    ) -> Result<bool, PipelineError> {
        let mut outcome = self.groups[place].read(batch, bytes);
        if self.requires_bam_names && outcome.is_ok() {
            let names = self.groups[place].inputs.iter().map(Input::name);
            if let Err(error) = bam_mates::check_names(batch, names, self.umi.is_some()) {
                outcome = Err(error);
            }
        }
        if let Some(umi) = &self.umi {
            batch.cut_starts([0, 1].map(|mate| umi.bases_of(mate)));
        }
        batch.set_same_quality(self.ignores_quality);
        or_cancelled(outcome, self.cancellation.as_ref())
    }
}

/// Refuses a file that is named twice.
pub(crate) fn refuse_same(inputs: &Inputs) -> Result<(), PipelineError> {
    for group in inputs.groups() {
        let files: Vec<&Path> = group.paths().collect();
        if let [first, second] = files[..]
            && is_same(first, second)
        {
            return PipelineError::refuse(format!(
                "{}: is named for both mates; with both in one file, name it once and say \
                 --interleaved",
                name(first)
            ));
        }
    }
    let mut known = BTreeSet::new();
    for path in inputs.paths().into_iter().chain(inputs.index_paths()) {
        if !known.insert(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())) {
            return PipelineError::refuse(format!(
                "{}: is named twice; its reads would count twice",
                name(path)
            ));
        }
    }
    Ok(())
}

/// Opens an input of a run that may be cancelled.
pub(crate) fn open_input(
    path: &Path,
    inputs: &Inputs,
    tasks: &Tasks,
    cancellation: Option<&Cancellation>,
) -> Result<Input, PipelineError> {
    let opened = Input::open_formats(path, inputs.formats, inputs.offset, tasks, cancellation);
    or_cancelled(opened.map_err(PipelineError::from), cancellation)
}

/// Replaces the result of an operation by [`PipelineError::Cancelled`] if the run was cancelled: an
/// input then ends anywhere.
pub(crate) fn or_cancelled<T>(
    outcome: Result<T, PipelineError>,
    cancellation: Option<&Cancellation>,
) -> Result<T, PipelineError> {
    cancellation.map_or(Ok(()), Cancellation::check)?;
    outcome
}

/// Returns whether two paths are the same file.
fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::canonicalize(path).ok();
    one == other || identity(one).is_some_and(|one| Some(one) == identity(other))
}
