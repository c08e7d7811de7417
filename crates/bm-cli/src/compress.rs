//! Compresses an output in blocks, each on whatever thread has time: gzip in the blocks of BGZF, or
//! frames of zstd.
//!
//! Blocks are cut by the text alone, so the bytes do not depend on threads. Every reader of gzip
//! reads the first; those that know BGZF (samtools, bgzip) can read its blocks in parallel, and
//! tell by the empty block at the end that nothing is missing. Every reader of zstd reads frames
//! one after the other, and checks each by its checksum.

use std::io::{self, Write};
use std::mem;
use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::{Result, ensure};
use bgzf::{BGZF_BLOCK_SIZE, Compressor};

use crate::work::{InOrder, Tasks, Tools};

/// Text in a frame of zstd: near what a level looks back to, and little enough that several of them
/// wait.
const FRAME: usize = 1 << 20;

/// What `--level` may say: the levels of one format or another.
pub(crate) const LEVELS: RangeInclusive<i64> = 1..=19;

/// How an output is compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    Gzip,
    Zstd,
}

impl Format {
    /// Tells by the name of an output what is asked for.
    pub(crate) fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "gz" | "bgz" => Some(Self::Gzip),
            "zst" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Returns the level: the one that is `asked` for, or the default. gzip's is 1, half of the
    /// time of 3 and files 6 % larger (`research/compression`); zstd's is its own default.
    ///
    /// # Errors
    ///
    /// If the format has no such level.
    pub(crate) fn level(self, asked: Option<u8>) -> Result<u8> {
        // Those of libdeflate but for 0, which compresses nothing; those of zstd that need no
        // unusual memory.
        let (name, default, most) = match self {
            Self::Gzip => ("gzip", 1, 12),
            Self::Zstd => ("zstd", 3, 19),
        };
        let level = asked.unwrap_or(default);
        ensure!((1..=most).contains(&level), "--level {level}: {name} has levels 1 to {most}");
        Ok(level)
    }

    /// Returns how much text a block holds, in bytes.
    fn block(self) -> usize {
        match self {
            Self::Gzip => BGZF_BLOCK_SIZE,
            Self::Zstd => FRAME,
        }
    }

    /// Makes a block of `text`.
    fn compress(
        self,
        level: u8,
        text: &[u8],
        tools: &mut Tools,
        stored: &mut Vec<u8>,
    ) -> io::Result<()> {
        match self {
            Self::Gzip => tools.gzip(level)?.compress(text, stored).map_err(io::Error::other),
            Self::Zstd => {
                stored.clear();
                stored.reserve(zstd::zstd_safe::compress_bound(text.len()));
                tools.zstd(level)?.compress_to_buffer(text, stored).map(|_| ())
            }
        }
    }

    /// Returns what stands behind the last block of a file, which may be the only one.
    fn end(self, level: u8, is_empty: bool, tools: &mut Tools) -> io::Result<Vec<u8>> {
        let mut end = Vec::new();
        match self {
            Self::Gzip => Compressor::append_eof(&mut end),
            // A file without a frame is none.
            Self::Zstd if is_empty => self.compress(level, b"", tools, &mut end)?,
            Self::Zstd => {}
        }
        Ok(end)
    }
}

/// How much outputs are compressed, and by whom.
pub(crate) struct Compression {
    /// Unless it is the default of the format.
    pub(crate) level: Option<u8>,
    pub(crate) tasks: Tasks,
}

impl Compression {
    /// Returns compression by whoever writes.
    pub(crate) fn alone(level: Option<u8>) -> Self {
        Self { level, tasks: Tasks::of(0) }
    }
}

/// A writer of blocks.
pub(crate) struct Blocks<W> {
    inner: W,
    format: Format,
    level: u8,
    /// The block that is being filled.
    filling: Block,
    /// Blocks to be filled again.
    spare: Vec<Block>,
    compressed: InOrder<io::Result<Block>>,
    /// Whether there was no text.
    is_empty: bool,
}

#[derive(Default)]
struct Block {
    text: Vec<u8>,
    /// The text as it is stored.
    stored: Vec<u8>,
}

impl<W: Write> Blocks<W> {
    /// # Errors
    ///
    /// If the format has no such level.
    pub(crate) fn new(inner: W, format: Format, compression: &Compression) -> Result<Self> {
        let level = format.level(compression.level)?;
        let compressed = InOrder::new(&compression.tasks);
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
        let end = self.format.end(self.level, self.is_empty, &mut Tools::default())?;
        self.inner.write_all(&end)?;
        Ok(self.inner)
    }

