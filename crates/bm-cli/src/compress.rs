//! Compresses an output: gzip in the blocks of BGZF, each on whatever thread has time.
//!
//! Blocks are cut by the text alone, so the bytes do not depend on threads. Every reader of gzip reads them; those that know BGZF
//! (samtools, bgzip) can read its blocks in parallel, and tell by the empty block at the end that nothing is missing.

use std::io::{self, Write};
use std::mem;
use std::ops::RangeInclusive;

use bgzf::{BGZF_BLOCK_SIZE, Compressor};

use crate::work::{InOrder, Tasks};

/// The level unless `--level` says another: half of the time of level 3, and files 6 % larger (`research/compression`).
pub(crate) const LEVEL: u8 = 1;
/// The levels of libdeflate, but for 0, which compresses nothing.
pub(crate) const LEVELS: RangeInclusive<i64> = 1..=12;

/// How outputs are compressed, and by whom.
pub(crate) struct Compression {
    pub(crate) level: u8,
    pub(crate) tasks: Tasks,
}

impl Compression {
    /// Returns compression by whoever writes.
    pub(crate) fn alone(level: u8) -> Self {
        Self { level, tasks: Tasks::of(0) }
    }
}

/// A writer of BGZF.
pub(crate) struct Blocks<W> {
    inner: W,
    level: u8,
    /// The block that is being filled.
    filling: Block,
    /// Blocks to be filled again.
    spare: Vec<Block>,
    compressed: InOrder<io::Result<Block>>,
}

#[derive(Default)]
struct Block {
    text: Vec<u8>,
    /// The text as it is stored.
    stored: Vec<u8>,
}

impl<W: Write> Blocks<W> {
    pub(crate) fn new(inner: W, compression: &Compression) -> Self {
        let Compression { level, tasks } = compression;
        Self { inner, level: *level, filling: Block::default(), spare: Vec::new(), compressed: InOrder::new(tasks) }
    }

    /// Writes out the last block and the mark of the end; returns the stream.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.filling.text.is_empty() {
            self.compress();
        }
        while let Some(block) = self.compressed.next()? {
            self.store(block?)?;
        }
        let mut end = Vec::new();
        Compressor::append_eof(&mut end);
        self.inner.write_all(&end)?;
        Ok(self.inner)
    }

    /// Hands the block over and takes another one.
    fn compress(&mut self) {
        let level = self.level;
        let mut block = mem::replace(&mut self.filling, self.spare.pop().unwrap_or_default());
        self.compressed.ask(move |tools| {
            tools.compressor(level)?.compress(&block.text, &mut block.stored).map_err(io::Error::other)?;
            Ok(block)
        });
    }

    fn store(&mut self, mut block: Block) -> io::Result<()> {
        self.inner.write_all(&block.stored)?;
        block.text.clear();
        self.spare.push(block);
        Ok(())
    }
}

impl<W: Write> Write for Blocks<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.filling.text.len() == BGZF_BLOCK_SIZE {
            while let Some(block) = self.compressed.ready()? {
                self.store(block?)?;
            }
            if self.compressed.is_full()
                && let Some(block) = self.compressed.next()?
            {
                self.store(block?)?;
            }
            self.compress();
        }
        let count = buf.len().min(BGZF_BLOCK_SIZE - self.filling.text.len());
        self.filling.text.extend_from_slice(&buf[..count]);
        Ok(count)
    }

    /// Writes out what is compressed. A block that is not full stays: where blocks end is up to the text.
    fn flush(&mut self) -> io::Result<()> {
        while let Some(block) = self.compressed.next()? {
            self.store(block?)?;
        }
        self.inner.flush()
    }
}

#[cfg(test)]
// A test says by panicking that it failed.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Text of so many bytes that compresses somewhat.
    fn text(bytes: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let step = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b"ACGTFFF:,#\n"[(state >> 24) as usize % 11]
        };
        (0..bytes).map(step).collect()
    }

    fn compressed(text: &[u8], level: u8, piece: usize) -> Vec<u8> {
        let mut blocks = Blocks::new(Vec::new(), &Compression::alone(level));
        text.chunks(piece).for_each(|piece| blocks.write_all(piece).unwrap());
        blocks.finish().unwrap()
    }

    /// Reads with two readers that know nothing of how it was written.
    fn read(stored: &[u8]) -> Vec<u8> {
        let (mut gzip, mut blocks) = (Vec::new(), Vec::new());
        flate2::read::MultiGzDecoder::new(stored).read_to_end(&mut gzip).unwrap();
        noodles_bgzf::io::Reader::new(stored).read_to_end(&mut blocks).unwrap();
        assert!(gzip == blocks);
        gzip
    }

    #[test]
    fn blocks_depend_on_the_text_and_the_level_alone_and_end_in_the_mark_of_the_end() {
        for bytes in [0, 1, BGZF_BLOCK_SIZE - 1, BGZF_BLOCK_SIZE, BGZF_BLOCK_SIZE + 1, 5 * BGZF_BLOCK_SIZE + 77] {
            let text = text(bytes);
            for level in [1, 3, 12] {
                let stored = compressed(&text, level, bytes.max(1));
                assert!(stored == compressed(&text, level, 1_000), "{bytes} bytes at level {level}");
                assert!(read(&stored) == text, "{bytes} bytes at level {level}");
                let mut end = Vec::new();
                Compressor::append_eof(&mut end);
                assert!(stored.ends_with(&end) && (bytes > 0 || stored == end));
            }
        }
    }

    #[test]
    fn what_does_not_compress_fits_into_blocks() {
        let mut state = 1_u64;
        let noise: Vec<u8> = (0..3 * BGZF_BLOCK_SIZE)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as u8
            })
            .collect();
        for level in 1..=12 {
            assert!(read(&compressed(&noise, level, 4_096)) == noise, "level {level}");
        }
    }

    #[test]
    fn flushing_writes_out_whole_blocks_and_does_not_move_their_ends() {
        let text = text(3 * BGZF_BLOCK_SIZE);
        let mut blocks = Blocks::new(Vec::new(), &Compression { level: 3, tasks: Tasks::of(2) });
        for piece in text.chunks(10_000) {
            blocks.write_all(piece).unwrap();
            blocks.flush().unwrap();
        }
        assert!(!blocks.inner.is_empty());
        assert!(blocks.finish().unwrap() == compressed(&text, 3, 10_000));
    }
}
