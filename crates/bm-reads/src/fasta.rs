//! Strict FASTA reading: reads without qualities.
//!
//! A record is a line with `>` and the definition, then lines of its sequence: one, many, or none. Line
//! ends are `\n` or `\r\n`; blank lines are left out. [`Reader`] returns the same records as
//! [`fastq::Reader`](crate::fastq::Reader), with [`UNKNOWN_QUALITY`] for every base, and refuses bytes
//! that are no bases. Every error has an address (record, byte, name).
//!
//! ```
//! use bm_reads::RecordSource;
//! use bm_reads::fasta::Reader;
//! use bm_reads::fastq::Record;
//!
//! let mut reader = Reader::new(&b">r1 lane 1\nACGT\nAC\n>r2\n>r3\nAC-!\n"[..]);
//! let mut record = Record::default();
//! assert!(reader.read_record(&mut record)?);
//! assert_eq!((record.name(), record.sequence()), (&b"r1"[..], &b"ACGTAC"[..]));
//! assert_eq!(record.quality_scores(), b"######");
//! assert!(reader.read_record(&mut record)? && record.sequence().is_empty());
//! let error = reader.read_record(&mut record).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "record 3 (read r3, byte 23): byte 0x21 at position 3 of the sequence is not a base"
//! );
//! # Ok::<(), bm_reads::fastq::FastqError>(())
//! ```

use std::io::{self, Read};
use std::mem;

use memchr::memchr;

use crate::bam::BamFields;
use crate::fastq::text::{CHUNK, Source, Text};
use crate::fastq::{
    BatchSize, FastqError, Fault, LONGEST_DEFINITION, LONGEST_RECORD, Record, RecordBatch,
    RecordRef, are_bases, is_base, name,
};
use crate::{Phred, RecordSource};

/// The quality of every base, as a byte of FASTQ: Phred 2, with which instruments say that nothing is
/// known of it.
pub const UNKNOWN_QUALITY: u8 = Phred::OFFSET + 2;

/// Number of unexpected bytes that a message shows.
const EXCERPT: usize = 8;

/// Memory that each part of a record keeps for the next one, in bytes.
const KEPT: usize = 4 * 1024 * 1024;

/// Reads FASTA records and checks each one.
pub struct Reader<R> {
    source: Source<R>,
    /// Text that was read from the source but not parsed yet.
    text: Text,
    /// Number of records returned.
    records: u64,
    /// Start of `text`, in bytes of the decompressed stream.
    byte: u64,
    /// A record that was parsed, but did not fit into the last batch.
    held: Option<Parsed>,
    /// The fault after the last batch; the next call returns it.
    fault: Option<FastqError>,
}

/// A record, and its start in the stream.
#[derive(Default)]
struct Parsed {
    definition: Vec<u8>,
    sequence: Vec<u8>,
    quality_scores: Vec<u8>,
    byte: u64,
}

impl Parsed {
    fn view(&self) -> RecordRef<'_> {
        let Self { definition, sequence, quality_scores, .. } = self;
        RecordRef { definition, sequence, quality_scores, bam: BamFields::NONE }
    }

    /// Returns the bytes that the record takes in a batch: four lines.
    fn bytes(&self) -> usize {
        self.definition.len() + 2 * self.sequence.len() + b"@\n\n+\n\n".len()
    }

    fn clear(&mut self) {
        for part in [&mut self.definition, &mut self.sequence, &mut self.quality_scores] {
            part.clear();
            part.shrink_to(KEPT);
        }
    }
}

impl<R: Read> Reader<R> {
    /// Returns a reader of the FASTA text of `inner`. The reader buffers, so `inner` does not need to.
    pub fn new(inner: R) -> Self {
        Self {
            source: Source::new(inner),
            text: Text::default(),
            records: 0,
            byte: 0,
            held: None,
            fault: None,
        }
    }

    /// Parses the next record into `parsed`; returns whether there was one. `before` is the number of
    /// records before it.
    fn parse(&mut self, parsed: &mut Parsed, before: u64) -> Result<bool, FastqError> {
        parsed.clear();
        let outcome = self.parse_parts(parsed);
        outcome.map_err(|fault| {
            let definition = &parsed.definition;
            let is_named = !matches!(
                fault,
                Fault::NoFastaDefinition { .. } | Fault::LongFastaDefinition { .. }
            );
            FastqError {
                record: before + 1,
                byte: parsed.byte,
                name: (is_named && !definition.is_empty()).then(|| name(definition).to_vec()),
                fault,
            }
        })
    }

