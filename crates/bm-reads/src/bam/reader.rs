//! The reader: decodes records into batches.

use std::io::{self, Read};

use super::fault::BamFault;
use super::fields::BamFields;
use super::header::{Header, HeaderError};
use super::layout::Layout;
use super::{CORE, MAGIC};
use crate::fastq::text::{CHUNK, Source, Text};
use crate::fastq::{
    BatchSize, FastqError, Fault, LONGEST_RECORD, Record, RecordBatch, are_bases, is_base,
};
use crate::{Phred, RecordSource};

/// Bytes of the size of a record, or of a part of the header.
const SIZE: usize = 4;

/// The quality score that stands for none.
const NO_QUALITY: u8 = 0xff;

/// The letters of two bases in a byte.
static LETTERS: [[u8; 2]; 256] = {
    let letters = *b"=ACMGRSVTWYHKDBN";
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [letters[byte >> 4], letters[byte & 15]];
        byte += 1;
    }
    table
};

/// Reads records of unaligned BAM and checks each one.
pub struct Reader<R> {
    source: Source<R>,
    /// Bytes that were read from the source but not parsed yet.
    text: Text,
    header: Header,
    /// Number of records returned.
    records: u64,
    /// Start of `text`, in bytes of the inflated stream.
    byte: u64,
    /// The fault after the last batch; the next call returns it.
    fault: Option<FastqError>,
}

impl<R: Read> Reader<R> {
    /// Returns a reader of the inflated bytes of a BAM file, whose header it reads. The reader buffers, so
    /// `inner` does not need to.
    ///
    /// # Errors
    ///
    /// If the header cannot be read.
    pub fn new(inner: R) -> Result<Self, HeaderError> {
        let mut reader = Self {
            source: Source::new(inner),
            text: Text::default(),
            header: Header::default(),
            records: 0,
            byte: 0,
            fault: None,
        };
        reader.read_header()?;
        Ok(reader)
    }

    /// Returns the header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn read_header(&mut self) -> Result<(), HeaderError> {
        let invalid = |what| HeaderError::Invalid { what };
        if self.take(MAGIC.len())? != MAGIC {
            return Err(invalid("it does not begin with BAM"));
        }
        let length = self.take_size()?;
        if length > LONGEST_RECORD {
            return Err(invalid("its text has more bytes than any header"));
        }
        let mut text = self.take(length)?;
        while text.last() == Some(&0) {
            text.pop();
        }
        let mut references = self.take(SIZE)?;
        let count = size_in(&references);
        for _ in 0..count {
            let name = self.take(SIZE)?;
            let length = size_in(&name);
            if length > LONGEST_RECORD || references.len() + length > LONGEST_RECORD {
                return Err(invalid("a name of a reference has more bytes than any name"));
            }
            references.extend(name);
            references.extend(self.take(length)?);
            references.extend(self.take(SIZE)?);
        }
        self.header = Header { text, references };
        Ok(())
    }

    fn take_size(&mut self) -> Result<usize, HeaderError> {
        Ok(size_in(&self.take(SIZE)?))
    }

    /// Takes as many bytes of the header.
    fn take(&mut self, bytes: usize) -> Result<Vec<u8>, HeaderError> {
        if !self.has(bytes).map_err(HeaderError::Io)? {
            return Err(HeaderError::Cut);
        }
        let taken = self.text.as_slice()[..bytes].to_vec();
        self.consume(bytes);
        Ok(taken)
    }

    /// Returns whether there are as many bytes; reads on if fewer are left.
    fn has(&mut self, bytes: usize) -> io::Result<bool> {
        if self.text.as_slice().len() < bytes {
            self.source.fill(&mut self.text, bytes.max(CHUNK));
            if self.text.as_slice().len() < bytes
                && let Some(error) = self.source.failure()
            {
                return Err(error);
            }
        }
        Ok(self.text.as_slice().len() >= bytes)
    }

    fn consume(&mut self, bytes: usize) {
        self.text.consume(bytes);
        self.byte += bytes as u64;
        if self.text.as_slice().is_empty() {
            // A very long read gives its memory back.
            self.text.clear();
        }
    }

    /// Returns the size of the next record, all of which is then in the buffer; `None` at the end.
    fn next_size(&mut self) -> Result<Option<usize>, Fault> {
        if !self.has(SIZE).map_err(Fault::Io)? {
            return match self.text.as_slice().len() {
                0 => Ok(None),
                found => Err(BamFault::Cut { found, expected: SIZE }.into()),
            };
        }
        let size = size_in(self.text.as_slice());
        if size > LONGEST_RECORD {
            return Err(BamFault::Long { size }.into());
        }
        if !self.has(SIZE + size).map_err(Fault::Io)? {
            let found = self.text.as_slice().len() - SIZE;
            return Err(BamFault::Cut { found, expected: size }.into());
        }
        Ok(Some(size))
    }

    /// Adds the next record to `batch` unless `fits` refuses it by the bytes that it would take there.
    fn next_into(
        &mut self,
        batch: &mut RecordBatch,
        fits: impl FnOnce(usize) -> bool,
    ) -> Result<Next, FastqError> {
        let (record, byte) = (self.records + batch.len() as u64 + 1, self.byte);
        let at = |name: Option<&[u8]>, fault| {
            let name = name.map(<[u8]>::to_vec);
            FastqError { record, byte, name, fault }
        };
        let Some(size) = self.next_size().map_err(|fault| at(None, fault))? else {
            return Ok(Next::End);
        };
        let bytes = &self.text.as_slice()[SIZE..SIZE + size];
        let layout = Layout::of(bytes).map_err(|fault| at(None, fault.into()))?;
        layout.check_name(bytes).map_err(|fault| at(None, fault.into()))?;
        let name = &bytes[layout.name.clone()];
        let [sequence, quality_scores] =
            [&layout.sequence, &layout.quality_scores].map(|range| &bytes[range.clone()]);
        let (core, tags) = (&bytes[..CORE], &bytes[layout.tags..]);
        if !fits(name.len() + 2 * quality_scores.len() + b"@\n\n+\n\n".len() + CORE + tags.len()) {
            return Ok(Next::Held);
        }
        let flags = BamFields::of(core).flags();
        layout.check(bytes, flags).map_err(|fault| at(Some(name), fault.into()))?;
        check_qualities(quality_scores).map_err(|fault| at(Some(name), fault))?;
        batch
            .push_decoded(name, quality_scores.len(), byte, [core, tags], |letters, scores| {
                decode(sequence, letters);
                for (score, byte) in scores.iter_mut().zip(quality_scores) {
                    *score = *byte + Phred::OFFSET;
                }
                check_bases(letters)
            })
            .map_err(|fault| at(Some(name), fault))?;
        self.consume(SIZE + size);
        Ok(Next::Added)
    }
}

