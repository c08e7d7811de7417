//! One record out of a text: where its parts are, and every check.

use std::ops::Range;

use memchr::memchr;

use super::error::Fault;
use super::record::{RecordRef, name};
use crate::read::check_quality;
use crate::{Phred, ReadError};

/// Bytes that a message shows of what was found instead of what was expected.
const EXCERPT: usize = 8;

/// Longest line with a read's name, in bytes: a file without line ends is not read into memory to
/// its end.
const LONGEST_DEFINITION: usize = 1 << 20;

/// Longest record, in bytes: the longest reads of any instrument have some millions of bases.
pub(super) const LONGEST_RECORD: usize = 1 << 28;

/// Where the parts of a record are in its text, without line ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// Where the definition starts, behind its `@`.
    definition: usize,
    definition_length: usize,
    sequence: usize,
    quality_scores: usize,
    /// Bases, and as many quality scores.
    bases: usize,
}

impl Span {
    /// Returns the places of the parts of a record of four lines that starts at this byte of a text.
    pub(super) fn of_parts(start: usize, definition_length: usize, bases: usize) -> Self {
        let definition = start + b"@".len();
        let sequence = definition + definition_length + b"\n".len();
        let quality_scores = sequence + bases + b"\n+\n".len();
        Self { definition, definition_length, sequence, quality_scores, bases }
    }

    /// Returns the record that is there in `text`.
    pub(super) fn of(self, text: &[u8]) -> RecordRef<'_> {
        let part = |start: usize, length: usize| &text[start..start + length];
        RecordRef {
            definition: part(self.definition, self.definition_length),
            sequence: part(self.sequence, self.bases),
            quality_scores: part(self.quality_scores, self.bases),
        }
    }

    /// Rewrites the quality scores from Phred + 64 to Phred + 33, where they are.
    pub(super) fn convert_phred64(self, text: &mut [u8]) -> Result<(), Fault> {
        const OFFSET: u8 = 64;
        let quality_scores = &mut text[self.quality_scores..self.quality_scores + self.bases];
        if let Some(position) = quality_scores.iter().position(|byte| *byte < OFFSET) {
            return Err(Fault::NotPhred64 { position, byte: quality_scores[position] });
        }
        quality_scores.iter_mut().for_each(|byte| *byte -= OFFSET - Phred::OFFSET);
        Ok(())
    }

    /// Returns where the record starts in its text.
    pub(super) fn start(self) -> usize {
        self.definition - 1
    }

    /// Returns the same place in a text that has so many bytes before this one.
    pub(super) fn after(self, bytes: usize) -> Self {
        let Self { definition, sequence, quality_scores, .. } = self;
        Self {
            definition: bytes + definition,
            sequence: bytes + sequence,
            quality_scores: bytes + quality_scores,
            ..self
        }
    }
}

/// What a text begins with.
#[derive(Debug)]
pub(super) enum Found {
    /// A record that is right, and how many bytes it has with its line ends.
    Record { span: Span, bytes: usize },
    /// A record that is not.
    Fault { name: Option<Vec<u8>>, fault: Fault },
    /// No more than blank lines, and this is the end.
    Nothing,
    /// What can only be told when there is more text.
    Part,
}

/// A line: where it is without its end, and where the next one starts.
struct Line {
    content: Range<usize>,
    next: usize,
    /// Whether it has an end, other than that of the file.
    is_whole: bool,
}

/// Why there is no record.
enum Stop {
    Part,
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Looks for the record that `text` begins with; `at_end` says that nothing follows the text.
///
/// The lines of a record that is wrapped are joined where they are: its sequence, and its quality
/// scores.
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
        // However much of it was there at once.
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

/// Tells what a text begins with that does not begin with a definition.
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

/// Finds what follows the definition.
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
        Some(line) => (line.content, line.next),
        // The last line of an empty read has no bytes of its own: it is there if the line before it
        // ended.
        None if at_end && plus.is_whole && bases == 0 => (plus.next..plus.next, plus.next),
        None => return Err(cut(AFTER_PLUS, at_end)),
    };
    Ok((check(text, definition, &plus, sequence.content, quality_scores)?, next))
}

/// Finds what follows the definition where sequence and quality scores have several lines each, and
/// joins those.
///
/// A line of quality scores may begin with `@` or `+`: they end where there is one for each base.
fn wrapped(
    text: &mut [u8],
    definition: &Line,
    first: Line,
    at_end: bool,
) -> Result<(Span, usize), Stop> {
    let is_sequence = |line: &[u8]| !line.is_empty() && are_bases(line);
    let mut bases = first.content.len();
    let mut next = first.next;
    let plus = loop {
        let line = line(text, next, at_end).ok_or_else(|| cut("its sequence", at_end))?;
        let content = &text[line.content.clone()];
        if content.first() == Some(&b'+') {
            break line;
        }
        if !is_sequence(content) || !is_sequence(&text[first.content.clone()]) {
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
            // A line that says nothing ends the scores: there are too few.
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

/// Joins the lines from `start` to `end`, which are all there; returns where what they hold is now.
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

/// Returns the line that starts at `start`, if it is all there. At the end of the file a line needs
/// no end of its own.
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

/// Checks the parts of a record whose lines are all there.
fn check(
    text: &[u8],
    definition: &Line,
    plus: &Line,
    sequence: Range<usize>,
    quality_scores: Range<usize>,
) -> Result<Span, Fault> {
    // Behind the signs that they begin with.
    let definition = definition.content.start + 1..definition.content.end;
    let repeated = &text[plus.content.start + 1..plus.content.end];
    let span = Span {
        definition: definition.start,
        definition_length: definition.len(),
        sequence: sequence.start,
        quality_scores: quality_scores.start,
        bases: sequence.len(),
    };
    let (definition, sequence, quality_scores) =
        (&text[definition], &text[sequence], &text[quality_scores]);
    if memchr(b'\r', definition).is_some() {
        return Err(Fault::CarriageReturn);
    }
    if !repeated.is_empty() && repeated != definition && repeated != name(definition) {
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

/// A base is a letter (IUPAC codes, either case, U), or one of the signs that files in use have for
/// unknown, gap and stop.
fn is_base(byte: u8) -> bool {
    byte.is_ascii_alphabetic() | matches!(byte, b'.' | b'-' | b'*')
}

fn are_bases(sequence: &[u8]) -> bool {
    // Without a way out of the loop it is one vector instruction for many bytes.
    sequence.iter().fold(true, |right, byte| right & is_base(*byte))
}
