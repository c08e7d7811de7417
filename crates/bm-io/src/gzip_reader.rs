//! Reads gzip: BGZF blocks in parallel, on any free thread; any other member as a stream.
//!
//! A block is checked before any of its text is returned. The text of a stream is returned before
//! its checksum is reached.
//!
//! A file may switch between the two at every member. A block with an unusual header goes to the
//! stream reader, which supports all of gzip and reports errors.

use std::fmt::{self, Display};
use std::io::{self, BufRead, Read};
use std::mem;
use std::ops::Range;

use sirocco::Format;
use sirocco::inflate::{Decoder, Error};

use crate::stored_end::{Lack, StoredEnd};
use crate::tasks::{InOrder, Tasks, Tools};

/// First bytes of every member.
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Bytes of a block's header.
pub(crate) const HEADER: usize = 18;
/// Most bytes of text in a block.
const BLOCK: usize = 64 * 1024;
/// Size of the buffer for an inflated stream, in bytes.
const WINDOW: usize = 256 * 1024;

/// The text of a gzip file of any number of members.
pub(crate) struct GzipReader<R> {
    stored: R,
    /// Bytes read ahead from `stored` to recognise the next member.
    ahead: Vec<u8>,
    next: Next,
    /// Whether the last member was a block with text; the last block of a whole file is empty.
    lacks_end: bool,
    end_mark: StoredEnd,
    blocks: InOrder<Result<Vec<u8>, Fault>>,
    decoder: Box<Decoder>,
    /// A block's text, or the window of a stream.
    text: Vec<u8>,
    /// The end of the window, and whether it is full.
    end: usize,
    full: bool,
    /// The part of `text` that was not returned yet.
    range: Range<usize>,
}

/// What follows the requested blocks.
enum Next {
    /// A member, or the end.
    Member,
    /// More of a member that is a stream.
    Stream,
    End,
    /// Why reading ended; `None` after the error was returned.
    Failed(Option<io::Error>),
}

/// What is wrong with a gzip file.
#[derive(Debug)]
pub(crate) enum Fault {
    Truncated,
    /// Something else begins where a member should.
    Header,
    Damaged(Error),
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what: &dyn Display = match self {
            Self::Truncated => {
                return f.write_str("the gzip file is truncated; copy or download it again");
            }
            Self::Header => &"invalid gzip header",
            Self::Damaged(error) => error,
        };
        write!(
            f,
            "the gzip file is damaged, or something that is not gzip follows it ({what}); copy or download it again"
        )
    }
}

impl std::error::Error for Fault {}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        if error == Error::Truncated { Self::Truncated } else { Self::Damaged(error) }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        let kind = match fault {
            Fault::Truncated => io::ErrorKind::UnexpectedEof,
            Fault::Header | Fault::Damaged(_) => io::ErrorKind::InvalidData,
        };
        Self::new(kind, fault)
    }
}

impl<R: BufRead> GzipReader<R> {
    /// Returns the reader of a file whose end is noted in `end_mark`.
    pub(crate) fn new(stored: R, tasks: &Tasks, end_mark: StoredEnd) -> Self {
        Self {
            lacks_end: false,
            end_mark,
            stored,
            ahead: Vec::new(),
            next: Next::Member,
            blocks: InOrder::new(tasks),
            decoder: Box::new(Decoder::new(Format::Gzip)),
            text: Vec::new(),
            end: 0,
            full: false,
            range: 0..0,
        }
    }

    /// Gets more text, if there is more.
    fn fill(&mut self) -> io::Result<()> {
        while self.range.is_empty() {
            while matches!(self.next, Next::Member) && !self.blocks.is_full() {
                self.next = self.member().unwrap_or_else(|error| Next::Failed(Some(error)));
            }
            if let Some(block) = self.blocks.next()? {
                self.text = block?;
                self.range = 0..self.text.len();
                continue;
            }
            match &mut self.next {
                Next::Member => {}
                Next::Stream => self.stream()?,
                Next::End => break,
                Next::Failed(error) => {
                    return Err(error
                        .take()
                        .unwrap_or_else(|| io::Error::other("reading failed before")));
                }
            }
        }
        Ok(())
    }

