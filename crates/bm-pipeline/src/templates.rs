//! The reads of a run in batches of templates: single reads, or pairs of mates from two files or
//! from one file in which mates follow each other.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use bm_io::{Cancellation, Input, Shard, Tasks, name};
use bm_reads::fastq::{BatchSize, RecordBatch, RecordRef};
use bm_reads::mates::{self, Mismatch};
use bm_reads::{Phred, ReadRef};

use crate::PipelineError;
use crate::inputs::{Inputs, Layout};

/// Reads the templates of a run.
pub struct TemplateReader {
    /// One file, or two of mates.
    inputs: Vec<Input>,
    layout: Layout,
    cancellation: Option<Cancellation>,
    /// First mates that were read already, and whether there may be more after them: their second
    /// mates were too long for one batch.
    held: Option<(RecordBatch, bool)>,
    /// Number of templates read, those before the shard included.
    templates: u64,
    /// Whether models get the same quality for every base.
    ignores_quality: bool,
    /// The first pair whose names have the number of the same mate twice, if there is one.
    same_number: Option<String>,
    /// The shard of the files that is read, if it is not all of them.
    shard: Option<Shard>,
}

/// The quality of every base, if the reported ones are ignored: Phred 25, a usual error rate of a
/// run. What is learned of a run does not depend on it.
const SAME_QUALITY: u8 = Phred::OFFSET + 25;

/// Text of the second mates of a batch, in texts of the first ones. Mates of one library are far
/// below it; beyond it, a batch ends earlier, so that its memory does not depend on the other file.
const SECOND_TEXT: usize = 16;

/// Templates handled together.
#[derive(Clone, Default)]
pub struct TemplateBatch {
    layout: Layout,
    /// Number of templates before it in the run.
    before: u64,
    /// Records of the first file, and the same number from the second.
    files: [RecordBatch; 2],
    /// Quality scores for the longest read that models get instead of the reported ones; empty if
    /// they get these.
    same_quality: Vec<u8>,
}

impl TemplateReader {
    /// Opens the files of a run, whole even if the run is of a shard of them. BGZF blocks are inflated by
    /// `tasks`.
    ///
    /// # Errors
    ///
    /// If a file cannot be opened, or the same file is named for both mates.
    pub fn open(inputs: &Inputs, tasks: &Tasks) -> Result<Self, PipelineError> {
        Self::open_for(inputs, tasks, None)
    }

    /// Opens the files of a run that may be cancelled.
    pub(crate) fn open_for(
        inputs: &Inputs,
        tasks: &Tasks,
        cancellation: Option<&Cancellation>,
    ) -> Result<Self, PipelineError> {
        let paths = inputs.paths();
        if let [first, second] = paths[..]
            && is_same(first, second)
        {
            return PipelineError::refuse(format!(
                "{}: is named for both mates; with both in one file, name it once and say \
                 --interleaved",
                name(first)
            ));
        }
        let opened = match inputs.in_memory() {
            Some(text) => {
                let text = Cursor::new(text.clone());
                vec![Input::of_stream("reads in memory", text, inputs.offset, tasks)?]
            }
            None => paths
                .iter()
                .map(|path| open_input(path, inputs, tasks, cancellation))
                .collect::<Result<Vec<_>, _>>()?,
        };
        if inputs.strict {
            opened.iter().try_for_each(|input| input.end().require())?;
        }
        Ok(Self {
            inputs: opened,
            layout: inputs.layout(),
            cancellation: cancellation.cloned(),
            held: None,
            templates: 0,
            ignores_quality: inputs.ignore_quality,
            same_number: None,
            shard: None,
        })
    }

    /// Returns the reader of a shard of the same files, which were `opened` at it, with this number of
    /// templates `before` it.
    pub(crate) fn shard(&self, opened: Vec<Input>, before: u64, shard: Shard) -> Self {
        Self {
            inputs: opened,
            layout: self.layout,
            cancellation: self.cancellation.clone(),
            held: None,
            templates: before,
            ignores_quality: self.ignores_quality,
            same_number: self.same_number.clone(),
            shard: Some(shard),
        }
    }

    /// Returns the number of templates read, those before the shard included.
    pub(crate) fn templates(&self) -> u64 {
        self.templates
    }

    /// Returns the name of a file whose reads have no qualities, if there is one.
    pub(crate) fn fasta(&self) -> Option<&str> {
        self.inputs.iter().find(|input| input.is_fasta()).map(Input::name)
    }