    /// Hands the block over and takes another one.
    fn compress(&mut self) {
        let (format, level) = (self.format, self.level);
        let mut block = mem::replace(&mut self.filling, self.spare.pop().unwrap_or_default());
        self.is_empty = false;
        self.compressed.ask(move |tools| {
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

impl<W: Write> Write for Blocks<W> {
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

    /// Writes out what is compressed. A block that is not full stays: where blocks end is up to the
    /// text.
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
    use std::thread;

    use proptest::prelude::*;

    use super::*;
    use crate::inflate::Gzip;

    /// Text of so many bytes that compresses somewhat.
    fn text(bytes: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let step = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b"ACGTFFF:,#\n"[(state >> 24) as usize % 11]
        };
        (0..bytes).map(step).collect()
    }

    fn compressed(format: Format, text: &[u8], level: u8, piece: usize) -> Vec<u8> {
        let mut blocks = Blocks::new(Vec::new(), format, &Compression::alone(Some(level))).unwrap();
        text.chunks(piece).for_each(|piece| blocks.write_all(piece).unwrap());
        blocks.finish().unwrap()
    }

    /// Reads with readers that know nothing of how it was written.
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
    fn gzip_ends_in_the_mark_of_the_end() {
        let mut end = Vec::new();
        Compressor::append_eof(&mut end);
        assert!(compressed(Format::Gzip, &text(100), 1, 100).ends_with(&end));
        assert_eq!(compressed(Format::Gzip, b"", 1, 1), end);
    }

    #[test]
    fn every_frame_of_zstd_brings_its_checksum_and_its_size() {
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
            for format in [Format::Gzip, Format::Zstd] {
                assert!(
                    read(format, &compressed(format, &noise, level, 4_096)) == noise,
                    "{format:?}, level {level}"
                );
            }
        }
    }

    #[test]
    fn flushing_writes_out_whole_blocks_and_does_not_move_their_ends() {
        let text = text(3 * BGZF_BLOCK_SIZE);
        let compression = Compression { level: Some(3), tasks: Tasks::of(2) };
        let mut blocks = Blocks::new(Vec::new(), Format::Gzip, &compression).unwrap();
        for piece in text.chunks(10_000) {
            blocks.write_all(piece).unwrap();
            blocks.flush().unwrap();
        }
        assert!(!blocks.inner.is_empty());
        assert!(blocks.finish().unwrap() == compressed(Format::Gzip, &text, 3, 10_000));
    }

    /// Text of some thousand bytes: from a few letters to noise, in stretches that repeat.
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

    /// Runs something that makes tasks, with so many threads that do them.
    fn with_workers<T>(workers: usize, run: impl FnOnce(Tasks) -> T) -> T {
        let tasks = Tasks::of(workers);
        thread::scope(|scope| {
            for _ in 0..workers {
                // It ends with the last one who can ask for something.
                let queue = tasks.queue().clone();
                scope.spawn(move || queue.iter().for_each(|task| task.run(&mut Tools::default())));
            }
            run(tasks)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_text_comes_back_whoever_compresses_and_inflates_it(
            text in any_text(),
            (format, level) in prop_oneof![(Just(Format::Gzip), 1..=12u8), (Just(Format::Zstd), 1..=9u8)],
            piece in 1..100_000usize,
            workers in 0..4usize,
        ) {
            let stored = with_workers(workers, |tasks| {
                let mut blocks = Blocks::new(Vec::new(), format, &Compression { level: Some(level), tasks }).unwrap();
                text.chunks(piece).for_each(|piece| blocks.write_all(piece).unwrap());
                blocks.finish().unwrap()
            });
            prop_assert!(read(format, &stored) == text);
            prop_assert!(stored == compressed(format, &text, level, text.len().max(1)), "{workers} workers change the bytes");
            if format == Format::Gzip {
                let ours = with_workers(workers, |tasks| {
                    let mut ours = Vec::new();
                    Gzip::new(io::BufReader::with_capacity(piece, &stored[..]), &tasks).read_to_end(&mut ours).map(|_| ours)
                });
                prop_assert!(ours.unwrap() == text);
            }
        }
    }
}
