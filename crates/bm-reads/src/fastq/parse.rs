//! Parses and checks one record at the start of a text.

use std::ops::Range;

use memchr::memchr;

use super::error::Fault;
use super::plus_line;
use super::record::{RecordRef, name};
use crate::bam::BamFields;
use crate::read::check_quality;
use crate::{Phred, ReadError};

/// Number of unexpected bytes that a message shows.
const EXCERPT: usize = 8;

/// Longest line with a read's name, in bytes. Tags of modified bases (MM, ML) take some ten bytes for each
/// base that may be modified, so they can be longer than the longest reads. The limit keeps a file
/// without line ends from filling the memory.
pub(crate) const LONGEST_DEFINITION: usize = 1 << 26;

/// Longest record, in bytes. The longest reads of any instrument have a few million bases.
pub(crate) const LONGEST_RECORD: usize = 1 << 28;

/// Positions of the parts of a record in its text, without line ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Start of the definition, after its `@`.
    definition: usize,
    definition_length: usize,
    sequence: usize,
    quality_scores: usize,
    /// Number of bases and of quality scores.
    bases: usize,
    /// Number of bases before these that are left out.
    cut: usize,
    /// Number of bases behind these that are left out.
    cut_behind: usize,
}

impl Span {
    /// Returns the span of a record of four lines that starts at this byte of a text.
    pub(super) fn of_parts(start: usize, definition_length: usize, bases: usize) -> Self {
        let definition = start + b"@".len();
        let sequence = definition + definition_length + b"\n".len();
        let quality_scores = sequence + bases + b"\n+\n".len();
        Self {
            definition,
            definition_length,
            sequence,
            quality_scores,
            bases,
            cut: 0,
            cut_behind: 0,
        }
    }

    /// Returns the record in `text`.
    pub(super) fn of(self, text: &[u8]) -> RecordRef<'_> {
        let part = |start: usize, length: usize| &text[start..start + length];
        RecordRef {
            definition: part(self.definition, self.definition_length),
            sequence: part(self.sequence, self.bases),
            quality_scores: part(self.quality_scores, self.bases),
            bam: BamFields::NONE,
        }
    }

    /// Leaves out as many bases at the start, or all if there are fewer.
    pub(super) fn cut_start(&mut self, bases: usize) {
        let bases = bases.min(self.bases);
        self.sequence += bases;
        self.quality_scores += bases;
        self.bases -= bases;
        self.cut += bases;
    }

    /// Returns the span of these bases of the record, of those that are not left out.
    pub(super) fn part(self, bases: Range<usize>) -> Self {
        let end = bases.end.min(self.bases);
        let mut part = self;
        part.bases = end;
        part.cut_behind += self.bases - end;
        part.cut_start(bases.start);
        part
    }

    /// Returns the number of bases that are left out at the start.
    pub(super) fn cut(self) -> usize {
        self.cut
    }

    /// Returns the span with the bases that are left out.
    pub(super) fn whole(self) -> Self {
        let Self { sequence, quality_scores, bases, cut, cut_behind, .. } = self;
        Self {
            sequence: sequence - cut,
            quality_scores: quality_scores - cut,
            bases: cut + bases + cut_behind,
            cut: 0,
            cut_behind: 0,
            ..self
        }
    }

    /// Rewrites the quality scores in `text` from Phred + 64 to Phred + 33.
    pub(super) fn convert_phred64(self, text: &mut [u8]) -> Result<(), Fault> {
        const OFFSET: u8 = 64;
        let quality_scores = &mut text[self.quality_scores..self.quality_scores + self.bases];
        if let Some(position) = quality_scores.iter().position(|byte| *byte < OFFSET) {
            return Err(Fault::NotPhred64 { position, byte: quality_scores[position] });
        }
        quality_scores.iter_mut().for_each(|byte| *byte -= OFFSET - Phred::OFFSET);
        Ok(())
    }

    /// Returns the start of the record in its text.
    pub(super) fn start(self) -> usize {
        self.definition - 1
    }

    /// Returns the span shifted by this many bytes.
    pub(super) fn after(self, bytes: usize) -> Self {
        let Self { definition, sequence, quality_scores, .. } = self;
        Self {
            definition: bytes + definition,
            sequence: bytes + sequence,
            quality_scores: bytes + quality_scores,
            ..self
        }
    }

    /// Returns the span in a text that starts this many bytes later.
    pub(super) fn before(self, bytes: usize) -> Self {
        let Self { definition, sequence, quality_scores, .. } = self;
        Self {
            definition: definition - bytes,
            sequence: sequence - bytes,
            quality_scores: quality_scores - bytes,
            ..self
        }
    }
}

/// What was found at the start of a text.
#[derive(Debug)]
pub(super) enum Found {
    /// A valid record, and its length in bytes with line ends.
    Record { span: Span, bytes: usize },
    /// An invalid record.
    Fault { name: Option<Vec<u8>>, fault: Fault },
    /// The end of the file, after blank lines at most.
    Nothing,
    /// The start of a record; more text is needed.
    Part,
}

