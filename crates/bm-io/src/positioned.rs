//! Parts of a file, each read at its own place.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// The bytes of a file from one place to another, whatever else reads the file.
pub(crate) struct Positioned {
    file: Arc<File>,
    range: Range<u64>,
}

impl Positioned {
    pub(crate) fn new(file: &Arc<File>, range: Range<u64>) -> Self {
        Self { file: Arc::clone(file), range }
    }
}

impl Read for Positioned {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.range.end.saturating_sub(self.range.start);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let count = self.file.read_at(&mut buf[..most], self.range.start)?;
        self.range.start += count as u64;
        Ok(count)
    }
}
