//! Opens inputs: a file or stdin, plain or compressed, recognised by content.

use std::fs::File;
use std::io::{self, BufRead, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bm_reads::RecordSource;
use bm_reads::bam::{self, Header, HeaderError};
use bm_reads::fasta;
use bm_reads::fastq::{self, BatchSize, FastqError, Fault, QualityOffset, Record, RecordBatch};
use bm_reads::starts::Lines;

use crate::IoError;
use crate::cancellation::{Cancellable, Cancellation};
use crate::file_state::FileState;
use crate::part_of_file::PartOfFile;
use crate::path::{is_stdio, name};
use crate::standard_streams::stdin;
use crate::stored_end::StoredEnd;
use crate::tasks::Tasks;
use crate::text::{Counted, Text, checked_file, decompressed, open_file};
use crate::waiting;

/// An open input of reads.
pub struct Input {
    name: String,
    records: Box<dyn RecordSource>,
    /// Bytes of text after a fault that are searched for damage of the stream.
    searched: u64,
    /// The file that is read, and its state when it was opened; `None` for a stream.
    file: Option<(File, FileState)>,
    /// The size as stored of the part that is read, if it is not the whole file.
    part: Option<u64>,
    consumed: Arc<AtomicU64>,
    end: StoredEnd,
    is_fasta: bool,
    /// The header of a BAM file.
    header: Option<Arc<Header>>,
}

/// Formats of reads that an input may have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ReadFormats {
    /// FASTQ or unaligned BAM.
    #[default]
    Fastq,
    /// FASTQ or unaligned BAM, or FASTA, which is recognised by its first byte.
    FastqOrFasta,
}

/// The first bytes of a CRAM file.
const CRAM: &[u8] = b"CRAM";

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
        let Text { text, searched, end } = decompressed(stream, tasks, &name)?;
        let mut text = cancellable(text, cancellation);
        let is_fasta = formats == ReadFormats::FastqOrFasta
            && is_fasta(&mut text).map_err(IoError::system(format!("{name}: cannot be read")))?;
        let (text, start) = beginning(text);
        let (records, header) = match start {
            start if start == *bam::MAGIC => bam_of(text, offset, &name)?,
            start if start == *CRAM => {
                return Err(IoError::Refused(format!(
                    "{name}: is CRAM, which bm does not read; `samtools view -b` makes BAM of it"
                )));
            }
            _ => (records_of(text, is_fasta, offset), None),
        };
        Ok(Self {
            name,
            records,
            searched,
            file: None,
            part: None,
            consumed,
            end,
            is_fasta,
            header,
        })
    }

    /// Opens a shard of a file. Its records, and the bytes of its text, are counted from its own start.
    /// BGZF blocks are inflated by `tasks`; a run that may be cancelled ends as in
    /// [`Input::open_cancellable`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn open_part(
        part: &PartOfFile<'_>,
        offset: QualityOffset,
        tasks: &Tasks,
        cancellation: Option<&Cancellation>,
    ) -> Result<Self, IoError> {
        let consumed = Arc::new(AtomicU64::new(0));
        let Text { text, searched, end } = part.text(tasks, &consumed)?;
        let is_fasta = part.lines() == Lines::Fasta;
        let records = records_of(cancellable(text, cancellation), is_fasta, offset);
        let (name, file, bytes) = (part.name(), part.state()?, part.bytes());
        let (part, header) = (Some(bytes), None);
        Ok(Self { name, records, searched, file, part, consumed, end, is_fasta, header })
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
            part: None,
            consumed: Arc::default(),
            end,
            is_fasta: false,
            header: None,
        }
    }

    /// Returns whether the reads have no qualities: every base has
    /// [`UNKNOWN_QUALITY`](fasta::UNKNOWN_QUALITY).
    pub fn is_fasta(&self) -> bool {
        self.is_fasta
    }

    /// Returns the header of a BAM file; `None` for other formats.
    pub fn header(&self) -> Option<&Arc<Header>> {
        self.header.as_ref()
    }

    /// Returns the name of the input in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the size of the file, or of its shard, as stored, in bytes; `None` for a stream.
    pub fn bytes(&self) -> Option<u64> {
        self.part.or_else(|| self.file.as_ref().map(|(_, state)| state.bytes()))
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

/// Returns a text that ends with an error once its run is cancelled, if it may be.
fn cancellable(
    text: Box<dyn BufRead + Send>,
    cancellation: Option<&Cancellation>,
) -> Box<dyn BufRead + Send> {
    match cancellation.cloned() {
        Some(cancellation) => Box::new(Cancellable { inner: text, cancellation }),
        None => text,
    }
}

/// Returns a text with its first four bytes, or fewer if it has not more. An error that occurs here is
/// returned by the text, where its reader gives it an address.
fn beginning(mut text: Box<dyn BufRead + Send>) -> (Box<dyn BufRead + Send>, Vec<u8>) {
    const BYTES: usize = bam::MAGIC.len();
    let buffer = match text.fill_buf() {
        Ok(buffer) => buffer,
        Err(error) => return (Box::new(Failed(Some(error)).chain(text)), Vec::new()),
    };
    if let Some(start) = buffer.get(..BYTES) {
        let start = start.to_vec();
        return (text, start);
    }
    // The buffer may have fewer bytes than the text.
    let mut start = Vec::new();
    let failed = (&mut text).take(BYTES as u64).read_to_end(&mut start).err();
    (Box::new(Cursor::new(start.clone()).chain(Failed(failed)).chain(text)), start)
}

/// Returns an error, if there is one, and then nothing.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

impl BufRead for Failed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.take().map_or(Ok(&[]), Err)
    }

    fn consume(&mut self, _: usize) {}
}

/// Records of a BAM file, and its header.
type BamSource = (Box<dyn RecordSource>, Option<Arc<Header>>);

/// Returns the records of the inflated bytes of a BAM file.
fn bam_of(
    text: Box<dyn BufRead + Send>,
    offset: QualityOffset,
    name: &str,
) -> Result<BamSource, IoError> {
    if offset == QualityOffset::Phred64 {
        return Err(IoError::Refused(format!(
            "{name}: is BAM, whose quality scores have no offset; leave out --phred64"
        )));
    }
    let reader = bam::Reader::new(text).map_err(|error| match error {
        HeaderError::Io(source) => {
            IoError::System { what: format!("{name}: the header cannot be read"), source }
        }
        error => IoError::Refused(format!("{name}: {error}")),
    })?;
    let header = Arc::new(reader.header().clone());
    Ok((Box::new(reader), Some(header)))
}

/// Returns the records of a text.
fn records_of(
    text: Box<dyn BufRead + Send>,
    is_fasta: bool,
    offset: QualityOffset,
) -> Box<dyn RecordSource> {
    if is_fasta {
        Box::new(fasta::Reader::new(text))
    } else {
        Box::new(fastq::Reader::new(text).with_offset(offset))
    }
}

/// Returns whether the first byte of a text that is not a line end begins a record of FASTA.
fn is_fasta(text: &mut dyn BufRead) -> io::Result<bool> {
    let start = text.fill_buf()?;
    Ok(start.iter().find(|byte| !matches!(byte, b'\n' | b'\r')) == Some(&b'>'))
}