    fn parse_parts(&mut self, parsed: &mut Parsed) -> Result<bool, Fault> {
        // Blank lines.
        loop {
            parsed.byte = self.byte;
            self.fill(EXCERPT)?;
            let text = self.text.as_slice();
            let blank = text.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            match (blank, text.first()) {
                (_, None) => return Ok(false),
                (0, Some(b'>')) => break,
                (0, Some(_)) => {
                    let found = text[..text.len().min(EXCERPT)].to_vec();
                    return Err(Fault::NoFastaDefinition { found });
                }
                (blank, _) => self.consume(blank),
            }
        }
        self.consume(b">".len());
        while !self.take_line_into(&mut parsed.definition)? {
            if parsed.definition.len() > LONGEST_DEFINITION {
                return Err(Fault::LongFastaDefinition { longest: LONGEST_DEFINITION });
            }
        }
        if parsed.definition.len() > LONGEST_DEFINITION {
            return Err(Fault::LongFastaDefinition { longest: LONGEST_DEFINITION });
        }
        if parsed.definition.last() == Some(&b'\r') {
            parsed.definition.pop();
        }
        if memchr(b'\r', &parsed.definition).is_some() {
            return Err(Fault::CarriageReturn);
        }
        loop {
            self.fill(1)?;
            if matches!(self.text.as_slice().first(), None | Some(b'>')) {
                break;
            }
            let start = parsed.sequence.len();
            let mut checked = start;
            loop {
                let is_whole = self.take_line_into(&mut parsed.sequence)?;
                let sequence = &mut parsed.sequence;
                // A carriage return may be the first half of a line end whose rest is not read yet.
                let has_return = sequence.len() > start && sequence.last() == Some(&b'\r');
                let bases = sequence.len() - usize::from(has_return);
                if !are_bases(&sequence[checked..bases])
                    && let Some(position) =
                        (checked..bases).find(|position| !is_base(sequence[*position]))
                {
                    return Err(Fault::InvalidBase { position, byte: sequence[position] });
                }
                checked = bases;
                if sequence.len() > LONGEST_RECORD {
                    return Err(Fault::LongSequence { longest: LONGEST_RECORD });
                }
                if is_whole {
                    sequence.truncate(bases);
                    break;
                }
            }
        }
        parsed.quality_scores.resize(parsed.sequence.len(), UNKNOWN_QUALITY);
        Ok(true)
    }

    /// Appends the rest of a line to `line`, as far as it was read; returns whether that was all of it,
    /// and leaves its `\n` out.
    fn take_line_into(&mut self, line: &mut Vec<u8>) -> Result<bool, Fault> {
        self.fill(1)?;
        let text = self.text.as_slice();
        if text.is_empty() {
            return Ok(true);
        }
        let end = memchr(b'\n', text);
        let taken = end.unwrap_or(text.len());
        line.extend_from_slice(&text[..taken]);
        self.consume(taken + usize::from(end.is_some()));
        Ok(end.is_some())
    }

    /// Reads on if fewer than `least` bytes are left, which are fewer only at the end of the stream.
    fn fill(&mut self, least: usize) -> Result<(), Fault> {
        if self.text.as_slice().len() < least {
            self.source.fill(&mut self.text, CHUNK);
            if self.text.as_slice().len() < least
                && let Some(error) = self.source.failure()
            {
                return Err(Fault::Io(error));
            }
        }
        Ok(())
    }

    fn consume(&mut self, bytes: usize) {
        self.text.consume(bytes);
        self.byte += bytes as u64;
    }
}

impl<R: Read + Send> RecordSource for Reader<R> {
    fn read_batch(&mut self, batch: &mut RecordBatch, size: BatchSize) -> Result<bool, FastqError> {
        batch.begin_after(self.records);
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let mut parsed = Parsed::default();
        loop {
            let (records, bytes) = (batch.len(), batch.bytes());
            if size.is_full(records, bytes) {
                self.records += records as u64;
                return Ok(true);
            }
            parsed = match self.held.take() {
                Some(held) => held,
                None => match self.parse(&mut parsed, self.records + records as u64) {
                    Ok(true) => parsed,
                    Ok(false) => {
                        self.records += records as u64;
                        return Ok(false);
                    }
                    Err(fault) if records == 0 => return Err(fault),
                    Err(fault) => {
                        self.records += records as u64;
                        self.fault = Some(fault);
                        return Ok(true);
                    }
                },
            };
            if !size.takes(records, bytes, parsed.bytes()) {
                self.records += records as u64;
                self.held = Some(mem::take(&mut parsed));
                return Ok(true);
            }
            // There is a quality score for each base.
            let _ = batch.push(parsed.view(), parsed.byte);
        }
    }

    fn read_record(&mut self, record: &mut Record) -> Result<bool, FastqError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let mut parsed = Parsed::default();
        let is_there = match self.held.take() {
            Some(held) => {
                parsed = held;
                true
            }
            None => self.parse(&mut parsed, self.records)?,
        };
        if is_there {
            record.copy(parsed.view());
            self.records += 1;
        }
        Ok(is_there)
    }

    fn records(&self) -> u64 {
        self.records
    }

    fn stream_failure_within(&mut self, bytes: u64) -> Option<io::Error> {
        self.source.skip(bytes);
        self.source.failure()
    }
}