    /// Returns a line for each compressed file without its end, and one for names of mates that have the
    /// same number, after all reads were read.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let same_number = self.same_number.as_ref().map(|pair| {
            format!(
                "{pair}: both have the number of the same mate in their names; read as mates all the \
                 same"
            )
        });
        self.inputs.iter().filter_map(|input| input.end().warning()).chain(same_number)
    }

    /// Returns the names of the files in messages.
    pub fn names(&self) -> Vec<String> {
        self.inputs.iter().map(|input| input.name().to_owned()).collect()
    }

    /// Returns how reads belong together.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the files.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.inputs.iter()
    }

    /// Returns the first file, which measures progress.
    pub fn leading(&self) -> &Input {
        &self.inputs[0]
    }

    /// Returns the number of records read. Between batches, first mates may be ahead.
    pub fn records(&self) -> u64 {
        self.inputs.iter().map(Input::records).sum()
    }

    /// Fills `batch` with the templates in the next `bytes` of text; returns whether there may be
    /// more.
    ///
    /// # Errors
    ///
    /// A fault in a record, or reads that are not mates, with the address.
    pub fn read(&mut self, batch: &mut TemplateBatch, bytes: usize) -> Result<bool, PipelineError> {
        let outcome = self.read_checked(batch, bytes);
        batch.before = self.templates;
        self.templates += batch.number() as u64;
        batch.same_quality.clear();
        if self.ignores_quality {
            let longest = batch.files().flat_map(RecordBatch::iter).map(|it| it.sequence.len());
            batch.same_quality.resize(longest.max().unwrap_or(0), SAME_QUALITY);
        }
        or_cancelled(outcome, self.cancellation.as_ref())
    }

    fn read_checked(
        &mut self,
        batch: &mut TemplateBatch,
        bytes: usize,
    ) -> Result<bool, PipelineError> {
        batch.layout = self.layout;
        let size = match self.layout {
            Layout::Single => BatchSize::Bytes(bytes),
            Layout::Interleaved => BatchSize::PairsInBytes(bytes),
            // The other half of the text is in the second file.
            Layout::TwoFiles => BatchSize::Bytes(bytes / 2),
        };
        let [first, second] = &mut batch.files;
        let mut more = match self.held.take() {
            Some((held, more)) => {
                *first = held;
                more
            }
            None => self.inputs[0].read_batch(first, size)?,
        };
        match self.layout {
            Layout::Single => {}
            Layout::TwoFiles => {
                let bytes = (bytes / 2).saturating_mul(SECOND_TEXT).max(1);
                let size = BatchSize::RecordsUpTo { records: first.len(), bytes };
                self.inputs[1].read_batch(second, size)?;
                if second.len() < first.len() && second.bytes() >= bytes {
                    self.held = Some((first.split_off(second.len()), more));
                    more = true;
                }
                let hint = self.shard;
                self.check_counts(first, second, more).map_err(|error| hinted(error, hint))?;
                self.check_names(batch).map_err(|error| hinted(self.explained(error), hint))?;
            }
            Layout::Interleaved => {
                if !first.len().is_multiple_of(2) {
                    // The fault may be in the mate.
                    self.inputs[0].read_batch(second, BatchSize::Records(1))?;
                    let last = address(first, first.len() - 1);
                    return PipelineError::refuse(format!(
                        "{}: ends after {last}, which has no mate; with --interleaved, mates \
                         follow each other",
                        self.inputs[0].name()
                    ));
                }
                self.check_names(batch).map_err(|error| self.explained(error))?;
            }
        }
        Ok(more)
    }

    /// Checks that both files end together.
    fn check_counts(
        &mut self,
        first: &RecordBatch,
        second: &RecordBatch,
        more: bool,
    ) -> Result<(), PipelineError> {
        let [ours, theirs] = &mut self.inputs[..] else { return Ok(()) };
        if second.len() < first.len() {
            // The fault may be in the next record.
            theirs.read_batch(&mut RecordBatch::default(), BatchSize::Records(1))?;
            return uneven(theirs, ours, &address(first, second.len()));
        }
        if !more {
            let mut next = RecordBatch::default();
            theirs.read_batch(&mut next, BatchSize::Records(1))?;
            if !next.is_empty() {
                return uneven(ours, theirs, &address(&next, 0));
            }
        }
        Ok(())
    }

    /// Adds the damaged file, if there is one, to an error about mates: damage may have changed a
    /// name.
    fn explained(&mut self, error: PipelineError) -> PipelineError {
        let damage = |input: &mut Input| Some((input.damage()?, input.name().to_owned()));
        match self.inputs.iter_mut().find_map(damage) {
            Some((damage, name)) => {
                PipelineError::Refused(format!("{error}; further on in {name}, {damage}"))
            }
            None => error,
        }
    }

    /// Checks that the two reads of every template are mates.
    fn check_names(&mut self, batch: &TemplateBatch) -> Result<(), PipelineError> {
        // The first pair with one number twice, and whether all of these are twice the same read.
        let mut same_number = None;
        for template in batch.templates() {
            let [one, other] = template.mates() else { continue };
            let Some(mismatch) = mates::check(one.record.definition, other.record.definition)
            else {
                continue;
            };
            let addresses = || {
                [(one, 0), (other, 1)].map(|(mate, number)| {
                    let file = if self.layout == Layout::TwoFiles { number } else { 0 };
                    let address = address(&batch.files[file], mate.place);
                    format!("{}: {address}", self.inputs[file].name())
                })
            };
            match mismatch {
                Mismatch::Names => {
                    let [one, other] = addresses();
                    return PipelineError::refuse(format!(
                        "{other}: is no mate of {one}; mates must be in the same order, and none \
                         left out"
                    ));
                }
                Mismatch::Order => {
                    let [one, other] = addresses();
                    return PipelineError::refuse(format!(
                        "{other}: is by its name not the second mate of {one}; are the files swapped?"
                    ));
                }
                Mismatch::SameNumber if self.same_number.is_some() => {}
                Mismatch::SameNumber => {
                    let are_same = one.record.sequence == other.record.sequence
                        && one.record.quality_scores == other.record.quality_scores;
                    let (_, all) = same_number.get_or_insert_with(|| (addresses(), true));
                    *all &= are_same;
                }
            }
        }
        // Only the first ones are compared: a file is the copy of another from its start on, and two
        // mates of G alone, or of N alone, may be the same.
        match same_number {
            Some(([one, other], true)) if self.shard.is_none_or(Shard::is_first) => {
                PipelineError::refuse(format!(
                    "{other}: has the name, the bases and the qualities of {one}, and so have the pairs \
                 after it: the same reads twice?"
                ))
            }
            Some(([one, other], _)) => {
                self.same_number = Some(format!("{one} and {other}"));
                Ok(())
            }
            None => Ok(()),
        }
    }
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

