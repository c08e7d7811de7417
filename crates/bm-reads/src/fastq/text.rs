//! The read buffer and the stream that fills it.

use std::io::{ErrorKind, Read};
use std::{io, mem};

/// Bytes that [`Reader::read_record`](super::Reader::read_record) reads at once.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Bytes of memory that a growing text takes at once.
const STEP: usize = 1024 * 1024;

/// A buffer that text is read into, and the range of it in use.
///
/// Memory is filled with zeros once and not before each read. It grows with the text that arrives,
/// not with the text that is expected, and a text that was very long gives its memory back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Text {
    /// Memory that a cleared text keeps, in bytes.
    const KEPT: usize = 4 * 1024 * 1024;

    /// Removes everything and keeps the memory, unless a very long read made it large.
    pub(crate) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
        self.shrink();
    }

    /// Gives memory back that a very long read took and that the text does not need.
    pub(super) fn shrink(&mut self) {
        let used = self.end - self.start;
        if self.memory.len() > Self::KEPT && self.memory.len() / 2 > used {
            self.memory.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, used);
        }
        let kept = self.end.max(Self::KEPT);
        self.memory.truncate(kept);
        self.memory.shrink_to(kept);
    }

    /// Returns the memory that is held, in bytes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    /// Returns the text.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// Returns the text, mutable.
    pub(super) fn rest(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.end]
    }

    /// Removes this many bytes from the start.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start = self.end.min(self.start + bytes);
    }

    /// Keeps the first `bytes` bytes and moves the others to the end of `other`.
    pub(super) fn split_off(&mut self, bytes: usize, other: &mut Self) {
        let middle = self.end.min(self.start + bytes);
        other.append(&self.memory[middle..self.end]);
        self.end = middle;
        self.shrink();
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        let length = bytes.len();
        self.room(length)[..length].copy_from_slice(bytes);
        self.end += length;
    }

    /// Appends two parts of so many bytes, and returns them; their contents are any bytes.
    pub(super) fn append_two(&mut self, one: usize, other: usize) -> [&mut [u8]; 2] {
        let start = {
            self.room(one + other);
            self.end
        };
        self.end += one + other;
        let (one, other) = self.memory[start..start + one + other].split_at_mut(one);
        [one, other]
    }

    /// Keeps the first `bytes` bytes.
    pub(super) fn truncate(&mut self, bytes: usize) {
        self.end = self.end.min(self.start + bytes);
    }

    /// Returns room for at least this many bytes after the text.
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

/// A stream of text and its state.
pub(crate) struct Source<R> {
    inner: R,
    end: End,
}

enum End {
    Open,
    Ended,
    Failed(io::Error),
    /// The stream failed, and its error was returned.
    Gone,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, end: End::Open }
    }

    /// Returns whether the whole stream was read.
    pub(crate) fn is_at_end(&self) -> bool {
        matches!(self.end, End::Ended)
    }

    /// Returns the error of the stream, if it failed.
    pub(crate) fn failure(&mut self) -> Option<io::Error> {
        match mem::replace(&mut self.end, End::Gone) {
            End::Failed(error) => Some(error),
            End::Gone => Some(io::Error::other("reading failed before")),
            end @ (End::Open | End::Ended) => {
                self.end = end;
                None
            }
        }
    }

    /// Reads and discards text up to the end of the stream, at most this many bytes.
    pub(crate) fn skip(&mut self, mut bytes: u64) {
        let mut text = Text::default();
        while matches!(self.end, End::Open) && bytes > 0 {
            let chunk = bytes.min(CHUNK as u64);
            text.clear();
            self.fill(&mut text, chunk as usize);
            bytes -= chunk;
        }
    }

    /// Reads until `text` has this many bytes, or the stream ends or fails.
    pub(crate) fn fill(&mut self, text: &mut Text, bytes: usize) {
        while matches!(self.end, End::Open) && text.as_slice().len() < bytes {
            let missing = (bytes - text.as_slice().len()).min(STEP);
            match self.inner.read(&mut text.room(missing)[..missing]) {
                Ok(0) => self.end = End::Ended,
                Ok(count) => text.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.end = End::Failed(error),
            }
        }
    }
}
