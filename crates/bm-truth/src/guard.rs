//! Checks the lengths that a file states before a parser takes memory for them.
//!
//! A BAM file of a hundred bytes may state a record of four gigabytes, and a compressed line need
//! not end. These adapters lie between the stream and its parser, pass every byte on, and fail at the
//! first length that is over a limit, or that more bytes were promised for than there are.

use std::io::{self, BufRead, Read};

/// Longest record of an alignment, in bytes. The longest reads of any instrument have a few million
/// bases.
const LONGEST_RECORD: u64 = 1 << 26;

/// Longest record that is passed on before all of it is there: a parser takes this much memory
/// without need.
const PASSED_ON: u64 = 1 << 20;

/// Longest line of a header, in bytes: a line of `@PG` has the command line of a program.
const LONGEST_LINE: u64 = 1 << 24;

/// Longest name of a reference sequence, and longest name line of FASTA, in bytes.
const LONGEST_NAME: u64 = 1 << 20;

/// Longest header beside its reference sequences, in bytes, and most lines of it.
const LONGEST_HEADER: u64 = 1 << 26;
const MOST_LINES: u64 = 100_000;

/// Text of a header for each sequence of the reference, in bytes.
const TEXT_PER_SEQUENCE: u64 = 1 << 9;

/// Limits for the header of an alignment to a reference with `sequences` sequences. A header that
/// names others does not fit the reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderLimits {
    sequences: u64,
    bytes: u64,
    lines: u64,
}

impl HeaderLimits {
    pub(crate) fn new(sequences: usize) -> Self {
        let sequences = sequences as u64;
        Self {
            sequences,
            bytes: LONGEST_HEADER + TEXT_PER_SEQUENCE * sequences,
            lines: MOST_LINES + sequences,
        }
    }
}

/// The lines of a header, as far as they were read.
struct HeaderText {
    limits: HeaderLimits,
    bytes: u64,
    lines: u64,
    /// Bytes of the line that is not complete.
    line: u64,
}

impl HeaderText {
    fn new(limits: HeaderLimits) -> Self {
        Self { limits, bytes: 0, lines: 0, line: 0 }
    }

    /// Counts more of the text.
    fn read(&mut self, text: &[u8]) -> io::Result<()> {
        self.bytes += text.len() as u64;
        for piece in text.split_inclusive(|byte| *byte == b'\n') {
            self.line += piece.len() as u64;
            within("a line of the header", self.line, LONGEST_LINE, "bytes")?;
            if piece.ends_with(b"\n") {
                self.line = 0;
                self.lines += 1;
            }
        }
        within("the header", self.bytes, self.limits.bytes, "bytes")?;
        within("the header", self.lines, self.limits.lines, "lines")
    }
}

/// The records of a BAM file, decompressed. Their lengths are checked when they are passed on.
pub(crate) struct CheckedBam<R> {
    inner: R,
    header: HeaderText,
    /// Bytes that were read ahead, and how many of them were passed on.
    ahead: Vec<u8>,
    at: usize,
    /// Bytes of the present part that are passed on as they are.
    left: u64,
    part: Part,
}

/// The parts of a BAM file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Magic,
    /// The text of the header, after its length.
    Text,
    /// The number of reference sequences.
    Count,
    /// A reference sequence; this many follow.
    Sequence(u64),
    Record,
}

impl<R: Read> CheckedBam<R> {
    pub(crate) fn new(inner: R, limits: HeaderLimits) -> Self {
        let header = HeaderText::new(limits);
        Self { inner, header, ahead: Vec::new(), at: 0, left: 0, part: Part::Magic }
    }

    pub(crate) fn get_ref(&self) -> &R {
        &self.inner
    }

    /// Reads the length at the start of the next part, and checks it. At the end of the file nothing
    /// is read, and a length that is cut off is left to the parser.
    fn begin(&mut self) -> io::Result<()> {
        self.at = 0;
        self.ahead.clear();
        (&mut self.inner).take(4).read_to_end(&mut self.ahead)?;
        let Some(length) = self.ahead.first_chunk().map(|bytes| u32::from_le_bytes(*bytes).into())
        else {
            return Ok(());
        };
        match self.part {
            Part::Magic => self.part = Part::Text,
            Part::Text => {
                within("the header", length, self.header.limits.bytes, "bytes")?;
                self.left = length;
                self.part = Part::Count;
            }
            Part::Count => {
                let (count, there) = (length, self.header.limits.sequences);
                if count > there {
                    return refuse(format!(
                        "lists {count} reference sequences, the reference has {there}; give the \
                         reference that the reads were aligned to"
                    ));
                }
                self.part = Part::Record.or_sequences(count);
            }
            Part::Sequence(others) => {
                within("the name of a reference sequence", length, LONGEST_NAME, "bytes")?;
                // The name, and the length of the sequence.
                self.left = length + 4;
                self.part = Part::Record.or_sequences(others);
            }
            Part::Record => {
                within("the record", length, LONGEST_RECORD, "bytes")?;
                if length <= PASSED_ON {
                    self.left = length;
                    return Ok(());
                }
                let there = (&mut self.inner).take(length).read_to_end(&mut self.ahead)? as u64;
                if there < length {
                    let fault = format!("states {length} bytes, the file ends after {there}");
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, fault));
                }
            }
        }
        Ok(())
    }
}