/// What became of the next record.
#[derive(Eq, PartialEq)]
enum Next {
    Added,
    /// It did not fit.
    Held,
    End,
}

/// Returns the size in the first bytes of this slice.
fn size_in(bytes: &[u8]) -> usize {
    bytes.first_chunk().map_or(0, |size| u32::from_le_bytes(*size) as usize)
}

/// Writes the letters of bases, two in a byte.
fn decode(sequence: &[u8], letters: &mut [u8]) {
    let (pairs, last) = letters.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(sequence) {
        *pair = LETTERS[usize::from(*byte)];
    }
    if let ([last], Some(byte)) = (last, sequence.last()) {
        *last = LETTERS[usize::from(*byte)][0];
    }
}

fn check_bases(letters: &[u8]) -> Result<(), Fault> {
    if are_bases(letters) {
        return Ok(());
    }
    match letters.iter().position(|letter| !is_base(*letter)) {
        Some(position) => Err(Fault::InvalidBase { position, byte: letters[position] }),
        None => Ok(()),
    }
}

fn check_qualities(scores: &[u8]) -> Result<(), Fault> {
    // A loop without an early exit compiles to vector instructions.
    if scores.iter().fold(0, |most, score| (*score).max(most)) <= Phred::MAX.get() {
        return Ok(());
    }
    if scores.iter().all(|score| *score == NO_QUALITY) {
        return Err(BamFault::NoQualities.into());
    }
    let position = scores.iter().position(|score| *score > Phred::MAX.get()).unwrap_or(0);
    Err(Fault::HighQuality { position, score: scores[position] })
}

impl From<BamFault> for Fault {
    fn from(fault: BamFault) -> Self {
        Self::Bam(fault)
    }
}

impl<R: Read + Send> RecordSource for Reader<R> {
    fn read_batch(&mut self, batch: &mut RecordBatch, size: BatchSize) -> Result<bool, FastqError> {
        batch.begin_after(self.records);
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let more = loop {
            let (records, bytes) = (batch.len(), batch.bytes());
            if size.is_full(records, bytes) {
                break true;
            }
            let fits = |more: usize| size.takes(records, bytes, more);
            match self.next_into(batch, fits) {
                Ok(Next::Added) => {}
                Ok(Next::Held) => break true,
                Ok(Next::End) => break false,
                Err(fault) if records == 0 => return Err(fault),
                Err(fault) => {
                    self.fault = Some(fault);
                    break true;
                }
            }
        };
        self.records += batch.len() as u64;
        Ok(more)
    }

    fn read_record(&mut self, record: &mut Record) -> Result<bool, FastqError> {
        let mut batch = RecordBatch::default();
        self.read_batch(&mut batch, BatchSize::Records(1))?;
        match batch.get(0) {
            Some(found) => {
                record.copy(found);
                Ok(true)
            }
            // The fault behind no record was returned above.
            None => Ok(false),
        }
    }

    fn records(&self) -> u64 {
        self.records
    }

    fn stream_failure_within(&mut self, bytes: u64) -> Option<io::Error> {
        self.source.skip(bytes);
        self.source.failure()
    }
}
