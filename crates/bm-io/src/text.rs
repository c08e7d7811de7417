//! The text of files and streams: plain or compressed, recognised by content.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::IoError;
use crate::decompress::StreamFormat;
use crate::file_state::FileState;
use crate::gzip_reader::GzipReader;
use crate::path::{is_stdio, name};
use crate::standard_streams::stdin;
use crate::stored_end::{Lack, StoredEnd};
use crate::tasks::Tasks;

/// Bytes read from a file at once.
pub(crate) const BUFFER: usize = 256 * 1024;

/// A text that may have been compressed.
pub struct TextInput {
    /// Its name in messages.
    pub name: String,
    /// The text.
    pub text: Box<dyn BufRead + Send>,
    /// Whether the compressed file had its end, as far as the text was read.
    pub end: StoredEnd,
}

/// Opens a text of the named format, which may be compressed, or stdin if the path is `-`.
///
/// # Errors
///
/// If it cannot be opened, or is a folder.
pub fn open_text(path: &Path, format: &str, tasks: &Tasks) -> Result<TextInput, IoError> {
    let name = name(path);
    let stream: Box<dyn Read + Send> =
        if is_stdio(path) { Box::new(stdin()?) } else { Box::new(open_file(path, format)?.0) };
    let Text { text, end, .. } = decompressed(stream, tasks, &name)?;
    Ok(TextInput { name, text, end })
}

/// Opens a file of the named format; returns it with its state if it is a regular file.
///
/// # Errors
///
/// If it cannot be opened, or is a folder.
pub fn open_file(path: &Path, format: &str) -> Result<(File, Option<FileState>), IoError> {
    checked_file(path, format, |path| File::open(path))
}

/// Opens a file of the named format by `open`, and checks that it is no folder.
pub(crate) fn checked_file(
    path: &Path,
    format: &str,
    open: impl FnOnce(&Path) -> io::Result<File>,
) -> Result<(File, Option<FileState>), IoError> {
    let name = name(path);
    let file = open(path).map_err(IoError::system(format!("{name}: cannot be opened")))?;
    if file.metadata().map_err(IoError::system(name.clone()))?.is_dir() {
        return Err(IoError::Refused(format!("{name}: is a folder, expected a {format} file")));
    }
    let state = FileState::of(&file, &name)?;
    Ok((file, state))
}

/// The text of a stream.
pub(crate) struct Text {
    pub(crate) text: Box<dyn BufRead + Send>,
    /// Bytes of text that are searched for damage of the stream, a few seconds' worth; 0 for a
    /// plain stream.
    pub(crate) searched: u64,
    pub(crate) end: StoredEnd,
}

/// Returns the text of a stream that may be compressed, which its first bytes show.
pub(crate) fn decompressed(
    mut stream: impl Read + Send + 'static,
    tasks: &Tasks,
    name: &str,
) -> Result<Text, IoError> {
    let failed = |source| IoError::System { what: format!("{name}: cannot be read"), source };
    let mut magic = Vec::new();
    (&mut stream).take(6).read_to_end(&mut magic).map_err(failed)?;
    let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
    let format = StreamFormat::of(&magic);
    let end = StoredEnd::new(name);
    if magic.is_empty() && is_name_of_compressed(name) {
        end.missing(Lack::Bytes).map_err(failed)?;
    }
    let stream = Cursor::new(magic).chain(stream);
    if !is_gzip && format.is_none() {
        let text = Box::new(BufReader::with_capacity(BUFFER, stream));
        return Ok(Text { text, searched: 0, end });
    }
    let stored = BufReader::with_capacity(BUFFER, InFull::new(stream));
    let text: Box<dyn BufRead + Send> = match format {
        Some(format) => {
            let text = format.text(stored).map_err(IoError::system(name))?;
            Box::new(BufReader::with_capacity(BUFFER, text))
        }
        None => Box::new(GzipReader::new(stored, tasks, end.clone())),
    };
    // The slow formats have a checksum in every block.
    let is_slow = matches!(format, Some(StreamFormat::Bzip2 | StreamFormat::Xz));
    Ok(Text { text, searched: if is_slow { 32 << 20 } else { 1 << 30 }, end })
}

/// Returns whether a file of this name is compressed, if the name is right.
fn is_name_of_compressed(name: &str) -> bool {
    let ends = ["gz", "bgz", "bgzf", "zst", "bz2", "xz"];
    let end = Path::new(name).extension().unwrap_or_default();
    ends.iter().any(|known| end.eq_ignore_ascii_case(known))
}

/// Fills every buffer as far as the stream has bytes. A pipe returns any number of bytes per read;
/// without this, the amount of text decompressed before a fault, and so the record that a message
/// names, would depend on that number.
pub(crate) struct InFull<R> {
    inner: R,
    /// An error to return after the bytes before it.
    failed: Option<io::Error>,
}

impl<R> InFull<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, failed: None }
    }
}

impl<R: Read> Read for InFull<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut filled = 0;
        while filled < buf.len() {
            match self.inner.read(&mut buf[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if filled == 0 => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(filled)
    }
}

/// Counts the bytes read, for a progress bar.
pub(crate) struct Counted<R> {
    pub(crate) inner: R,
    pub(crate) consumed: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.consumed.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
