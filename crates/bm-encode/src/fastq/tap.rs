//! A stream that remembers the record that is being read from it.

use std::io::{self, BufRead, Read};

/// Passes a stream on and keeps the bytes of the current record, where it stands in the stream, and whether the stream failed.
///
/// noodles-fastq tells none of these, and an error without them has no address.
pub(super) struct Tap<R> {
    inner: R,
    /// Bytes consumed since [`Tap::start_record`].
    record: Vec<u8>,
    /// Bytes consumed before that.
    before: u64,
    failed: bool,
}

impl<R: BufRead> Tap<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, record: Vec::new(), before: 0, failed: false }
    }

    pub(super) fn start_record(&mut self) {
        self.before = self.position();
        self.record.clear();
    }

    /// Returns how many bytes were consumed.
    pub(super) fn position(&self) -> u64 {
        self.before + self.record.len() as u64
    }

    /// Returns the bytes that come next, without consuming them; none at the end of the stream.
    pub(super) fn peek(&mut self) -> io::Result<&[u8]> {
        let at_end = loop {
            match self.inner.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
                Ok(buffer) => break buffer.is_empty(),
            }
        };
        // A second look is free and keeps the borrow checker out of the loop above; at the end it would read once more.
        if at_end { Ok(&[]) } else { self.inner.fill_buf() }
    }

    /// Consumes and returns what comes next, at most `most` bytes, however few of them the buffer below holds: an excerpt for a
    /// message, after which nothing is read.
    pub(super) fn excerpt(&mut self, most: usize) -> Vec<u8> {
        let start = self.record.len();
        loop {
            let missing = most - (self.record.len() - start);
            let count = self.peek().map_or(0, |next| next.len().min(missing));
            if count == 0 {
                return self.record[start..].to_vec();
            }
            self.consume(count);
        }
    }

    pub(super) fn consume(&mut self, count: usize) {
        BufRead::consume(self, count);
    }

    /// Returns whether the stream below returned an error, rather than its end.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Returns line `index` of the current record with its line end, or nothing.
    pub(super) fn line(&self, index: usize) -> &[u8] {
        self.record.split_inclusive(|byte| *byte == b'\n').nth(index).unwrap_or_default()
    }

    /// Returns how many lines of the current record were begun.
    pub(super) fn line_count(&self) -> usize {
        self.record.split_inclusive(|byte| *byte == b'\n').count()
    }

    pub(super) fn ends_with_newline(&self) -> bool {
        self.record.ends_with(b"\n")
    }
}

impl<R: BufRead> Read for Tap<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buf.len());
        buf[..count].copy_from_slice(&available[..count]);
        BufRead::consume(self, count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Tap<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek()
    }

    fn consume(&mut self, count: usize) {
        // The bytes are still in the inner buffer: consuming is what makes them ours. A buffer that is not empty cannot fail.
        if let Ok(buffer) = self.inner.fill_buf() {
            self.record.extend_from_slice(&buffer[..count.min(buffer.len())]);
        }
        self.inner.consume(count);
    }
}
