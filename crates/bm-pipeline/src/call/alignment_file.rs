//! A sorted alignment that is read several times.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::Path;

use bm_io::{FileState, Output, is_stdio, name, open_file, stdin};
use bm_truth::{Aligned, Alignment, Reference, TruthError};

use crate::PipelineError;

/// Bytes read from the alignment at once.
const BUFFER: usize = 256 * 1024;

/// SAM, BAM or CRAM, of which every pass reads all records.
pub(crate) struct AlignmentFile {
    file: File,
    name: String,
    state: Option<FileState>,
    /// Records of the first pass.
    records: Option<u64>,
}

impl AlignmentFile {
    /// Opens an alignment. A stream is copied to a temporary file on the disk of `output`.
    pub(crate) fn open(path: &Path, output: &Output) -> Result<Self, PipelineError> {
        let name = name(path);
        let cannot = || PipelineError::at(format!("{name}: cannot be copied to a temporary file"));
        let spool = || output.spool().map_err(cannot());
        let file = if is_stdio(path) {
            let mut copy = spool()?;
            io::copy(&mut stdin()?.lock(), &mut copy).map_err(cannot())?;
            copy
        } else {
            match open_file(path, "SAM, BAM or CRAM")? {
                (file, Some(_)) => file,
                (mut pipe, None) => {
                    let mut copy = spool()?;
                    io::copy(&mut pipe, &mut copy).map_err(cannot())?;
                    copy
                }
            }
        };
        let state = FileState::of(&file, &name)?;
        Ok(Self { file, name, state, records: None })
    }

    /// Returns the name in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Begins a pass.
    pub(crate) fn pass<'a>(
        &'a self,
        reference: &'a Reference,
    ) -> Result<AlignmentPass<'a>, PipelineError> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))
            .map_err(PipelineError::at(format!("{}: cannot be read several times", self.name)))?;
        let reader = BufReader::with_capacity(BUFFER, file);
        let alignment =
            Alignment::open(reader, reference).map_err(PipelineError::at(self.name.as_str()))?;
        Ok(AlignmentPass { alignment, reference, name: &self.name })
    }

    /// Checks that a pass, which is over, read the same records as the first one.
    pub(crate) fn check(&mut self, records: u64) -> Result<(), PipelineError> {
        let first = *self.records.get_or_insert(records);
        if first != records {
            let changed = TruthError::Changed { first, second: records };
            return Err(PipelineError::at(self.name.as_str())(changed));
        }
        if let (Some(before), Some(now)) = (&self.state, FileState::of(&self.file, &self.name)?) {
            now.check(before, &self.name)?;
        }
        Ok(())
    }
}

/// One pass over the primary records of an alignment.
pub(crate) struct AlignmentPass<'a> {
    alignment: Alignment<BufReader<&'a File>>,
    reference: &'a Reference,
    name: &'a str,
}

impl AlignmentPass<'_> {
    /// Reads the next primary record; returns `false` at the end.
    pub(crate) fn read(&mut self, aligned: &mut Aligned) -> Result<bool, PipelineError> {
        let read = self.alignment.read(self.reference, aligned);
        read.map_err(PipelineError::at(self.name))
    }

    /// Returns the number of records read, secondary and supplementary ones included.
    pub(crate) fn records(&self) -> u64 {
        self.alignment.records()
    }
}
