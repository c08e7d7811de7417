//! Compresses an output in blocks, on any free thread: gzip in BGZF blocks, or frames of zstd.
//!
//! The text alone decides where blocks end, so the bytes do not depend on threads. Every gzip
//! reader reads BGZF; readers that support it (samtools, bgzip) read blocks in parallel, and check
//! the empty block at the end to detect a truncated file. Every zstd reader reads frames one after
//! the other, and verifies each by its checksum.

use std::io::{self, Write};
use std::mem;

use crate::IoError;
use crate::compression::{Compression, Format};
use crate::sink::{OutputStream, Sink};
use crate::tasks::{InOrder, Tools};

/// Text of all blocks that are being compressed or wait to be written, in bytes, at any number of
/// threads.
const AHEAD_BYTES: usize = 32 << 20;

/// Compresses text in blocks.
pub(crate) struct BlockWriter<W> {
    inner: W,
    format: Format,
    level: u8,
    /// The block that is being filled.
    filling: Block,
    /// Empty blocks for reuse.
    spare: Vec<Block>,
    compressed: InOrder<io::Result<Block>>,
    /// Whether no text was written yet.
    is_empty: bool,
}

#[derive(Default)]
struct Block {
    text: Vec<u8>,
    /// The compressed text.
    stored: Vec<u8>,
}

impl<W: Write> BlockWriter<W> {
    /// # Errors
    ///
    /// If the format has no such level.
    pub(crate) fn new(
        inner: W,
        format: Format,
        compression: &Compression,
    ) -> Result<Self, IoError> {
        let level = format.level(compression.level)?;
        let compressed = InOrder::new(&compression.tasks).at_most(AHEAD_BYTES / format.block());
        Ok(Self {
            inner,
            format,
            level,
            filling: Block::default(),
            spare: Vec::new(),
            compressed,
            is_empty: true,
        })
    }

