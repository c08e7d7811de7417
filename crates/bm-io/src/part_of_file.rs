//! A shard of a file: its text.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bm_reads::starts::Lines;

use crate::IoError;
use crate::file_state::FileState;
use crate::gzip_reader::GzipReader;
use crate::positioned::Positioned;
use crate::shard::Shard;
use crate::stored_end::StoredEnd;
use crate::stored_file::StoredFile;
use crate::tasks::Tasks;
use crate::text::{BUFFER, Counted, InFull, Text};
use crate::walk::Place;

/// A shard of a file.
pub struct PartOfFile<'a> {
    pub(crate) file: &'a StoredFile,
    pub(crate) lines: Lines,
    pub(crate) shard: Shard,
    pub(crate) from: Place,
    pub(crate) to: Place,
}

impl PartOfFile<'_> {
    /// Returns the number of bytes of text in the file before the part; `None` if there are more than
    /// `most`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn text_before(&self, most: u64) -> Result<Option<u64>, IoError> {
        let Self { file, from, .. } = self;
        if !file.is_bgzf {
            return Ok(Some(from.stored).filter(|before| *before <= most));
        }
        let (mut at, mut text) = (0, from.within);
        while at < from.stored && text <= most {
            let size = file.block_size(at)?.ok_or_else(|| file.no_block(at))?;
            let last = file.stored(at + size - 4..at + size)?;
            let of_block = last.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            text += u64::from(of_block);
            at += size;
        }
        match at.cmp(&from.stored) {
            // Something that looked like a block.
            Ordering::Greater => Err(file.no_block(from.stored)),
            _ => Ok(Some(text).filter(|text| *text <= most)),
        }
    }

    /// Returns the size of the part as stored, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.to.stored - self.from.stored
    }

    /// Returns a copy of the file, and its state.
    pub(crate) fn state(&self) -> Result<Option<(File, FileState)>, IoError> {
        let StoredFile { name, file, .. } = self.file;
        let copy = file.try_clone().map_err(IoError::system(name.clone()))?;
        Ok(FileState::of(&copy, name)?.map(|state| (copy, state)))
    }

    pub(crate) fn lines(&self) -> Lines {
        self.lines
    }

    /// Returns the name of the part in messages.
    pub(crate) fn name(&self) -> String {
        format!("{}, shard {}", self.file.name, self.shard)
    }

    /// Returns the text of the part; `consumed` counts the bytes read from the file.
    pub(crate) fn text(&self, tasks: &Tasks, consumed: &Arc<AtomicU64>) -> Result<Text, IoError> {
        let Self { file, from, to, .. } = self;
        let end = StoredEnd::new(self.name());
        let is_last = to.stored == file.bytes;
        // The text of whole blocks, and that of the block with the cut.
        let whole =
            self.stored_text(from.stored..to.stored, is_last.then_some(&end), tasks, consumed);
        let block = if to.within > 0 {
            let size = file.block_size(to.stored)?.ok_or_else(|| file.no_block(to.stored))?;
            to.stored..to.stored + size
        } else {
            to.stored..to.stored
        };
        let cut = self.stored_text(block, None, tasks, consumed).take(to.within);
        let mut text = whole.chain(cut);
        io::copy(&mut (&mut text).take(from.within), &mut io::sink())
            .map_err(IoError::system(self.name()))?;
        let searched = if file.is_bgzf { 1 << 30 } else { 0 };
        Ok(Text { text: Box::new(text), searched, end })
    }

    /// Returns the text of these bytes of the file, whose end is noted in `end`, if they are its last
    /// ones.
    fn stored_text(
        &self,
        range: Range<u64>,
        end: Option<&StoredEnd>,
        tasks: &Tasks,
        consumed: &Arc<AtomicU64>,
    ) -> Box<dyn BufRead + Send> {
        let stored = Positioned::new(&self.file.file, range);
        let stored = Counted { inner: stored, consumed: Arc::clone(consumed) };
        if !self.file.is_bgzf {
            return Box::new(BufReader::with_capacity(BUFFER, stored));
        }
        let stored = BufReader::with_capacity(BUFFER, InFull::new(stored));
        let end = end.cloned().unwrap_or_else(|| StoredEnd::new(self.name()));
        Box::new(GzipReader::new(stored, tasks, end))
    }
}
