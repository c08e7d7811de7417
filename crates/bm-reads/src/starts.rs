//! Where records begin in a text that is read from any place on.
//!
//! A file that several machines read in parts is cut between two records, and the place of a cut must
//! not depend on which of the two parts looks for it. In FASTA, a record begins where a line begins with
//! `>`. In FASTQ of four lines per record, `@` and `+` may begin a line of quality scores, too. But of
//! four lines that follow each other, one alone begins with `@` and has a `+` two lines later: behind
//! quality scores that begin with `@`, the second line is a sequence, which has no `+`. So every cut of
//! valid text is right. Records of other numbers of lines have no such rule, and are told from them by
//! several records ([`Found::Unknown`]).
//!
//! ```
//! use bm_reads::starts::{Found, Lines};
//!
//! // The end of a record whose quality scores begin with `@`, and the next one.
//! let text = b"GT\n+\n@+\n@r2\nAC\n+\nII\n";
//! assert_eq!(Lines::Fastq.first(text, true), Found::At(8));
//! assert_eq!(Lines::Fastq.first(b"GT\n+\n@+\n@r2\nAC", false), Found::Part);
//! ```

use memchr::memchr;

use crate::fastq::{LONGEST_RECORD, are_bases};

/// Records that must follow each other where one is to begin.
const CHECKED: usize = 8;

/// How the records of a text are divided into lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lines {
    /// FASTQ: four lines per record.
    Fastq,
    /// FASTA: a line with `>`, and any number of lines of the sequence.
    Fasta,
}

/// Where the first record begins of which a text has the start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found {
    /// At this byte.
    At(usize),
    /// More text is needed.
    Part,
    /// No record begins in the text, nor after it.
    End,
    /// The text is not of this format: its records have another number of lines, or it is broken.
    Unknown,
}

/// What is at the start of a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next<'a> {
    /// A record.
    Record {
        /// Its definition line, without the first byte.
        definition: &'a [u8],
        /// Its length in bytes, with line ends.
        bytes: usize,
    },
    /// The start of a record; more text is needed.
    Part,
    /// The end of the file, after blank lines at most.
    End,
    /// Something else.
    Unknown,
}

impl Lines {
    /// Returns where the first record begins behind the first line end of a text; `at_end` means that
    /// nothing follows the text. The text may begin anywhere.
    pub fn first(self, text: &[u8], at_end: bool) -> Found {
        let (mut at, nothing) = (0, if at_end { Found::End } else { Found::Part });
        // Of lines of FASTA, any number may be of a sequence.
        let most = if self == Self::Fastq { 4 } else { usize::MAX };
        for _ in 0..most {
            let Some(end) = memchr(b'\n', &text[at..]) else { return nothing };
            at += end + 1;
            match self.is_start(&text[at..], at_end) {
                Found::At(_) => return Found::At(at),
                Found::Unknown => {}
                found => return found,
            }
        }
        Found::Unknown
    }

    /// Returns whether a record begins at the start of a text.
    fn is_start(self, text: &[u8], at_end: bool) -> Found {
        if self == Self::Fasta {
            return match text.first() {
                Some(b'>') => Found::At(0),
                Some(_) => Found::Unknown,
                None if at_end => Found::End,
                None => Found::Part,
            };
        }
        let mut at = 0;
        for record in 0..CHECKED {
            match self.next(&text[at..], at_end) {
                Next::Record { bytes, .. } => at += bytes,
                Next::End if record == 0 => return Found::End,
                Next::End => break,
                Next::Part => return Found::Part,
                Next::Unknown => return Found::Unknown,
            }
        }
        Found::At(0)
    }

    /// Returns the record at the start of a text; `at_end` means that nothing follows the text. Only
    /// the lines of a record are looked at.
    pub fn next(self, text: &[u8], at_end: bool) -> Next<'_> {
        let first = if self == Self::Fastq { b'@' } else { b'>' };
        match text.first() {
            Some(byte) if *byte == first => {}
            _ => return end(text, at_end),
        }
        let next = match self {
            Self::Fastq => of_four_lines(text, at_end),
            Self::Fasta => of_fasta(text, at_end),
        };
        match next {
            // The reader refuses it, too.
            Next::Part if text.len() > LONGEST_RECORD => Next::Unknown,
            next => next,
        }
    }
}

/// Returns what is at the start of a text that begins with no record.
fn end(text: &[u8], at_end: bool) -> Next<'static> {
    match text.iter().all(|byte| matches!(byte, b'\n' | b'\r')) {
        true if at_end => Next::End,
        true => Next::Part,
        false => Next::Unknown,
    }
}

