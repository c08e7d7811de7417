//! Opens inputs: a file or stdin, plain or compressed, recognised by content.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bm_reads::RecordSource;
use bm_reads::fasta;
use bm_reads::fastq::{self, BatchSize, FastqError, Fault, QualityOffset, Record, RecordBatch};

use crate::IoError;
use crate::cancellation::{Cancellable, Cancellation};
use crate::decompress::StreamFormat;
use crate::file_state::FileState;
use crate::gzip_reader::GzipReader;
use crate::path::{is_stdio, name};
use crate::standard_streams::stdin;
use crate::stored_end::{Lack, StoredEnd};
use crate::tasks::Tasks;
use crate::waiting;

/// Bytes read from a file at once.
const BUFFER: usize = 256 * 1024;

/// An open input of reads.
pub struct Input {
    name: String,
    records: Box<dyn RecordSource>,
    /// Bytes of text after a fault that are searched for damage of the stream.
    searched: u64,
    /// The file that is read, and its state when it was opened; `None` for a stream.
    file: Option<(File, FileState)>,
    consumed: Arc<AtomicU64>,
    end: StoredEnd,
    is_fasta: bool,
}

/// Formats of reads that an input may have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ReadFormats {
    /// FASTQ.
    #[default]
    Fastq,
    /// FASTQ, or FASTA, which is recognised by its first byte.
    FastqOrFasta,
}

impl Input {
    /// Opens a FASTQ file, or stdin if the path is `-`. BGZF blocks are inflated by `tasks`.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, or is a folder.
    pub fn open(path: &Path, offset: QualityOffset, tasks: &Tasks) -> Result<Self, IoError> {
        Self::open_formats(path, ReadFormats::Fastq, offset, tasks, None)
    }

    /// Opens a FASTQ file, or stdin if the path is `-`, for a run that may be cancelled: the input
    /// then ends with an error. On Linux, this is also so while it waits for a pipe or a terminal.
    /// A named pipe is opened without waiting for its writer there; the first read waits.
    ///
    /// # Errors
    ///
    /// As [`Input::open`], or if the run is cancelled before the first bytes are read.
    pub fn open_cancellable(
        path: &Path,
        offset: QualityOffset,
        tasks: &Tasks,
        cancellation: &Cancellation,
    ) -> Result<Self, IoError> {
        Self::open_formats(path, ReadFormats::Fastq, offset, tasks, Some(cancellation))
    }

    /// Opens a file of one of these formats as [`Input::open`] does or, for a run that may be
    /// cancelled, as [`Input::open_cancellable`] does.
    ///
    /// # Errors
    ///
    /// As there, or if the first bytes of the text cannot be read.
    pub fn open_formats(
        path: &Path,
        formats: ReadFormats,
        offset: QualityOffset,
        tasks: &Tasks,
        cancellation: Option<&Cancellation>,
    ) -> Result<Self, IoError> {
        let name = name(path);
        let mut file = None;
        let stream: Box<dyn Read + Send> = match (is_stdio(path), cancellation) {
            (true, None) => Box::new(stdin()?),
            (true, Some(cancellation)) => {
                let failed = IoError::system(format!("{name}: cannot be opened"));
                waiting::stdin(&stdin()?, cancellation).map_err(failed)?
            }
            (false, _) => {
                let (opened, state) = match cancellation {
                    None => open_file(path, "FASTQ")?,
                    Some(_) => checked_file(path, "FASTQ", waiting::open)?,
                };
                match (state, cancellation) {
                    (None, Some(cancellation)) => waiting::stream(opened, cancellation),
                    (state, _) => {
                        let copy = opened.try_clone().map_err(IoError::system(name.clone()))?;
                        file = state.map(|state| (copy, state));
                        Box::new(opened)
                    }
                }
            }
        };
        Ok(Self { file, ..Self::of(name, stream, formats, offset, tasks, cancellation)? })
    }

    /// Returns the input of a FASTQ stream, plain or compressed, which messages call `name`. BGZF
    /// blocks are inflated by `tasks`.
    ///
    /// # Errors
    ///
    /// If its first bytes cannot be read.
    pub fn of_stream(
        name: impl Into<String>,
        stream: impl Read + Send + 'static,
        offset: QualityOffset,
        tasks: &Tasks,
    ) -> Result<Self, IoError> {
        Self::of(name.into(), stream, ReadFormats::Fastq, offset, tasks, None)
    }

