//! A file that is read from any place on, as it is or in blocks of BGZF.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::IoError;
use crate::decompress::StreamFormat;
use crate::gzip_reader;
use crate::path::name;
use crate::positioned::Positioned;
use crate::tasks::Tools;
use crate::text::open_file;

/// Bytes that are read at once: of plain text, or to find a block.
pub(crate) const PIECE: u64 = 64 * 1024;

/// A file of plain text or BGZF.
pub(crate) struct StoredFile {
    /// Its name in messages.
    pub(crate) name: String,
    pub(crate) file: Arc<File>,
    /// Its size.
    pub(crate) bytes: u64,
    pub(crate) is_bgzf: bool,
}

impl StoredFile {
    /// Opens a file, unless it cannot be read from any place on.
    pub(crate) fn open(path: &Path) -> Result<Self, IoError> {
        let refuse = |what: &str| Err(IoError::Refused(format!("{}: --shard {what}", name(path))));
        let (file, state) = open_file(path, "FASTQ")?;
        let Some(state) = state else {
            return refuse("reads a part of a file, and a stream has no parts; give it a file");
        };
        let file = Arc::new(file);
        let mut magic = Vec::new();
        Positioned::new(&file, 0..18)
            .read_to_end(&mut magic)
            .map_err(IoError::system(format!("{}: cannot be read", name(path))))?;
        let is_bgzf = gzip_reader::block_size(&magic).is_some();
        if !is_bgzf && magic.starts_with(&gzip_reader::MAGIC) {
            return refuse(
                "cannot begin within this gzip file, which is one stream; compress it in blocks: \
                 gzip -dc FILE | bgzip > NEW.gz",
            );
        }
        if let Some(format) = StreamFormat::of(&magic) {
            return refuse(&format!(
                "cannot begin within a {format} file; compress it in blocks: \
                 {format} -dc FILE | bgzip > NEW.gz"
            ));
        }
        Ok(Self { name: name(path), file, bytes: state.bytes(), is_bgzf })
    }

    /// Returns the first byte from which the file can be read: that byte itself or, in BGZF, the first
    /// block at or behind it, or the end.
    pub(crate) fn border(&self, from: u64) -> Result<u64, IoError> {
        if !self.is_bgzf {
            return Ok(from);
        }
        let (mut at, mut tools) = (from, Tools::default());
        while at < self.bytes {
            let stored = self.stored(at..at.saturating_add(PIECE).min(self.bytes))?;
            // The last bytes are looked at with those behind them.
            let candidates = stored.windows(gzip_reader::MAGIC.len()).enumerate();
            for (place, _) in candidates.filter(|(_, two)| *two == gzip_reader::MAGIC) {
                // The bytes of a block may look like a header; its checksum does not deceive.
                let candidate = at + place as u64;
                if self.block(candidate, &mut tools)?.is_some() {
                    return Ok(candidate);
                }
            }
            at += (stored.len() as u64).saturating_sub(1).max(1);
        }
        Ok(self.bytes)
    }

    /// Returns the whole block at a byte, its size as stored and its text; `None` if there is none.
    pub(crate) fn block(
        &self,
        at: u64,
        tools: &mut Tools,
    ) -> Result<Option<(u64, Vec<u8>)>, IoError> {
        let Some(size) = self.block_size(at)? else { return Ok(None) };
        let block = self.stored(at..at + size)?;
        if block.len() as u64 != size {
            return Ok(None);
        }
        Ok(gzip_reader::inflate(&block, tools).ok().map(|text| (size, text)))
    }

    pub(crate) fn block_size(&self, at: u64) -> Result<Option<u64>, IoError> {
        let header = self.stored(at..at + gzip_reader::HEADER as u64)?;
        Ok(gzip_reader::block_size(&header).map(|size| size as u64))
    }

    /// Returns the bytes of the file at these places, as far as it has them.
    pub(crate) fn stored(&self, range: Range<u64>) -> Result<Vec<u8>, IoError> {
        let mut stored = Vec::new();
        Positioned::new(&self.file, range)
            .read_to_end(&mut stored)
            .map_err(IoError::system(format!("{}: cannot be read", self.name)))?;
        Ok(stored)
    }

    /// Returns an error for a byte of the file at which no block begins.
    pub(crate) fn no_block(&self, at: u64) -> IoError {
        IoError::Refused(format!(
            "{}: byte {at} of the file begins no BGZF block, or a damaged one, so --shard cannot divide \
             the file; compress it again: gzip -dc FILE | bgzip > NEW.gz",
            self.name
        ))
    }
}