fn of_four_lines(text: &[u8], at_end: bool) -> Next<'_> {
    let missing = if at_end { Next::Unknown } else { Next::Part };
    let Some((definition, at)) = line(text, 0, at_end) else { return missing };
    let Some((sequence, at)) = line(text, at, at_end) else { return missing };
    if !are_bases(sequence) {
        return Next::Unknown;
    }
    let Some((plus, at)) = line(text, at, at_end) else { return missing };
    if plus.first() != Some(&b'+') {
        return Next::Unknown;
    }
    let bytes = match line(text, at, at_end) {
        Some((quality_scores, at)) if quality_scores.len() == sequence.len() => at,
        Some(_) => return Next::Unknown,
        // An empty read at the end of the file.
        None if at_end && sequence.is_empty() => at,
        None => return missing,
    };
    Next::Record { definition: &definition[1..], bytes }
}

fn of_fasta(text: &[u8], at_end: bool) -> Next<'_> {
    let missing = if at_end { Next::Unknown } else { Next::Part };
    let Some((definition, mut at)) = line(text, 0, at_end) else { return missing };
    loop {
        match text.get(at) {
            Some(b'>') => break,
            None if at_end => break,
            None => return Next::Part,
            Some(_) => match line(text, at, at_end) {
                Some((_, next)) => at = next,
                None => return missing,
            },
        }
    }
    Next::Record { definition: &definition[1..], bytes: at }
}

/// Returns the line that begins at a byte, without its line end, and the start of the next one; `None`
/// if it has no end yet, or if there is none.
fn line(text: &[u8], start: usize, at_end: bool) -> Option<(&[u8], usize)> {
    let rest = &text[start..];
    let (line, next) = match memchr(b'\n', rest) {
        Some(end) => (&rest[..end], start + end + 1),
        None if at_end && !rest.is_empty() => (rest, text.len()),
        None => return None,
    };
    Some((line.strip_suffix(b"\r").unwrap_or(line), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_scores_that_look_like_other_lines_are_no_start() {
        let records = ["@a\nACGT\n+\n@@+A\n", "@b x\nA\n+b\n+\n", "@c\n\n+\n\n", "@d\nNN\n+\n@r\n"];
        let text = records.concat().repeat(3);
        let starts: Vec<usize> = (0..12)
            .scan(0, |at, i| {
                let start = *at;
                *at += records[i % 4].len();
                Some(start)
            })
            .collect();
        for from in 0..text.len() {
            let line = from + memchr(b'\n', &text.as_bytes()[from..]).unwrap_or_default();
            let expected = match starts.iter().find(|start| **start > line) {
                Some(start) => Found::At(start - from),
                None => Found::End,
            };
            assert_eq!(Lines::Fastq.first(&text.as_bytes()[from..], true), expected, "{from}");
        }
    }

    #[test]
    fn a_part_of_the_text_is_not_enough_and_never_wrong() {
        let text = b"GG\n@a\nACGT\n+\n@@+A\n@b\r\nA\r\n+\r\n@\r\n@c\n\n+\n\n\n".as_slice();
        for end in 0..text.len() {
            assert_eq!(Lines::Fastq.first(&text[..end], false), Found::Part, "{end}");
        }
        assert_eq!(Lines::Fastq.first(text, true), Found::At(3));
        assert_eq!(Lines::Fastq.first(b"II\n@a\n\n+\n", true), Found::At(3));
        assert_eq!(Lines::Fastq.first(b"II\n@a\nA\n+\n@", true), Found::At(3));
    }

    #[test]
    fn other_numbers_of_lines_are_refused() {
        for text in [
            "AC\n@a\nAC\nGT\n+\nII\nII\n@b\nAC\nGT\n+\nII\nII\n",
            "x\n@a\nAC\n+\nI\n@b\nAC\n+\nII\n",
            "x\n\n@a\nAC\n+\nI\n\n@b\nAC\n+\nII\n",
        ] {
            assert_eq!(Lines::Fastq.first(text.as_bytes(), true), Found::Unknown, "{text}");
        }
    }

    #[test]
    fn records_of_fasta_begin_at_their_sign() {
        let text = b"CC\nGG\n>a x\nAC\n\nGT\n>b\n>c\nA";
        assert_eq!(Lines::Fasta.first(text, true), Found::At(6));
        assert_eq!(Lines::Fasta.first(&text[..6], false), Found::Part);
        assert_eq!(Lines::Fasta.first(b"CC\nGG", true), Found::End);
        let next = Lines::Fasta.next(&text[6..], true);
        assert_eq!(next, Next::Record { definition: b"a x", bytes: 12 });
        assert_eq!(
            Lines::Fasta.next(&text[18..], false),
            Next::Record { definition: b"b", bytes: 3 }
        );
        assert_eq!(Lines::Fasta.next(&text[21..], false), Next::Part);
        assert_eq!(
            Lines::Fasta.next(&text[21..], true),
            Next::Record { definition: b"c", bytes: 4 }
        );
    }
}