    /// Looks at the next member. If it is a block, requests its text.
    fn member(&mut self) -> io::Result<Next> {
        let missing = HEADER - self.ahead.len();
        (&mut self.stored).take(missing as u64).read_to_end(&mut self.ahead)?;
        if self.ahead.is_empty() {
            if self.lacks_end {
                self.end_mark.missing(Lack::Block)?;
            }
            return Ok(Next::End);
        }
        // The stream reader cannot decide on a few bytes: they could be a truncated member.
        if self.ahead.iter().zip(MAGIC).any(|(found, expected)| *found != expected) {
            return Err(Fault::Header.into());
        }
        let Some(size) = block_size(&self.ahead) else {
            self.decoder.reset();
            (self.end, self.full) = (0, false);
            self.lacks_end = false;
            return Ok(Next::Stream);
        };
        let mut block = mem::take(&mut self.ahead);
        (&mut self.stored).take((size - HEADER) as u64).read_to_end(&mut block)?;
        if block.len() < size {
            return Err(Fault::Truncated.into());
        }
        self.lacks_end = text_size(&block) != Some(0);
        self.blocks.request(move |tools| inflate(&block, tools));
        Ok(Next::Member)
    }

    /// Inflates more of a member that is a stream.
    fn stream(&mut self) -> io::Result<()> {
        // The window of this member, or the text of the block before, which was returned.
        self.text.resize(WINDOW, 0);
        if mem::take(&mut self.full) {
            self.end -= self.decoder.make_room(&mut self.text);
        }
        let (input, at_end) = if self.ahead.is_empty() {
            let input = self.stored.fill_buf()?;
            (input, input.is_empty())
        } else {
            (self.ahead.as_slice(), false)
        };
        let progress =
            self.decoder.decompress(input, &mut self.text, at_end).map_err(Fault::from)?;
        let (consumed, count) = (progress.consumed, progress.output.len());
        self.full = progress.full;
        if progress.done {
            self.next = Next::Member;
        }
        if self.ahead.is_empty() {
            self.stored.consume(consumed);
        } else {
            self.ahead.drain(..consumed);
        }
        self.range = self.end..self.end + count;
        self.end += count;
        Ok(())
    }
}

impl<R: BufRead> BufRead for GzipReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Err(error) = self.fill() {
            // An interrupted read is no failure: the caller tries again.
            if error.kind() != io::ErrorKind::Interrupted {
                self.next = Next::Failed(None);
                self.blocks.forget();
            }
            return Err(error);
        }
        Ok(&self.text[self.range.clone()])
    }

    fn consume(&mut self, count: usize) {
        self.range.start = self.range.end.min(self.range.start + count);
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buf)?;
        self.consume(count);
        Ok(count)
    }
}

/// Returns the size of a BGZF block in bytes, if this is the header of one.
pub(crate) fn block_size(header: &[u8]) -> Option<usize> {
    match *header {
        [0x1f, 0x8b, 8, 4, _, _, _, _, _, _, 6, 0, b'B', b'C', 2, 0, low, high] => {
            Some(usize::from(u16::from_le_bytes([low, high])) + 1)
                .filter(|size| *size >= HEADER + 8)
        }
        _ => None,
    }
}

/// Returns the number of bytes of text in a block.
fn text_size(block: &[u8]) -> Option<usize> {
    block.last_chunk().map(|size| u32::from_le_bytes(*size) as usize)
}

