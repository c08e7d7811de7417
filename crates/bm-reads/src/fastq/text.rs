//! Text that is read ahead.

use std::io::{ErrorKind, Read};
use std::{io, mem};

/// Bytes that a reader of single records reads at once.
pub(super) const CHUNK: usize = 64 * 1024;

/// A piece of memory that text is read into, and how much of it was used.
///
/// The memory is as long as it ever was, so that it is filled with zeros once and not before each
/// reading.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Text {
    /// Memory that an emptied text keeps.
    const KEPT: usize = 4 * 1024 * 1024;

    /// Removes everything and keeps the memory, unless a very long read made it large.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
        self.memory.truncate(Self::KEPT);
        self.memory.shrink_to(Self::KEPT);
    }

    /// Returns what is there.
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// Returns what is there and was not consumed.
    pub(super) fn rest(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.end]
    }

    /// Removes bytes from the front.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.start = self.end.min(self.start + bytes);
    }

    /// Removes all but the first bytes; the others go to the end of `other`.
    pub(super) fn split_off(&mut self, bytes: usize, other: &mut Self) {
        let middle = self.end.min(self.start + bytes);
        other.append(&self.memory[middle..self.end]);
        self.end = middle;
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        let length = bytes.len();
        self.room(length)[..length].copy_from_slice(bytes);
        self.end += length;
    }

    /// Returns room for at least so many bytes behind what is there.
    fn room(&mut self, bytes: usize) -> &mut [u8] {
        if self.memory.len() - self.end < bytes {
            self.memory.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            if self.memory.len() < self.end + bytes {
                self.memory.resize(self.end + bytes, 0);
            }
        }
        &mut self.memory[self.end..]
    }
}

/// Where text comes from, and how that ended.
pub(super) struct Source<R> {
    inner: R,
    end: End,
}

enum End {
    Open,
    Ended,
    Failed(io::Error),
    /// The error was taken.
    Gone,
}

impl<R: Read> Source<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, end: End::Open }
    }

    /// Returns whether everything was read.
    pub(super) fn is_at_end(&self) -> bool {
        matches!(self.end, End::Ended)
    }

    /// Returns why no more can be read, if the stream failed.
    pub(super) fn failure(&mut self) -> Option<io::Error> {
        match mem::replace(&mut self.end, End::Gone) {
            End::Failed(error) => Some(error),
            End::Gone => Some(io::Error::other("reading failed before")),
            end @ (End::Open | End::Ended) => {
                self.end = end;
                None
            }
        }
    }

    /// Reads on to the end, but no more than so many bytes, and forgets what it reads.
    pub(super) fn skip(&mut self, mut bytes: u64) {
        let mut text = Text::default();
        while matches!(self.end, End::Open) && bytes > 0 {
            let chunk = bytes.min(CHUNK as u64);
            text.clear();
            self.fill(&mut text, chunk as usize);
            bytes -= chunk;
        }
    }

    /// Reads until there are so many bytes in `text`, or no more can be read.
    pub(super) fn fill(&mut self, text: &mut Text, bytes: usize) {
        while matches!(self.end, End::Open) && text.as_slice().len() < bytes {
            let missing = bytes - text.as_slice().len();
            match self.inner.read(&mut text.room(missing)[..missing]) {
                Ok(0) => self.end = End::Ended,
                Ok(count) => text.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.end = End::Failed(error),
            }
        }
    }
}