/// Adds to an error about mates what else may be wrong in a shard, in which they are found by their
/// names.
fn hinted(error: PipelineError, shard: Option<Shard>) -> PipelineError {
    match (error, shard) {
        (PipelineError::Refused(error), Some(_)) => PipelineError::Refused(format!(
            "{error}; or names occur again and again, so that --shard does not find the mates: then \
             write both into one file, one after the other, and say --interleaved"
        )),
        (error, _) => error,
    }
}

/// Returns the error for two files, one of which ends before the other.
fn uneven(shorter: &Input, longer: &Input, mate: &str) -> Result<(), PipelineError> {
    let (end, shorter, longer) = (shorter.records(), shorter.name(), longer.name());
    PipelineError::refuse(format!(
        "{shorter}: ends after record {end}, but {longer} goes on with {mate}; one of them is not \
         whole, or they are not mates"
    ))
}

impl TemplateBatch {
    /// Returns how reads belong together.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the number of templates before it in the run.
    pub fn before(&self) -> u64 {
        self.before
    }

    /// Returns the number of templates.
    pub(crate) fn number(&self) -> usize {
        self.files[0].len() / if self.layout == Layout::Interleaved { 2 } else { 1 }
    }

    /// Returns which mate the read at this place is, in the order of the files: 0, or 1 for second mates.
    pub(crate) fn mate_of(&self, index: usize) -> usize {
        match self.layout {
            Layout::Single => 0,
            Layout::Interleaved => index % 2,
            Layout::TwoFiles => usize::from(index >= self.files[0].len()),
        }
    }

    /// Returns the number of the mate that the read at this place is, in the order of the files: 1 or 2;
    /// without its mate, by its name.
    pub(crate) fn mate_number(&self, index: usize) -> u8 {
        let by_name = || {
            let record = self.files[0].iter().nth(index);
            record.and_then(|record| mates::number(record.definition)).unwrap_or(1)
        };
        match self.layout {
            Layout::Single => by_name(),
            _ => 1 + self.mate_of(index) as u8,
        }
    }