/// A line without its line end, and the start of the next line.
struct Line {
    content: Range<usize>,
    next: usize,
    /// Whether a line end closes the line, and not only the end of the file.
    is_whole: bool,
}

/// Why parsing stopped before the end of the record.
enum Stop {
    Part,
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Parses the record at the start of `text`; `at_end` means that nothing follows the text.
///
/// In a wrapped record, the lines of the sequence are joined in place, and so are those of the
/// quality scores.
pub(super) fn record(text: &mut [u8], at_end: bool) -> Found {
    if text.first() != Some(&b'@') {
        return no_definition(text, at_end);
    }
    let definition = line(text, 0, at_end);
    let length = definition.as_ref().map_or(text.len(), |line| line.content.len());
    if length > LONGEST_DEFINITION {
        return Found::Fault {
            name: None,
            fault: Fault::LongDefinition { longest: LONGEST_DEFINITION },
        };
    }
    let Some(definition) = definition else { return Found::Part };
    match body(text, &definition, at_end) {
        // Checked here too, since a record read in one piece never reaches the reader's limit.
        Ok((_, bytes)) if bytes > LONGEST_RECORD => {
            let name = name(&text[1..definition.content.end]).to_vec();
            Found::Fault { name: Some(name), fault: Fault::LongRecord { longest: LONGEST_RECORD } }
        }
        Ok((span, bytes)) => Found::Record { span, bytes },
        Err(Stop::Part) => Found::Part,
        Err(Stop::Fault(fault)) => {
            Found::Fault { name: Some(name(&text[1..definition.content.end]).to_vec()), fault }
        }
    }
}

/// Returns what was found at the start of a text that does not start with `@`.
fn no_definition(text: &[u8], at_end: bool) -> Found {
    let fault = match text.iter().position(|byte| !matches!(byte, b'\n' | b'\r')) {
        None if at_end => return Found::Nothing,
        None => return Found::Part,
        Some(0) if text.len() < EXCERPT && !at_end => return Found::Part,
        Some(0) => Fault::NoDefinition { found: text[..text.len().min(EXCERPT)].to_vec() },
        Some(_) => Fault::BlankLine,
    };
    Found::Fault { name: None, fault }
}

/// Parses the record after its definition; returns its span and the start of the next record.
fn body(text: &mut [u8], definition: &Line, at_end: bool) -> Result<(Span, usize), Stop> {
    let sequence =
        line(text, definition.next, at_end).ok_or_else(|| cut("its definition", at_end))?;
    let plus = line(text, sequence.next, at_end).ok_or_else(|| cut("its sequence", at_end))?;
    if text.get(plus.content.start) != Some(&b'+') {
        return wrapped(text, definition, sequence, at_end);
    }
    let bases = sequence.content.len();
    let (quality_scores, next) = match line(text, plus.next, at_end) {
        Some(line) if !line.is_whole && line.content.len() < bases => {
            return Err(cut_in_quality(line.content.len(), bases));
        }
        Some(line) if line.content.len() < bases && line.is_whole => {
            match end_of_wrapped_quality(text, plus.next, bases, at_end)? {
                Some(end) => (join(text, plus.next, end), end),
                None => (line.content, line.next),
            }
        }
        Some(line) => (line.content, line.next),
        // The quality line of an empty read has no bytes at the end of a file: it counts as present
        // if the `+` line has a line end.
        None if at_end && plus.is_whole && bases == 0 => (plus.next..plus.next, plus.next),
        None => return Err(cut(AFTER_PLUS, at_end)),
    };
    Ok((check(text, definition, &plus, sequence.content, quality_scores)?, next))
}

/// Returns where quality scores end that begin at `start` and are wrapped, though the sequence is not;
/// `None` if they are too few.
///
/// They are wrapped if whole lines have exactly one for each base, and if the next record or the end of
/// the file follows.
fn end_of_wrapped_quality(
    text: &[u8],
    start: usize,
    bases: usize,
    at_end: bool,
) -> Result<Option<usize>, Stop> {
    let (mut quality_scores, mut next) = (0, start);
    while quality_scores < bases {
        match line(text, next, at_end) {
            Some(line) if !line.content.is_empty() => {
                quality_scores += line.content.len();
                next = line.next;
            }
            Some(_) => return Ok(None),
            None if at_end => return Ok(None),
            None => return Err(Stop::Part),
        }
    }
    let follows = match text.get(next) {
        None if !at_end => return Err(Stop::Part),
        None | Some(b'@' | b'\n' | b'\r') => true,
        Some(_) => false,
    };
    Ok((quality_scores == bases && follows).then_some(next))
}

/// Parses a wrapped record after its definition, and joins the lines of its sequence and of its
/// quality scores.
///
/// A line of quality scores may begin with `@` or `+`, so the quality scores end when there is one
/// per base.
fn wrapped(
    text: &mut [u8],
    definition: &Line,
    first: Line,
    at_end: bool,
) -> Result<(Span, usize), Stop> {
    let is_sequence = |line: &[u8]| !line.is_empty() && are_bases(line);
    let first_is_sequence = is_sequence(&text[first.content.clone()]);
    let mut bases = first.content.len();
    let mut next = first.next;
    let plus = loop {
        let line = line(text, next, at_end).ok_or_else(|| cut("its sequence", at_end))?;
        let content = &text[line.content.clone()];
        if content.first() == Some(&b'+') {
            break line;
        }
        if !is_sequence(content) || !first_is_sequence {
            let found = text[line.content.start..line.next].iter().copied().take(EXCERPT).collect();
            return Err(Fault::NoPlus { found }.into());
        }
        bases += content.len();
        next = line.next;
    };
    let mut quality_scores = 0;
    next = plus.next;
    while quality_scores < bases {
        match line(text, next, at_end) {
            // An empty line ends the quality scores too early.
            Some(line) if line.content.is_empty() && line.is_whole => break,
            Some(line) => {
                quality_scores += line.content.len();
                if !line.is_whole && quality_scores < bases {
                    return Err(cut_in_quality(quality_scores, bases));
                }
                next = line.next;
            }
            None if quality_scores == 0 => return Err(cut(AFTER_PLUS, at_end)),
            None if at_end => return Err(cut_in_quality(quality_scores, bases)),
            None => return Err(Stop::Part),
        }
    }
    let sequence = join(text, first.content.start, plus.content.start);
    let quality_scores = join(text, plus.next, next);
    Ok((check(text, definition, &plus, sequence, quality_scores)?, next))
}

/// Joins the lines from `start` to `end`, which must be complete; returns the range of the result.
fn join(text: &mut [u8], start: usize, end: usize) -> Range<usize> {
    let mut joined = start;
    let mut next = start;
    while next < end
        && let Some(line) = line(&text[..end], next, true)
    {
        let length = line.content.len();
        text.copy_within(line.content, joined);
        joined += length;
        next = line.next;
    }
    start..joined
}

/// Returns the line that starts at `start`, if it is complete. The last line of the file needs no
/// line end.
fn line(text: &[u8], start: usize, at_end: bool) -> Option<Line> {
    let rest = &text[start..];
    let (length, is_whole) = match memchr(b'\n', rest) {
        Some(length) => (length, true),
        None if at_end && !rest.is_empty() => (rest.len(), false),
        None => return None,
    };
    let content = rest[..length].strip_suffix(b"\r").map_or(length, <[u8]>::len);
    Some(Line {
        content: start..start + content,
        next: start + length + usize::from(is_whole),
        is_whole,
    })
}

const AFTER_PLUS: &str = "its `+` line";

fn cut(after: &'static str, at_end: bool) -> Stop {
    if at_end { Fault::Cut { after }.into() } else { Stop::Part }
}

fn cut_in_quality(quality_scores: usize, sequence: usize) -> Stop {
    match quality_scores {
        0 => Fault::Cut { after: AFTER_PLUS },
        _ => Fault::CutInQuality { sequence, quality_scores },
    }
    .into()
}

/// Checks the parts of a complete record.
fn check(
    text: &[u8],
    definition: &Line,
    plus: &Line,
    sequence: Range<usize>,
    quality_scores: Range<usize>,
) -> Result<Span, Fault> {
    // Without the leading `@` and `+`.
    let definition = definition.content.start + 1..definition.content.end;
    let repeated = &text[plus.content.start + 1..plus.content.end];
    let span = Span {
        definition: definition.start,
        definition_length: definition.len(),
        sequence: sequence.start,
        quality_scores: quality_scores.start,
        bases: sequence.len(),
        cut: 0,
        cut_behind: 0,
    };
    let (definition, sequence, quality_scores) =
        (&text[definition], &text[sequence], &text[quality_scores]);
    if memchr(b'\r', definition).is_some() {
        return Err(Fault::CarriageReturn);
    }
    if !plus_line::is_of(repeated, definition) {
        return Err(Fault::PlusNamesAnother { found: repeated.to_vec() });
    }
    if !are_bases(sequence)
        && let Some((position, &byte)) =
            sequence.iter().enumerate().find(|(_, byte)| !is_base(**byte))
    {
        return Err(Fault::InvalidBase { position, byte });
    }
    check_quality(quality_scores).map_err(Fault::Read)?;
    if sequence.len() != quality_scores.len() {
        let (sequence, quality_scores) = (sequence.len(), quality_scores.len());
        return Err(Fault::Read(ReadError::LengthMismatch { sequence, quality_scores }));
    }
    Ok(span)
}

/// Returns whether a byte is a letter (IUPAC codes, either case, U) or one of the signs that real
/// files use for unknown bases, gaps and stops.
pub(crate) fn is_base(byte: u8) -> bool {
    byte.is_ascii_alphabetic() | matches!(byte, b'.' | b'-' | b'*')
}

/// Returns whether all bytes are.
pub(crate) fn are_bases(sequence: &[u8]) -> bool {
    // A loop without an early exit compiles to vector instructions.
    sequence.iter().fold(true, |right, byte| right & is_base(*byte))
}