    /// Writes the last block and the end-of-file mark; returns the stream.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub(crate) fn into_inner(mut self) -> io::Result<W> {
        if !self.filling.text.is_empty() {
            self.compress();
        }
        while let Some(block) = self.compressed.next()? {
            self.store(block?)?;
        }
        let end = self.format.end(self.level, self.is_empty, &mut Tools::default())?;
        self.inner.write_all(&end)?;
        Ok(self.inner)
    }

    /// Requests the compression of the full block, and starts an empty one.
    fn compress(&mut self) {
        let (format, level) = (self.format, self.level);
        let mut block = mem::replace(&mut self.filling, self.spare.pop().unwrap_or_default());
        self.is_empty = false;
        self.compressed.request(move |tools| {
            format.compress(level, &block.text, tools, &mut block.stored)?;
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

impl<W: Write> Write for BlockWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let full = self.format.block();
        if self.filling.text.len() == full {
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
        let count = buf.len().min(full - self.filling.text.len());
        self.filling.text.extend_from_slice(&buf[..count]);
        Ok(count)
    }

    /// Writes the compressed blocks. A block that is not full stays: the text alone decides where
    /// blocks end.
    fn flush(&mut self) -> io::Result<()> {
        while let Some(block) = self.compressed.next()? {
            self.store(block?)?;
        }
        self.inner.flush()
    }
}

impl Sink for BlockWriter<OutputStream> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.into_inner()?.flush()
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read;
    use std::thread;

    use proptest::prelude::*;

    use super::*;
    use bgzf::{BGZF_BLOCK_SIZE, Compressor};

    use crate::compression::FRAME;
    use crate::gzip_reader::GzipReader;
    use crate::stored_end::StoredEnd;
    use crate::tasks::Tasks;

    /// Returns text of this many bytes that compresses somewhat.
    fn text(bytes: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let step = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b"ACGTFFF:,#\n"[(state >> 24) as usize % 11]
        };
        (0..bytes).map(step).collect()
    }

    fn compressed(format: Format, text: &[u8], level: u8, piece: usize) -> Vec<u8> {
        let mut blocks =
            BlockWriter::new(Vec::new(), format, &Compression::on_this_thread(Some(level)))
                .unwrap();
        text.chunks(piece).for_each(|piece| blocks.write_all(piece).unwrap());
        blocks.into_inner().unwrap()
    }

    /// Decompresses with independent readers.
    fn read(format: Format, stored: &[u8]) -> Vec<u8> {
        if format == Format::Zstd {
            return zstd::decode_all(stored).unwrap();
        }
        let (mut gzip, mut blocks) = (Vec::new(), Vec::new());
        flate2::read::MultiGzDecoder::new(stored).read_to_end(&mut gzip).unwrap();
        noodles_bgzf::io::Reader::new(stored).read_to_end(&mut blocks).unwrap();
        assert!(gzip == blocks);
        gzip
    }

    #[test]
    fn blocks_depend_on_the_text_and_the_level_alone() {
        for format in [Format::Gzip, Format::Zstd] {
            let block = format.block();
            for bytes in [0, 1, block - 1, block, block + 1, 3 * block + 77] {
                let text = text(bytes);
                for level in [1, 3, 12] {
                    let stored = compressed(format, &text, level, bytes.max(1));
                    assert!(
                        stored == compressed(format, &text, level, 1_000),
                        "{format:?}: {bytes} bytes at level {level}"
                    );
                    assert!(
                        read(format, &stored) == text,
                        "{format:?}: {bytes} bytes at level {level}"
                    );
                }
            }
        }
    }

    #[test]
    fn gzip_ends_in_the_end_of_file_mark() {
        let mut end = Vec::new();
        Compressor::append_eof(&mut end);
        assert!(compressed(Format::Gzip, &text(100), 1, 100).ends_with(&end));
        assert_eq!(compressed(Format::Gzip, b"", 1, 1), end);
    }

    #[test]
    fn every_frame_of_zstd_has_its_checksum_and_size() {
        let text = text(FRAME + 5);
        let mut stored = compressed(Format::Zstd, &text, 3, 4_096);
        assert_eq!(
            zstd::zstd_safe::get_frame_content_size(&stored).ok().flatten(),
            Some(FRAME as u64)
        );
        let last = stored.len() - 1;
        stored[last] ^= 1;
        assert!(zstd::decode_all(&stored[..]).unwrap_err().to_string().contains("checksum"));
    }

    #[test]
    fn a_level_that_a_format_does_not_have_is_refused() {
        assert_eq!(Format::Zstd.level(Some(19)).unwrap(), 19);
        assert_eq!(
            Format::Gzip.level(Some(13)).unwrap_err().to_string(),
            "--level 13: gzip has levels 1 to 12"
        );
    }

    #[test]
    fn incompressible_text_fits_into_blocks() {
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
            for format in [Format::Gzip, Format::Zstd] {
                assert!(
                    read(format, &compressed(format, &noise, level, 4_096)) == noise,
                    "{format:?}, level {level}"
                );
            }
        }
    }

    #[test]
    fn flushing_writes_whole_blocks_and_does_not_move_their_ends() {
        let text = text(3 * BGZF_BLOCK_SIZE);
        let compression = Compression { level: Some(3), tasks: Tasks::for_workers(2) };
        let mut blocks = BlockWriter::new(Vec::new(), Format::Gzip, &compression).unwrap();
        for piece in text.chunks(10_000) {
            blocks.write_all(piece).unwrap();
            blocks.flush().unwrap();
        }
        assert!(!blocks.inner.is_empty());
        assert!(blocks.into_inner().unwrap() == compressed(Format::Gzip, &text, 3, 10_000));
    }

    /// Text of a few thousand bytes: from a few letters to noise, in stretches that repeat.
    fn any_text() -> impl Strategy<Value = Vec<u8>> {
        (0..200_000usize, 1..=256u32, 1..70_000usize, any::<u32>()).prop_map(
            |(bytes, letters, period, seed)| {
                let mut state = seed;
                let mut step = || {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ((state >> 16) % letters) as u8
                };
                let stretch: Vec<u8> = (0..period).map(|_| step()).collect();
                (0..bytes)
                    .map(|i| if i % (2 * period) < period { stretch[i % period] } else { step() })
                    .collect()
            },
        )
    }

    /// Calls `run`, which requests tasks, with this many threads that do them.
    fn with_workers<T>(workers: usize, run: impl FnOnce(Tasks) -> T) -> T {
        let tasks = Tasks::for_workers(workers);
        thread::scope(|scope| {
            for _ in 0..workers {
                // The loop ends when nothing can request tasks any more.
                let queue = tasks.queue().clone();
                scope.spawn(move || queue.iter().for_each(|task| task.run(&mut Tools::default())));
            }
            run(tasks)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_text_survives_compression_on_any_number_of_threads(
            text in any_text(),
            (format, level) in prop_oneof![
                (Just(Format::Gzip), 1..=12u8),
                (Just(Format::Zstd), 1..=9u8)
            ],
            piece in 1..100_000usize,
            workers in 0..4usize,
        ) {
            let stored = with_workers(workers, |tasks| {
                let compression = Compression { level: Some(level), tasks };
                let mut blocks = BlockWriter::new(Vec::new(), format, &compression).unwrap();
                text.chunks(piece).for_each(|piece| blocks.write_all(piece).unwrap());
                blocks.into_inner().unwrap()
            });
            prop_assert!(read(format, &stored) == text);
            let alone = compressed(format, &text, level, text.len().max(1));
            prop_assert!(stored == alone, "{workers} workers change the bytes");
            if format == Format::Gzip {
                let ours = with_workers(workers, |tasks| {
                    let mut ours = Vec::new();
                    let stored = io::BufReader::with_capacity(piece, &stored[..]);
                 let end = StoredEnd::new("x.gz");
                 end.require().unwrap();
                 let mut text = GzipReader::new(stored, &tasks, end);
                 text.read_to_end(&mut ours).map(|_| ours)
                });
                prop_assert!(ours.unwrap() == text);
            }
        }
    }
}
