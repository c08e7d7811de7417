//! Formats of compressed outputs, and their levels.

use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use bgzf::{BGZF_BLOCK_SIZE, Compressor};

use crate::IoError;
use crate::fastq_block;
use crate::tasks::{Tasks, Tools};

/// Bytes of text per zstd frame: about the window of the usual levels, and small enough for several
/// frames in memory.
pub(crate) const FRAME: usize = 1 << 20;

/// Compression levels that at least one format has.
pub const LEVELS: RangeInclusive<i64> = 1..=19;

/// The format of a compressed output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// gzip, in BGZF blocks.
    Gzip,
    /// Frames of zstd, each with its checksum.
    Zstd,
}

impl Format {
    /// Returns the format by the name of an output; `None` is plain text.
    pub fn of_name(path: &Path) -> Option<Self> {
        Self::of_suffix(path.extension()?.to_str()?)
    }

    pub(crate) fn of_suffix(suffix: &str) -> Option<Self> {
        match suffix {
            "gz" | "bgz" => Some(Self::Gzip),
            "zst" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Returns the level to use: the `requested` one, or the default. The default for gzip is 1,
    /// which for FASTQ takes a third of the time of 3 (`research/compression`); for zstd, its
    /// own.
    ///
    /// # Errors
    ///
    /// If the format has no such level.
    pub fn level(self, requested: Option<u8>) -> Result<u8, IoError> {
        // All levels of libdeflate but 0, which compresses nothing; the levels of zstd that need
        // ordinary memory.
        let (name, default, most) = match self {
            Self::Gzip => ("gzip", 1, 12),
            Self::Zstd => ("zstd", 3, 19),
        };
        let level = requested.unwrap_or(default);
        if !(1..=most).contains(&level) {
            let refusal = format!("--level {level}: {name} has levels 1 to {most}");
            return Err(IoError::Refused(refusal));
        }
        Ok(level)
    }

    /// Returns the size of the text in a block, in bytes.
    pub fn block(self) -> usize {
        match self {
            Self::Gzip => BGZF_BLOCK_SIZE,
            Self::Zstd => FRAME,
        }
    }

    /// Compresses `text`, at most [`Format::block`] bytes, to one block, which replaces the content of
    /// `stored`.
    ///
    /// # Errors
    ///
    /// If there is no such level, or no memory for it.
    pub fn compress(
        self,
        level: u8,
        text: &[u8],
        tools: &mut Tools,
        stored: &mut Vec<u8>,
    ) -> io::Result<()> {
        match self {
            Self::Gzip
                if level == fastq_block::LEVEL
                    && fastq_block::compress(tools.fastq(), text, stored) =>
            {
                Ok(())
            }
            Self::Gzip => tools.gzip(level)?.compress(text, stored).map_err(io::Error::other),
            Self::Zstd => {
                stored.clear();
                stored.reserve(zstd::zstd_safe::compress_bound(text.len()));
                tools.zstd(level)?.compress_to_buffer(text, stored).map(|_| ())
            }
        }
    }

    /// Returns the bytes after the last block of a file.
    pub(crate) fn end(self, level: u8, is_empty: bool, tools: &mut Tools) -> io::Result<Vec<u8>> {
        let mut end = Vec::new();
        match self {
            Self::Gzip => Compressor::append_eof(&mut end),
            // A file needs at least one frame.
            Self::Zstd if is_empty => self.compress(level, b"", tools, &mut end)?,
            Self::Zstd => {}
        }
        Ok(end)
    }
}

/// The compression level of outputs, and the threads that compress.
pub struct Compression {
    /// The level; `None` for the default of the format.
    pub level: Option<u8>,
    /// The queue for blocks to compress.
    pub tasks: Tasks,
}

impl Compression {
    /// Returns compression on the thread that writes.
    pub fn on_this_thread(level: Option<u8>) -> Self {
        Self { level, tasks: Tasks::for_workers(0) }
    }
}