    fn of(
        name: String,
        stream: impl Read + Send + 'static,
        formats: ReadFormats,
        offset: QualityOffset,
        tasks: &Tasks,
        cancellation: Option<&Cancellation>,
    ) -> Result<Self, IoError> {
        let consumed = Arc::new(AtomicU64::new(0));
        let stream = Counted { inner: stream, consumed: Arc::clone(&consumed) };
        let Text { mut text, searched, end } = decompressed(stream, tasks, &name)?;
        if let Some(cancellation) = cancellation.cloned() {
            text = Box::new(Cancellable { inner: text, cancellation });
        }
        let is_fasta = formats == ReadFormats::FastqOrFasta
            && is_fasta(&mut text).map_err(IoError::system(format!("{name}: cannot be read")))?;
        let records: Box<dyn RecordSource> = if is_fasta {
            Box::new(fasta::Reader::new(text))
        } else {
            Box::new(fastq::Reader::new(text).with_offset(offset))
        };
        Ok(Self { name, records, searched, file: None, consumed, end, is_fasta })
    }

    /// Returns an input of records from another source; `name` is what messages call it.
    pub fn from_source(name: impl Into<String>, records: Box<dyn RecordSource>) -> Self {
        let name = name.into();
        let end = StoredEnd::new(name.clone());
        Self {
            name,
            records,
            searched: 0,
            file: None,
            consumed: Arc::default(),
            end,
            is_fasta: false,
        }
    }

    /// Returns whether the reads have no qualities: every base has
    /// [`UNKNOWN_QUALITY`](fasta::UNKNOWN_QUALITY).
    pub fn is_fasta(&self) -> bool {
        self.is_fasta
    }

    /// Returns the name of the input in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the size of the file as stored, in bytes; `None` for a stream.
    pub fn bytes(&self) -> Option<u64> {
        self.file.as_ref().map(|(_, state)| state.bytes())
    }

    /// Returns the state of the file when it was opened; `None` for a stream.
    pub fn state(&self) -> Option<FileState> {
        self.file.as_ref().map(|(_, state)| *state)
    }

    /// Checks that the file that is read has not changed since it had this state.
    ///
    /// # Errors
    ///
    /// With what has changed.
    pub fn check_state(&self, before: &FileState) -> Result<(), IoError> {
        let Some((file, _)) = &self.file else { return Ok(()) };
        match FileState::of(file, &self.name)? {
            Some(now) => now.check(before, &self.name),
            None => Ok(()),
        }
    }

    /// Returns whether the compressed file had its end, as far as it was read.
    pub fn end(&self) -> &StoredEnd {
        &self.end
    }

    /// Returns the counter of the bytes read from the file so far, as stored.
    pub fn consumed(&self) -> &Arc<AtomicU64> {
        &self.consumed
    }

    /// Returns the number of records read.
    pub fn records(&self) -> u64 {
        self.records.records()
    }

    /// Fills `batch` with the next records; returns whether there may be more.
    ///
    /// # Errors
    ///
    /// A fault of a record or of the stream, with its address.
    pub fn read_batch(
        &mut self,
        batch: &mut RecordBatch,
        size: BatchSize,
    ) -> Result<bool, IoError> {
        self.records.read_batch(batch, size).map_err(|error| self.explained(error))
    }

    /// Reads the next record; returns whether there was one.
    ///
    /// # Errors
    ///
    /// A fault of the record or of the stream, with its address.
    pub fn read_record(&mut self, record: &mut Record) -> Result<bool, IoError> {
        self.records.read_record(record).map_err(|error| self.explained(error))
    }

    /// Searches for damage of the compressed stream after the text that was read. Call this after a
    /// fault in the text: a damaged stream gives wrong text before its checksum is reached.
    pub fn damage(&mut self) -> Option<io::Error> {
        self.records.stream_failure_within(self.searched)
    }

    fn explained(&mut self, fault: FastqError) -> IoError {
        let is_text = !matches!(fault.fault, Fault::Io(_));
        let name = self.name.clone();
        match if is_text { self.damage() } else { None } {
            Some(damage) => IoError::Damaged { name, fault, damage },
            None => IoError::Records { name, source: fault },
        }
    }
}

/// Returns whether the first byte of a text that is not a line end begins a record of FASTA.
fn is_fasta(text: &mut dyn BufRead) -> io::Result<bool> {
    let start = text.fill_buf()?;
    Ok(start.iter().find(|byte| !matches!(byte, b'\n' | b'\r')) == Some(&b'>'))
}

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
fn checked_file(
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
struct Text {
    text: Box<dyn BufRead + Send>,
    /// Bytes of text that are searched for damage of the stream, a few seconds' worth; 0 for a
    /// plain stream.
    searched: u64,
    end: StoredEnd,
}

/// Returns the text of a stream that may be compressed, which its first bytes show.
fn decompressed(
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
    let stored = BufReader::with_capacity(BUFFER, InFull { inner: stream, failed: None });
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
struct InFull<R> {
    inner: R,
    /// An error to return after the bytes before it.
    failed: Option<io::Error>,
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
struct Counted<R> {
    inner: R,
    consumed: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.consumed.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