impl Part {
    /// Returns this part, or the reference sequences before it if there are some.
    fn or_sequences(self, count: u64) -> Self {
        count.checked_sub(1).map_or(self, Self::Sequence)
    }
}

impl<R: Read> Read for CheckedBam<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.left == 0 && self.at == self.ahead.len() {
            self.begin()?;
        }
        if self.at < self.ahead.len() {
            let count = (&self.ahead[self.at..]).read(buf)?;
            self.at += count;
            if self.at == self.ahead.len() && self.ahead.len() as u64 > PASSED_ON {
                (self.ahead, self.at) = (Vec::new(), 0);
            }
            return Ok(count);
        }
        let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        let count = self.inner.read(&mut buf[..most])?;
        self.left -= count as u64;
        // The text is the part before the number of sequences.
        if self.part == Part::Count {
            self.header.read(&buf[..count])?;
        }
        Ok(count)
    }
}

/// Checks text while a parser takes it, at most a line at a time.
pub(crate) trait Check {
    /// Counts text that the parser took.
    ///
    /// # Errors
    ///
    /// If a line is too long.
    fn count(&mut self, text: &[u8]) -> io::Result<()>;
}

/// A text that is checked while it is read.
pub(crate) struct Checked<R, C> {
    inner: R,
    check: C,
    fault: Option<io::Error>,
}

impl<R: BufRead, C: Check> Checked<R, C> {
    pub(crate) fn new(inner: R, check: C) -> Self {
        Self { inner, check, fault: None }
    }
}

impl<R: BufRead, C: Check> Read for Checked<R, C> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buf)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead, C: Check> BufRead for Checked<R, C> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => self.inner.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        // The next call for text returns the fault.
        self.fault = match self.inner.fill_buf() {
            Ok(_) if count == 0 => None,
            Ok(text) => self.check.count(&text[..count.min(text.len())]).err(),
            Err(error) => Some(error),
        };
        self.inner.consume(count);
    }
}

/// Checks the lines of a SAM file.
pub(crate) struct SamLines {
    header: HeaderText,
    /// Whether the next line may be one of the header.
    in_header: bool,
    /// Bytes of the record that is not complete.
    line: u64,
}

impl SamLines {
    pub(crate) fn new(limits: HeaderLimits) -> Self {
        Self { header: HeaderText::new(limits), in_header: true, line: 0 }
    }
}

impl Check for SamLines {
    fn count(&mut self, text: &[u8]) -> io::Result<()> {
        if self.in_header && self.header.line == 0 && text.first() != Some(&b'@') {
            self.in_header = false;
        }
        if self.in_header {
            return self.header.read(text);
        }
        // A parser takes text up to the end of a line, so the search ends at once.
        match text.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => self.line = (text.len() - end - 1) as u64,
            None => self.line += text.len() as u64,
        }
        within("the record", self.line, LONGEST_RECORD, "bytes")
    }
}

/// Checks the name lines of a FASTA file; sequences have no limit.
pub(crate) struct FastaNames {
    at_start: bool,
    /// Bytes of the name line that is not complete; `None` in a sequence.
    name: Option<u64>,
}

impl FastaNames {
    pub(crate) fn new() -> Self {
        Self { at_start: true, name: None }
    }
}

impl Check for FastaNames {
    fn count(&mut self, text: &[u8]) -> io::Result<()> {
        if self.at_start {
            self.name = (text.first() == Some(&b'>')).then_some(0);
        }
        self.at_start = text.ends_with(b"\n");
        match &mut self.name {
            Some(name) => {
                *name += text.len() as u64;
                within("a line with a name", *name, LONGEST_NAME, "bytes")
            }
            None => Ok(()),
        }
    }
}

fn within(what: &str, length: u64, most: u64, unit: &str) -> io::Result<()> {
    if length <= most {
        return Ok(());
    }
    refuse(format!("{what} has more than {most} {unit}; is the file damaged?"))
}

fn refuse(message: String) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::InvalidData, message))
}
