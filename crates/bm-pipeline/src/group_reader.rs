//! Reads the files of a group: single reads, or mates whose names and number are checked.

use std::mem;

use bm_io::{Input, Shard};
use bm_reads::fastq::{BatchSize, RecordBatch};
use bm_reads::mates::{self, Mismatch};

use crate::PipelineError;
use crate::bam_mates;
use crate::file_group::Layout;
use crate::templates::TemplateBatch;

/// Text of the second mates of a batch, in texts of the first ones. Mates of one library are far
/// below it; beyond it, a batch ends earlier, so that its memory does not depend on the other file.
const SECOND_TEXT: usize = 16;

/// Reads the templates of a group of files.
pub(crate) struct GroupReader {
    /// One file, or two of mates.
    pub(crate) inputs: Vec<Input>,
    /// The files of index reads: a record for each template.
    pub(crate) index: Vec<Input>,
    pub(crate) layout: Layout,
    /// First mates that were read already, and whether there may be more after them: their second
    /// mates were too long for one batch.
    held: Option<(RecordBatch, bool)>,
    /// The first pair whose names have the number of the same mate twice, if there is one.
    pub(crate) same_number: Option<String>,
    /// The shard of the files that is read, if it is not all of them.
    shard: Option<Shard>,
}

impl GroupReader {
    pub(crate) fn new(inputs: Vec<Input>, layout: Layout) -> Self {
        let index = Vec::new();
        Self { inputs, index, layout, held: None, same_number: None, shard: None }
    }

    /// Returns the reader with files of index reads, which are read in step.
    pub(crate) fn with_index(self, index: Vec<Input>) -> Self {
        Self { index, ..self }
    }

    /// Returns the reader of a shard of the same files, which were `opened` at it.
    pub(crate) fn shard(&self, opened: Vec<Input>, shard: Shard) -> Self {
        let same_number = self.same_number.clone();
        Self { same_number, shard: Some(shard), ..Self::new(opened, self.layout) }
    }

    /// Fills `batch` with the templates in the next `bytes` of text; returns whether there may be
    /// more.
    ///
    /// # Errors
    ///
    /// A fault in a record, or reads that are not mates, with the address.
    pub(crate) fn read(
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
            Layout::Single => bam_mates::check(batch, self.inputs[0].name())?,
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
                bam_mates::check(batch, self.inputs[0].name())?;
                self.check_names(batch).map_err(|error| self.explained(error))?;
            }
        }
        self.read_index(batch, bytes, more)?;
        Ok(more)
    }

    /// Reads the index reads of a batch of templates, of which there may be more.
    fn read_index(
        &mut self,
        batch: &mut TemplateBatch,
        bytes: usize,
        more: bool,
    ) -> Result<(), PipelineError> {
        let templates = batch.number();
        batch.index.resize_with(self.index.len(), RecordBatch::default);
        let bytes = bytes.saturating_mul(SECOND_TEXT).max(1);
        for (place, file) in self.index.iter_mut().enumerate() {
            let mut index = mem::take(&mut batch.index[place]);
            file.read_batch(&mut index, BatchSize::RecordsUpTo { records: templates, bytes })?;
            let first = &batch.files[0];
            let step = first.len().checked_div(templates).unwrap_or(1);
            if index.len() < templates {
                if index.bytes() >= bytes {
                    return PipelineError::refuse(format!(
                        "{}: has far more text than the reads beside it; are these index reads?",
                        file.name()
                    ));
                }
                // The fault may be in the next record.
                file.read_batch(&mut RecordBatch::default(), BatchSize::Records(1))?;
                let read = address(first, step * index.len());
                return uneven(file, &self.inputs[0], &read);
            }
            for (number, record) in index.iter().enumerate() {
                let Some(read) = first.get(step * number) else { continue };
                if mates::check(read.definition, record.definition) == Some(Mismatch::Names) {
                    return PipelineError::refuse(format!(
                        "{}: {}: is no index read of {}: {}; index reads must be in the same order, \
                         and none left out",
                        file.name(),
                        address(&index, number),
                        self.inputs[0].name(),
                        address(first, step * number)
                    ));
                }
            }
            if !more {
                let mut next = RecordBatch::default();
                file.read_batch(&mut next, BatchSize::Records(1))?;
                if !next.is_empty() {
                    return uneven(&self.inputs[0], file, &address(&next, 0));
                }
            }
            batch.index[place] = index;
        }
        Ok(())
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
                    let is_first = self.layout == Layout::TwoFiles
                        && batch.files[0].address(one.place).is_some_and(|it| it.record == 1);
                    let advice = match is_first && self.shard.is_none() {
                        true => "; files of single reads are named after -U",
                        false => "",
                    };
                    let [one, other] = addresses();
                    return PipelineError::refuse(format!(
                        "{other}: is no mate of {one}; mates must be in the same order, and none \
                         left out{advice}"
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
