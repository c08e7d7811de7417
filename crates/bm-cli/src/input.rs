//! Opens what is to be read: a file or stdin, plain or compressed, told by content.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use bm_reads::fastq::{self, BatchSize, FastqError, Fault, Record, RecordBatch};

use crate::decompress::Format;
use crate::inflate::Gzip;
use crate::work::Tasks;

/// Bytes read from the file at once.
const BUFFER: usize = 256 * 1024;

/// A FASTQ input that is open.
pub(crate) struct Input {
    /// What messages call it.
    pub(crate) name: String,
    records: fastq::Reader<Box<dyn BufRead + Send>>,
    /// Bytes of text behind a fault in which damage of the stream is looked for.
    searched: u64,
    /// Size in bytes as stored, where it is known.
    pub(crate) bytes: Option<u64>,
    /// Bytes taken from the file so far, as stored.
    pub(crate) consumed: Arc<AtomicU64>,
}

impl Input {
    /// Returns how many records were read.
    pub(crate) fn count(&self) -> u64 {
        self.records.records()
    }

    /// Fills `batch` with the next records. Returns whether there may be more.
    pub(crate) fn read_batch(&mut self, batch: &mut RecordBatch, size: BatchSize) -> Result<bool> {
        self.records.read_batch(batch, size).map_err(|error| self.explained(error))
    }

    /// Reads the next record. Returns whether there was one.
    pub(crate) fn read_record(&mut self, record: &mut Record) -> Result<bool> {
        self.records.read_record(record).map_err(|error| self.explained(error))
    }

    /// Looks for damage of the compressed stream beyond the text that was read. To be asked where
    /// the text is wrong, since it comes out of a damaged stream before the checksum does.
    pub(crate) fn damage(&mut self) -> Option<io::Error> {
        self.records.stream_failure_within(self.searched)
    }

    fn explained(&mut self, error: FastqError) -> anyhow::Error {
        let is_text = !matches!(error.fault, Fault::Io(_));
        match if is_text { self.damage() } else { None } {
            Some(damage) => anyhow!("{}: {error}; further on, {damage}", self.name),
            None => anyhow::Error::new(error).context(self.name.clone()),
        }
    }
}

/// What the quality scores of an input are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Offset {
    /// Phred + 33.
    #[default]
    Phred33,
    /// Phred + 64; read, they become Phred + 33.
    Phred64,
}

/// Opens `path`, or stdin if it is `-`; what can be inflated in parallel goes to `tasks`.
pub(crate) fn open(path: &Path, offset: Offset, tasks: &Tasks) -> Result<Input> {
    let name = name(path);
    let (stream, bytes): (Box<dyn Read + Send>, _) = if is_stdio(path) {
        (Box::new(io::stdin()), None)
    } else {
        let (file, bytes) = file(path, "FASTQ")?;
        (Box::new(file), bytes)
    };
    let consumed = Arc::new(AtomicU64::new(0));
    let stream = Counted { inner: stream, consumed: Arc::clone(&consumed) };
    let Text { text, searched } = decompressed(stream, tasks).with_context(|| name.clone())?;
    let records = fastq::Reader::new(text);
    let records = if offset == Offset::Phred64 { records.phred64() } else { records };
    Ok(Input { name, records, searched, bytes, consumed })
}

/// Opens a text that is to be `format`, and may be compressed; returns what messages call it, too.
pub(crate) fn text(
    path: &Path,
    format: &str,
    tasks: &Tasks,
) -> Result<(String, Box<dyn BufRead + Send>)> {
    let name = name(path);
    let stream: Box<dyn Read + Send> =
        if is_stdio(path) { Box::new(io::stdin()) } else { Box::new(file(path, format)?.0) };
    let text = decompressed(stream, tasks).with_context(|| name.clone())?.text;
    Ok((name, text))
}

/// Opens a file that is to be `format`, with its size if it is a regular one.
pub(crate) fn file(path: &Path, format: &str) -> Result<(File, Option<u64>)> {
    let name = name(path);
    let file = File::open(path).with_context(|| format!("{name}: cannot be opened"))?;
    let metadata = file.metadata().with_context(|| name.clone())?;
    if metadata.is_dir() {
        bail!("{name}: is a folder, expected a {format} file");
    }
    Ok((file, metadata.is_file().then_some(metadata.len())))
}

/// Returns what messages call `path`.
pub(crate) fn name(path: &Path) -> String {
    if is_stdio(path) { "stdin".to_owned() } else { path.display().to_string() }
}

/// Returns whether `path` means a standard stream.
pub(crate) fn is_stdio(path: &Path) -> bool {
    path == "-"
}

/// The text of a stream.
pub(crate) struct Text {
    pub(crate) text: Box<dyn BufRead + Send>,
    /// Bytes of it within which a damaged stream is worth looking for: what takes seconds at most.
    /// None of a plain one.
    pub(crate) searched: u64,
}

/// Returns the text of a stream that may be compressed, going by its first bytes and not by its
/// name.
pub(crate) fn decompressed(mut stream: impl Read + Send + 'static, tasks: &Tasks) -> Result<Text> {
    let mut magic = Vec::new();
    (&mut stream).take(6).read_to_end(&mut magic).context("cannot be read")?;
    let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
    let format = Format::of(&magic);
    let stream = Cursor::new(magic).chain(stream);
    if !is_gzip && format.is_none() {
        return Ok(Text { text: Box::new(BufReader::with_capacity(BUFFER, stream)), searched: 0 });
    }
    let stored = BufReader::with_capacity(BUFFER, InFull { inner: stream, failed: None });
    let text: Box<dyn BufRead + Send> = match format {
        Some(format) => Box::new(BufReader::with_capacity(BUFFER, format.text(stored)?)),
        None => Box::new(Gzip::new(stored, tasks)),
    };
    // Those that are slow have a checksum in every block.
    let searched =
        if matches!(format, Some(Format::Bzip2 | Format::Xz)) { 32 << 20 } else { 1 << 30 };
    Ok(Text { text, searched })
}

/// Fills what it is given, as far as there is something: a pipe hands out what happens to be there,
/// and how much text is decompressed before a fault is found, and with it the record that is named,
/// would depend on that.
struct InFull<R> {
    inner: R,
    /// What is said when what came before it was read.
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

/// Counts what is read, for the progress bar.
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