    /// Returns the number of templates whose first record begins before this byte of its file.
    pub(crate) fn begin_before(&self, byte: u64) -> usize {
        let step = if self.layout == Layout::Interleaved { 2 } else { 1 };
        let starts = (0..self.files[0].len()).step_by(step).map(|it| self.files[0].address(it));
        starts.take_while(|start| start.is_some_and(|start| start.byte < byte)).count()
    }

    /// Returns the number of reads.
    pub fn len(&self) -> usize {
        self.files().map(RecordBatch::len).sum()
    }

    /// Returns the size of the reads' text in bytes.
    pub fn bytes(&self) -> usize {
        self.files().map(RecordBatch::bytes).sum()
    }

    /// Returns whether there are no reads.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the records of each file; predictions are in this order.
    pub fn files(&self) -> impl Iterator<Item = &RecordBatch> {
        self.files.iter().take(self.layout.files())
    }

    /// Returns all reads, as models get them.
    pub fn reads(&self) -> impl Iterator<Item = ReadRef<'_>> + Clone {
        let files = self.files.iter().take(self.layout.files());
        files.flat_map(|file| file.iter().map(|record| self.read_of(record)))
    }

    /// Returns a record of the batch as models get it: with the same quality for every base, if the
    /// reported ones are ignored.
    pub(crate) fn read_of<'a>(&'a self, record: RecordRef<'a>) -> ReadRef<'a> {
        as_read(record, &self.same_quality)
    }

    /// Returns the templates in order. A read without a mate is left out.
    pub fn templates(&self) -> impl Iterator<Item = Template<'_>> {
        let [first, second] = &self.files;
        (0..self.number()).filter_map(move |i| {
            let same_quality = self.same_quality.as_slice();
            let single =
                |place| Some(Mate { record: first.get(place)?, same_quality, place, index: place });
            Some(match self.layout {
                Layout::Single => Template { mates: [single(i)?; 2], count: 1 },
                Layout::Interleaved => {
                    Template { mates: [single(2 * i)?, single(2 * i + 1)?], count: 2 }
                }
                Layout::TwoFiles => {
                    let record = second.get(i)?;
                    let mate = Mate { record, same_quality, place: i, index: first.len() + i };
                    Template { mates: [single(i)?, mate], count: 2 }
                }
            })
        })
    }
}

/// The reads of a template: one, or two mates.
#[derive(Clone, Copy)]
pub struct Template<'a> {
    mates: [Mate<'a>; 2],
    count: usize,
}

/// One read of a template.
#[derive(Clone, Copy)]
pub struct Mate<'a> {
    /// Its record.
    pub record: RecordRef<'a>,
    /// Quality scores that models get instead; empty if they get those of the record.
    same_quality: &'a [u8],
    /// Its place among the records of its file.
    place: usize,
    /// The place of its prediction among those of the batch.
    pub(crate) index: usize,
}

impl<'a> Mate<'a> {
    /// Returns the read as models get it.
    pub(crate) fn as_read(&self) -> ReadRef<'a> {
        as_read(self.record, self.same_quality)
    }
}

/// Returns a record as a read, with the first of these quality scores if there are any.
fn as_read<'a>(record: RecordRef<'a>, same_quality: &'a [u8]) -> ReadRef<'a> {
    let read = record.as_read();
    match same_quality.get(..read.len()) {
        Some(quality_scores) if !same_quality.is_empty() => ReadRef { quality_scores, ..read },
        _ => read,
    }
}

impl<'a> Template<'a> {
    /// Returns the reads: one, or the first and the second mate.
    pub fn mates(&self) -> &[Mate<'a>] {
        &self.mates[..self.count]
    }
}

/// Returns the address of a record in a batch, for messages.
fn address(batch: &RecordBatch, index: usize) -> String {
    match (batch.address(index), batch.get(index)) {
        (Some(address), Some(record)) => {
            let name = record.name().escape_ascii();
            format!("record {} (read {name}, byte {})", address.record, address.byte)
        }
        _ => "its end".to_owned(),
    }
}

/// Returns whether two paths are the same file.
fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::canonicalize(path).ok();
    one == other || identity(one).is_some_and(|one| Some(one) == identity(other))
}