/// Inflates a whole block.
pub(crate) fn inflate(block: &[u8], tools: &mut Tools) -> Result<Vec<u8>, Fault> {
    let size = text_size(block).unwrap_or(usize::MAX);
    if size > BLOCK {
        return Err(Fault::Damaged(Error::BadData));
    }
    let mut text = vec![0; size];
    let progress = tools.decoder().decompress(block, &mut text, true).map_err(Fault::Damaged)?;
    // A member that ends before its block would hide the bytes after it.
    if !progress.done || progress.consumed != block.len() || progress.output.len() != size {
        return Err(Fault::Damaged(Error::BadData));
    }
    Ok(text)
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// Reads a file that arrives in pieces of `step` bytes.
    fn read(stored: &[u8], step: usize) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        reader(io::BufReader::with_capacity(step, stored), 2).read_to_end(&mut text)?;
        Ok(text)
    }

    fn reader<R: BufRead>(stored: R, workers: usize) -> GzipReader<R> {
        GzipReader::new(stored, &Tasks::for_workers(workers), StoredEnd::new("x.gz"))
    }

    fn text(bytes: usize) -> Vec<u8> {
        (0..bytes as u32)
            .map(|i| b"ACGT\n"[(i.wrapping_mul(2_654_435_761) >> 27) as usize % 5])
            .collect()
    }

    fn stream(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// Returns blocks and the end-of-file mark.
    fn blocks(text: &[u8]) -> Vec<u8> {
        let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
        writer.write_all(text).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn blocks_and_streams_are_read_in_any_mixture() {
        let (small, large) = (text(1_000), text(700_000));
        type Member = fn(&[u8]) -> Vec<u8>;
        let members: [(Member, &[u8]); 8] = [
            (stream, &small),
            (blocks, &large),
            (blocks, &[]),
            (stream, &large),
            (stream, &[]),
            (stream, &small),
            (blocks, &small),
            (blocks, &small),
        ];
        for from in 0..members.len() {
            let stored: Vec<u8> =
                members[from..].iter().flat_map(|(member, text)| member(text)).collect();
            let expected: Vec<u8> =
                members[from..].iter().flat_map(|(_, text)| text.to_vec()).collect();
            for step in [1, 7, 300_000] {
                assert!(
                    read(&stored, step).unwrap() == expected,
                    "from member {from} on, {step} bytes at a time"
                );
            }
        }
    }

    #[test]
    fn a_file_cut_anywhere_but_between_members_is_truncated() {
        for (stored, ends) in [(stream(&text(300)), vec![]), (blocks(&text(300)), vec![28])] {
            for length in 1..stored.len() {
                let outcome = read(&stored[..length], 64);
                if ends.contains(&(stored.len() - length)) {
                    assert_eq!(outcome.unwrap(), text(300));
                } else {
                    let error = outcome.unwrap_err();
                    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{length}: {error}");
                }
            }
        }
    }

    #[test]
    fn blocks_without_the_empty_one_at_the_end_are_noted() {
        let whole = blocks(&text(200_000));
        let cut = &whole[..whole.len() - 28];
        let empty_inside = [&whole, cut].concat();
        for (stored, lacks) in [
            (whole.as_slice(), false),
            (cut, true),
            (&[&whole[..], &whole].concat(), false),
            (&empty_inside, true),
            (&[cut, &whole].concat(), false),
            (&stream(&text(300)), false),
            (&[cut, &stream(&text(300))].concat(), false),
            (&[&stream(&text(300)), cut].concat(), true),
            (&blocks(&[]), false),
        ] {
            for required in [false, true] {
                let end = StoredEnd::new("x.gz");
                if required {
                    end.require().unwrap();
                }
                let mut text = Vec::new();
                let outcome = GzipReader::new(stored, &Tasks::for_workers(2), end.clone())
                    .read_to_end(&mut text);
                assert_eq!(end.warning().is_some(), lacks);
                assert_eq!(outcome.is_err(), lacks && required);
                assert!(text == read(stored, 300).unwrap(), "all text comes before the error");
            }
        }
    }

    #[test]
    fn other_bytes_after_a_member_are_an_error_after_all_its_text() {
        for member in [stream(&text(300)), blocks(&text(300))] {
            for rest in [[0; 1].as_slice(), &[0; 30], b"@r\nACGT\n+\nIIII\n"] {
                let stored = [&member, rest].concat();
                let mut text = Vec::new();
                let error = reader(stored.as_slice(), 0)
                    .read_to_end(&mut text)
                    .expect_err("there is something after it");
                assert!(
                    error.to_string().contains("something that is not gzip follows it"),
                    "{error}"
                );
                assert_eq!(text, self::text(300));
            }
        }
    }

    #[test]
    fn every_changed_byte_is_detected() {
        // In a small text, a damaged header could swallow everything.
        for original in [stream(&text(2_000)), blocks(&text(2_000))] {
            for place in 0..original.len() {
                for bit in 0..8 {
                    let mut stored = original.clone();
                    stored[place] ^= 1 << bit;
                    // Some bytes of a header do not concern the text.
                    assert!(
                        read(&stored, 64).is_ok_and(|found| found == text(2_000))
                            || read(&stored, 64).is_err(),
                        "{place}, {bit}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_block_whose_size_covers_the_next_one_is_damaged() {
        let mut first = blocks(&text(300));
        first.truncate(first.len() - 28);
        let second = blocks(&text(100));
        let size = (first.len() + second.len() - 1) as u16;
        let mut stored = [first, second].concat();
        stored[16..18].copy_from_slice(&size.to_le_bytes());
        assert!(read(&stored, 64).unwrap_err().to_string().contains("damaged"));
    }

    /// A stream with an interruption before every read.
    struct Interrupted<'a>(&'a [u8], bool);

    impl Read for Interrupted<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::Interrupted.into()) } else { self.0.read(buf) }
        }
    }

    #[test]
    fn reading_continues_after_interruptions() {
        for stored in [stream(&text(700_000)), blocks(&text(700_000))] {
            let mut found = Vec::new();
            let below = io::BufReader::with_capacity(1_000, Interrupted(&stored, false));
            reader(below, 2).read_to_end(&mut found).unwrap();
            assert!(found == text(700_000));
        }
    }

    #[test]
    fn reading_after_an_error_is_an_error_again() {
        let stored = stream(&text(300));
        let mut gzip = reader(&stored[..stored.len() - 1], 0);
        assert!(gzip.read_to_end(&mut Vec::new()).is_err());
        assert!(gzip.read_to_end(&mut Vec::new()).is_err());
    }
}
